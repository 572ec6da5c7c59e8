"""The status of a pod as a kubelet writes it, step by step. Nothing is sent here."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from matrixinfer_client.looks import mapping, rows, text
from matrixinfer_client.testing.simulation.plainly import Plain, now

__all__ = [
    "PodStatus",
    "container_names",
    "container_row",
    "image_of",
    "reason_of",
    "state_of",
]

_KINDS: Final = ("initContainers", "containers")
_STATUSES: Final = {"initContainers": "initContainerStatuses", "containers": "containerStatuses"}


def container_names(pod: Plain, kind: str = "containers") -> Sequence[str]:
    """The names of the containers, or of the `initContainers`."""
    return [text(row.get("name")) for row in rows(mapping(pod.get("spec")).get(kind))]


def container_row(pod: Plain, name: str) -> Mapping[str, Any] | None:
    """The status of a container; None when the kubelet has not looked at the pod yet."""
    status = mapping(pod.get("status"))
    listed = [row for kind in _STATUSES.values() for row in rows(status.get(kind))]
    return next((row for row in listed if row.get("name") == name), None)


def image_of(pod: Plain, name: str) -> str:
    """The image of a container."""
    spec = mapping(pod.get("spec"))
    listed = [row for kind in _KINDS for row in rows(spec.get(kind))]
    return next((text(row.get("image")) for row in listed if row.get("name") == name), "")


def state_of(row: Plain) -> str:
    """`waiting`, `running` or `terminated`."""
    return next(iter(mapping(row.get("state"))), "waiting")


def reason_of(row: Plain) -> str:
    """Why a container waits, or ended."""
    return text(mapping(mapping(row.get("state")).get(state_of(row))).get("reason"))


class PodStatus:
    """A status on its way from one write to the next."""

    def __init__(self, pod: Plain) -> None:
        self._pod = pod
        self.fields: dict[str, Any] = copy.deepcopy(dict(mapping(pod.get("status"))))

    def admit(self, host: str) -> None:
        """What the kubelet writes first: containers that wait for their images."""
        initial = container_names(self._pod, "initContainers")
        reason = "PodInitializing" if initial else "ContainerCreating"
        for kind, name in _STATUSES.items():
            listed = container_names(self._pod, kind)
            if listed:
                self.fields[name] = [_new_row(self._pod, each, reason) for each in listed]
        self.fields |= {"hostIP": host, "hostIPs": [{"ip": host}], "startTime": now()}

    def wait(self, names: Iterable[str], reason: str, message: str = "") -> None:
        """Have containers wait; one that ran is not forgotten."""
        for name in names:
            row = self._row(name)
            ended = mapping(row["state"]).get("terminated")
            if ended is not None:
                row["lastState"] = {"terminated": ended}
            waiting = {"reason": reason, **({"message": message} if message else {})}
            row |= {"state": {"waiting": waiting}, "ready": False, "started": False}

    def start(self, name: str, container_id: str) -> None:
        """Have a container run."""
        row = self._row(name)
        ended = mapping(row["state"]).get("terminated")
        if ended is not None:
            row["lastState"] = {"terminated": ended}
        if mapping(row.get("lastState")).get("terminated"):
            row["restartCount"] += 1
        image = text(row["image"])
        digest = hashlib.sha256(image.encode()).hexdigest()
        row |= {
            "containerID": container_id,
            "imageID": f"{image.split('@')[0].rsplit(':', 1)[0]}@sha256:{digest}",
            "state": {"running": {"startedAt": now()}},
            "started": True,
        }

    def end(self, name: str, exit_code: int, reason: str) -> None:
        """Have a container end."""
        row = self._row(name)
        started = mapping(mapping(row["state"]).get("running")).get("startedAt")
        ended = {
            "exitCode": exit_code,
            "reason": reason,
            "startedAt": started,
            "finishedAt": now(),
            "containerID": row.get("containerID", ""),
        }
        # An init container that is done is ready, too.
        row |= {"state": {"terminated": ended}, "ready": exit_code == 0, "started": False}

    def set_ready(self, names: Iterable[str], *, ready: bool) -> None:
        """Have containers pass their probes, or fail them."""
        for name in names:
            self._row(name)["ready"] = ready

    def give_address(self, address: str) -> None:
        """The pod's own address, as soon as it has a network."""
        if "podIP" not in self.fields:
            self.fields |= {"podIP": address, "podIPs": [{"ip": address}]}

    def refuse(self, message: str) -> None:
        """What the scheduler writes when no node fits."""
        self._set_condition("PodScheduled", "False", "Unschedulable", message)

    def summarize(self) -> dict[str, Any]:
        """Phase and conditions from the states of the containers; the result is the status."""
        initial = rows(self.fields.get("initContainerStatuses"))
        main = rows(self.fields.get("containerStatuses"))
        incomplete = [text(row["name"]) for row in initial if not row["ready"]]
        unready = [text(row["name"]) for row in main if not row["ready"]]
        self.fields["phase"] = "Pending" if incomplete or _is_pending(main) else "Running"
        has_network = "True" if "podIP" in self.fields else "False"
        self._set_condition("PodReadyToStartContainers", has_network)
        if incomplete:
            message = f"containers with incomplete status: {_listed(incomplete)}"
            self._set_condition("Initialized", "False", "ContainersNotInitialized", message)
        else:
            self._set_condition("Initialized", "True")
        for kind in ("Ready", "ContainersReady"):
            if unready:
                message = f"containers with unready status: {_listed(unready)}"
                self._set_condition(kind, "False", "ContainersNotReady", message)
            else:
                self._set_condition(kind, "True")
        self._set_condition("PodScheduled", "True")
        return self.fields

    def _row(self, name: str) -> dict[str, Any]:
        for kind in _STATUSES.values():
            listed: list[dict[str, Any]] = self.fields.get(kind, [])
            for row in listed:
                if row["name"] == name:
                    return row
        raise LookupError(f"no container {name!r}")

    def _set_condition(self, kind: str, status: str, reason: str = "", message: str = "") -> None:
        new: dict[str, Any] = {"type": kind, "status": status, "lastProbeTime": None}
        if reason:
            new |= {"reason": reason, "message": message}
        conditions: list[dict[str, Any]] = self.fields.setdefault("conditions", [])
        for index, row in enumerate(conditions):
            if row["type"] == kind:
                same = row["status"] == status
                new["lastTransitionTime"] = row.get("lastTransitionTime") if same else now()
                conditions[index] = new
                return
        conditions.append({**new, "lastTransitionTime": now()})


def _new_row(pod: Plain, name: str, reason: str) -> dict[str, Any]:
    return {
        "name": name,
        "image": image_of(pod, name),
        "imageID": "",
        "ready": False,
        "started": False,
        "restartCount": 0,
        "state": {"waiting": {"reason": reason}},
        "lastState": {},
    }


def _is_pending(main: Sequence[Plain]) -> bool:
    """Whether a container has never run."""
    return any(
        state_of(row) == "waiting" and not mapping(row.get("lastState")).get("terminated")
        for row in main
    )


def _listed(names: Sequence[str]) -> str:
    return f"[{' '.join(names)}]"
