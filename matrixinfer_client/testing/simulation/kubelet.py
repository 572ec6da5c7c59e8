"""The kubelets of all nodes: what they do with a pod, and what they write and say about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from matrixinfer_client.looks import mapping, rows, text
from matrixinfer_client.testing.simulation.cluster import AGENT
from matrixinfer_client.testing.simulation.containers import (
    PodStatus,
    container_row,
    image_of,
    state_of,
)
from matrixinfer_client.testing.simulation.failures import Failure
from matrixinfer_client.testing.simulation.plainly import Plain, key_of, version_of
from matrixinfer_client.testing.simulation.stages import Stage, Step, back_off, target_of
from matrixinfer_client.testing.simulation.timing import DELAYS

if TYPE_CHECKING:
    import random

    from matrixinfer_client.testing.simulation.controller import Surroundings
    from matrixinfer_client.testing.simulation.logbook import LogBook
    from matrixinfer_client.testing.simulation.nodes import Node
    from matrixinfer_client.testing.simulation.recorder import Recorder

__all__ = ["Kubelet"]

_UNHEALTHY = "Readiness probe failed: HTTP probe failed with statuscode: 503"
_CRASH_LOG = (
    "Traceback (most recent call last):",
    '  File "engine.py", line 1, in <module>',
    "RuntimeError: the engine could not be started (a simulated crash)",
)


class Kubelet:
    """Performs the steps of pods that have a node."""

    def __init__(
        self,
        surroundings: Surroundings,
        nodes: Sequence[Node],
        random_: random.Random,
        events: Recorder,
        logs: LogBook,
    ) -> None:
        self._cluster = surroundings.cluster
        self._failures = surroundings.failures
        self._nodes = [node.name for node in nodes]
        self._random = random_
        self._events = events
        self._logs = logs
        # By node.
        self._images: set[tuple[str, str]] = set()
        self._addresses = 0
        self._steps: Mapping[Step, Callable[[Plain, Stage], None]] = {
            "admit": self._admit,
            "start": self._start,
            "finish": self._finish,
            "ready": self._make_ready,
            "crash": self._crash,
            "restart": self._restart,
            "back-off-pull": self._back_off_pull,
            "probe": self._probe,
            "terminate": self._terminate,
        }

    def must_pull(self, pod: Plain, name: str) -> bool:
        """Whether the image of a container has to be pulled first."""
        image = image_of(pod, name)
        spec = mapping(pod.get("spec"))
        listed = [*rows(spec.get("initContainers")), *rows(spec.get("containers"))]
        policies = [row.get("imagePullPolicy") for row in listed if row.get("name") == name]
        return (_node(pod), image) not in self._images or "Always" in policies

    def enter(self, pod: Plain, stage: Stage) -> None:
        """Tell what is seen of a step when it begins."""
        if stage.step == "start" and not stage.background:
            for name in stage.containers[:1]:
                self._begin_pull(pod, name)

    def perform(self, pod: Plain, stage: Stage) -> None:
        """Do a step."""
        self._steps[stage.step](pod, stage)

    def _admit(self, pod: Plain, stage: Stage) -> None:
        del stage
        status = PodStatus(pod)
        status.admit(self._host(pod))
        self._write(pod, status.summarize())

    def _start(self, pod: Plain, stage: Stage) -> None:
        status = PodStatus(pod)
        refused: list[tuple[str, Failure]] = []
        started: dict[str, str] = {}
        failure = stage.failure
        for name in stage.containers:
            if failure is not None and target_of(pod, failure) == name:
                refused.append((name, failure))
                said = failure.message or _not_found(image_of(pod, name))
                status.wait([name], "ErrImagePull", said)
                continue
            started[name] = f"containerd://{self._random.getrandbits(256):064x}"
            status.start(name, started[name])
        status.give_address(self._next_address())
        self._write(pod, status.summarize())
        for index, name in enumerate(stage.containers):
            # The first one's pull began with the stage.
            if index or stage.background:
                self._begin_pull(pod, name)
            if name in started:
                self._tell_start(pod, name)
                self._logs.add(started[name], [f"starting {image_of(pod, name)}"])
        for name, each in refused:
            self._tell_refusal(pod, name, each)

    def _tell_start(self, pod: Plain, name: str) -> None:
        image = image_of(pod, name)
        if self.must_pull(pod, name):
            seconds = (
                f"{self._random.randrange(1000, 9000) / 1000:.3f}".rstrip("0").rstrip(".") + "s"
            )
            size = self._random.randrange(10**8, 10**10)
            message = (
                f'Successfully pulled image "{image}" in {seconds} ({seconds} including waiting). '
                f"Image size: {size} bytes."
            )
        else:
            message = f'Container image "{image}" already present on machine'
        self._events.kubelet(pod, "Normal", "Pulled", message, name)
        self._events.kubelet(pod, "Normal", "Created", f"Created container: {name}", name)
        self._events.kubelet(pod, "Normal", "Started", f"Started container {name}", name)
        self._images.add((_node(pod), image))

    def _tell_refusal(self, pod: Plain, name: str, failure: Failure) -> None:
        image = image_of(pod, name)
        said = failure.message or _not_found(image)
        message = f'Failed to pull image "{image}": {said}'
        self._events.kubelet(pod, "Warning", "Failed", message, name)
        self._events.kubelet(pod, "Warning", "Failed", "Error: ErrImagePull", name)
        self._failures.count(failure)

    def _back_off_pull(self, pod: Plain, stage: Stage) -> None:
        status = PodStatus(pod)
        for name in stage.containers:
            row = container_row(pod, name) or {}
            before = text(mapping(mapping(row.get("state")).get("waiting")).get("message"))
            said = f'Back-off pulling image "{image_of(pod, name)}"'
            status.wait([name], "ImagePullBackOff", f"{said}: ErrImagePull: {before}")
        self._write(pod, status.summarize())
        for name in stage.containers:
            said = f'Back-off pulling image "{image_of(pod, name)}"'
            self._events.kubelet(pod, "Normal", "BackOff", said, name)
            self._events.kubelet(pod, "Warning", "Failed", "Error: ImagePullBackOff", name)

    def _finish(self, pod: Plain, stage: Stage) -> None:
        status = PodStatus(pod)
        for name in stage.containers:
            status.end(name, 0, "Completed")
            self._print(pod, name, ["done"])
        self._write(pod, status.summarize())

    def _make_ready(self, pod: Plain, stage: Stage) -> None:
        status = PodStatus(pod)
        status.set_ready(stage.containers, ready=True)
        self._write(pod, status.summarize())
        for name in stage.containers:
            self._print(pod, name, ["ready"])

    def _crash(self, pod: Plain, stage: Stage) -> None:
        failure = stage.failure
        if failure is None:
            return
        killed = failure.mode == "out_of_memory"
        status = PodStatus(pod)
        for name in stage.containers:
            code, reason = (137, "OOMKilled") if killed else (failure.exit_code, "Error")
            status.end(name, code, reason)
            self._print(pod, name, failure.log or (() if killed else _CRASH_LOG))
        self._write(pod, status.summarize())
        self._failures.count(failure)

    def _restart(self, pod: Plain, stage: Stage) -> None:
        """At once after the first crash; after the others the container has to wait."""
        if stage.count == 0:
            self._start(pod, Stage("start", stage.containers, background=True))
            return
        namespace, name = key_of(pod)
        identity = f"{name}_{namespace}({version_of(pod)[0]})"
        pause = _duration(back_off(stage.count) / DELAYS.back_off * 10)
        status = PodStatus(pod)
        for each in stage.containers:
            said = f"back-off {pause} restarting failed container={each} pod={identity}"
            status.wait([each], "CrashLoopBackOff", said)
        self._write(pod, status.summarize())
        for each in stage.containers:
            said = f"Back-off restarting failed container {each} in pod {identity}"
            self._events.kubelet(pod, "Warning", "BackOff", said, each)

    def _probe(self, pod: Plain, stage: Stage) -> None:
        status = PodStatus(pod)
        status.set_ready(stage.containers, ready=False)
        self._write(pod, status.summarize())
        message = stage.failure.message if stage.failure else None
        for name in stage.containers:
            self._events.kubelet(pod, "Warning", "Unhealthy", message or _UNHEALTHY, name)

    def _terminate(self, pod: Plain, stage: Stage) -> None:
        del stage
        for row in rows(mapping(pod.get("status")).get("containerStatuses")):
            if state_of(row) == "running":
                name = text(row.get("name"))
                self._events.kubelet(pod, "Normal", "Killing", f"Stopping container {name}", name)
        self._cluster.pods.delete(pod, grace_period_seconds=0)

    def _write(self, pod: Plain, status: Plain) -> None:
        if status != mapping(pod.get("status")):
            self._cluster.pods.update_status(pod, status, AGENT)

    def _print(self, pod: Plain, name: str, lines: Sequence[str]) -> None:
        row = container_row(pod, name)
        if row is not None:
            self._logs.add(text(row.get("containerID")), lines)

    def _begin_pull(self, pod: Plain, name: str) -> None:
        if self.must_pull(pod, name):
            message = f'Pulling image "{image_of(pod, name)}"'
            self._events.kubelet(pod, "Normal", "Pulling", message, name)

    def _host(self, pod: Plain) -> str:
        node = _node(pod)
        return _address("10.0", 10 + self._nodes.index(node) if node in self._nodes else 5)

    def _next_address(self) -> str:
        self._addresses += 1
        return _address("10.244", self._addresses)


def _node(pod: Plain) -> str:
    return text(mapping(pod.get("spec")).get("nodeName"))


def _address(network: str, number: int) -> str:
    high, low = divmod(number, 250)
    return f"{network}.{high % 250}.{low + 1}"


def _not_found(image: str) -> str:
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": failed to '
        f'resolve reference "{image}": {image}: not found'
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
