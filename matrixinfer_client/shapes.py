"""What the fields of a model hold, read from its annotations.

Annotations are strings, and a name in them that its module does not have is not resolved until an
object really has a value there: reading a Model without `env` never imports `EnvVar`.
"""

from __future__ import annotations

import sys
from datetime import datetime
from types import UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Union, cast, get_args, get_origin

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Anything", "Field", "Later", "ListOf", "MapOf", "One", "Scalar", "Shape", "Time"]


class Scalar:
    """One of a few JSON scalars; `float` is written out as float or int."""

    __slots__ = ("types",)

    def __init__(self, *types: type) -> None:
        self.types = (*types, int) if float in types and int not in types else types


class Time:
    """A timestamp."""

    __slots__ = ()


class Anything:
    """Free-form JSON, kept exactly."""

    __slots__ = ()


class ListOf:
    """A list."""

    __slots__ = ("item",)

    def __init__(self, item: Shape) -> None:
        self.item = item


class MapOf:
    """A map with string keys."""

    __slots__ = ("value",)

    def __init__(self, value: Shape) -> None:
        self.value = value


class One:
    """An object of a known class."""

    __slots__ = ("cls",)

    def __init__(self, cls: type) -> None:
        self.cls = cls


class Later:
    """A name that its module can import but has not imported yet."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    # `EnvVar | None` is evaluated with this object in the place of `EnvVar`.
    def __or__(self, other: object) -> object:
        return self if other is None else Any

    __ror__ = __or__

    def resolve(self) -> Shape:
        """The shape behind the name; imports the module that has it."""
        found = getattr(sys.modules[self.module], self.name)
        return shape_of(found, self.module)


Shape = Scalar | Time | Anything | ListOf | MapOf | One | Later


@attrs.frozen
class Field:
    """One field of a model: its two names, what it holds, its default (None without one)."""

    name: str
    wire: str
    shape: Shape
    default: Any


class _Names:
    """The names that an annotation may use; a mapping for `eval`."""

    # A generated module imports these for the type checker only.
    KNOWN: ClassVar[dict[str, object]] = {
        "Any": Any,
        "Literal": Literal,
        "bool": bool,
        "datetime": datetime,
        "dict": dict,
        "float": float,
        "int": int,
        "list": list,
        "str": str,
    }

    def __init__(self, module: str) -> None:
        self.module = module
        self.globals = vars(sys.modules[module])

    def __getitem__(self, name: str) -> object:
        found = self.globals.get(name)
        if found is None:
            found = self.KNOWN.get(name)
        return Later(self.module, name) if found is None else found


_fields_of: dict[type, tuple[Field, ...]] = {}


def fields_of(cls: type) -> tuple[Field, ...]:
    """The fields of a model class in their order, without `unknown_fields`."""
    return _fields_of.get(cls) or _fields_of.setdefault(cls, tuple(_fields(cls)))


def _fields(cls: type) -> Iterator[Field]:
    # A subclass may live in another module than the class that declares the field.
    homes = {
        field.name: base
        for base in reversed(cls.__mro__)
        for field in vars(base).get("__attrs_attrs__", ())
        if not field.inherited
    }
    for field in attrs.fields(cast("Any", cls)):
        if field.name == "unknown_fields":
            continue
        yield Field(
            name=field.name,
            wire=field.metadata.get("wire", field.name),
            shape=shape_of(field.type, homes[field.name].__module__),
            default=None if field.default is attrs.NOTHING else field.default,
        )


def shape_of(annotation: Any, module: str) -> Shape:
    """The shape that an annotation of `module` describes."""
    if isinstance(annotation, str):
        # The text is the source code of a class of ours, already executed once by importing it.
        names = cast("Any", _Names(module))
        annotation = eval(annotation, {"__builtins__": {}}, names)  # noqa: S307
    if isinstance(annotation, Later):
        return annotation
    if annotation is datetime:
        return Time()
    if annotation in (str, int, float, bool):
        return Scalar(cast("type", annotation))
    origin = get_origin(annotation)
    if origin is not None:
        return _generic(origin, get_args(annotation), module)
    if isinstance(annotation, type) and attrs.has(annotation):
        return One(annotation)
    if annotation is list:
        return ListOf(Anything())
    return MapOf(Anything()) if annotation is dict else Anything()


def _generic(origin: Any, args: tuple[Any, ...], module: str) -> Shape:
    if origin is Literal:
        return Scalar(*dict.fromkeys(value.__class__ for value in args))
    if origin is list:
        return ListOf(shape_of(args[0], module))
    if origin is dict:
        return MapOf(shape_of(args[1], module))
    if origin not in (Union, UnionType):
        return One(cast("type", origin)) if attrs.has(cast("type", origin)) else Anything()
    shapes = [shape_of(arg, module) for arg in args if arg is not type(None)]
    if len(shapes) == 1:
        return shapes[0]
    if all(isinstance(shape, Scalar) for shape in shapes):
        return Scalar(*dict.fromkeys(t for shape in shapes for t in cast("Scalar", shape).types))
    return Anything()
