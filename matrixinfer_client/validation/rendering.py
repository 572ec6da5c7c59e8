"""How the API server prints values and field paths in its messages."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

__all__ = ["Parts", "quote", "render_path", "render_value", "type_name"]

Parts: TypeAlias = tuple[str | int, ...]
"""A path into an object: names of fields and keys of maps, indexes of lists."""

_SHORT_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def render_path(parts: Iterable[str | int]) -> str:
    """`spec.backends[0].name`; keys of maps are joined with a dot, as the server does."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def quote(text: str) -> str:
    """`text` in double quotes, escaped as Go's `%q` does."""
    return '"' + "".join(map(_escape, text)) + '"'


def render_value(value: Any) -> str:
    """A bad value inside a message: strings quoted, numbers bare, the rest as JSON."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    if isinstance(value, int):
        # Beyond 64 bits the server reads a number in floating point.
        return str(value) if type_name(value) == "integer" else render_float(float(value))
    if isinstance(value, float):
        return render_float(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def render_float(value: float) -> str:
    """The shortest form, with an exponent below 1e-4 and from 1e+06 on, as Go's `%v` does."""
    if not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    exact = Decimal(repr(value)).normalize()
    exponent = exact.adjusted()
    if not value or -4 <= exponent < 6:
        return format(exact, "f")
    sign, digits, _ = exact.as_tuple()
    first, *others = map(str, digits)
    mantissa = first + ("." + "".join(others) if others else "")
    return f"{'-' if sign else ''}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def type_name(value: Any) -> str:
    """The JSON type as the schema validator calls it; an integer too large for it is a number."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if -(1 << 63) <= value < 1 << 63 else "number"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"


def _escape(character: str) -> str:
    short = _SHORT_ESCAPES.get(character)
    if short is not None:
        return short
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
