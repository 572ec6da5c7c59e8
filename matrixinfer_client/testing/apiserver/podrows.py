"""What a table says of a pod: how many containers are ready, and the pod's state in one word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from matrixinfer_client.looks import mapping, rows, text
from matrixinfer_client.testing.apiserver.ages import age
from matrixinfer_client.times import parse

__all__ = ["pod_cells", "pod_conditions"]

_MESSAGES = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}


def pod_cells(pod: Mapping[str, Any], now: datetime) -> list[Any]:
    """Name, Ready, Status, Restarts, Age, and the cells of a wide table."""
    state = _State(pod)
    state.look()
    metadata = mapping(pod.get("metadata"))
    spec, status = mapping(pod.get("spec")), mapping(pod.get("status"))
    restarts = str(state.restarts)
    if state.restarts and state.restarted:
        restarts += f" ({age(state.restarted, now)} ago)"
    addresses = [text(each.get("ip")) for each in rows(status.get("podIPs"))]
    return [
        text(metadata.get("name")),
        f"{state.ready}/{state.total}",
        state.word(metadata.get("deletionTimestamp") is not None),
        restarts,
        age(metadata.get("creationTimestamp"), now),
        next(iter(addresses), text(status.get("podIP"))) or "<none>",
        text(spec.get("nodeName")) or "<none>",
        text(status.get("nominatedNodeName")) or "<none>",
        _gates(spec, status),
    ]


def pod_conditions(pod: Mapping[str, Any]) -> list[dict[str, str]]:
    """The condition of the row of a pod that has ended; kubectl hides such rows on request."""
    phase = text(mapping(pod.get("status")).get("phase"))
    if phase not in _MESSAGES:
        return []
    message = _MESSAGES[phase]
    return [{"type": "Completed", "status": "True", "reason": phase, "message": message}]


class _State:
    """Goes through the containers of a pod, as the server does it for its tables."""

    def __init__(self, pod: Mapping[str, Any]) -> None:
        self._spec = mapping(pod.get("spec"))
        self._status = mapping(pod.get("status"))
        self._initial = {
            text(each.get("name")): each for each in rows(self._spec.get("initContainers"))
        }
        self._reason = text(self._status.get("reason")) or self._phase
        if any(
            each.get("type") == "PodScheduled" and each.get("reason") == "SchedulingGated"
            for each in self._conditions
        ):
            self._reason = "SchedulingGated"
        sidecars = sum(map(_restartable, self._initial.values()))
        self.total = len(rows(self._spec.get("containers"))) + sidecars
        self._sidecars: list[Mapping[str, Any]] = []
        self.ready = 0
        self.restarts = 0
        self.restarted = ""
        """When a container was last restarted; empty for never."""

    @property
    def _phase(self) -> str:
        return text(self._status.get("phase"))

    @property
    def _conditions(self) -> Sequence[Mapping[str, Any]]:
        return rows(self._status.get("conditions"))

    def look(self) -> None:
        """Go through all containers; the ordinary ones only after those that come first."""
        through = self._initialized(rows(self._status.get("initContainerStatuses")))
        if through or self._has("Initialized"):
            # What was restarted before has no part in it any more, but for what still runs.
            self.restarts, self.restarted = 0, ""
            self._count(self._sidecars)
            self._ordinary(rows(self._status.get("containerStatuses")))

    def word(self, deleting: bool) -> str:
        """The state in one word."""
        if deleting and self._status.get("reason") == "NodeLost":
            return "Unknown"
        if deleting and self._phase not in _MESSAGES:
            return "Terminating"
        return self._reason

    def _initialized(self, statuses: Sequence[Mapping[str, Any]]) -> bool:
        """Whether the containers that come first are through; else say which one is not."""
        for place, each in enumerate(statuses):
            self._count([each])
            sidecar = _restartable(self._initial.get(text(each.get("name")), {}))
            if sidecar:
                self._sidecars.append(each)
            ended = _state(each, "terminated")
            if ended is not None and not ended.get("exitCode"):
                continue
            if sidecar and each.get("started") is True:
                self.ready += bool(each.get("ready"))
                continue
            self._reason = f"Init:{_beginning(each, ended) or f'{place}/{len(self._initial)}'}"
            return False
        return True

    def _ordinary(self, statuses: Sequence[Mapping[str, Any]]) -> None:
        running = False
        for each in reversed(statuses):
            self._count([each])
            ended = _state(each, "terminated")
            waiting = text(mapping(_state(each, "waiting")).get("reason"))
            if waiting:
                self._reason = waiting
            elif ended is not None:
                self._reason = _end(ended)
            elif each.get("ready") and _state(each, "running") is not None:
                running = True
                self.ready += 1
        if self._reason == "Completed" and running:
            self._reason = "Running" if self._has("Ready") else "NotReady"

    def _count(self, statuses: Sequence[Mapping[str, Any]]) -> None:
        for each in statuses:
            count = each.get("restartCount")
            self.restarts += count if isinstance(count, int) else 0
            last = mapping(mapping(each.get("lastState")).get("terminated"))
            finished = text(last.get("finishedAt"))
            if finished and _later(finished, self.restarted):
                self.restarted = finished

    def _has(self, condition: str) -> bool:
        return any(
            each.get("type") == condition and each.get("status") == "True"
            for each in self._conditions
        )


def _restartable(container: Mapping[str, Any]) -> bool:
    return container.get("restartPolicy") == "Always"


def _state(status: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found = mapping(status.get("state")).get(name)
    return None if found is None else mapping(found)


def _end(terminated: Mapping[str, Any]) -> str:
    reason, signal = text(terminated.get("reason")), terminated.get("signal")
    return reason or (f"Signal:{signal}" if signal else f"ExitCode:{terminated.get('exitCode', 0)}")


def _beginning(status: Mapping[str, Any], ended: Mapping[str, Any] | None) -> str:
    """Why a container that comes first is not through; empty where only its number says it."""
    if ended is not None:
        return _end(ended)
    waiting = text(mapping(_state(status, "waiting")).get("reason"))
    return "" if waiting == "PodInitializing" else waiting


def _later(one: str, other: str) -> bool:
    first, second = parse(one), parse(other)
    if not isinstance(first, datetime):
        return False
    return not isinstance(second, datetime) or first > second


def _gates(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    gates = [text(each.get("conditionType")) for each in rows(spec.get("readinessGates"))]
    if not gates:
        return "<none>"
    # Of a condition that is there twice the first counts.
    states: dict[str, Any] = {}
    for each in rows(status.get("conditions")):
        states.setdefault(text(each.get("type")), each.get("status"))
    return f"{sum(states.get(gate) == 'True' for gate in gates)}/{len(gates)}"
