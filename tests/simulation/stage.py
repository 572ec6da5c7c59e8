"""A namespace with a simulation in it, looked at as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matrixinfer_client import Client, Resource
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList
from matrixinfer_client.api.workload_v1alpha1 import ModelInfer, ModelInferList
from matrixinfer_client.testing.simulation import Simulation
from matrixinfer_client.testing.simulation.kinds import (
    Event,
    EventList,
    Pod,
    PodList,
    Service,
    ServiceList,
)
from tests.behaviour.samples import MODEL, MODEL_INFER, model_backend

Plain = dict[str, Any]
POD = "demo-b1-0-leader-0-0"


@dataclass
class Stage:
    client: Client
    namespace: str
    start: Callable[..., Simulation]
    """Starts a simulation, which waits for steps unless it is told otherwise."""
    expected_errors: int = 0

    @property
    def models(self) -> Resource[Model, ModelList]:
        return self.client.registry_v1alpha1.models()

    @property
    def infers(self) -> Resource[ModelInfer, ModelInferList]:
        return self.client.workload_v1alpha1.model_infers()

    def pods(self, prefix: str = "") -> dict[str, Plain]:
        found = Resource(self.client, Pod, PodList).list()
        return {pod.name: pod.to_dict() for pod in found if pod.name.startswith(prefix)}

    def pod(self, name: str = POD) -> Plain:
        return self.pods()[name]

    def create_pod(self, name: str, spec: Mapping[str, Any]) -> None:
        body = {"metadata": {"name": name}, "spec": dict(spec)}
        Resource(self.client, Pod, PodList).create(body)

    def delete_pod(self, name: str = POD) -> None:
        Resource(self.client, Pod, PodList).delete(name)

    def services(self) -> dict[str, Plain]:
        found = Resource(self.client, Service, ServiceList).list()
        return {item.name: item.to_dict() for item in found}

    def events(self, pod: str = POD) -> list[tuple[str, str]]:
        """Reason and message of the events of a pod, in the order in which they happened."""
        return [
            (event["reason"], event["message"])
            for event in self.all_events()
            if event["involvedObject"]["name"] == pod
        ]

    def all_events(self) -> list[Plain]:
        found = [event.to_dict() for event in Resource(self.client, Event, EventList).list()]
        found.sort(key=lambda event: str(event["metadata"]["name"]).rsplit(".", 1)[1])
        return found

    def create_model(self, *backends: Mapping[str, Any], **spec: Any) -> Plain:
        body = MODEL.mapping("demo")
        body["spec"] = {"backends": list(backends) or [model_backend()], **spec}
        return self.models.create(body).to_dict()

    def create_infer(self, name: str = "mi", **spec: Any) -> Plain:
        body = MODEL_INFER.mapping(name)
        body["spec"] = {**body["spec"], **spec}
        return self.infers.create(body).to_dict()

    def model(self) -> Plain:
        return self.models.get("demo").to_dict()

    def infer(self, name: str = "mi") -> Plain:
        return self.infers.get(name).to_dict()

    def history(
        self, resource: Resource[Any, Any], since: str | None
    ) -> list[tuple[tuple[str, str], ...]]:
        """Types and statuses of conditions after each change since a version."""
        states: list[tuple[tuple[str, str], ...]] = []
        for event in resource.watch(resource_version=since, timeout=0.5):
            rows = event.object.to_dict().get("status", {}).get("conditions", [])
            states.append(tuple((row["type"], row["status"]) for row in rows))
        return states


def conditions(obj: Mapping[str, Any]) -> dict[str, tuple[str, str, str]]:
    """Status, reason and message of the conditions by type."""
    rows = obj.get("status", {}).get("conditions", [])
    return {row["type"]: (row["status"], row["reason"], row["message"]) for row in rows}


def role(
    name: str = "leader", *, workers: int = 0, image: str = "engine:tag", **more: Any
) -> Plain:
    template = {"spec": {"containers": [{"name": "main", "image": image}]}}
    made: Plain = {
        "name": name,
        "replicas": 1,
        "workerReplicas": workers,
        "entryTemplate": template,
        **more,
    }
    if workers:
        made["workerTemplate"] = template
    return made


def template(*roles: Mapping[str, Any], **more: Any) -> Plain:
    return {"roles": list(roles or [role()]), **more}


def reasons(events: Sequence[tuple[str, str]]) -> list[str]:
    return [reason for reason, _ in events]
