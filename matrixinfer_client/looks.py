"""One look at an object of any kind: its wire form, and the parts of it that say how it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, cast

from matrixinfer_client import codec
from matrixinfer_client.models import ApiModel

__all__ = ["Look", "mapping", "rows", "text", "texts"]


def mapping(value: object) -> Mapping[str, Any]:
    """`value` if it is a mapping, else an empty one: servers may send anything."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def rows(value: object) -> Sequence[Mapping[str, Any]]:
    """The mappings in `value` if it is a list."""
    if not isinstance(value, list):
        return ()
    return [mapping(item) for item in cast("list[object]", value)]


def text(value: object) -> str:
    """`value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> Sequence[str]:
    """The strings in `value` if it is a list."""
    if not isinstance(value, list):
        return ()
    return [item for item in cast("list[object]", value) if isinstance(item, str)]


class Look:
    """An object as the server sent it, read without trusting its shape."""

    def __init__(self, obj: ApiModel | Mapping[str, Any]) -> None:
        self.object = obj

    @cached_property
    def wire(self) -> Mapping[str, Any]:
        """The whole object as plain data."""
        return codec.to_dict(self.object) if isinstance(self.object, ApiModel) else self.object

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """`metadata`."""
        return mapping(self.wire.get("metadata"))

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """`spec`."""
        return mapping(self.wire.get("spec"))

    @cached_property
    def status(self) -> Mapping[str, Any]:
        """`status`; empty when there is none yet."""
        return mapping(self.wire.get("status"))

    @cached_property
    def conditions(self) -> Mapping[str, Mapping[str, Any]]:
        """`status.conditions` by type."""
        return {text(row.get("type")): row for row in rows(self.status.get("conditions"))}

    @property
    def name(self) -> str:
        """`metadata.name`."""
        return text(self.metadata.get("name"))

    @property
    def kind(self) -> str:
        """`kind`."""
        return text(self.wire.get("kind"))

    @property
    def uid(self) -> str:
        """`metadata.uid`."""
        return text(self.metadata.get("uid"))

    @property
    def version(self) -> str:
        """`metadata.resourceVersion`."""
        return text(self.metadata.get("resourceVersion"))

    @property
    def labels(self) -> Mapping[str, Any]:
        """`metadata.labels`."""
        return mapping(self.metadata.get("labels"))

    @property
    def is_deleting(self) -> bool:
        """Whether the object is on its way out, held by a finalizer."""
        return bool(self.metadata.get("deletionTimestamp"))

    @property
    def generation(self) -> int:
        """`metadata.generation`; 0 when the server counts none."""
        return _number(self.metadata.get("generation"))

    @property
    def observed_generation(self) -> int | None:
        """`status.observedGeneration`; None when the controller has not said."""
        value = self.status.get("observedGeneration")
        return value if isinstance(value, int) else None

    @property
    def observed(self) -> bool:
        """Whether the status is about the newest spec."""
        return (self.observed_generation or 0) >= self.generation

    def count(self, field: str) -> int:
        """A counter of the status; controllers leave zeros out."""
        return _number(self.status.get(field))

    def status_of(self, condition: str) -> str | None:
        """The status of a condition; None when there is no such condition."""
        row = self.conditions.get(condition)
        return None if row is None else text(row.get("status"))

    def message_of(self, condition: str) -> str:
        """The message of a condition; empty when there is none."""
        return text(self.conditions.get(condition, {}).get("message"))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
