"""Values as Go prints them, which some of the server's messages show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from matrixinfer_client.validation.rendering import quote, render_float

__all__ = ["plain_text", "source_text", "type_text"]

_MAP, _LIST = "map[string]interface {}", "[]interface {}"


def plain_text(value: Any) -> str:
    """As by `%v`: strings bare, `map[a:1 b:[x <nil>]]`."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        pairs = sorted(cast("dict[str, Any]", value).items())
        return "map[" + " ".join(f"{name}:{plain_text(part)}" for name, part in pairs) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(plain_text, cast("Sequence[Any]", value))) + "]"
    return "<nil>" if value is None else _scalar(value)


def source_text(value: Any) -> str:
    """As by `%#v`: strings quoted, maps and lists with their types."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, dict):
        pairs = sorted(cast("dict[str, Any]", value).items())
        inner = ", ".join(f"{quote(name)}:{source_text(part)}" for name, part in pairs)
        return f"{_MAP}{{{inner}}}"
    if isinstance(value, list):
        inner = ", ".join(map(source_text, cast("Sequence[Any]", value)))
        return f"{_LIST}{{{inner}}}"
    return "interface {}(nil)" if value is None else _scalar(value)


def type_text(value: object) -> str:
    """As by `%T`."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, float):
        return "float64"
    names: dict[type, str] = {str: "string", int: "int64", list: _LIST, dict: _MAP}
    return names.get(type(value), "<nil>")


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not (value.is_integer() and abs(value) < 1 << 63):
        return render_float(value)
    return str(int(value))
