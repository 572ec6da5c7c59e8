"""Durations as Go writes and reads them, in whole nanoseconds.

A string that Go cannot parse passes the schema of a CustomResourceDefinition (which says only
`string`) and then breaks the platform's webhooks, so it has to be found before it is sent.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["HOUR", "MINUTE", "SECOND", "DurationError", "format_duration", "parse_duration"]

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

_UNITS = {
    "ns": 1,
    "us": MICROSECOND,
    "\u00b5s": MICROSECOND,  # the micro sign
    "\u03bcs": MICROSECOND,  # the Greek letter mu
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
# Everything up to the next digit or point is the unit, so that `1d` can be told from `1`.
_TERM = re.compile(r"([0-9]*)(?:(\.)([0-9]*))?([^0-9.]*)", re.ASCII)
_LIMIT = 1 << 63


class DurationError(ValueError):
    """Text that Go does not accept as a duration; the message is Go's."""


@lru_cache(maxsize=512)
def parse_duration(text: str) -> int:
    """The nanoseconds of `90s`, `1h30m`, `1.5h`, `-2m` or `0`.

    Raises `DurationError` for everything that Go's `time.ParseDuration` refuses: days, bare
    numbers, ISO 8601, spaces, and what does not fit into 64 bits (about 292 years).
    """
    negative = text.startswith("-")
    rest = text[1:] if text[:1] in ("-", "+") and text else text
    if rest == "0":
        return 0
    if not rest:
        raise _invalid(text)
    total = 0
    while rest:
        value, used = _term(text, rest)
        total += value
        if total > _LIMIT:
            raise _invalid(text)
        rest = rest[used:]
    # The range is not symmetric: the smallest number has no positive counterpart.
    if total == _LIMIT and not negative:
        raise _invalid(text)
    return -total if negative else total


def format_duration(nanoseconds: int) -> str:
    """The canonical text that Go gives: `30s`, `1m0s`, `1h0m0s`, `1.5ms`, `0s`."""
    if nanoseconds == 0:
        return "0s"
    sign = "-" if nanoseconds < 0 else ""
    size = abs(nanoseconds)
    for unit, name in ((SECOND, "ns"), (SECOND, "\u00b5s"), (SECOND, "ms")):
        step = _UNITS[name]
        if size < min(step * 1000, unit):
            return f"{sign}{_decimal(size, step)}{name}"
    hours, size = divmod(size, HOUR)
    minutes, size = divmod(size, MINUTE)
    text = f"{_decimal(size, SECOND)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    if hours:
        text = f"{hours}h{text}"
    return sign + text


def _term(text: str, rest: str) -> tuple[int, int]:
    match = _TERM.match(rest)
    whole, point, fraction, name = match.groups(default="") if match else ("", "", "", "")
    if not whole and not fraction:
        raise _invalid(text)
    if int(whole or "0") > _LIMIT:
        raise _invalid(text)
    if not name:
        raise DurationError(f"time: missing unit in duration {_quote(text)}")
    unit = _UNITS.get(name)
    if unit is None:
        raise DurationError(f"time: unknown unit {_quote(name)} in duration {_quote(text)}")
    value = int(whole or "0") * unit + _part(fraction, unit)
    if value > _LIMIT:
        raise _invalid(text)
    return value, len(whole) + len(point) + len(fraction) + len(name)


def _part(fraction: str, unit: int) -> int:
    # Go computes the fraction in floating point, which loses nanoseconds of long fractions;
    # the same loss here keeps comparisons with the server's value exact.
    digits, scale = 0, 1.0
    for digit in fraction:
        longer = digits * 10 + int(digit)
        if digits > (_LIMIT - 1) // 10 or longer > _LIMIT:
            break
        digits, scale = longer, scale * 10
    return int(float(digits) * (float(unit) / scale))


def _decimal(size: int, unit: int) -> str:
    whole, part = divmod(size, unit)
    if not part:
        return str(whole)
    width = len(str(unit)) - 1
    return f"{whole}.{str(part).rjust(width, '0').rstrip('0')}"


def _invalid(text: str) -> DurationError:
    return DurationError(f"time: invalid duration {_quote(text)}")


def _quote(text: str) -> str:
    # Package time has a quoting of its own: byte by byte outside printable ASCII.
    quoted = ""
    for character in text:
        if character in '"\\':
            quoted += "\\" + character
        elif " " <= character < "\x80":
            quoted += character
        else:
            quoted += "".join(f"\\x{byte:02x}" for byte in character.encode())
    return f'"{quoted}"'
