"""Between bytes and typed objects; nothing is lost in either direction.

Reading is tolerant: null is absent, fields that are not known are kept at every depth, and so is a
value whose type is not the one its field has, which only a newer server sends. Writing sends what
is not None. `check` is for what a person wrote: it finds wrong types before anything is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from matrixinfer_client import oddities
from matrixinfer_client.checking import problems_of
from matrixinfer_client.compiling import decoder, plain
from matrixinfer_client.errors import DecodeError, InvalidObjectError, Problem
from matrixinfer_client.models import ApiList, ApiModel, ApiObject, has_foreign_types
from matrixinfer_client.oddities import Unencodable
from matrixinfer_client.parsing import load, load_event, load_parts, paused_collector, reading
from matrixinfer_client.sections import kind_reader, list_reader

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "check",
    "decode",
    "decode_event",
    "decode_json",
    "decode_list",
    "encode",
    "encode_checked",
    "from_dict",
    "from_json",
    "to_dict",
]

_T = TypeVar("_T", bound=ApiModel)
_ListT = TypeVar("_ListT", bound=ApiList[Any])

_dumps = msgspec.json.Encoder().encode


def decode_json(data: bytes | str) -> Any:
    """Plain data from JSON."""
    with reading("JSON"):
        return load(data)


def decode_event(line: bytes) -> tuple[str, bytes]:
    """The type of a watch event and its object, still JSON, for `decode` or `decode_json`."""
    with reading("a watch event"):
        event = load_event(line)
        return event.type, event.object


def decode(cls: type[_T], data: bytes | str) -> _T:
    """A typed object from JSON. The sections of a kind stay JSON until they are read."""
    with reading(cls.__name__):
        if issubclass(cls, ApiObject):
            return cast("_T", kind_reader(cls)(load_parts(data)))
        if issubclass(cls, ApiList):
            return cast("_T", decode_list(cast("type[ApiList[Any]]", cls), data))
        return cast("_T", _whole(cls, load(data)))


def decode_list(cls: type[_ListT], data: bytes | str) -> _ListT:
    """A typed list from JSON. The collector rests while a large one is read."""
    with reading(cls.__name__), paused_collector(len(data)):
        return list_reader(cls)(load_parts(data))


def from_dict(cls: type[_T], value: Mapping[str, Any]) -> _T:
    """A typed object from plain data, which is neither changed nor kept.

    Raises `InvalidObjectError` for values that JSON does not have.
    """
    return from_json(cls, encode(value))


def from_json(cls: type[_T], text: bytes | str) -> _T:
    """A typed object from JSON that a person or a file gave: all of it is decoded at once."""
    with reading(cls.__name__):
        return cast("_T", _whole(cls, load(text)))


def _whole(cls: type[ApiModel], value: Any) -> ApiModel:
    if not isinstance(value, dict):
        raise DecodeError(f"{cls.__name__} must be a JSON object, got {type(value).__name__}")
    oddities.forget()
    return cast("ApiModel", decoder(cls)(value))


def to_dict(value: ApiModel | Mapping[str, Any]) -> dict[str, Any]:
    """Fresh plain data: wire names, timestamps as text, nothing shared with `value`."""
    # Through JSON and back is faster than any copy in Python, and cannot share anything.
    return cast("dict[str, Any]", load(encode(value)))


def encode(value: object) -> bytes:
    """JSON from a typed object or plain data.

    Raises `InvalidObjectError`, which names the field, for a value that JSON does not have: a set,
    a NaN, a datetime without a time zone.
    """
    try:
        return _dumps(plain(value))
    except (Unencodable, UnicodeEncodeError, RecursionError) as error:
        problems = problems_of(value, types=False) or [Problem("", str(error))]
        raise InvalidObjectError(problems, subject=_subject(value)) from error


def check(value: ApiModel) -> None:
    """Raise `InvalidObjectError` when fields hold values of other types than they declare.

    Mappings in the place of typed objects are not looked into, and nothing is checked in an object
    with wrong types that came from a server, which is newer than this client and knows better.
    """
    encode_checked(value)


def encode_checked(value: ApiModel) -> bytes:
    """`check` and `encode` in one pass, for what is about to be sent."""
    if isinstance(value, ApiObject) and has_foreign_types(value):
        return encode(value)
    oddities.forget()
    try:
        wire = plain(value)
        if not oddities.was_noted():
            return _dumps(wire)
    except (Unencodable, UnicodeEncodeError, RecursionError):
        pass  # the walk below finds where
    problems = problems_of(value, types=True)
    if problems:
        raise InvalidObjectError(problems, subject=_subject(value))
    return encode(value)


def _subject(value: object) -> str:
    if isinstance(value, ApiObject):
        return f"{type(value).__name__} {value.name!r}" if value.name else type(value).__name__
    return type(value).__name__ if isinstance(value, ApiModel) else "object"
