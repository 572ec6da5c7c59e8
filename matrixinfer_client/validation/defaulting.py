"""`defaults`: what the server and the webhooks fill in, and which of them does."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast

import attrs

from matrixinfer_client import codec
from matrixinfer_client.models import ApiObject
from matrixinfer_client.validation.objects import complete, identity_errors, is_readable
from matrixinfer_client.validation.rendering import Parts, render_path, render_value
from matrixinfer_client.validation.results import Report
from matrixinfer_client.validation.schemas import kind_schema
from matrixinfer_client.validation.webhooks import mutate

__all__ = ["Default", "DefaultSource", "Defaults", "defaults"]

_T = TypeVar("_T", bound="ApiObject | Mapping[str, Any]")

DefaultSource: TypeAlias = Literal["crd", "webhook"]


@attrs.frozen(kw_only=True)
class Default:
    """One value that was not given: where, what, and whether the CRD or a webhook fills it in."""

    path: str
    value: Any
    source: DefaultSource
    parts: Parts = attrs.field(default=(), repr=False, eq=False)

    def __str__(self) -> str:
        return f"{self.path} = {render_value(self.value)} ({self.source})"


@attrs.frozen(kw_only=True)
class Defaults(Generic[_T]):
    """The completed object, of the type that was given, and what was added to it."""

    object: _T
    values: tuple[Default, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.values)) if self.values else "nothing is filled in"


def defaults(obj: _T, *, webhooks: bool = True) -> Defaults[_T]:
    """What a cluster would store for this object beyond what it says.

    The server fills in the CRD's defaults first and the mutating webhooks see the result, so a
    block that was left out (`behavior.scaleDown`) and one that was given without its fields
    (`scaleDown: {}`) end with different values. Fields that the schema does not know are dropped,
    as the server drops them. `webhooks=False` is a cluster that runs without the webhooks.

    `obj` is not changed. Raises `InvalidObjectError` for an object that is not of a known kind.
    """
    given = codec.to_dict(obj)
    Report(identity_errors(given)).raise_for_errors()
    kind = kind_schema(given["kind"])
    stored, _ = complete(kind, given)
    values = list(_added(given, stored, "crd"))
    if webhooks and is_readable(kind, stored):
        changed, _ = complete(kind, mutate(kind.kind, stored))
        values += _added(stored, changed, "webhook")
        stored = changed
    values.sort(key=lambda default: default.path)
    result = type(obj).from_dict(stored) if isinstance(obj, ApiObject) else copy.deepcopy(stored)
    return Defaults(object=cast("_T", result), values=tuple(values))


def _added(before: Any, after: Any, source: DefaultSource, parts: Parts = ()) -> Iterator[Default]:
    if before is None and (not isinstance(after, dict) or not after):
        yield Default(path=render_path(parts), value=after, source=source, parts=parts)
    elif isinstance(after, dict):
        was = cast("dict[str, Any]", before) if isinstance(before, dict) else {}
        for key, value in cast("dict[str, Any]", after).items():
            if value is not None:
                yield from _added(was.get(key), value, source, (*parts, key))
    elif isinstance(after, list) and isinstance(before, list):
        pairs = zip(cast("Sequence[Any]", before), cast("Sequence[Any]", after), strict=True)
        for index, (old, new) in enumerate(pairs):
            if new is not None:
                yield from _added(old, new, source, (*parts, index))
