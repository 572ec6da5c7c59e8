"""What the API server does with an object before it looks at it.

In its order: fields that the schema does not know are removed (strict field validation reports
them), nulls that stand for absence are removed, and defaults are filled in. Each schema node is
compiled once to a closure that does all three on a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias, cast

from matrixinfer_client.validation.schemas import Schema

__all__ = ["Prepare", "Unknown", "compile_prepare"]

Unknown: TypeAlias = list[list[str | int]]
"""The unknown fields found so far, each path from the leaf up."""

Prepare: TypeAlias = Callable[[Any, Unknown], Any]
"""A value in, the completed copy out; adds to the unknown fields."""


@cache
def compile_prepare(schema: Schema) -> Prepare:
    """The closure for a node; compiled once."""
    if schema.open and not schema.properties:
        return _keep
    if schema.properties or schema.additional is not None:
        return _object(schema)
    if schema.items is not None:
        return _array(schema.items)
    return _leaf


def _keep(value: Any, unknown: Unknown) -> Any:  # noqa: ARG001 - one signature for all
    return value


def _leaf(value: Any, unknown: Unknown) -> Any:
    """A value without inner structure; whatever is inside it nevertheless is unknown."""
    if type(value) is dict:
        unknown.extend([key] for key in cast("dict[str, Any]", value))
        return {}
    if type(value) is list:
        return _each(cast("Sequence[Any]", value), _leaf, unknown)
    return value


def _each(values: Sequence[Any], prepare: Prepare, unknown: Unknown) -> list[Any]:
    prepared: list[Any] = []
    for index, value in enumerate(values):
        before = len(unknown)
        prepared.append(prepare(value, unknown))
        for path in unknown[before:]:
            path.append(index)
    return prepared


def _array(items: Schema) -> Prepare:
    prepare_item = compile_prepare(items)
    scalar = prepare_item is _leaf
    default = items.raw.get("default")
    fills = default is not None and not items.nullable

    def prepare(value: Any, unknown: Unknown) -> Any:
        if type(value) is not list:
            return _leaf(value, unknown)
        values = cast("Sequence[Any]", value)
        if fills:
            values = [default if item is None else item for item in values]
        if scalar and not any(type(item) in _CONTAINERS for item in values):
            return list(values)
        return _each(values, prepare_item, unknown)

    return prepare


_CONTAINERS = (dict, list)


def _object(schema: Schema) -> Prepare:
    children = {name: compile_prepare(child) for name, child in schema.properties.items()}
    defaults = [(name, child) for name, child in schema.properties.items() if child.has_default]
    others = None if schema.additional is None else compile_prepare(schema.additional)
    nullable = _nullable(schema)
    keeps = schema.open

    def prepare(value: Any, unknown: Unknown) -> Any:
        if type(value) is not dict:
            # A list where an object should be: its items are looked at as if they were unknown.
            return _leaf(value, unknown)
        prepared: dict[str, Any] = {}
        for key, child in cast("dict[str, Any]", value).items():
            step = children.get(key, others)
            if step is not None and (child is not None or nullable(key)):
                plain = child is None or (step is _leaf and type(child) not in _CONTAINERS)
                prepared[key] = child if plain else _below(step, key, child, unknown)
            elif step is None and keeps:
                prepared[key] = child
            elif step is None:
                unknown.append([key])
        for name, child in defaults:
            if name not in prepared:
                prepared[name] = children[name](child.raw["default"], [])
        return prepared

    return prepare


def _nullable(schema: Schema) -> Callable[[str], bool]:
    names = {name for name, child in schema.properties.items() if child.nullable}
    others = schema.additional is not None and schema.additional.nullable
    return lambda key: key in names or (others and key not in schema.properties)


def _below(step: Prepare, key: str, value: Any, unknown: Unknown) -> Any:
    before = len(unknown)
    prepared = step(value, unknown)
    for path in unknown[before:]:
        path.append(key)
    return prepared
