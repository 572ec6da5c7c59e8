"""Whether a FakeCluster can be made as it is asked for."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.testing.amounts import is_whole
from matrixinfer_client.validation import CelUnavailableError

__all__ = ["check", "check_rules"]

_RULES: Final = "cel_expr_python"


def check_rules(extra: str = "testing") -> None:
    """Raise `CelUnavailableError` without the library that evaluates the rules of the schemas.

    Otherwise only what has rules would meet with it, such as what simulated controllers create.
    """
    if find_spec(_RULES) is None:
        raise CelUnavailableError(
            "a fake cluster evaluates the rules of the schemas with the package cel-expr-python, "
            f"which is not installed: pip install 'matrixinfer-client[{extra}]'"
        )


def check(*, seed: int | None, history: int | None, max_actions: int) -> None:
    """Do the same, and raise `InvalidArgumentError` for what is no number, or too small."""
    check_rules()
    if seed is not None and not is_whole(seed, 0):
        raise InvalidArgumentError(f"seed must be a whole number, 0 or more, not {seed!r}")
    if history is not None and not is_whole(history, 1):
        raise InvalidArgumentError(f"history must be 1 change or more, not {history!r}")
    if not is_whole(max_actions, 1):
        raise InvalidArgumentError(f"max_actions must be 1 or more, not {max_actions!r}")
