"""From the bytes of a watch stream to objects, and what is remembered of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar, cast

import attrs

from matrixinfer_client import codec
from matrixinfer_client.models import FOREIGN, RAW, ApiObject
from matrixinfer_client.sections import identity

__all__ = ["Bookmark", "Key", "Lines", "Record", "fresh", "noted", "number"]

T = TypeVar("T", bound=ApiObject)

Key: TypeAlias = "tuple[str | None, str]"
"""Namespace and name, which tell the objects of one resource apart at any one time."""

_INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Lines:
    """Cuts a stream of bytes into lines.

    Only at "\\n": other characters that end a line in some notations may stand in a JSON string.
    What has no end when the stream breaks was not sent completely, and is dropped.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without their ends; blank ones are left out."""
        *lines, rest = chunk.split(b"\n")
        if lines and self._pieces:
            # Joined once per line: a large object arrives in many chunks.
            lines[0] = b"".join([*self._pieces, lines[0]])
            self._pieces.clear()
        if rest:
            self._pieces.append(rest)
        return [line for line in lines if line and not line.isspace()]


@attrs.frozen
class Bookmark:
    """How far the server is, without a change; perhaps also the end of a streaming list."""

    version: str | None
    ends_initial_events: bool

    @classmethod
    def of(cls, body: bytes) -> Bookmark:
        """The bookmark in the object of a BOOKMARK event."""
        metadata = _mapping(_mapping(codec.decode_json(body)).get("metadata"))
        notes = _mapping(metadata.get("annotations"))
        return cls(
            metadata.get("resourceVersion"),
            ends_initial_events=notes.get(_INITIAL_EVENTS_END) == "true",
        )


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


@attrs.define(slots=True, eq=False)
class Record(Generic[T]):
    """An object as it came, which is never handed out itself. See `fresh`."""

    object: T
    uid: str | None
    version: str | None


def noted(obj: T) -> tuple[Key, Record[T]]:
    """The key and the record of an object that was just decoded."""
    # All of it at once, because the metadata is looked through each time.
    known = identity(obj)
    return (known.namespace, known.name or ""), Record(obj, known.uid, known.resource_version)


def number(version: str | None) -> int | None:
    """A resource version as a number that grows with time, None when it is not one.

    Kubernetes promises since 1.35 (KEP-5504) what has always been true of the versions that come
    from etcd: they are decimal numbers and may be compared.
    """
    return int(version) if version is not None and version.isdecimal() else None


def fresh(record: Record[T]) -> T:
    """A copy of the object, to keep and to change.

    Its sections are still JSON, so that a copy costs no decoding and shares immutable bytes only.
    """
    owner = record.object
    cls: type[ApiObject] = owner.__class__
    return cast("T", (_copiers.get(cls) or _copiers.setdefault(cls, _copier(cls)))(owner))


_copiers: dict[type[ApiObject], Callable[[ApiObject], ApiObject]] = {}


def _copier(cls: type[ApiObject]) -> Callable[[ApiObject], ApiObject]:
    names = [field.name for field in attrs.fields(cast("Any", cls))]
    sections = [(_Slot(cls, name), _Slot(cls, RAW[name])) for name in names if name in RAW]
    others = [_Slot(cls, name) for name in (*names, FOREIGN) if name not in RAW]
    new = object.__new__

    def copied(owner: ApiObject) -> ApiObject:
        twin = new(cls)
        for section, raw in sections:
            text = raw.get(owner)
            raw.set(twin, text)
            if text is None:
                section.set(twin, copy.deepcopy(section.get(owner)))
        for slot in others:
            value: object = slot.get(owner)
            # `unknown_fields`; the others are strings.
            slot.set(twin, value if isinstance(value, str | bool | None) else copy.deepcopy(value))
        return twin

    return copied


class _Slot:
    """Reads and writes a slot without what the class does when it is read or written."""

    __slots__ = ("get", "set")

    def __init__(self, cls: type[ApiObject], name: str) -> None:
        descriptor = getattr(cls, name)
        self.get: Callable[[object], Any] = descriptor.__get__
        self.set: Callable[[object, Any], None] = descriptor.__set__
