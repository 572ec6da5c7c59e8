"""JSON as the API server reads and writes it, with the messages of Go's decoder.

Integers of 64 bits stay integers, larger ones become floats, and of a field that comes twice the
last value counts.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeGuard, cast

from matrixinfer_client.validation.rendering import quote

__all__ = [
    "MOST_STRICT_ERRORS",
    "JsonError",
    "as_stored",
    "is_list",
    "is_object",
    "is_stored",
    "json_type",
    "read_json",
    "write_json",
]

MOST_STRICT_ERRORS = 100
"""So many fields that come twice, or are unknown, are told of one text."""

_LIMIT = 1 << 63
_FIRST_EXPONENT = 1e21
_TOO_DEEP = "exceeded max depth"
_SURROGATE = re.compile("[\ud800-\udfff]")
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]')
_LITERALS = ("true", "false", "null")


class JsonError(ValueError):
    """A text that is not JSON; the message is Go's."""


def read_json(text: str) -> tuple[Any, list[str]]:
    """The value, and the path of each field that comes twice, in the order of the text.

    Raises `JsonError`.
    """
    reader = _Reader()
    value = reader.read(text, reader.collect)
    if not reader.repeats:
        return value, []
    # Paths cost time, and hardly any text needs them.
    repeated: dict[str, None] = {}
    _find_repeated(reader.read(text, _Fields), "", repeated)
    return value, list(repeated)[:MOST_STRICT_ERRORS]


def write_json(value: Any) -> str:
    """The text that the server writes: keys sorted, no blanks, `<`, `>` and `&` escaped."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)


def as_stored(value: Any) -> Any:
    """A copy in which whole numbers are integers, whatever they were written as.

    The server writes `1.0` and `1e3` as `1` and `1000` when it stores an object, and reads them so
    from then on. Only what it writes with an exponent, from 1e21 on, stays a float.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < _FIRST_EXPONENT:
        # By way of its shortest text, which the digits of the float go beyond.
        return int(Decimal(repr(value)))
    if is_object(value):
        return {key: as_stored(item) for key, item in value.items()}
    return [as_stored(item) for item in value] if is_list(value) else value


def is_stored(value: Any) -> bool:
    """Whether a value is as it would be stored: no whole number is a float."""
    rest: list[Any] = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            rest += cast("dict[str, Any]", item).values()
        elif isinstance(item, list):
            rest += item
        elif isinstance(item, float) and item.is_integer() and abs(item) < _FIRST_EXPONENT:
            return False
    return True


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a value is a JSON object; for type checkers, which do not know what is in it."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether a value is a JSON list."""
    return isinstance(value, list)


