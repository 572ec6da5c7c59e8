"""Whether what a person gave is a number that can be meant.

A type checker says so, too; tests are often not checked, and a fault with `times="2"` would only
fail within the request that it acts on.
"""

from __future__ import annotations

import math

__all__ = ["is_number", "is_whole"]


def is_whole(value: object, least: int, most: float = math.inf) -> bool:
    """Whether it is a whole number from `least` to `most`; a bool is none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_number(value: object, least: float = 0.0) -> bool:
    """Whether it is a number, `least` or more; a bool and NaN are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= least
