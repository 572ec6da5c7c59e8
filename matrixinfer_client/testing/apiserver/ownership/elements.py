"""Path elements: the keys of a set of fields, as text.

`f:name` is a field, `k:{"name":"a"}` the item of a list with those keys, `v:"a"` an item of a set,
`i:0` an item by its index. Equal elements have equal texts, so that sets of fields are plain
dictionaries; texts of a client come in through `canonical`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from matrixinfer_client.validation.rendering import quote, render_float

__all__ = [
    "MEMBER",
    "ElementError",
    "canonical",
    "field",
    "json_text",
    "key",
    "order",
    "render",
    "value",
]

MEMBER = "."
"""What stands for the node itself among the keys of a set."""


class ElementError(ValueError):
    """A text that is no path element, or fields that are no set."""


_KINDS = "fkvi"
# What Go's encoder escapes although JSON allows it.
_ESCAPES = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
_SHORT = (("\\b", "\\u0008"), ("\\f", "\\u000c"))


def field(name: str) -> str:
    """The element of a field."""
    return "f:" + name


def key(pairs: Iterable[tuple[str, Any]]) -> str:
    """The element of a list's item with these keys, which come sorted by name."""
    texts = [f"{quoted(name)}:{json_text(part)}" for name, part in pairs]
    return "k:{" + ",".join(texts) + "}"


def value(item: Any) -> str:
    """The element of a set's item."""
    return "v:" + json_text(item)


@lru_cache(maxsize=1 << 14)
def quoted(text: str) -> str:
    """A string as Go writes it into JSON."""
    if text.isascii() and text.isprintable() and not _ODD.intersection(text):
        return f'"{text}"'
    result = json.dumps(text, ensure_ascii=False)
    for character, escape in _ESCAPES.items():
        result = result.replace(character, escape)
    for short, escape in _SHORT:
        # Only an odd number of backslashes begins an escape.
        result = result.replace("\\\\", "\0").replace(short, escape).replace("\0", "\\\\")
    return result


_ODD = frozenset('"\\<>&')


def json_text(item: Any) -> str:
    """A value as Go writes it: nothing between the tokens, keys sorted, numbers in one way."""
    if isinstance(item, str):
        return quoted(item)
    if isinstance(item, bool) or item is None:
        return "null" if item is None else str(item).lower()
    if isinstance(item, int):
        return str(item)
    if isinstance(item, float):
        return _number(item)
    if isinstance(item, dict):
        pairs = sorted(cast("dict[str, Any]", item).items())
        return "{" + ",".join(f"{quoted(name)}:{json_text(part)}" for name, part in pairs) + "}"
    return "[" + ",".join(map(json_text, item)) + "]"


def _number(number: float) -> str:
    if not number or 1e-6 <= abs(number) < 1e21:
        return format(Decimal(repr(number)).normalize(), "f")
    return repr(number).replace("e-0", "e-")


@lru_cache(maxsize=1 << 14)
def canonical(text: str) -> str | None:
    """An element as it is written here; None for one of a kind that nobody knows yet.

    Raises `ValueError` for what is no element.
    """
    if len(text) < 2 or text[1] != ":":
        raise ElementError(f"{quote(text)} is no path element: it has no colon after its kind")
    if text[0] not in _KINDS:
        return None
    if text[0] == "f":
        return text
    if text[0] == "i":
        return f"i:{int(text[2:])}"
    parsed = json.loads(text[2:])
    if text[0] == "v":
        return value(parsed)
    if not isinstance(parsed, dict):
        raise ElementError(f"{quote(text)} is no path element: its keys are no object")
    return "k:" + json_text(parsed)


@lru_cache(maxsize=1 << 14)
def order(text: str) -> tuple[Any, ...]:
    """What to sort elements by, to walk through them as the server does."""
    kind, rest = _KINDS.index(text[0]), text[2:]
    if kind == 0:
        return (0, rest)
    if kind == 3:
        return (3, int(rest))
    parsed = json.loads(rest)
    if kind == 2:
        return (2, _rank(parsed))
    return (1, tuple((name, _rank(part)) for name, part in parsed.items()))


def _rank(item: Any) -> tuple[Any, ...]:
    if isinstance(item, bool):
        return (2, item)
    if isinstance(item, int | float):
        return (0, item)
    if isinstance(item, str):
        return (1, item)
    if isinstance(item, list):
        return (3, tuple(map(_rank, cast("Sequence[Any]", item))))
    if isinstance(item, dict):
        pairs = sorted(cast("dict[str, Any]", item).items())
        return (4, tuple((name, _rank(part)) for name, part in pairs))
    return (5,)


def render(text: str, *, stored: bool = False) -> str:
    """An element as part of a path in a message: `.name`, `[name="a"]`, `[="a"]`, `[0]`.

    Numbers of `stored` sets are printed as the floating point numbers that the server reads.
    """
    kind, rest = text[0], text[2:]
    if kind == "f":
        return "." + rest
    if kind == "i":
        return f"[{rest}]"
    parsed = json.loads(rest)
    if kind == "v":
        return f"[={_shown(parsed, stored=stored)}]"
    pairs = cast("dict[str, Any]", parsed).items()
    return "[" + ",".join(f"{name}={_shown(part, stored=stored)}" for name, part in pairs) + "]"


def _shown(item: Any, *, stored: bool) -> str:
    if isinstance(item, str):
        return quote(item)
    if isinstance(item, bool) or item is None:
        return "null" if item is None else str(item).lower()
    if isinstance(item, int) and not stored:
        return str(item)
    if isinstance(item, int | float):
        return render_float(float(item))
    if isinstance(item, list):
        parts = [_shown(part, stored=stored) for part in cast("Sequence[Any]", item)]
        return "[" + ",".join(parts) + "]"
    pairs = sorted(cast("dict[str, Any]", item).items())
    return "".join(f"{name}={_shown(part, stored=stored)}" for name, part in pairs)