def json_type(value: Any) -> str:
    """What Go calls a JSON value in `cannot unmarshal <this> into`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"


class _Fields(list[tuple[str, Any]]):
    """An object whose fields may come twice."""


class _Reader:
    """Reads one text and remembers whether a field came twice."""

    def __init__(self) -> None:
        self.repeats = False

    def read(self, text: str, collect: Any) -> Any:
        try:
            value = json.loads(
                text,
                object_pairs_hook=collect,
                parse_int=_integer,
                parse_float=_float,
                parse_constant=_constant,
            )
        except json.JSONDecodeError as error:
            raise JsonError(_message(error)) from error
        except RecursionError as error:
            raise JsonError(_TOO_DEEP) from error
        # Go replaces halves of pairs, which no UTF-8 text can hold.
        return _mended(value) if "\\u" in text else value

    def collect(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        self.repeats |= len(found) < len(pairs)
        return found


def _integer(digits: str) -> int | float:
    # The length first: Python refuses to read integers of thousands of digits.
    if len(digits) <= 20 and -_LIMIT <= int(digits) < _LIMIT:
        return int(digits)
    return _float(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise JsonError(f"json: cannot unmarshal number {digits} into Go value of type float64")
    return value


def _constant(name: str) -> Any:
    # Python reads NaN and Infinity, which are not JSON.
    first = name.lstrip("-")[0]
    where = "in numeric literal" if name.startswith("-") else "looking for beginning of value"
    raise JsonError(f"invalid character '{first}' {where}")


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, _Fields):
        return _Fields((_mended(key), _mended(item)) for key, item in value)
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {_mended(key): _mended(item) for key, item in pairs}
    if isinstance(value, list):
        return [_mended(item) for item in cast("Sequence[Any]", value)]
    return value


def _find_repeated(value: Any, path: str, repeated: dict[str, None]) -> None:
    if isinstance(value, _Fields):
        seen: set[str] = set()
        for key, item in value:
            place = f"{path}.{key}" if path else key
            if key in seen:
                repeated[place] = None
            seen.add(key)
            _find_repeated(item, place, repeated)
    elif isinstance(value, list):
        for index, item in enumerate(cast("Sequence[Any]", value)):
            _find_repeated(item, f"{path}[{index}]", repeated)


def _message(error: json.JSONDecodeError) -> str:
    text, place, problem = error.doc, error.pos, error.msg
    if problem.startswith("Unterminated string"):
        return _AT_END
    if problem.startswith(("Expecting value", "Unexpected UTF-8 BOM")):
        return _bad_value(text, _next(text, place))
    if problem.startswith("Invalid"):
        return _bad_string(text, place, problem)
    if _NUMBER_GOES_ON.match(text, place) and text[place - 1 : place].isdigit():
        return _bad_number(text, place)
    if problem.startswith("Illegal trailing comma"):
        place += 1
    return _unexpected(text, _next(text, place), _expectation(text, place, problem))


_AT_END = "unexpected end of JSON input"
_KEY = "looking for beginning of object key string"
_NUMBER_GOES_ON = re.compile("[.eE]")


def _expectation(text: str, place: int, problem: str) -> str:
    expectations = {
        "Expecting property name": _KEY,
        "Expecting ':'": "after object key",
        "Extra data": "after top-level value",
    }
    for beginning, expectation in expectations.items():
        if problem.startswith(beginning):
            return expectation
    is_list = _open_bracket(text[:place]) == "["
    if problem.startswith("Illegal trailing comma"):
        return "looking for beginning of value" if is_list else _KEY
    return "after array element" if is_list else "after object key:value pair"


def _bad_value(text: str, place: int) -> str:
    for literal in _LITERALS:
        # `nul}` is blamed on the brace, not on the beginning.
        same = len(_common(text[place:], literal))
        if same:
            expected = f"in literal {literal} (expecting '{literal[same]}')"
            return _unexpected(text, place + same, expected, at_end=" ")
    if text[place : place + 1] == "-":
        return _unexpected(text, place + 1, "in numeric literal", at_end=" ")
    return _unexpected(text, place, "looking for beginning of value")


def _bad_number(text: str, place: int) -> str:
    if text[place] == ".":
        where = "after decimal point in numeric literal"
    else:
        place += text[place + 1 : place + 2] in ("+", "-")
        where = "in exponent of numeric literal"
    return _unexpected(text, place + 1, where, at_end=" ")


def _bad_string(text: str, place: int, problem: str) -> str:
    if problem.startswith("Invalid control"):
        return _unexpected(text, place, "in string literal")
    # Python is not of one mind where the escape begins.
    start = text.index("\\", max(place - 2, 0)) + 1
    if problem.startswith("Invalid \\u"):
        start += 1 + len(_HEX.findall(text[start + 1 : start + 5])[0])
        return _unexpected(text, start, "in \\u hexadecimal character escape", at_end=" ")
    return _unexpected(text, start, "in string escape code", at_end=" ")


_HEX = re.compile("^[0-9a-fA-F]*")


def _unexpected(text: str, place: int, expectation: str, *, at_end: str = "") -> str:
    # Go ends an unfinished number or word with a blank, and blames that.
    found = text[place : place + 1] or at_end
    if not found:
        return _AT_END
    # Go looks at bytes, and shows each as if it were a character.
    character = chr(found.encode("utf-8", "surrogatepass")[0])
    shown = {"'": "'\\''", '"': "'\"'"}.get(character, f"'{quote(character)[1:-1]}'")
    return f"invalid character {shown} {expectation}"


def _next(text: str, place: int) -> int:
    """The place of the next character that is no blank."""
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _common(text: str, literal: str) -> str:
    length = 0
    while length < min(len(text), len(literal)) and text[length] == literal[length]:
        length += 1
    return literal[:length]


def _open_bracket(text: str) -> str:
    """The bracket that is still open at the end of the text."""
    stack: list[str] = []
    for found in _BRACKETS.findall(text):
        if found in ("[", "{"):
            stack.append(found)
        elif found in ("]", "}") and stack:
            stack.pop()
    return stack[-1] if stack else ""
