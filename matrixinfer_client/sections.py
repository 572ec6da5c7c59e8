"""The sections of a kind: `metadata`, `spec` and `status`, decoded when they are first read.

Until then an object holds a copy of each section's text, so that it neither keeps the body of the
list alive that it came in nor costs more memory than its JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from matrixinfer_client import oddities
from matrixinfer_client.compiling import converter, decoder
from matrixinfer_client.models import FOREIGN, RAW, ApiList, ApiModel, ApiObject, publish_section
from matrixinfer_client.parsing import (
    Identity,
    Parts,
    load,
    load_identity,
    load_items,
    reading,
)
from matrixinfer_client.shapes import Field, ListOf, One, fields_of

__all__ = [
    "identity",
    "kind_reader",
    "list_reader",
    "open_section",
    "peek_section",
]

_T = TypeVar("_T", bound=ApiObject)
_ListT = TypeVar("_ListT", bound=ApiList[Any])
_Set = Callable[[object, Any], None]

_converters: dict[tuple[type, str], Callable[[Any], Any]] = {}
_readers: dict[type, Callable[[Parts], Any]] = {}


def open_section(owner: ApiObject, name: str) -> Any:
    """Decode a section that is read for the first time; all threads get the same object."""
    raw = getattr(owner, RAW[name])
    if raw is None:
        # Another thread was faster, or the section was never set.
        return _slot(owner, name)
    value, is_foreign = _decoded(type(owner), name, raw)
    return publish_section(owner, name, raw, value, is_foreign=is_foreign)


def peek_section(owner: ApiObject, name: str) -> Any:
    """The value of a section, without keeping it: looking at an object must not make it grow."""
    raw = getattr(owner, RAW[name])
    return getattr(owner, name) if raw is None else _decoded(type(owner), name, raw)[0]


def identity(owner: ApiObject) -> Any:
    """`metadata`, or as much of it as tells objects apart while it is not decoded."""
    raw = getattr(owner, RAW["metadata"])
    if raw is not None:
        try:
            return load_identity(raw)
        except ValueError:
            # No object, or a name that is no string: let the tolerant decoder say what it is.
            pass
    metadata = owner.metadata
    if isinstance(metadata, Mapping):
        given = cast("Mapping[str, Any]", metadata)
        return Identity(*map(given.get, ("name", "namespace", "uid", "resourceVersion")))
    return metadata if isinstance(metadata, ApiModel) else Identity()


def _slot(owner: ApiObject, name: str) -> Any:
    return getattr(type(owner), name).__get__(owner)


def _decoded(cls: type, name: str, raw: bytes) -> tuple[Any, bool]:
    with reading(f"{name} of {cls.__name__}"):
        value = load(raw)
    oddities.forget()
    value = None if value is None else _section_converter(cls, name)(value)
    return value, oddities.was_noted()


def _section_converter(cls: type, name: str) -> Callable[[Any], Any]:
    found = _converters.get((cls, name))
    if found is None:
        found = next(converter(field.shape) for field in fields_of(cls) if field.name == name)
        _converters[cls, name] = found
    return found


def _setter(cls: type, name: str) -> _Set:
    # Straight to the slot: assigning goes through the lock that guards opened sections.
    return cast("_Set", getattr(cls, name).__set__)


def kind_reader(cls: type[_T]) -> Callable[[Parts], _T]:
    """The function from the parts of an object, which it uses up, to an object of `cls`."""
    return _readers.get(cls) or _readers.setdefault(cls, _kind_reader(cls))


def list_reader(cls: type[_ListT]) -> Callable[[Parts], _ListT]:
    """The function from the parts of a list to a list of `cls`, its objects still unread."""
    return _readers.get(cls) or _readers.setdefault(cls, _list_reader(cls))


def _kind_reader(cls: type[_T]) -> Callable[[Parts], _T]:
    new = object.__new__
    sections = [
        (field.wire, _setter(cls, field.name), _setter(cls, RAW[field.name]))
        for field in fields_of(cls)
        if field.name in RAW
    ]
    others = [
        (field.wire, _setter(cls, field.name), _part_reader(field), field.default)
        for field in fields_of(cls)
        if field.name not in RAW
    ]
    known = {field.name for field in fields_of(cls)}
    missing = [_setter(cls, slot) for name, slot in RAW.items() if name not in known]
    set_unknown = _setter(cls, "unknown_fields")
    set_foreign = _setter(cls, FOREIGN)

    def read(parts: Parts) -> _T:
        owner = new(cls)
        set_foreign(owner, False)
        for set_raw in missing:
            set_raw(owner, None)
        for wire, set_slot, set_raw in sections:
            part = parts.pop(wire, None)
            if part is None:
                set_slot(owner, None)
                set_raw(owner, None)
            else:
                set_raw(owner, bytes(part))
        for wire, set_slot, convert, default in others:
            part = parts.pop(wire, None)
            set_slot(owner, default if part is None else convert(part))
        set_unknown(owner, {key: load(part) for key, part in parts.items()} or None)
        return owner

    return read


def _part_reader(field: Field) -> Callable[[bytes], Any]:
    convert = converter(field.shape)
    usual = f'"{field.default}"'.encode()

    def read(part: bytes) -> Any:
        # `apiVersion` and `kind` are the same in all objects of a list, and need not be built anew.
        if bytes(part) == usual:
            return field.default
        value = load(part)
        return field.default if value is None else convert(value)

    return read


def _list_reader(cls: type[_ListT]) -> Callable[[Parts], _ListT]:
    items = next(field.shape for field in fields_of(cls) if field.name == "items")
    if not isinstance(items, ListOf) or not isinstance(items.item, One):
        raise TypeError(f"{cls.__name__}.items must be a list of a kind of the same module")
    read_item: Callable[[Parts], ApiObject] = kind_reader(items.item.cls)
    read_rest = decoder(cls)

    def read(parts: Parts) -> _ListT:
        raw = parts.pop("items", None)
        result: _ListT = read_rest({key: load(part) for key, part in parts.items()})
        # Go writes an empty list as null.
        if raw is None or bytes(raw) == b"null":
            result.items = []
        else:
            result.items = [read_item(item) for item in load_items(raw)]
        return result

    return read
