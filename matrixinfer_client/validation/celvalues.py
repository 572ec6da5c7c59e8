"""JSON values as CEL sees them: numbers in the type of the schema, fields under escaped names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from matrixinfer_client.validation.schemas import Schema

__all__ = ["cel_value", "escape"]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_WORDS = (
    "as break const continue else false for function if import in let loop namespace null package "
    "return true var void while"
)
_RESERVED = frozenset(_WORDS.split())
_ESCAPES = {".": "__dot__", "-": "__dash__", "/": "__slash__", "$": "__dollar__"}


def cel_value(schema: Schema, value: Any) -> Any:
    """What a rule at this node gets as `self`; the value itself where nothing has to change."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        if schema.type == "number":
            return float(value)
        return int(value) if schema.type == "integer" or schema.int_or_string else value
    if not _needs_conversion(schema):
        return value
    if isinstance(value, dict):
        return {
            _name(schema, key): cel_value(
                schema.properties.get(key, schema.additional or schema), child
            )
            for key, child in cast("dict[str, Any]", value).items()
        }
    items = schema.items or schema
    return [cel_value(items, item) for item in cast("Sequence[Any]", value)]


def escape(name: str) -> str | None:
    """The name of a field in CEL (Kubernetes' escapes); None for one that rules cannot reach."""
    if name in _RESERVED:
        return f"__{name}__"
    text = "".join(_ESCAPES.get(letter, letter) for letter in name.replace("__", "__underscores__"))
    return text if _IDENTIFIER.fullmatch(text) else None


def _name(schema: Schema, key: str) -> str:
    # Keys of maps are data and stay as they are.
    return (escape(key) or key) if key in schema.properties else key


@cache
def _needs_conversion(schema: Schema) -> bool:
    if schema.type in ("integer", "number") or schema.int_or_string:
        return True
    if any(escape(name) != name for name in schema.properties):
        return True
    below = [*schema.properties.values(), schema.items, schema.additional]
    return any(_needs_conversion(child) for child in below if child is not None)
