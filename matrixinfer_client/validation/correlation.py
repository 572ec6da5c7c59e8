"""Which stored value a new value replaces, and whether it changed.

On an update the API server forgives what was wrong before and was not touched: an error is dropped
when the value that has it, or anything around it, equals what is stored. Items of a list are
matched by their keys when the list is of type `map`, and not at all otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from matrixinfer_client.validation.rendering import Parts
from matrixinfer_client.validation.schemas import Schema

__all__ = ["is_same", "is_unchanged", "old_item"]

_MISSING: Any = object()


def old_item(schema: Schema, item: Any, old: Any, default: Any) -> Any:
    """The stored item with the same keys as `item`, in a list of type `map`."""
    if schema.list_type != "map" or not isinstance(old, list) or not isinstance(item, dict):
        return default
    keys = _keys(schema, cast("dict[str, Any]", item))
    for candidate in cast("Sequence[Any]", old):
        if isinstance(candidate, dict) and _keys(schema, cast("dict[str, Any]", candidate)) == keys:
            return cast("dict[str, Any]", candidate)
    return default


def is_unchanged(schema: Schema, new: Any, old: Any, parts: Parts) -> bool:
    """Whether the value at `parts`, or a value around it below the root, is as it was."""
    node: Schema | None = schema
    for part in parts:
        if node is None:
            return False
        if isinstance(part, str):
            if not isinstance(new, dict) or not isinstance(old, dict):
                return False
            old = cast("dict[str, Any]", old).get(part, _MISSING)
            new = cast("dict[str, Any]", new).get(part, _MISSING)
            node = node.properties.get(part, node.additional)
        else:
            items = cast("Sequence[Any]", new if isinstance(new, list) else ())
            new = items[part] if part < len(items) else _MISSING
            old = old_item(node, new, old, _MISSING)
            node = node.items
        if new is _MISSING or old is _MISSING:
            return False
        if is_same(new, old):
            return True
    return False


def is_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal to the server, to which 1, 1.0 and true are different."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        fields, others = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        return all(is_same(fields[name], others[name]) for name in fields)
    if isinstance(one, list):
        items, counterparts = cast("Sequence[Any]", one), cast("Sequence[Any]", other)
        return all(map(is_same, items, counterparts))
    return True


def _keys(schema: Schema, item: dict[str, Any]) -> list[Any]:
    return [item.get(name) for name in schema.map_keys]
