"""What a compiled check finds, before the path to it is known.

A check returns None for a good value, which costs nothing, and a list of faults for a bad one;
each caller on the way up appends the key under which it had the value.
"""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any

from matrixinfer_client.validation.rendering import (
    Parts,
    quote,
    render_float,
    render_path,
    render_value,
    type_name,
)
from matrixinfer_client.validation.results import FieldError

__all__ = ["BLOCKING", "Fault", "duplicate", "to_error", "wrong_type"]

# Stands for the path in a message; no rendered value can hold it, for it would be escaped.
PATH = "\0"

BLOCKING = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
"""The types of errors after which the server does not evaluate CEL rules."""


class Fault:
    """One error; `parts` is its path from the leaf up."""

    __slots__ = ("message", "parts", "type", "value")

    def __init__(self, type: str, message: str, value: Any = None) -> None:
        self.type = type
        self.message = message
        self.value = value
        self.parts: list[str | int] = []

    @classmethod
    def at(cls, part: str | int, type: str, message: str, value: Any = None) -> Fault:
        """A fault one step below the value that is being checked."""
        fault = cls(type, message, value)
        fault.parts.append(part)
        return fault


def to_error(fault: Fault) -> FieldError:
    """The field error of a fault whose path is complete."""
    parts: Parts = tuple(reversed(fault.parts))
    path = render_path(parts)
    return FieldError(
        path=path,
        parts=parts,
        type=fault.type,
        message=fault.message.replace(PATH, path),
        source="schema",
        value=fault.value,
    )


def wrong_type(expected: str, value: Any) -> Fault:
    """`must be of type integer: "string"`."""
    name = type_name(value)
    message = f'Invalid value: "{name}": {PATH} in body must be of type {expected}: "{name}"'
    return Fault("FieldValueTypeInvalid", message, value)


def wrong_format(expected: str, value: str) -> Fault:
    """`must be of type date-time: "yesterday"`."""
    shown = quote(value)
    message = f"Invalid value: {shown}: {PATH} in body must be of type {expected}: {shown}"
    return Fault("FieldValueTypeInvalid", message, value)


def is_date_time(text: str) -> bool:
    """Whether the server takes a text for a time; an hour of 24 or a day of 32 is none."""
    day, _, rest = text.lower().partition("t")
    clock = _CLOCK.match(rest)
    if clock is None or clock[1] > "23" or clock[2] > "59" or clock[3] > "59":
        return False
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    # Python takes weeks and days without dashes, too.
    return _DAY.match(day) is not None


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))\Z")


def out_of_bounds(value: float, words: str, bound: float) -> Fault:
    """`should be less than or equal to 3`; the bound is printed in the type of the value."""
    is_whole = type_name(value) == "integer"
    limit = render_value(bound) if is_whole else render_float(float(bound))
    return in_body(value, f"should be {words} {limit}")


def in_body(value: Any, detail: str) -> Fault:
    """`Invalid value: <value>: <path> in body <detail>`."""
    return Fault(
        "FieldValueInvalid", f"Invalid value: {render_value(value)}: {PATH} in body {detail}", value
    )


def unsupported(value: Any, choices: list[Any]) -> Fault:
    """`Unsupported value: "x": supported values: "a", "b"`."""
    supported = ", ".join(
        quote(choice) if isinstance(choice, str) else render_value(choice) for choice in choices
    )
    message = f"Unsupported value: {render_value(value)}: supported values: {supported}"
    return Fault("FieldValueNotSupported", message, value)


def too_long(value: str, most: int) -> Fault:
    """`Too long: may not be more than N bytes`: the server counts characters and says bytes."""
    return Fault("FieldValueTooLong", f"Too long: may not be more than {most} bytes", value)


def too_many(count: int, most: int) -> Fault:
    """`Too many: 5: must have at most 4 items`."""
    return Fault("FieldValueTooMany", f"Too many: {count}: must have at most {most} items", count)


def duplicate(index: int, value: Any) -> Fault:
    """`Duplicate value: ...` at an item of the list."""
    return Fault.at(index, "FieldValueDuplicate", f"Duplicate value: {render_value(value)}", value)


def is_integer(value: Any) -> bool:
    """Whether the server takes a JSON number for an integer: `1.0` and `1e3` are, `2**63` is not.

    Numbers that differ from an integer by less than one part in a billion are, too.
    """
    if type(value) is int:
        return -(1 << 63) <= value < 1 << 63
    if type(value) is not float or not math.isfinite(value) or abs(value) >= 1 << 53:
        return False
    whole = float(int(value))
    return value == whole or (whole != 0 and abs(value - whole) / (abs(value) + abs(whole)) < 1e-9)
