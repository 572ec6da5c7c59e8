"""What generated classes are made of: three bases, one decorator, one field specifier.

A model is an attrs class with slots whose annotations stay strings; `codec` compiles a decoder and
an encoder from them when they are first needed. A kind (`ApiObject`) that came from a server keeps
`metadata`, `spec` and `status` as the JSON text they arrived in until somebody looks: a list or a
watch over thousands of objects costs what is read of it.
"""

from __future__ import annotations

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

# The fields of a kind that are decoded at first access.
SECTIONS = ("metadata", "spec", "status")
_RAW = {name: f"_raw_{name}" for name in SECTIONS}
_publish = Lock()


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

    if not TYPE_CHECKING:

        def __eq__(self, other):
            if other.__class__ is not self.__class__:
                return NotImplemented
            return (self.unknown_fields or None) == (other.unknown_fields or None) and all(
                getattr(self, name) == getattr(other, name) for name in _names(self.__class__)
            )

        __hash__ = None

    def __repr__(self) -> str:
        cls = self.__class__
        shown = [
            f"{field.name}={value!r}"
            for field in attrs.fields(cast("Any", cls))
            if (value := getattr(self, field.name)) is not None and value != field.default
        ]
        return f"{cls.__name__}({', '.join(shown)})"


def _names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(cls))


class ApiObject(ApiModel):
    """Base of the kinds: objects with a name, which are created, read and watched.

    Subclasses declare `api_version`, `kind`, `metadata`, `spec` and mostly `status`.
    """

    __slots__ = ("__weakref__", "_raw_metadata", "_raw_spec", "_raw_status")

    KIND: ClassVar[Kind]
    api_version: str
    kind: str
    metadata: Any

    @property
    def name(self) -> str:
        """`metadata.name`; empty when there is none yet."""
        metadata = self.metadata
        return "" if metadata is None else metadata.name or ""

    @property
    def namespace(self) -> str | None:
        """`metadata.namespace`; None for what has none or was not given one."""
        metadata = self.metadata
        return None if metadata is None else metadata.namespace


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
