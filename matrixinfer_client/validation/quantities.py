"""Quantities as Kubernetes reads, compares and writes them: exact, without floating point.

`parse_quantity` keeps the value and the family of its suffix; `str()` of it is the canonical text
that the server writes back (`0.5Gi` becomes `512Mi`, `1500m` stays, `1000` becomes `1k`).
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import total_ordering
from typing import Literal, TypeAlias

import attrs

__all__ = ["Family", "Quantity", "QuantityError", "parse_quantity"]

Family: TypeAlias = Literal["decimal", "binary", "exponent"]

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_BY_EXPONENT = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BY_POWER = {0: "", **{power: suffix for suffix, power in _BINARY.items()}}
_TEXT = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?"
    r"(?P<suffix>[eEinumkKMGTP]*[-+]?[0-9]*)",
    re.ASCII,
)
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)", re.ASCII)

_NANO = Fraction(1, 10**9)
_LARGEST = Fraction((1 << 63) - 1)
# Beyond any amount there can be; computing with it would take time and memory without bound.
_LARGEST_EXPONENT = 999
_WRONG_FORMAT = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)


class QuantityError(ValueError):
    """Text that Kubernetes does not accept as a quantity; the message is the server's."""


@total_ordering
@attrs.frozen(eq=False)
class Quantity:
    """An amount and the family of suffixes that it is written in.

    Two quantities are equal when their amounts are: `1Gi` equals `1024Mi`. `str()` is canonical.
    """

    amount: Fraction
    family: Family = "decimal"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.amount == other.amount

    def __lt__(self, other: Quantity) -> bool:
        return self.amount < other.amount

    def __hash__(self) -> int:
        return hash(self.amount)

    def __str__(self) -> str:
        if not self.amount:
            return "0"
        # What is small or fractional would lose precision with a binary suffix.
        if self.family == "binary" and abs(self.amount) >= 1024 and self.amount.denominator == 1:
            number, power = _reduced(int(self.amount), 1024, len(_BINARY))
            return f"{number}{_BY_POWER[power]}"
        most = 9 if self.family != "exponent" else _LARGEST_EXPONENT
        number, power = _reduced(int(self.amount / _NANO), 1000, most)
        exponent = 3 * power - 9
        if self.family == "exponent":
            return f"{number}e{exponent}" if exponent else str(number)
        return f"{number}{_BY_EXPONENT[exponent]}"


def parse_quantity(value: str | int) -> Quantity:
    """The quantity of `2Gi`, `500m`, `1e3`, `.5`, `+1.5k` or an integer.

    What is finer than a billionth is rounded away from zero; a binary quantity that does not fit
    into 64 bits becomes the largest number that does. Raises `QuantityError` for everything else.
    """
    match = _TEXT.fullmatch(str(value))
    if match is None or not (match["whole"] or match["fraction"]):
        raise QuantityError(_WRONG_FORMAT)
    fraction = match["fraction"] or ""
    family, factor = _suffix(match["suffix"])
    exact = Fraction(int(match["whole"] + fraction), 10 ** len(fraction)) * factor
    amount = -(-exact // _NANO) * _NANO
    if family == "binary":
        amount = min(amount, _LARGEST)
        # Kubernetes writes a binary amount below one with a decimal suffix.
        family = "decimal" if 0 < amount < 1 else "binary"
    return Quantity(-amount if match["sign"] == "-" else amount, family)


def _suffix(suffix: str) -> tuple[Family, Fraction]:
    if suffix in _DECIMAL:
        return "decimal", Fraction(10) ** _DECIMAL[suffix]
    if suffix in _BINARY:
        return "binary", Fraction(1024) ** _BINARY[suffix]
    exponent = _EXPONENT.fullmatch(suffix)
    if exponent is None or abs(int(exponent[1])) > _LARGEST_EXPONENT:
        raise QuantityError("unable to parse quantity's suffix")
    return "exponent", Fraction(10) ** int(exponent[1])


def _reduced(number: int, base: int, most: int) -> tuple[int, int]:
    power = 0
    while power < most and number % base == 0:
        number //= base
        power += 1
    return number, power
