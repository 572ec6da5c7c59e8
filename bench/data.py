"""Objects as an API server sends them: 4.8 KB a Model, with managed fields, conditions and env."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

API_VERSION = "registry.matrixinfer.ai/v1alpha1"
COLLECTION = f"/apis/{API_VERSION}/namespaces/default/models"

_TIME = "2026-01-01T00:00:00Z"


def _managed(fields: dict[str, Any], manager: str) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        "manager": manager,
        "operation": "Update",
        "time": _TIME,
    }


def _owned(names: list[str]) -> dict[str, Any]:
    return {f"f:{name}": {".": {}, "f:name": {}, "f:value": {}} for name in names}


def _backend(number: int) -> dict[str, Any]:
    expression = {"key": "accelerator", "operator": "In", "values": ["a100", "h100"]}
    return {
        "name": f"backend{number}",
        "type": "vLLM",
        "modelURI": f"hf://example/model-{number}",
        "cacheURI": "hostpath:///var/cache/models",
        "minReplicas": 1,
        "maxReplicas": 3,
        "routeWeight": 100,
        "scalingCost": 1,
        "env": [{"name": f"VARIABLE_{i}", "value": f"value-{i}"} for i in range(8)]
        + [{"name": "HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}],
        "envFrom": [{"secretRef": {"name": "credentials"}}],
        "workers": [
            {
                "type": "server",
                "image": "vllm/vllm-openai:v0.10.0",
                "replicas": 1,
                "pods": 1,
                "resources": {
                    "limits": {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "1"},
                    "requests": {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "1"},
                },
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [{"matchExpressions": [expression]}]
                        }
                    }
                },
                "config": {"max-model-len": 12288, "gpu-memory-utilization": 0.9, "trace": ""},
            }
        ],
    }


def _condition(kind: str, status: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": "ModelAvailable",
        "message": "Model is ready",
        "lastTransitionTime": _TIME,
    }


@cache
def _template() -> dict[str, Any]:
    names = [f"field{i}" for i in range(24)]
    return {
        "apiVersion": API_VERSION,
        "kind": "Model",
        "metadata": {
            "name": "",
            "namespace": "default",
            "uid": "00000000-0000-0000-0000-000000000000",
            "resourceVersion": "1",
            "generation": 2,
            "creationTimestamp": _TIME,
            "labels": {"app.kubernetes.io/name": "model", "team": "search", "tier": "gold"},
            "annotations": {"example.com/note": "a note of a length that notes tend to have"},
            "managedFields": [
                _managed({"f:spec": _owned(names)}, "kubectl"),
                _managed({"f:status": {"f:conditions": _owned(names[:6])}}, "controller"),
            ],
        },
        "spec": {"name": "model", "owner": "search", "backends": [_backend(1), _backend(2)]},
        "status": {
            "observedGeneration": 2,
            "conditions": [_condition("Initialized", "True"), _condition("Active", "True")],
            "backendStatuses": [{"name": f"model-backend{i}", "replicas": 1} for i in (1, 2)],
        },
    }


def model(number: int) -> dict[str, Any]:
    """One Model; no two are the same object or have the same name."""
    value = copy.deepcopy(_template())
    value["metadata"]["name"] = f"model-{number:06}"
    value["metadata"]["resourceVersion"] = str(1000 + number)
    value["metadata"]["uid"] = f"00000000-0000-0000-0000-{number:012}"
    return value


def wanted(number: int) -> dict[str, Any]:
    """A Model as a program creates it: what the server adds is not there yet."""
    value = model(number)
    del value["status"]
    for key in ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"):
        del value["metadata"][key]
    return value


def small(number: int) -> dict[str, Any]:
    """A Model without managed fields and with one backend, for counts where 4.8 KB is too much."""
    value = model(number)
    value["metadata"].pop("managedFields")
    value["spec"]["backends"] = [{"name": "b", "type": "vLLM", "modelURI": "hf://a/b"}]
    return value


def collection(items: list[dict[str, Any]], token: str = "") -> dict[str, Any]:
    """A list as the server wraps it."""
    metadata: dict[str, Any] = {"resourceVersion": "999999"}
    if token:
        metadata["continue"] = token
    return {
        "apiVersion": API_VERSION,
        "kind": "ModelList",
        "metadata": metadata,
        "items": items,
    }
