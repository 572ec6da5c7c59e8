"""Made-up clusters: objects by path, and what a user may not read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs

from matrixinfer_client.diagnosis import Diagnosis, diagnose
from matrixinfer_client.errors import RequestInfo, TransportError
from matrixinfer_client.flows import Alarm, Flow, Request, Response, Retries, Send, Sleep, TimeIsUp
from matrixinfer_client.plain import Reader

T = TypeVar("T")
Plain = dict[str, Any]
INFO = RequestInfo("GET", "https://cluster.test/api")
UID = "5d1c"


@dataclass
class Cluster:
    """The namespace `default` of a cluster, as a diagnosis reads it."""

    objects: dict[tuple[str, str], Plain] = field(default_factory=dict)
    logs: dict[tuple[str, str, bool], str] = field(default_factory=dict)
    """By pod, container, and whether it is that of the run before."""
    forbidden: set[str] = field(default_factory=set)
    """Plurals that may not be listed; `pods/log` for logs."""
    slow: set[str] = field(default_factory=set)
    """Plurals that are not answered before the alarm rings."""
    requests: list[Request] = field(default_factory=list)

    def add(self, plural: str, name: str, **fields: Any) -> Plain:
        metadata = {"name": name, "namespace": "default", "uid": f"{UID}-{name}", "generation": 1}
        metadata |= fields.pop("metadata", {})
        obj = {**fields, "metadata": metadata}
        self.objects[plural, name] = obj
        return obj

    def diagnose(self, kind: str, name: str) -> Diagnosis:
        reader = Reader("default", retries=Retries(attempts=1))
        return self.perform(diagnose(reader, kind, name))

    def perform(self, flow: Flow[T]) -> T:
        reply: Any = None
        error: Exception | None = None
        try:
            while True:
                step = flow.send(reply) if error is None else flow.throw(error)
                reply = error = None
                match step:
                    case Send(request):
                        reply = self._answer(request)
                        if isinstance(reply, Exception):
                            reply, error = None, reply
                    case Alarm() | Sleep():
                        pass
                    case _:
                        raise AssertionError(f"a diagnosis has no use for {step}")
        except StopIteration as end:
            result: T = end.value
            return result

    def _answer(self, request: Request) -> Response | TransportError:
        self.requests.append(request)
        assert request.method == "GET"
        parts = request.path.split("/")
        index = parts.index("namespaces")
        assert parts[index + 1] == "default"
        plural, *rest = parts[index + 2 :]
        query = {key: values[0] for key, values in parse_qs(request.query).items()}
        what = "/".join([plural, *rest[1:]])
        if what in self.slow:
            return TimeIsUp()
        if what in self.forbidden:
            return _status(403, "Forbidden", f'{what} is forbidden: User "anna" cannot read {what}')
        if what == "pods/log":
            key = (rest[0], query["container"], query["previous"] == "true")
            if key not in self.logs:
                return _status(400, "BadRequest", "previous terminated container not found")
            return Response(200, {"content-type": "text/plain"}, self.logs[key].encode(), INFO)
        if rest:
            found = self.objects.get((plural, rest[0]))
            return _status(404, "NotFound", f"{rest[0]} not found") if found is None else _ok(found)
        return _ok({"items": self._selected(plural, query.get("labelSelector", ""))})

    def _selected(self, plural: str, labels: str) -> list[Plain]:
        wanted = dict(part.split("=", 1) for part in labels.split(",") if part)
        return [
            obj
            for (kind, _), obj in self.objects.items()
            if kind == plural and wanted.items() <= obj["metadata"].get("labels", {}).items()
        ]


def _ok(body: Mapping[str, Any]) -> Response:
    return Response(200, {"content-type": "application/json"}, json.dumps(body).encode(), INFO)


def _status(code: int, reason: str, message: str) -> Response:
    body = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return Response(code, {"content-type": "application/json"}, json.dumps(body).encode(), INFO)


def row(kind: str, status: str, reason: str = "", message: str = "") -> Plain:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def container(state: Plain, name: str = "engine", **more: Any) -> Plain:
    return {"name": name, "image": "engine:tag", "state": state, "restartCount": 0, **more}


def loading() -> Cluster:
    """A Model with one backend whose one pod is still to be said something about."""
    cluster = Cluster()
    cluster.add(
        "models",
        "demo",
        kind="Model",
        spec={"backends": [{"name": "b1", "type": "vLLM", "minReplicas": 1}]},
        status={
            "observedGeneration": 1,
            "conditions": [
                row("Initialized", "True", "ModelCreating", "Model initialized"),
                row("Active", "False", "ModelProcessing", "Model not ready yet"),
            ],
        },
    )
    labels = {
        "registry.matrixinfer.ai/model-uid": f"{UID}-demo",
        "registry.matrixinfer.ai/backend-name": "b1",
    }
    cluster.add(
        "modelinfers",
        "demo-b1",
        metadata={"labels": labels},
        spec={"replicas": 1, "template": {"roles": [{"name": "leader", "workerReplicas": 0}]}},
        status={
            "observedGeneration": 1,
            "replicas": 1,
            "conditions": [row("Progerssing", "True", "GroupProgressing")],
        },
    )
    cluster.add("modelservers", "demo-b1", metadata={"labels": labels}, spec={})
    route = {**labels, "registry.matrixinfer.ai/backend-name": ""}
    cluster.add("modelroutes", "demo", metadata={"labels": route}, spec={})
    return cluster


def with_pod(
    cluster: Cluster, status: Plain, spec: Plain | None = None, name: str = "demo-b1-0-leader-0-0"
) -> Plain:
    """Give the ModelInfer a pod in some state."""
    owner = {"kind": "ModelInfer", "name": "demo-b1", "uid": f"{UID}-demo-b1", "controller": True}
    labels = {"modelinfer.matrixinfer.ai/name": "demo-b1"}
    metadata = {"labels": labels, "ownerReferences": [owner]}
    return cluster.add("pods", name, metadata=metadata, status=status, spec=spec or {})


def running(*containers: Plain, phase: str = "Running", ready: bool = False) -> Plain:
    """The status of a pod that was scheduled."""
    conditions = [row("PodScheduled", "True"), row("Ready", "True" if ready else "False")]
    return {"phase": phase, "conditions": conditions, "containerStatuses": list(containers)}


def warn(cluster: Cluster, pod: str, reason: str, message: str, at: str = "2025-09-19") -> None:
    """Record an event about a pod."""
    number = sum(plural == "events" for plural, _ in cluster.objects)
    cluster.add(
        "events",
        f"{pod}.{number}",
        involvedObject={"kind": "Pod", "name": pod},
        reason=reason,
        message=message,
        lastTimestamp=at,
        type="Warning",
    )
