"""What an unquoted word of YAML is: the rules of go-yaml 2, which kubectl follows.

A word that starts with a digit, a sign or a dot is tried as Go's `strconv.ParseInt` with base 0
(`0x1f`, `0o17`, `017`, `0b1`), then as a decimal float; underscores are dropped before. If it is
neither it is a string.
"""

from __future__ import annotations

import re
from math import inf, nan

__all__ = ["is_ambiguous", "is_null", "number_of", "read_bool"]

_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])

_NUMBER_LIKE = r"[-+]?\.?[0-9][0-9a-zA-Z_.+-]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
_NUMBER = re.compile(rf"(?:{_NUMBER_LIKE})\Z")

_INTEGERS = (
    (re.compile(r"([-+]?)0[xX]([0-9a-fA-F]+)\Z"), 16),
    (re.compile(r"([-+]?)0[bB]([01]+)\Z"), 2),
    (re.compile(r"([-+]?)0[oO]?([0-7]+)\Z"), 8),
    (re.compile(r"([-+]?)(0|[1-9][0-9]*)\Z"), 10),
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")

# What any reader might not take for a string, whatever its version of YAML: besides the above,
# the numbers in base 60 and the timestamps of YAML 1.1, and words in any case.
_AMBIGUOUS = re.compile(
    rf"(?:y|n|yes|no|on|off|true|false|null|~|=|<<|{_NUMBER_LIKE}"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*|[-+]?\.[0-9_.]+|)\Z",
    re.IGNORECASE,
)


def is_null(text: str) -> bool:
    """Whether a word means null."""
    return text in _NULL


def read_bool(text: str) -> bool | None:
    """The boolean that a word means; None for no boolean."""
    return text in _TRUE if text in _TRUE or text in _FALSE else None


def number_of(text: str, *, is_float: bool = False) -> int | float | None:
    """The number that a word means; None for no number."""
    if not _NUMBER.match(text):
        return None
    plain = text.replace("_", "")
    if plain.lower().lstrip("+-") == ".inf":
        return -inf if plain[0] == "-" else inf
    if plain.lower() == ".nan":
        return nan
    for pattern, base in _INTEGERS:
        match = pattern.match(plain)
        if match:
            value = int(match[1] + match[2], base)
            # Beyond 64 bits Go has only floats.
            return float(value) if is_float or not -(2**63) <= value < 2**64 else value
    return float(plain) if _FLOAT.match(plain) else None


def is_ambiguous(text: str) -> bool:
    """Whether some reader of YAML might take the unquoted word for something but a string."""
    return _AMBIGUOUS.match(text) is not None
