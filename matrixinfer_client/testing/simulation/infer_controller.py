"""From a ModelInfer to its pods, and what the ModelInfer says about them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from matrixinfer_client.errors import AlreadyExistsError
from matrixinfer_client.looks import mapping, rows, text
from matrixinfer_client.testing.simulation.cluster import INFER_CONTROLLER
from matrixinfer_client.testing.simulation.controller import Surroundings
from matrixinfer_client.testing.simulation.groups import (
    Groups,
    Steps,
    grouped,
    partition_of,
    replicas_of,
)
from matrixinfer_client.testing.simulation.members import (
    ENTRY,
    Member,
    group_name,
    roles_of_infer,
    template_hash,
)
from matrixinfer_client.testing.simulation.plainly import (
    Key,
    Plain,
    key_of,
    labels_of,
    metadata_of,
    now,
    version_of,
)
from matrixinfer_client.testing.simulation.timing import DELAYS

__all__ = ["InferController"]

# A condition that turns True makes these False.
_OPPONENTS = {
    "Available": ("Progerssing", "UpdateInProgress"),
    "Progerssing": ("Available",),
    "UpdateInProgress": ("Available",),
}


class InferController:
    """Creates and deletes the pods of ModelInfers."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._cluster = surroundings.cluster
        self._timer = surroundings.timer
        # By uid, as long as the ModelInfer exists.
        self._groups: dict[str, Groups] = {}
        self._cluster.infers.listen(self._on_infer)
        self._cluster.pods.listen(self._on_pod)

    def _on_infer(self, old: Plain | None, new: Plain | None) -> None:
        if new is None:
            if old is not None:
                self._groups.pop(version_of(old)[0], None)
        elif old is None or _generation(old) != _generation(new):
            self._timer.after(key_of(new), DELAYS.notice)

    def _on_pod(self, old: Plain | None, new: Plain | None) -> None:
        pod = new or old
        if pod is None:
            return
        for owner in rows(metadata_of(pod).get("ownerReferences")):
            if owner.get("kind") == "ModelInfer":
                self._timer.after((key_of(pod)[0], text(owner.get("name"))), DELAYS.notice)

    def reconcile(self, key: Key) -> None:
        """Bring the pods of a ModelInfer to what it asks for, and say how far they are."""
        infer = self._cluster.infers.get(key)
        if infer is None or "deletionTimestamp" in metadata_of(infer) or _crashes(infer):
            return
        uid = version_of(infer)[0]
        pods = self._cluster.pods.owned_by(uid)
        groups = self._groups.get(uid)
        if groups is None:
            if not pods and replicas_of(infer) == 0:
                # The platform's controller ends in an error here and never writes a status.
                return
            groups = self._groups[uid] = Groups.adopted(infer, pods)
        steps = groups.next_steps(infer, pods, self._timer)
        self._perform(infer, groups, steps)
        if steps.wake_at is not None:
            self._timer.at(key, steps.wake_at, background=True)
        self._report(infer, groups)

    def _perform(self, infer: Plain, groups: Groups, steps: Steps) -> None:
        for pod in steps.delete:
            self._cluster.pods.delete(pod)
            if ENTRY in labels_of(pod) and any(
                mapping(role.get("workerTemplate")) for role in roles_of_infer(infer)
            ):
                services = self._cluster.services(key_of(pod)[0])
                services.delete(key_of(pod)[1], ignore_not_found=True)
        newest = template_hash(infer)
        for member in steps.create:
            present = self._cluster.pods.get((key_of(infer)[0], member.name))
            if present is not None and "deletionTimestamp" in metadata_of(present):
                # That of an earlier ModelInfer of the same name; its end is heard of.
                continue
            self._create(member, newest)
            groups.known[member.group].made[member.name] = member.role_id

    def _create(self, member: Member, newest: str) -> None:
        service = member.service
        if service is not None:
            services = self._cluster.services(key_of(service)[0])
            # There may be that of the pod that this one replaces.
            with contextlib.suppress(AlreadyExistsError):
                services.create(service, field_manager=INFER_CONTROLLER)
        self._cluster.pods.create(member.pod(newest), INFER_CONTROLLER)

    def _report(self, infer: Plain, groups: Groups) -> None:
        infer = self._cluster.infers.get(key_of(infer)) or infer
        pods = self._cluster.pods.owned_by(version_of(infer)[0])
        summary = _Summary.of(infer, groups, pods)
        before = mapping(infer.get("status"))
        after = summary.status(infer, rows(before.get("conditions")))
        if after != before:
            self._cluster.infers.update_status(infer, after, INFER_CONTROLLER)


