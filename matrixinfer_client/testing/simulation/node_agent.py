"""From a pod to running containers: the scheduler and the kubelets of all nodes in one.

Each look at a pod finds the stage it is in. What comes next is done when the stage has lasted long
enough, so that a look too many does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from matrixinfer_client.looks import mapping, rows, text
from matrixinfer_client.testing.simulation.children import MODEL_NAME
from matrixinfer_client.testing.simulation.cluster import SCHEDULER
from matrixinfer_client.testing.simulation.containers import PodStatus
from matrixinfer_client.testing.simulation.failures import Failure, FailureMode, Hit
from matrixinfer_client.testing.simulation.kubelet import Kubelet
from matrixinfer_client.testing.simulation.members import GROUP, NAME
from matrixinfer_client.testing.simulation.nodes import Node, Usage, place, refusal
from matrixinfer_client.testing.simulation.plainly import (
    Key,
    Plain,
    key_of,
    labels_of,
    metadata_of,
    version_of,
)
from matrixinfer_client.testing.simulation.recorder import Recorder
from matrixinfer_client.testing.simulation.stages import Stage, stage_of
from matrixinfer_client.testing.simulation.timing import DELAYS

if TYPE_CHECKING:
    import random

    from matrixinfer_client.testing.simulation.controller import Surroundings
    from matrixinfer_client.testing.simulation.logbook import LogBook

__all__ = ["NodeAgent"]


class _Mark(Struct):
    """The stage that a pod was last seen in, and until when it lasts."""

    stage: tuple[object, ...]
    due: float
    background: bool


class NodeAgent:
    """Schedules pods and runs their containers."""

    def __init__(
        self,
        surroundings: Surroundings,
        nodes: Sequence[Node],
        random_: random.Random,
        logs: LogBook,
    ) -> None:
        self._cluster = surroundings.cluster
        self._failures = surroundings.failures
        self._timer = surroundings.timer
        self._nodes = nodes
        self._random = random_
        self._logs = logs
        self._events = Recorder(self._cluster, random_)
        self._kubelet = Kubelet(surroundings, nodes, random_, self._events, logs)
        self._usage = Usage()
        # By uid, as long as the pod exists.
        self._marks: dict[str, _Mark] = {}
        self._probed: set[str] = set()
        self._cluster.pods.listen(self._on_pod)

    def _on_pod(self, old: Plain | None, new: Plain | None) -> None:
        known = new or old
        if known is not None:
            self._usage.note(version_of(known)[0], new)
        if new is not None:
            self._timer.after(key_of(new), 0)
        elif old is not None:
            uid = version_of(old)[0]
            self._marks.pop(uid, None)
            self._probed.discard(uid)
            self._events.forget(old)
            self._logs.drop(old)
            # There may be room now.
            self._retry(lambda pod: not mapping(pod.get("spec")).get("nodeName"))

    def reconsider(self, failures: Sequence[Failure]) -> None:
        """Look again at pods for which something has changed that no object tells."""
        self._retry(lambda pod: any(self._is_hit(pod, each) for each in failures))

    def _retry(self, concerns: Callable[[Plain], bool]) -> None:
        """Let pods that wait for better times try at once."""
        for pod in self._cluster.pods.all():
            if concerns(pod):
                mark = self._marks.get(version_of(pod)[0])
                if mark is not None and mark.background:
                    mark.due = self._timer.now()
                self._timer.after(key_of(pod), 0)

    def reconcile(self, key: Key) -> None:
        """Look at a pod, and do its next step if it is time for that."""
        pod = self._cluster.pods.get(key)
        if pod is None:
            return
        uid, hit = version_of(pod)[0], self._hits(pod)
        stage = stage_of(pod, hit, probed=uid in self._probed)
        if stage is None:
            self._marks.pop(uid, None)
            return
        mark = self._marks.get(uid)
        if mark is None or mark.stage != stage.identity:
            self._kubelet.enter(pod, stage)
            due = self._timer.due(self._delay(pod, stage, hit), background=stage.background)
            mark = self._marks[uid] = _Mark(stage.identity, due, stage.background)
        if mark.due > self._timer.now():
            self._timer.at(key, mark.due, background=stage.background)
            return
        if stage.step == "schedule":
            self._schedule(pod, hit)
        else:
            self._kubelet.perform(pod, stage)
        if stage.step == "probe":
            self._probed.add(uid)
        # Perhaps the same stage once more, from its beginning.
        self._marks.pop(uid, None)
        self._timer.after(key, 0)

    def _delay(self, pod: Plain, stage: Stage, hit: Hit) -> float:
        if stage.step == "schedule":
            # One after the other, as from a queue.
            return stage.delay
        delay = stage.delay
        if stage.step == "start" and not stage.background:
            missing = any(self._kubelet.must_pull(pod, name) for name in stage.containers)
            delay = DELAYS.pull if missing else DELAYS.create
        slow = hit("slow")
        return delay * self._random.uniform(0.9, 1.1) * (slow.factor if slow else 1.0)

    # Which failures hit a pod.

    def _hits(self, pod: Plain) -> Hit:
        namespace = key_of(pod)[0]

        def hit(*modes: FailureMode) -> Failure | None:
            return self._failures.find(namespace, self._names(pod), labels_of(pod), *modes)

        return hit

    def _is_hit(self, pod: Plain, failure: Failure) -> bool:
        return failure.hits(key_of(pod)[0], self._names(pod), labels_of(pod))

    def _names(self, pod: Plain) -> Collection[str]:
        """What the pod, its group, its ModelInfer and its Model are called."""
        namespace, name = key_of(pod)
        labels = labels_of(pod)
        owners = [
            text(row.get("name"))
            for row in rows(metadata_of(pod).get("ownerReferences"))
            if row.get("kind") == "ModelInfer"
        ]
        infers = [self._cluster.infers.get((namespace, owner)) for owner in owners]
        models = [labels_of(infer).get(MODEL_NAME, "") for infer in infers if infer is not None]
        return {name, labels.get(NAME, ""), labels.get(GROUP, ""), *owners, *models}

    def _schedule(self, pod: Plain, hit: Hit) -> None:
        found = self._place(pod, hit)
        if isinstance(found, Node):
            self._cluster.bind(pod, found.name)
            namespace, name = key_of(pod)
            message = f"Successfully assigned {namespace}/{name} to {found.name}"
            self._events.scheduler(pod, "Normal", "Scheduled", message)
            return
        status = PodStatus(pod)
        status.refuse(found)
        if status.fields != mapping(pod.get("status")):
            self._cluster.pods.update_status(pod, status.fields, SCHEDULER)
        self._events.scheduler(pod, "Warning", "FailedScheduling", found)

    def _place(self, pod: Plain, hit: Hit) -> Node | str:
        forced = hit("unschedulable")
        if forced is None:
            return place(pod, self._nodes, self._usage)
        self._failures.count(forced)
        return forced.message or refusal(forced.resource, self._nodes)
