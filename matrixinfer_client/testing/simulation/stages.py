"""Where a pod is on its way from Pending to Ready, read from its status, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct, structs

from matrixinfer_client.looks import mapping, rows, text
from matrixinfer_client.testing.simulation.containers import container_names, reason_of, state_of
from matrixinfer_client.testing.simulation.failures import Failure, Hit
from matrixinfer_client.testing.simulation.plainly import Plain, metadata_of
from matrixinfer_client.testing.simulation.timing import DELAYS

__all__ = ["Stage", "Step", "back_off", "stage_of", "target_of"]


Step: TypeAlias = Literal[
    "schedule",
    "admit",
    "start",
    "finish",
    "ready",
    "crash",
    "restart",
    "back-off-pull",
    "probe",
    "terminate",
]


class Stage(Struct, frozen=True):
    """The next step of a pod: what, with which containers, and after how many seconds."""

    step: Step
    containers: tuple[str, ...] = ()
    delay: float = 0.0
    background: bool = False
    count: int = 0
    """How often it has been there before, which makes it another stage."""
    failure: Failure | None = None

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells it apart from the stages before and after it."""
        return self.step, self.containers, self.background, self.count


def target_of(pod: Plain, failure: Failure) -> str:
    """The container that a failure is about."""
    return failure.container or next(iter(container_names(pod)), "")


def stage_of(pod: Plain, hit: Hit, *, probed: bool) -> Stage | None:
    """The next step of a pod; None when there is none until something else happens.

    `probed` says whether a probe of it has failed already.
    """
    status = mapping(pod.get("status"))
    if "deletionTimestamp" in metadata_of(pod):
        return Stage("terminate", delay=DELAYS.terminate)
    if not mapping(pod.get("spec")).get("nodeName"):
        return _scheduling(status)
    initial = rows(status.get("initContainerStatuses"))
    main = rows(status.get("containerStatuses"))
    if not main:
        return Stage("admit", delay=DELAYS.admit)
    for row in initial:
        if not row.get("ready"):
            return _initializing(pod, row, hit)
    return _running(pod, main, hit, probed=probed)


def _scheduling(status: Plain) -> Stage:
    refused = any(
        row.get("type") == "PodScheduled" and row.get("status") == "False"
        for row in rows(status.get("conditions"))
    )
    if refused:
        return Stage("schedule", delay=DELAYS.reschedule, background=True)
    return Stage("schedule", delay=DELAYS.schedule)


def _initializing(pod: Plain, row: Plain, hit: Hit) -> Stage:
    name = text(row.get("name"))
    if state_of(row) != "running":
        return _troubled(row, hit) or _start((name,), hit)
    crash = hit("crash_loop", "out_of_memory")
    if crash is not None and target_of(pod, crash) == name:
        return Stage("crash", (name,), DELAYS.crash, count=_restarts(row), failure=crash)
    return Stage("finish", (name,), DELAYS.initialize, count=_restarts(row))


def _running(pod: Plain, main: Sequence[Plain], hit: Hit, *, probed: bool) -> Stage | None:
    fresh = tuple(
        text(row.get("name"))
        for row in main
        if state_of(row) == "waiting" and _troubled(row, hit) is None
    )
    if fresh:
        return _start(fresh, hit)
    crash = hit("crash_loop", "out_of_memory")
    for row in main:
        if (
            crash is not None
            and state_of(row) == "running"
            and target_of(pod, crash) == row["name"]
        ):
            count = _restarts(row)
            return Stage("crash", (row["name"],), DELAYS.crash, count=count, failure=crash)
    for row in main:
        trouble = _troubled(row, hit)
        if trouble is not None:
            return trouble
    return _becoming_ready(pod, main, hit, probed=probed)


def _becoming_ready(pod: Plain, main: Sequence[Plain], hit: Hit, *, probed: bool) -> Stage | None:
    unready = {text(row.get("name")) for row in main if not row.get("ready")}
    never = hit("never_ready")
    hopeless = set[str]() if never is None else {target_of(pod, never)}
    names = tuple(name for name in container_names(pod) if name in unready - hopeless)
    if names:
        return Stage("ready", names, DELAYS.load)
    failing = tuple(name for name in container_names(pod) if name in hopeless)
    if not failing:
        return None
    # The first failure is news; that it goes on is not.
    known = probed and failing[0] in unready
    return Stage("probe", failing, DELAYS.probe if known else DELAYS.load, known, failure=never)


def _start(names: tuple[str, ...], hit: Hit) -> Stage:
    return Stage("start", names, DELAYS.pull, failure=hit("image_pull"))


def _troubled(row: Plain, hit: Hit) -> Stage | None:
    """What the kubelet does next about a container that failed."""
    name, count = (text(row.get("name")),), _restarts(row)
    if state_of(row) == "terminated":
        return Stage("restart", name, DELAYS.restart, count=count)
    match reason_of(row):
        case "ErrImagePull":
            return Stage("back-off-pull", name, DELAYS.restart)
        case "ImagePullBackOff":
            return structs.replace(_start(name, hit), delay=DELAYS.back_off, background=True)
        case "CrashLoopBackOff":
            return Stage("start", name, back_off(count), background=True, count=count)
        case _:
            return None


def back_off(restarts: int) -> float:
    """How long a container that has been restarted so often waits."""
    return min(DELAYS.back_off * 2.0 ** max(0, min(restarts - 1, 32)), DELAYS.back_off_limit)


def _restarts(row: Mapping[str, Any]) -> int:
    count = row.get("restartCount")
    return count if isinstance(count, int) else 0
