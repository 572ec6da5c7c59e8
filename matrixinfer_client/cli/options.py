"""What several commands want of their options."""

from __future__ import annotations

import math

import click

__all__ = ["positive"]


def positive(ctx: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Check that a number, if there is one, is above zero and ends."""
    del ctx, option
    if value is not None and not 0 < value < math.inf:
        raise click.BadParameter(f"it must be a number above 0, such as 2, not {value:g}")
    return value
