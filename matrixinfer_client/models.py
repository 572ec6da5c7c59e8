"""What generated classes are made of: three bases, one decorator, one field specifier.

A model is an attrs class with slots whose annotations stay strings; `codec` compiles a decoder and
an encoder from them when they are first needed. A kind (`ApiObject`) that came from a server keeps
`metadata`, `spec` and `status` as the JSON text they arrived in until somebody looks: a list or a
watch over thousands of objects costs what is read of it.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from threading import Lock
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    TypeVar,
    cast,
    dataclass_transform,
    overload,
)

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Self, SupportsIndex

    from matrixinfer_client.kinds import Kind

__all__ = ["ApiList", "ApiModel", "ApiObject", "lazy_names", "model", "wire"]

_T = TypeVar("_T")
_D = TypeVar("_D")

# The fields of a kind that are decoded at first access, and the slots that hold their text.
RAW = {"metadata": "_raw_metadata", "spec": "_raw_spec", "status": "_raw_status"}
FOREIGN = "_is_foreign"
_set = object.__setattr__


@overload
def wire(name: str) -> Any: ...
@overload
def wire(name: str, *, default: _D) -> _D: ...
def wire(name: str, *, default: Any = attrs.NOTHING) -> Any:
    """A field whose name on the wire is not its name in Python; required without `default`."""
    return attrs.field(default=default, metadata={"wire": name})


@dataclass_transform(kw_only_default=True, field_specifiers=(wire,))
def model(cls: type[_T]) -> type[_T]:
    """Make `cls` an attrs class with slots and keyword-only arguments.

    Equality, `repr` and pickling come from `ApiModel`, once for all: having attrs write them for
    each class doubles what importing a kind costs.
    """
    return attrs.define(
        cls,
        slots=True,
        kw_only=True,
        eq=False,
        repr=False,
        match_args=False,
        weakref_slot=False,
        getstate_setstate=False,
    )


def lazy_names(origins: Mapping[str, str]) -> Callable[[str], Any]:
    """A module `__getattr__` (PEP 562) that imports a name's module when the name is asked for.

    `origins` maps the name to the full name of the module that defines it under the same name.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807
        origin = origins.get(name)
        if origin is None:
            raise AttributeError(f"no name {name!r} in this module")
        return getattr(import_module(origin), name)

    return __getattr__


def _codec() -> Any:
    # The codec is built on this module, so it is not imported until a method here needs it.
    return sys.modules.get("matrixinfer_client.codec") or import_module("matrixinfer_client.codec")


def _sections() -> Any:
    # An object unpickled in a fresh process has unread sections before the codec was imported.
    name = "matrixinfer_client.sections"
    return sys.modules.get(name) or import_module(name)


def _yamlio() -> Any:
    return import_module("matrixinfer_client.yamlio")


