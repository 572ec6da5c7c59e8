"""The groups of a ModelInfer: which pods to delete and to create, and which group is next.

All here is decided from objects and from what is remembered of earlier decisions; nothing is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct, field

from matrixinfer_client.looks import mapping, rows
from matrixinfer_client.testing.simulation.members import (
    REVISION,
    ROLE_ID,
    Member,
    expected_pods,
    group_index,
    members_of,
    template_hash,
)
from matrixinfer_client.testing.simulation.plainly import (
    Plain,
    has_condition,
    key_of,
    labels_of,
    metadata_of,
    version_of,
)
from matrixinfer_client.testing.simulation.timing import MINUTE

if TYPE_CHECKING:
    from matrixinfer_client.testing.simulation.controller import Timer

__all__ = ["Group", "Groups", "Steps", "grouped", "is_ready", "partition_of", "replicas_of"]

ByGroup: TypeAlias = "Mapping[int, Sequence[Plain]]"


class Group(Struct):
    """What the controller remembers of one group."""

    revision: str
    made: dict[str, str] = field(default_factory=dict[str, str])
    """The pods it has been given, by name, and the replica of the role they belong to."""
    is_deleting: bool = False
    rebuilding: list[str] = field(default_factory=list[str])
    """Replicas of roles whose pods must go before they are made anew."""


class Steps(Struct):
    """What to do now."""

    delete: list[Plain] = field(default_factory=list["Plain"])
    create: list[Member] = field(default_factory=list[Member])
    wake_at: float | None = None
    """When something is due although nothing changes."""


class Groups:
    """The groups of one ModelInfer."""

    def __init__(self) -> None:
        self.known: dict[int, Group] = {}
        # When the time to recover is over, by uid of the failed pod.
        self._deadlines: dict[str, float] = {}

    @classmethod
    def adopted(cls, infer: Plain, pods: Sequence[Plain]) -> Groups:
        """What a controller that has just started makes of the pods that there are."""
        groups = cls()
        for pod in pods:
            index = group_index(infer, pod)
            if index is not None:
                labels = labels_of(pod)
                group = groups.known.setdefault(index, Group(labels.get(REVISION, "")))
                group.made[key_of(pod)[1]] = labels.get(ROLE_ID, "")
        return groups

    def next_steps(self, infer: Plain, pods: Sequence[Plain], timer: Timer) -> Steps:
        """Decide what to do, and remember it."""
        steps, newest, by_group = Steps(), template_hash(infer), grouped(infer, pods)
        present = {key_of(pod)[1]: pod for pod in pods if not _is_leaving(pod)}
        for pod in self._failed(infer, pods, timer, steps):
            steps.delete.append(pod)
            present.pop(key_of(pod)[1], None)
        self._recover(infer, present)
        self._scale(infer)
        self._roll(infer, by_group, newest)
        for index, group in sorted(self.known.items()):
            own = [pod for pod in by_group.get(index, ()) if key_of(pod)[1] in present]
            steps.delete += _unwanted(infer, index, group, newest, own)
        self._forget_gone(by_group)
        there = {key_of(pod)[1] for pod in pods}
        for index in range(replicas_of(infer)):
            group = self.known.setdefault(index, Group(newest))
            steps.create += _missing(infer, index, group, newest, there)
        return steps

    def is_running(self, infer: Plain, index: int, pods: Sequence[Plain]) -> bool:
        """Whether a group, whose pods these are, is complete and all of it is ready."""
        group = self.known[index]
        if group.is_deleting:
            return False
        ready = sum(map(is_ready, pods))
        is_newest = group.revision == template_hash(infer)
        # What an older template asked for is only known from what was made of it.
        return ready == (expected_pods(infer) if is_newest else len(group.made))

    def _failed(
        self, infer: Plain, pods: Sequence[Plain], timer: Timer, steps: Steps
    ) -> Sequence[Plain]:
        """The failed pods whose time to recover is over."""
        template = mapping(mapping(infer.get("spec")).get("template"))
        grace = template.get("restartGracePeriodSeconds", 0) * MINUTE / 60
        deadlines: dict[str, float] = {}
        over: list[Plain] = []
        for pod in pods:
            uid = version_of(pod)[0]
            if _is_leaving(pod) or is_ready(pod) or not _has_failed(pod):
                continue
            deadline = self._deadlines.get(uid)
            if deadline is None:
                deadline = timer.due(grace, background=bool(grace))
            deadlines[uid] = deadline
            if deadline <= timer.now():
                over.append(pod)
            else:
                steps.wake_at = min(deadline, steps.wake_at or deadline)
        self._deadlines = deadlines
        return over

    def _recover(self, infer: Plain, present: dict[str, Plain]) -> None:
        """Have rebuilt what has lost a pod, by the recovery policy."""
        policy = mapping(infer.get("spec")).get("recoveryPolicy", "RoleRecreate")
        for group in self.known.values():
            lost = sorted({role for name, role in group.made.items() if name not in present})
            if not lost or policy == "None":
                continue
            if policy == "InferGroupRecreate":
                group.is_deleting = True
            else:
                group.rebuilding += [role for role in lost if role not in group.rebuilding]

    def _scale(self, infer: Plain) -> None:
        for index, group in self.known.items():
            if index >= replicas_of(infer):
                group.is_deleting = True

    def _roll(self, infer: Plain, by_group: ByGroup, newest: str) -> None:
        """Replace the last group with an older template, once all after it run."""
        for index in sorted(self.known, reverse=True):
            if index < (partition_of(infer) or 0):
                return
            group = self.known[index]
            if group.revision != newest:
                group.is_deleting = True
                return
            if not self.is_running(infer, index, by_group.get(index, ())):
                return

    def _forget_gone(self, by_group: ByGroup) -> None:
        """Forget groups and replicas of roles whose last pod is gone."""
        for index, group in sorted(self.known.items()):
            own = by_group.get(index, ())
            if group.is_deleting:
                if not own:
                    del self.known[index]
                continue
            left = {labels_of(pod).get(ROLE_ID) for pod in own}
            for role in [role for role in group.rebuilding if role not in left]:
                group.rebuilding.remove(role)
                group.made = {name: each for name, each in group.made.items() if each != role}


def grouped(infer: Plain, pods: Sequence[Plain]) -> ByGroup:
    """The pods of each group."""
    found: dict[int, list[Plain]] = {}
    for pod in pods:
        index = group_index(infer, pod)
        if index is not None:
            found.setdefault(index, []).append(pod)
    return found


def _unwanted(
    infer: Plain, index: int, group: Group, newest: str, own: Sequence[Plain]
) -> Sequence[Plain]:
    """The pods of a group that have to go."""
    if group.is_deleting:
        return own
    if group.revision == newest:
        wanted = {member.role_id for member in members_of(infer, index)}
        for role in sorted(set(group.made.values()) - wanted - set(group.rebuilding)):
            group.rebuilding.append(role)
    return [pod for pod in own if labels_of(pod).get(ROLE_ID) in group.rebuilding]


def _missing(
    infer: Plain, index: int, group: Group, newest: str, present: set[str]
) -> Sequence[Member]:
    if group.is_deleting or group.revision != newest:
        return ()
    return [
        member
        for member in members_of(infer, index)
        if member.name not in group.made
        and member.name not in present
        and member.role_id not in group.rebuilding
    ]


def replicas_of(infer: Plain) -> int:
    """How many groups there should be."""
    count: Any = mapping(infer.get("spec")).get("replicas", 1)
    return int(count)


def partition_of(infer: Plain) -> int | None:
    """The groups from this on are updated; None when all are."""
    strategy = mapping(mapping(infer.get("spec")).get("rolloutStrategy"))
    partition = mapping(strategy.get("rollingUpdateConfiguration")).get("partition")
    return partition if isinstance(partition, int) else None


def is_ready(pod: Plain) -> bool:
    """Whether a pod runs and is ready."""
    return mapping(pod.get("status")).get("phase") == "Running" and has_condition(pod, "Ready")


def _has_failed(pod: Plain) -> bool:
    status = mapping(pod.get("status"))
    containers = [
        *rows(status.get("initContainerStatuses")),
        *rows(status.get("containerStatuses")),
    ]
    return status.get("phase") == "Failed" or any(row.get("restartCount") for row in containers)


def _is_leaving(pod: Plain) -> bool:
    return "deletionTimestamp" in metadata_of(pod)
