"""Finds, in an object that a person built, each value that does not fit its field.

The encoder notices on its fast path that something is wrong; this walk is slower and says where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

from matrixinfer_client.errors import Problem
from matrixinfer_client.foreign import as_mapping, is_model
from matrixinfer_client.models import RAW, ApiModel, ApiObject
from matrixinfer_client.shapes import (
    Anything,
    Later,
    ListOf,
    MapOf,
    One,
    Scalar,
    Shape,
    Time,
    fields_of,
)
from matrixinfer_client.times import render

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["problems_of"]

# A cycle has no JSON form either; deeper than this, nothing that people write is.
_DEEPEST = 100


def problems_of(value: object, *, types: bool) -> list[Problem]:
    """What is wrong with `value`, by path; without `types` only what JSON does not have."""
    return list(_Walk(types=types).anything("", value, 0))


class _Walk:
    def __init__(self, *, types: bool) -> None:
        self.types = types

    def anything(self, path: str, value: Any, depth: int) -> Iterator[Problem]:
        """Free-form data: all that JSON has, and typed objects inside."""
        if depth > _DEEPEST:
            yield Problem(path[:200], f"nested more than {_DEEPEST} deep, or contains itself")
        elif isinstance(value, ApiModel):
            yield from self.model(path, value, depth)
        elif isinstance(value, Mapping):
            for key, item in cast("Mapping[object, Any]", value).items():
                yield from self.key(path, key)
                yield from self.anything(_join(path, key), item, depth + 1)
        elif isinstance(value, list | tuple):
            for index, item in enumerate(cast("Sequence[Any]", value)):
                yield from self.anything(f"{path}[{index}]", item, depth + 1)
        elif is_model(value):
            yield from self.anything(path, as_mapping(value), depth)
        else:
            yield from self.scalar(path, value)

    def key(self, path: str, key: object) -> Iterator[Problem]:
        if not isinstance(key, str):
            yield Problem(path, f"keys must be strings, got {type(key).__name__} {key!r}")

    def scalar(self, path: str, value: Any) -> Iterator[Problem]:
        if isinstance(value, datetime):
            try:
                render(value)
            except ValueError as error:
                yield Problem(path, f"{value!r} {error}")
        elif isinstance(value, float):
            if not isfinite(value):
                yield Problem(path, f"{value} is not a JSON number")
        elif isinstance(value, str):
            if not _is_text(value):
                yield Problem(path, "is not text: it has half of a surrogate pair")
        elif not (value is None or isinstance(value, int | Enum)):
            yield Problem(path, f"{type(value).__name__} has no JSON form")

    def model(self, path: str, value: ApiModel, depth: int) -> Iterator[Problem]:
        for field in fields_of(type(value)):
            if isinstance(value, ApiObject) and getattr(value, RAW.get(field.name, ""), None):
                continue
            item = getattr(value, field.name)
            if item is not None:
                yield from self.shaped(_join(path, field.wire), field.shape, item, depth + 1)
        yield from self.anything(path, value.unknown_fields, depth + 1)

    def shaped(self, path: str, shape: Shape, value: Any, depth: int) -> Iterator[Problem]:
        if isinstance(shape, Later):
            shape = shape.resolve()
        if not self.types or isinstance(shape, Anything):
            yield from self.anything(path, value, depth)
        elif not _fits(shape, value):
            yield Problem(path, f"expected {_words(shape)}, got {_got(value)}")
        elif isinstance(shape, ListOf):
            for index, item in enumerate(value):
                yield from self.shaped(f"{path}[{index}]", shape.item, item, depth + 1)
        elif isinstance(shape, MapOf):
            for key, item in value.items():
                yield from self.key(path, key)
                # The server takes null in a map for the empty value.
                if item is not None:
                    yield from self.shaped(_join(path, key), shape.value, item, depth + 1)
        else:
            yield from self.anything(path, value, depth)


def _fits(shape: Shape, value: Any) -> bool:
    if isinstance(shape, Scalar):
        # A bool is an int to Python and to nobody else.
        return isinstance(value, shape.types) and (
            not isinstance(value, bool) or bool in shape.types
        )
    if isinstance(shape, Time):
        return isinstance(value, datetime)
    if isinstance(shape, ListOf):
        return isinstance(value, list | tuple)
    if isinstance(shape, MapOf):
        return isinstance(value, Mapping)
    if isinstance(shape, One):
        return isinstance(value, shape.cls | Mapping) or is_model(value)
    return True


def _words(shape: Shape) -> str:
    if isinstance(shape, Scalar):
        kinds = (float,) if float in shape.types else shape.types
        return " or ".join(kind.__name__ for kind in kinds)
    if isinstance(shape, ListOf):
        return f"list of {_words(shape.item)}"
    if isinstance(shape, MapOf):
        return f"dict of {_words(shape.value)}"
    if isinstance(shape, Later):
        return shape.name
    if isinstance(shape, One):
        return shape.cls.__name__
    return "datetime" if isinstance(shape, Time) else "anything"


def _got(value: object) -> str:
    name = type(value).__name__
    short = value is not None and isinstance(value, str | int | float)
    return f"{name} {value!r}" if short and len(repr(value)) <= 40 else name


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _join(path: str, key: object) -> str:
    name = str(key)
    if not name.replace("_", "").replace("-", "").isalnum():
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name
