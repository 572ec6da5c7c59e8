"""Writes, for each model class, a straight-line decoder and encoder, when it is first needed.

A decoder takes the `dict` of the JSON parser apart: what is left when the known fields have been
taken out is unknown and is kept, which costs nothing when there is none. An encoder returns a new
`dict` of wire names that shares free-form values with the object, to be turned into bytes at once.
Both check types while they are at it and note what is odd, but never stop for it.

Each function reaches others through names in its own namespace, which at first hold a stand-in that
builds the real one and takes its place. So a class is compiled, and a module imported, when an
object has a value there. Two threads may build the same function; either one is as good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

from msgspec import Raw

from matrixinfer_client.foreign import as_mapping, is_model
from matrixinfer_client.models import RAW, ApiModel, ApiObject
from matrixinfer_client.oddities import Unencodable, note
from matrixinfer_client.shapes import (
    Anything,
    Field,
    Later,
    ListOf,
    MapOf,
    One,
    Scalar,
    Shape,
    Time,
    fields_of,
)
from matrixinfer_client.times import parse, render

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["converter", "decoder", "encoder", "plain"]

Convert = Callable[[Any], Any]

_decoders: dict[type, Convert] = {}
_encoders: dict[type, Convert] = {}
# What it returns is `Any` to a type checker, which else guesses at the items of a bare `list`.
_type: Callable[[Any], Any] = type
_ATOMS = frozenset((str, int, bool, type(None)))


def decoder(cls: type) -> Convert:
    """The function from the parser's `dict`, which it uses up, to an object of `cls`.

    Anything but a `dict` is returned as it is: a wrong type is kept, and null stays null.
    """
    return _decoders.get(cls) or _decoders.setdefault(cls, _compile(cls, _decoder_lines, converter))


def encoder(cls: type) -> Convert:
    """The function from an object of `cls`, or whatever is in its place, to plain data."""
    return _encoders.get(cls) or _encoders.setdefault(cls, _compile(cls, _encoder_lines, _writing))


def _compile(
    cls: type,
    lines: Callable[[type, dict[str, Any]], Iterator[str]],
    build: Callable[[Shape], Convert],
) -> Convert:
    space: dict[str, Any] = {
        "C": cls,
        "Raw": Raw,
        "new": object.__new__,
        "note": note,
        "odd": _write_odd,
        "plain": plain,
    }
    for field in fields_of(cls):
        if _is_converted(field.shape):
            space[f"c_{field.name}"] = _stand_in(space, f"c_{field.name}", field.shape, build)
    source = "\n".join(lines(cls, space))
    exec(compile(source, f"<codec of {cls.__name__}>", "exec"), space)  # noqa: S102 - our own text
    return cast("Convert", space["convert"])


def _is_converted(shape: Shape) -> bool:
    return not isinstance(shape, Anything) and not (
        isinstance(shape, Scalar) and float not in shape.types
    )


def _stand_in(
    space: dict[str, Any], name: str, shape: Shape, build: Callable[[Shape], Convert]
) -> Convert:
    def convert(value: Any) -> Any:
        space[name] = real = build(shape)
        return real(value)

    return convert


def _decoder_lines(cls: type, space: dict[str, Any]) -> Iterator[str]:
    fields = fields_of(cls)
    yield "def convert(d):"
    yield "    if type(d) is not dict:"
    yield "        return note(d)"
    yield "    o = new(C)"
    if issubclass(cls, ApiObject):
        yield "    o.__attrs_pre_init__()"
    for field in fields:
        yield from _decode_field(field, space)
    yield "    o.unknown_fields = d or None"
    yield "    return o"


def _decode_field(field: Field, space: dict[str, Any]) -> Iterator[str]:
    absent = "None"
    if field.default is not None:
        absent = f"default_{field.name}"
        space[absent] = field.default
    take = f"d.pop({field.wire!r}, None)"
    if isinstance(field.shape, Anything):
        yield f"    o.{field.name} = {take}"
        return
    yield f"    v = {take}"
    if _is_converted(field.shape):
        yield f"    o.{field.name} = {absent} if v is None else c_{field.name}(v)"
        return
    yield "    if v is None:"
    yield f"        v = {absent}"
    yield f"    elif {_mismatch(cast('Scalar', field.shape))}:"
    yield "        note(v)"
    yield f"    o.{field.name} = v"


def _mismatch(shape: Scalar) -> str:
    return " and ".join(f"type(v) is not {kind.__name__}" for kind in shape.types)


def _encoder_lines(cls: type, _space: dict[str, Any]) -> Iterator[str]:
    fields = fields_of(cls)
    sections = RAW if issubclass(cls, ApiObject) else dict[str, str]()
    yield "def convert(o):"
    yield "    if type(o) is not C:"
    yield "        return odd(o, C)"
    yield "    r = {}"
    for field in fields:
        indent = "    "
        if field.name in sections:
            # What nobody looked at goes back as the text that came.
            yield f"    v = o._raw_{field.name}"
            yield "    if v is not None:"
            yield f"        r[{field.wire!r}] = Raw(v)"
            yield "    else:"
            indent = "        "
        yield f"{indent}v = o.{field.name}"
        yield f"{indent}if v is not None:"
        yield from (f"{indent}    {line}" for line in _encode_field(field))
    yield "    if o.unknown_fields:"
    yield "        r.update(plain(o.unknown_fields))"
    yield "    return r"


def _encode_field(field: Field) -> Iterator[str]:
    if isinstance(field.shape, Anything):
        yield f"r[{field.wire!r}] = plain(v)"
    elif _is_converted(field.shape):
        yield f"r[{field.wire!r}] = c_{field.name}(v)"
    else:
        yield f"if {_mismatch(cast('Scalar', field.shape))}:"
        yield "    v = plain(note(v))"
        yield f"r[{field.wire!r}] = v"


def converter(shape: Shape) -> Convert:
    """The function from parsed JSON to a value of `shape`."""
    if isinstance(shape, Later):
        return converter(shape.resolve())
    if isinstance(shape, One):
        return decoder(shape.cls)
    if isinstance(shape, Time):
        return _read_time
    if isinstance(shape, ListOf):
        return _read_list(shape.item)
    if isinstance(shape, MapOf):
        return _read_map(shape.value)
    return _checked(shape)


def _checked(shape: Scalar | Anything) -> Convert:
    """Nothing to convert, only to look at."""
    if isinstance(shape, Anything):
        return lambda value: value
    kinds = frozenset(shape.types)
    return lambda value: value if type(value) in kinds else note(value)


def _read_time(value: Any) -> Any:
    if type(value) is not str:
        return note(value)
    found = parse(value)
    return found if type(found) is not str else note(found)


def _read_list(item: Shape) -> Convert:
    if isinstance(item, Anything):
        return lambda values: values if _type(values) is list else note(values)
    if isinstance(item, Scalar):
        kinds = frozenset(item.types)

        def scan(values: Any) -> Any:
            if _type(values) is not list:
                return note(values)
            items: list[Any] = values
            for value in items:
                if type(value) not in kinds:
                    note(value)
            return items

        return scan
    convert = converter(item)

    def read(values: Any) -> Any:
        if _type(values) is not list:
            return note(values)
        items: list[Any] = values
        return [convert(value) for value in items]

    return read


def _read_map(item: Shape) -> Convert:
    if isinstance(item, Anything):
        return lambda values: values if _type(values) is dict else note(values)
    if isinstance(item, Scalar):
        kinds = frozenset((*item.types, type(None)))

        def scan(values: Any) -> Any:
            if _type(values) is not dict:
                return note(values)
            items: dict[str, Any] = values
            for value in items.values():
                if type(value) not in kinds:
                    note(value)
            return items

        return scan
    convert = converter(item)

    def read(values: Any) -> Any:
        if _type(values) is not dict:
            return note(values)
        items: dict[str, Any] = values
        return {key: None if value is None else convert(value) for key, value in items.items()}

    return read


def _writing(shape: Shape) -> Convert:
    if isinstance(shape, Later):
        return _writing(shape.resolve())
    if isinstance(shape, One):
        return encoder(shape.cls)
    if isinstance(shape, Time):
        return _write_time
    if isinstance(shape, ListOf):
        return _write_list(shape.item)
    if isinstance(shape, MapOf):
        return _write_map(shape.value)
    if isinstance(shape, Anything):
        return plain
    kinds = frozenset(shape.types) - {float}
    return lambda value: value if type(value) in kinds else plain(note(value))


def _write_time(value: Any) -> Any:
    # A text in the place of a timestamp is what the server sent and nobody could read.
    return _moment(value) if isinstance(value, datetime) else plain(note(value))


def _moment(value: datetime) -> str:
    try:
        return render(value)
    except ValueError as error:
        raise Unencodable(f"{value!r} {error}") from None


def _write_list(item: Shape) -> Convert:
    convert = _writing(item)
    kinds = frozenset(item.types) - {float} if isinstance(item, Scalar) else frozenset[type]()

    def write(values: Any) -> Any:
        if _type(values) is not list:
            return plain(values if isinstance(values, tuple) else note(values))
        items: list[Any] = values
        for value in items:
            if type(value) not in kinds:
                return [convert(each) for each in items]
        return items

    return write


def _write_map(item: Shape) -> Convert:
    convert = _writing(item)
    kinds = frozenset((*item.types, type(None))) - {float} if isinstance(item, Scalar) else ()

    def write(values: Any) -> Any:
        if _type(values) is not dict:
            return plain(values if isinstance(values, Mapping) else note(values))
        items: dict[Any, Any] = values
        for key, value in items.items():
            if type(value) not in kinds or type(key) is not str:
                return {
                    _key(key): None if each is None else convert(each)
                    for key, each in items.items()
                }
        return items

    return write


def plain(value: Any) -> Any:
    """`value` as JSON-ready data: itself where it is, else a copy. Raises `Unencodable`."""
    kind = _type(value)
    if kind in _ATOMS:
        return value
    if kind is dict:
        return _plain_dict(value)
    return _plain_list(value) if kind is list else _plain_other(value)


# A third of what a whole object costs to encode is walking through its managed fields, maps in maps
# and mostly empty: they are worth a loop of their own.
def _plain_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    copy: dict[Any, Any] | None = None
    for key, item in value.items():
        if _type(key) is not str:
            _key(key)
        if _type(item) is dict:
            changed: Any = _plain_dict(item) if item else item
        elif _type(item) in _ATOMS:
            continue
        else:
            changed = plain(item)
        if changed is not item:
            copy = value.copy() if copy is None else copy
            copy[key] = changed
    return value if copy is None else copy


def _plain_list(value: list[Any]) -> list[Any]:
    copy: list[Any] | None = None
    for index, item in enumerate(value):
        if _type(item) not in _ATOMS:
            changed = plain(item)
            if changed is not item:
                copy = value.copy() if copy is None else copy
                copy[index] = changed
    return value if copy is None else copy


def _plain_other(value: Any) -> Any:
    if isinstance(value, float):
        if not isfinite(value):
            raise Unencodable(f"{value} is not a JSON number")
        return float(value)
    if isinstance(value, ApiModel):
        return encoder(type(value))(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, Any]", value)
        return {_key(key): plain(item) for key, item in pairs.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in cast("Sequence[Any]", value)]
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str | int):
        return str.__str__(value) if isinstance(value, str) else int(value)
    if is_model(value):
        return plain(as_mapping(value))
    raise Unencodable(f"{type(value).__name__} has no JSON form")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise Unencodable(f"keys must be strings, got {type(key).__name__} {key!r}")
    return str.__str__(key)


def _write_odd(value: Any, cls: type) -> Any:
    """What an encoder does with a value that is not exactly of its class."""
    if isinstance(value, cls):
        return encoder(_type(value))(value)
    # A mapping is a fair way to say an object; it is not checked.
    return plain(value if isinstance(value, Mapping) or is_model(value) else note(value))
