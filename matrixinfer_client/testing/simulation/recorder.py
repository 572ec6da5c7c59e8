"""Kubernetes Events, as the scheduler and a kubelet write them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from matrixinfer_client.errors import ApiError
from matrixinfer_client.looks import mapping, text
from matrixinfer_client.testing.simulation.containers import container_names
from matrixinfer_client.testing.simulation.plainly import Plain, key_of, micro_time, now, version_of

if TYPE_CHECKING:
    import random

    from matrixinfer_client.testing.simulation.cluster import Cluster

__all__ = ["Recorder"]

_Kind = Literal["Normal", "Warning"]
_SCHEDULER = "default-scheduler"
_KUBELET = "kubelet"
# As if it was a time in nanoseconds, which it is on a node.
_FIRST_NUMBER = 0x1800_0000_0000_0000


class _Note(Struct, frozen=True):
    """What an event says; those that say the same are one event."""

    kind: _Kind
    reason: str
    message: str
    path: str = ""


class _Record(Struct):
    name: str
    count: int


class Recorder:
    """Writes events about pods. One that is repeated is counted, and none is written twice."""

    def __init__(self, cluster: Cluster, random_: random.Random) -> None:
        self._cluster = cluster
        self._random = random_
        self._number = _FIRST_NUMBER + random_.getrandbits(40)
        # By uid of the pod, as long as it exists.
        self._known: dict[str, dict[_Note, _Record]] = {}

    def forget(self, pod: Plain) -> None:
        """Forget a pod that is gone."""
        self._known.pop(version_of(pod)[0], None)

    def scheduler(self, pod: Plain, kind: _Kind, reason: str, message: str) -> None:
        """Record what the scheduler did about a pod."""
        note, time = _Note(kind, reason, message), micro_time()
        record = self._find(pod, note)
        if record is not None:
            self._change(pod, record, {"series": {"count": record.count, "lastObservedTime": time}})
            return
        fields: dict[str, Any] = {
            "action": "Binding" if reason == "Scheduled" else "Scheduling",
            "eventTime": time,
            "firstTimestamp": None,
            "lastTimestamp": None,
            "source": {},
            "reportingComponent": _SCHEDULER,
            "reportingInstance": f"{_SCHEDULER}-control-plane",
        }
        self._create(pod, note, fields)

    def kubelet(self, pod: Plain, kind: _Kind, reason: str, message: str, container: str) -> None:
        """Record what the kubelet of the pod's node did with one of its containers."""
        note, time = _Note(kind, reason, message, _field_path(pod, container)), now()
        record = self._find(pod, note)
        if record is not None:
            self._change(pod, record, {"count": record.count, "lastTimestamp": time})
            return
        node = text(mapping(pod.get("spec")).get("nodeName"))
        fields: dict[str, Any] = {
            "count": 1,
            "eventTime": None,
            "firstTimestamp": time,
            "lastTimestamp": time,
            "source": {"component": _KUBELET, "host": node},
            "reportingComponent": _KUBELET,
            "reportingInstance": node,
        }
        self._create(pod, note, fields)

    def _find(self, pod: Plain, note: _Note) -> _Record | None:
        """The event that said the same before, counted once more."""
        record = self._known.setdefault(version_of(pod)[0], {}).get(note)
        if record is not None:
            record.count += 1
        return record

    def _create(self, pod: Plain, note: _Note, fields: Plain) -> None:
        namespace, name = key_of(pod)
        uid, version = version_of(pod)
        # Growing, so that events sort by name as they happened.
        self._number += self._random.randrange(1, 1_000_000_000)
        record = _Record(f"{name}.{self._number:x}", 1)
        self._known[uid][note] = record
        subject = {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": namespace,
            "name": name,
            "uid": uid,
            "resourceVersion": version,
            **({"fieldPath": note.path} if note.path else {}),
        }
        body = {
            "metadata": {"name": record.name, "namespace": namespace},
            "involvedObject": subject,
            "type": note.kind,
            "reason": note.reason,
            "message": note.message,
            **fields,
        }
        # As on a node: events are worth a try and no trouble.
        with contextlib.suppress(ApiError):
            self._cluster.events(namespace).create(body, field_manager=fields["reportingComponent"])

    def _change(self, pod: Plain, record: _Record, change: dict[str, Any]) -> None:
        with contextlib.suppress(ApiError):
            self._cluster.events(key_of(pod)[0]).patch(record.name, change)


def _field_path(pod: Plain, container: str) -> str:
    kind = "containers" if container in container_names(pod) else "initContainers"
    return f"spec.{kind}{{{container}}}"
