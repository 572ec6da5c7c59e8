"""What several commands want of their options, and of the installation."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import Final

import click

from matrixinfer_client.errors import MatrixInferError

__all__ = ["check_rules", "positive"]

_RULES: Final = "cel_expr_python"


def check_rules() -> None:
    """Raise when the library is missing with which a fake cluster evaluates its rules.

    Otherwise simulated controllers would only meet with it when they create something.
    """
    if find_spec(_RULES) is None:
        raise MatrixInferError(
            "a fake cluster evaluates the rules of the schemas with the package cel-expr-python, "
            "which is not installed: pip install 'matrixinfer-client[cli]'"
        )


def positive(ctx: click.Context, option: click.Parameter, value: float) -> float:
    """Check that a number is above zero and ends."""
    del ctx, option
    if not 0 < value < math.inf:
        raise click.BadParameter(f"it must be a number above 0, such as 2, not {value:g}")
    return value
