"""Does what the platform's controllers do to statuses: their order, their texts, their omissions.

Writes go past the client under test. As in the real controllers, zero counters are left out, an
opponent that turns False keeps its old text, and `Failed` is never taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.behaviour.backends import Backend

STATUS_PATCH = "application/merge-patch+json"
REGISTRY = "/apis/registry.matrixinfer.ai/v1alpha1"
WORKLOAD = "/apis/workload.matrixinfer.ai/v1alpha1"
TIME = "2025-09-19T10:00:00Z"


def condition(kind: str, status: str, reason: str, message: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": TIME,
    }


class Controller:
    """Reads and writes the objects of one resource in one namespace."""

    root: str

    def __init__(self, backend: Backend, namespace: str) -> None:
        self.backend = backend
        self.namespace = namespace
        self.path = self.root.format(namespace)

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._done(self.backend.request("POST", self.path, dict(body)))

    def get(self, name: str) -> dict[str, Any]:
        return self._done(self.backend.request("GET", f"{self.path}/{name}"))

    def patch(self, name: str, change: Mapping[str, Any]) -> dict[str, Any]:
        path = f"{self.path}/{name}"
        return self._done(self.backend.request("PATCH", path, dict(change), STATUS_PATCH))

    def delete(self, name: str) -> None:
        self._done(self.backend.request("DELETE", f"{self.path}/{name}"))

    def write_status(self, name: str, status: Mapping[str, Any]) -> dict[str, Any]:
        path = f"{self.path}/{name}/status"
        body = {"status": dict(status)}
        return self._done(self.backend.request("PATCH", path, body, STATUS_PATCH))

    def _set(self, name: str, conditions: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
        current = self.get(name)
        known = {row["type"]: row for row in current.get("status", {}).get("conditions", [])}
        known.update({row["type"]: row for row in conditions})
        generation = current["metadata"]["generation"]
        return self.write_status(
            name,
            {"observedGeneration": generation, "conditions": list(known.values()), **fields},
        )

    @staticmethod
    def _done(answer: tuple[int, Any]) -> dict[str, Any]:
        status, body = answer
        assert status < 300, body
        result: dict[str, Any] = body
        return result


class ModelController(Controller):
    root = REGISTRY + "/namespaces/{}/models"

    def initialized(self, name: str) -> None:
        """Write what the very first pass writes."""
        self._set(name, [condition("Initialized", "True", "ModelCreating", "Model initialized")])

    def processing(self, name: str) -> None:
        """Write the start of every pass."""
        self._set(name, [condition("Active", "False", "ModelProcessing", "Model not ready yet")])

    def active(self, name: str) -> None:
        """Write the end of a pass that found all children available."""
        self._set(name, [condition("Active", "True", "ModelAvailable", "Model is ready")])

    def failed(self, name: str, message: str) -> None:
        """Write a failure of the pass."""
        self._set(name, [condition("Failed", "True", "ModelAbnormal", message)])

    def child(self, name: str, backend: str = "b1", replicas: int = 1) -> str:
        """Create the ModelInfer of a backend, labelled as the controller labels it."""
        model = self.get(name)
        infers = InferController(self.backend, self.namespace)
        child = f"{name}-{backend}"
        infers.create(
            {
                "apiVersion": "workload.matrixinfer.ai/v1alpha1",
                "kind": "ModelInfer",
                "metadata": {
                    "name": child,
                    "labels": {
                        "registry.matrixinfer.ai/model-name": name,
                        "registry.matrixinfer.ai/backend-name": backend,
                        "registry.matrixinfer.ai/managed-by": "registry.matrixinfer.ai",
                        "registry.matrixinfer.ai/model-uid": model["metadata"]["uid"],
                        "registry.matrixinfer.ai/revision": "5d4b",
                    },
                    "ownerReferences": [
                        {
                            "apiVersion": "registry.matrixinfer.ai/v1alpha1",
                            "kind": "Model",
                            "name": name,
                            "uid": model["metadata"]["uid"],
                        }
                    ],
                },
                "spec": infer_spec(replicas),
            }
        )
        return child


def infer_spec(replicas: int = 1) -> dict[str, Any]:
    container = {"name": "engine", "image": "engine:tag"}
    role = {
        "name": "leader",
        "replicas": 1,
        "workerReplicas": 0,
        "entryTemplate": {"spec": {"containers": [container]}},
    }
    return {
        "schedulerName": "volcano",
        "replicas": replicas,
        "recoveryPolicy": "InferGroupRecreate",
        "template": {"roles": [role]},
    }


class InferController(Controller):
    root = WORKLOAD + "/namespaces/{}/modelinfers"

    def progressing(self, name: str, replicas: int, available: int = 0) -> None:
        """Write a sync that found groups that do not run yet."""
        self._turn(
            name,
            condition("Progerssing", "True", "GroupProgressing", "Some groups is progressing: [0]"),
            against=("Available",),
            **_counters(replicas, available, replicas, replicas),
        )

    def updating(self, name: str, replicas: int, available: int, updated: int) -> None:
        """Write a sync in the middle of a rolling update."""
        message = "Some groups is progressing: [1], Updated Groups are: [0]"
        self._turn(
            name,
            condition("UpdateInProgress", "True", "GroupsUpdating", message),
            against=("Available",),
            **_counters(replicas, available, updated, replicas - updated),
        )

    def available(
        self, name: str, replicas: int, *, updated: int | None = None, available: int | None = None
    ) -> None:
        """Write a sync that found all groups running."""
        new = replicas if updated is None else updated
        running = replicas if available is None else available
        self._turn(
            name,
            condition("Available", "True", "AllGroupsReady", "All infer groups are ready"),
            against=("Progerssing", "UpdateInProgress"),
            **_counters(replicas, running, new, replicas if new == replicas else replicas - new),
        )

    def _turn(
        self, name: str, row: dict[str, Any], *, against: tuple[str, ...], **counters: Any
    ) -> None:
        current = self.get(name).get("status", {}).get("conditions", [])
        # Of an opponent only the status changes; its reason, message and time stay.
        opponents = [
            {**old, "status": "False"}
            for old in current
            if old["type"] in against and old["status"] == "True"
        ]
        self._set(name, [*opponents, row], **counters)


def _counters(replicas: int, available: int, updated: int, current: int) -> dict[str, int | None]:
    fields = {
        "replicas": replicas,
        "availableReplicas": available,
        "updatedReplicas": updated,
        "currentReplicas": current,
    }
    # A merge patch removes what is null, as Go's omitempty does with zeros.
    return {name: value or None for name, value in fields.items()}