class _Summary(Struct, frozen=True):
    """How far the groups are. The numbers are indexes into the groups sorted by name."""

    total: int
    progressing: Sequence[int]
    updated: Sequence[int]
    outdated: int
    available: int

    @classmethod
    def of(cls, infer: Plain, groups: Groups, pods: Sequence[Plain]) -> _Summary:
        newest = template_hash(infer)
        ordered = sorted(groups.known, key=lambda index: group_name(infer, index))
        own = grouped(infer, pods)
        running = [groups.is_running(infer, index, own.get(index, ())) for index in ordered]
        # A group on its way out counts as one that exists and as nothing else.
        staying = [not groups.known[index].is_deleting for index in ordered]
        newer = [groups.known[index].revision == newest for index in ordered]
        places = range(len(ordered))
        return cls(
            total=len(ordered),
            progressing=[place for place in places if staying[place] and not running[place]],
            updated=[place for place in places if staying[place] and newer[place]],
            outdated=sum(staying[place] and not newer[place] for place in places),
            available=sum(running),
        )

    def status(self, infer: Plain, conditions: Sequence[Plain]) -> dict[str, Any]:
        """The status to write."""
        wanted, partition = replicas_of(infer), partition_of(infer)
        updated = len(self.updated)
        is_complete = updated == wanted and self.available == wanted and partition is None
        counters = {
            "replicas": self.total,
            "currentReplicas": updated if is_complete else self.outdated,
            "updatedReplicas": updated,
            "availableReplicas": self.available,
        }
        return {
            "observedGeneration": _generation(infer),
            # Go leaves out zeros.
            **{name: count for name, count in counters.items() if count},
            "conditions": self._conditions(conditions, partition or 0),
        }

    def _conditions(self, conditions: Sequence[Plain], partition: int) -> list[Plain]:
        kind, reason, message = self._verdict(partition)
        result: list[Plain] = []
        is_there = False
        for row in conditions:
            if row.get("type") == kind:
                is_there = True
                # One that is True already keeps its message, however old.
                result.append(row if row.get("status") == "True" else _true(kind, reason, message))
            elif row.get("type") in _OPPONENTS[kind] and row.get("status") == "True":
                # Nothing but the status; the text goes on telling of the past.
                result.append({**row, "status": "False"})
            else:
                result.append(row)
        return result if is_there else [*result, _true(kind, reason, message)]

    def _verdict(self, partition: int) -> tuple[str, str, str]:
        if not self.progressing:
            return "Available", "AllGroupsReady", "All infer groups are ready"
        progressing = f"Some groups is progressing: {_listed(self.progressing)}"
        if self.outdated > partition:
            message = f"{progressing}, Updated Groups are: {_listed(self.updated)}"
            return "UpdateInProgress", "GroupsUpdating", message
        return "Progerssing", "GroupProgressing", progressing


def _true(kind: str, reason: str, message: str) -> Plain:
    return {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": now(),
    }


def _listed(places: Sequence[int]) -> str:
    return f"[{' '.join(map(str, places))}]"


def _crashes(infer: Plain) -> bool:
    """Whether the platform's controller crashes on it: annotations go into a map it never made."""
    return any(
        mapping(mapping(mapping(role.get(template)).get("metadata")).get("annotations"))
        for role in roles_of_infer(infer)
        for template in ("entryTemplate", "workerTemplate")
    )


def _generation(infer: Plain) -> object:
    return metadata_of(infer).get("generation")
