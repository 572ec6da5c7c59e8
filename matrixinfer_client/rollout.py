"""What a Model's conditions do not say: whether its children run the newest spec.

`Active` is True as soon as every child ModelInfer was once available, also when it still serves
the old spec; and `Failed` is never taken back. Both questions are answered by the ModelInfers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from matrixinfer_client.errors import ApiError, TransportError
from matrixinfer_client.facts import (
    BACKEND_LABEL,
    MODEL_UID_LABEL,
    replicas_of,
    rollout_gap,
)
from matrixinfer_client.judging import Condition, Verdict
from matrixinfer_client.looks import Look, rows
from matrixinfer_client.plain import MODEL_INFERS, Reader

if TYPE_CHECKING:
    from matrixinfer_client.flows import Flow

__all__ = ["RolledOut", "closer_look", "excuse"]

CloserLook: TypeAlias = "Callable[[Look], Flow[str | None]]"


class RolledOut(Condition):
    """A ModelInfer runs its newest spec in all groups that are to have it."""

    text = "rolled out"

    def __init__(self, readiness: Condition) -> None:
        self._readiness = readiness

    def judge(self, look: Look | None) -> Verdict:
        """See `Condition.judge`."""
        verdict = self._readiness.judge(look)
        if look is None or look.is_deleting:
            return verdict
        gap = rollout_gap(look)
        return Verdict(gap is None, gap or "", verdict.failure, verdict.hopeless)


def closer_look(reader: Reader) -> CloserLook:
    """Look at the ModelInfers of a Model that says it is Active: what is missing, None if nothing.

    Read after the Model was seen Active with its newest generation: by then the controller has
    written the children, so what they say is about that generation.
    """

    def look_closer(model: Look) -> Flow[str | None]:
        infers = yield from _children(reader, model)
        wanted = {str(backend.get("name")) for backend in rows(model.spec.get("backends"))}
        there = {str(infer.labels.get(BACKEND_LABEL)): infer for infer in infers}
        if missing := sorted(wanted - set(there)):
            return f"no ModelInfer yet for backend {', '.join(missing)}"
        if left := sorted(set(there) - wanted):
            return f"the ModelInfer of the former backend {', '.join(left)} is still there"
        for infer in infers:
            gap = None if _is_empty(infer) else rollout_gap(infer)
            if gap is not None:
                return f"ModelInfer {infer.name}: {gap}"
        return None

    return look_closer


def excuse(reader: Reader) -> Callable[[Look], Flow[bool]]:
    """Whether a Model's `Failed` is of the past, because its children are all there and starting.

    A controller that could not create or change a child leaves some missing, or leaves all of
    them as they were. While all exist and one is still becoming available, that is what keeps
    the Model from being Active, however old its `Failed` is.
    """

    def excused(model: Look) -> Flow[bool]:
        try:
            infers = yield from _children(reader, model)
        except (ApiError, TransportError):
            # Not allowed to look, or not able to: the controller's word stands.
            return False
        if len(infers) < len(rows(model.spec.get("backends"))):
            return False
        waiting = [infer for infer in infers if infer.status_of("Available") != "True"]
        return bool(waiting) and not any(_is_empty(infer) for infer in waiting)

    return excused


def _children(reader: Reader, model: Look) -> Flow[Sequence[Look]]:
    found = yield from reader.list(MODEL_INFERS, labels={MODEL_UID_LABEL: model.uid})
    return [Look(item) for item in found]


def _is_empty(infer: Look) -> bool:
    return replicas_of(infer) == 0 and not infer.status