@model
class ApiModel:
    """Base of every type of the API.

    A field that is `None` is absent and is not sent; `0`, `False`, `""`, `[]` and `{}` are values
    and are sent. Instances can be changed, copied, pickled and compared.
    """

    unknown_fields: dict[str, Any] | None = None
    """Fields that this version of the client does not know, by wire name: kept and sent back."""

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The typed object for plain JSON data; `value` is not changed and not kept."""
        return cast("Self", _codec().from_dict(cls, value))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data: wire names, timestamps as text, nothing shared with the object."""
        return cast("dict[str, Any]", _codec().to_dict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The typed object for JSON text; raises `DecodeError` when it is not JSON."""
        return cast("Self", _codec().from_json(cls, text))

    def to_json(self) -> bytes:
        """The object as JSON, UTF-8, without white space."""
        return cast("bytes", _codec().encode(self))

    @classmethod
    def from_yaml(cls, text: str | bytes) -> Self:
        """The typed object for one YAML document; raises `ManifestError` when it is not one.

        For a kind, `apiVersion` and `kind` may be left out; when they are there, they must match.
        """
        return cast("Self", _yamlio().from_yaml(cls, text))

    def to_yaml(self) -> str:
        """The object as a YAML document that kubectl reads back unchanged."""
        return cast("str", _yamlio().dump(self.to_dict()))

    def _repr_html_(self) -> str | None:
        """What a notebook shows instead of the `repr`."""
        return cast("str | None", import_module("matrixinfer_client.html").show(self))

    if TYPE_CHECKING:
        # What `attrs.evolve` and `attrs.fields` ask of a class.
        __attrs_attrs__: ClassVar[Any]
    else:

        def __new__(cls, *args, **fields):  # noqa: D102
            if args or not fields.keys() <= _names(cls).keys():
                raise _wrong_arguments(cls, args, fields)
            return object.__new__(cls)

        def __eq__(self, other):
            if other.__class__ is not self.__class__:
                return NotImplemented
            return all(_is_same(self, other, name) for name in _names(self.__class__))

        __hash__ = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _names(type(self))}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        # By name, so that what an older version pickled can be read by one with more fields.
        for name in _names(type(self)):
            _set(self, name, state.get(name))

    def __repr__(self) -> str:
        shown = [
            f"{name}={value!r}"
            for name, default in _names(type(self)).items()
            if (value := _peek(self, name)) is not None and value != default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


_names_of: dict[type, dict[str, Any]] = {}


def _names(cls: type) -> dict[str, Any]:
    """The fields of a class with their defaults; `unknown_fields` last, as it is the exception."""
    names = _names_of.get(cls)
    if names is None:
        names = {field.name: field.default for field in attrs.fields(cast("Any", cls))}
        names["unknown_fields"] = names.pop("unknown_fields")
        _names_of[cls] = names
    return names


def _wrong_arguments(cls: type, args: tuple[Any, ...], fields: Mapping[str, Any]) -> TypeError:
    if args:
        return TypeError(
            f"{cls.__name__}() takes keyword arguments only, such as "
            f"{next(iter(_names(cls)))}=...; use {cls.__name__}.from_dict() for a mapping"
        )
    # Only here, because importing it takes longer than defining a class.
    from difflib import get_close_matches  # noqa: PLC0415

    name = next(name for name in fields if name not in _names(cls))
    wires = {field.metadata.get("wire"): field.name for field in attrs.fields(cast("Any", cls))}
    near = wires.get(name) or next(iter(get_close_matches(name, _names(cls), n=1)), None)
    hint = f"; did you mean {near!r}?" if near else ""
    return TypeError(f"{cls.__name__}() has no field {name!r}{hint}")


def _peek(owner: ApiModel, name: str) -> Any:
    if name in RAW and isinstance(owner, ApiObject):
        return _sections().peek_section(owner, name)
    return getattr(owner, name)


def _is_same(one: ApiModel, other: ApiModel, name: str) -> bool:
    if name in RAW and isinstance(one, ApiObject):
        raw = getattr(one, RAW[name])
        if raw is not None and raw == getattr(other, RAW[name]):
            return True
    mine, theirs = _peek(one, name), _peek(other, name)
    return bool(mine == theirs) or (name == "unknown_fields" and not mine and not theirs)


class ApiObject(ApiModel):
    """Base of the kinds: objects with a name, which are created, read and watched.

    Subclasses declare `api_version`, `kind`, `metadata`, `spec` and mostly `status`. In an object
    that came from a server the last three are decoded when they are first read. Reading an object
    is safe in several threads at once; changing it is not.
    """

    __slots__ = ("__weakref__", FOREIGN, "_raw_metadata", "_raw_spec", "_raw_status")

    KIND: ClassVar[Kind]
    api_version: str
    kind: str
    metadata: Any

    @property
    def name(self) -> str:
        """`metadata.name`; empty when there is none yet. Does not decode the metadata."""
        return _identity(self).name or ""

    @property
    def namespace(self) -> str | None:
        """`metadata.namespace`; None for what was not given one. Does not decode the metadata."""
        return cast("str | None", _identity(self).namespace)

    @property
    def uid(self) -> str | None:
        """`metadata.uid`; None for what was not created yet. Does not decode the metadata."""
        return cast("str | None", _identity(self).uid)

    @property
    def resource_version(self) -> str | None:
        """`metadata.resourceVersion`; None before creation. Does not decode the metadata."""
        return cast("str | None", _identity(self).resource_version)

    def __attrs_pre_init__(self) -> None:
        for slot in RAW.values():
            _set(self, slot, None)
        _set(self, FOREIGN, False)

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            # Called when a slot is empty, which the sections of an object from a server are.
            if name in RAW:
                return _sections().open_section(self, name)
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
            )

        def __setattr__(self, name, value):
            if name in RAW:
                with _Lock.sections:
                    _set(self, name, value)
                    _set(self, RAW[name], None)
            else:
                _set(self, name, value)

    def __getstate__(self) -> dict[str, Any]:
        state = {slot: raw for slot in RAW.values() if (raw := getattr(self, slot)) is not None}
        for name in _names(type(self)):
            if RAW.get(name) not in state:
                state[name] = getattr(self, name)
        state[FOREIGN] = has_foreign_types(self)
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__attrs_pre_init__()
        for name in _names(type(self)):
            raw = state.get(RAW.get(name, ""))
            if raw is None:
                _set(self, name, state.get(name))
            else:
                _set(self, RAW[name], raw)
        _set(self, FOREIGN, state.get(FOREIGN, False))


def has_foreign_types(owner: ApiObject) -> bool:
    """Whether the server sent, in what was read so far, a value of a type its field has not."""
    return cast("bool", getattr(owner, FOREIGN))


class _Lock:
    sections = Lock()

    @classmethod
    def renew(cls) -> None:
        cls.sections = Lock()


if hasattr(os, "register_at_fork"):
    # A child must not inherit a lock that a thread of its parent held.
    os.register_at_fork(after_in_child=_Lock.renew)


def publish_section(
    owner: ApiObject, name: str, raw: bytes, value: Any, *, is_foreign: bool
) -> Any:
    """Make `value`, decoded from `raw`, the section of `owner`, unless somebody was faster."""
    with _Lock.sections:
        if getattr(owner, RAW[name]) is raw:
            _set(owner, name, value)
            _set(owner, RAW[name], None)
            if is_foreign:
                _set(owner, FOREIGN, True)
    return getattr(owner, name)


def _identity(owner: ApiObject) -> Any:
    return _sections().identity(owner)


_ItemT = TypeVar("_ItemT", bound=ApiObject)


class ApiList(ApiModel, Generic[_ItemT]):
    """Base of the lists of a kind; iterating, `len` and indexing go to `items`."""

    __slots__ = ()

    KIND: ClassVar[Kind]
    api_version: str
    kind: str
    metadata: Any
    items: list[_ItemT]

    @property
    def resource_version(self) -> str | None:
        """The version of the collection, from which a watch can start."""
        return None if self.metadata is None else self.metadata.resource_version

    @property
    def continue_token(self) -> str | None:
        """The token of the next page; None on the last one."""
        return None if self.metadata is None else self.metadata.continue_ or None

    def __iter__(self) -> Iterator[_ItemT]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: SupportsIndex) -> _ItemT: ...
    @overload
    def __getitem__(self, index: slice) -> list[_ItemT]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> _ItemT | list[_ItemT]:
        return self.items[index]
