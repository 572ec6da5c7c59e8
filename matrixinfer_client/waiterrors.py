"""How a wait ends without success. Public as names of `matrixinfer_client.errors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from matrixinfer_client.apierrors import MatrixInferError
from matrixinfer_client.denials import InsufficientResourcesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matrixinfer_client.diagnosis import Diagnosis

__all__ = [
    "ConditionFailed",
    "ConditionState",
    "InsufficientResourcesFailed",
    "InsufficientResourcesTimeout",
    "WaitError",
    "WaitTimeout",
    "wait_error",
]

# Findings of a diagnosis that mean that the cluster has too little of something.
_SHORTAGES = ("unschedulable", "quota")


@attrs.frozen
class ConditionState:
    """One condition of an object's status, as it was last seen."""

    type: str
    status: str
    reason: str = ""
    message: str = ""

    def __str__(self) -> str:
        return f"{self.type}={self.status}" + (f" ({self.reason})" if self.reason else "")


class WaitError(MatrixInferError):
    """A wait ended without what was waited for.

    Attributes: `name` (of the object that the message is about), `condition` (what was waited for,
    in words), `last` (the object as it was last seen, None when it never was), `conditions`,
    `generation` and `observed_generation` (of `last`), `pending` (all names that were still waited
    for), `diagnosis` (why, as far as it could be found out; its text ends the message), and
    `elapsed` (seconds).
    """

    name: str
    condition: str
    last: Any
    conditions: tuple[ConditionState, ...]
    generation: int | None
    observed_generation: int | None
    pending: tuple[str, ...]
    diagnosis: Diagnosis | None
    elapsed: float

    def __init__(
        self,
        message: str,
        *,
        name: str = "",
        condition: str = "",
        last: Any = None,
        conditions: Sequence[ConditionState] = (),
        generation: int | None = None,
        observed_generation: int | None = None,
        pending: Sequence[str] = (),
        diagnosis: Diagnosis | None = None,
        elapsed: float = 0.0,
    ) -> None:
        super().__init__(message if diagnosis is None else f"{message}\n{diagnosis}")
        self.name = name
        self.condition = condition
        self.last = last
        self.conditions = tuple(conditions)
        self.generation = generation
        self.observed_generation = observed_generation
        self.pending = tuple(pending)
        self.diagnosis = diagnosis
        self.elapsed = elapsed

    def _repr_html_(self) -> str:
        """What a notebook shows for a wait that was given up: its last state, and why."""
        from matrixinfer_client.markup import block, line, mark  # noqa: PLC0415

        words = str(self)
        if self.diagnosis is not None:
            words = words.removesuffix(f"\n{self.diagnosis}")
        return block(
            line(mark(f"{type(self).__name__}: {words}", good=False)),
            "" if self.diagnosis is None else self.diagnosis.to_html(),
        )

    def _render_traceback_(self) -> list[str]:
        """What IPython shows when nobody handles it: the caller's lines, and why."""
        from matrixinfer_client.tracebacks import rendered  # noqa: PLC0415

        return rendered(self)


class WaitTimeout(WaitError, TimeoutError):
    """What was waited for did not come true in time."""


class ConditionFailed(WaitError):
    """What was waited for cannot come true, or has been failing for longer than the grace period.

    Also raised when the object is deleted or replaced while something else is waited for.
    """


class InsufficientResourcesTimeout(WaitTimeout, InsufficientResourcesError):
    """It did not come true in time, and what is missing is room: see `resolution`."""


class InsufficientResourcesFailed(ConditionFailed, InsufficientResourcesError):
    """It has been failing, and what is missing is room: see `resolution`."""


def wait_error(
    cls: type[WaitError], message: str, diagnosis: Diagnosis | None, **fields: Any
) -> WaitError:
    """The error for a wait that ended without success, by what its diagnosis found."""
    if diagnosis is None or not diagnosis.findings or diagnosis.findings[0].code not in _SHORTAGES:
        return cls(message, diagnosis=diagnosis, **fields)
    scarce: type[InsufficientResourcesTimeout | InsufficientResourcesFailed] = (
        InsufficientResourcesTimeout
        if issubclass(cls, WaitTimeout)
        else InsufficientResourcesFailed
    )
    error = scarce(message, diagnosis=diagnosis, **fields)
    error.resolution = diagnosis.action
    return error
