"""Small valid objects of all kinds, and the means to spoil them."""

from __future__ import annotations

import copy
from typing import Any

MODEL: dict[str, Any] = {
    "apiVersion": "registry.matrixinfer.ai/v1alpha1",
    "kind": "Model",
    "metadata": {"name": "demo"},
    "spec": {
        "backends": [
            {
                "name": "b1",
                "type": "vLLM",
                "modelURI": "hf://org/model",
                "cacheURI": "hostpath:///cache",
                "minReplicas": 1,
                "maxReplicas": 1,
                "workers": [
                    {"type": "server", "image": "i:t", "replicas": 1, "pods": 1, "config": {}}
                ],
            }
        ]
    },
}
POLICY: dict[str, Any] = {
    "apiVersion": "registry.matrixinfer.ai/v1alpha1",
    "kind": "AutoscalingPolicy",
    "metadata": {"name": "p"},
    "spec": {"metrics": [{"metricName": "waiting", "targetValue": 10}]},
}
BINDING: dict[str, Any] = {
    "apiVersion": "registry.matrixinfer.ai/v1alpha1",
    "kind": "AutoscalingPolicyBinding",
    "metadata": {"name": "b"},
    "spec": {
        "policyRef": {"name": "p"},
        "scalingConfiguration": {
            "minReplicas": 1,
            "maxReplicas": 3,
            "target": {
                "targetRef": {"kind": "ModelInfer", "name": "mi"},
                "metricEndpoint": {"uri": "/metrics", "port": 8100},
            },
        },
    },
}
INFER: dict[str, Any] = {
    "apiVersion": "workload.matrixinfer.ai/v1alpha1",
    "kind": "ModelInfer",
    "metadata": {"name": "mi"},
    "spec": {
        "schedulerName": "volcano",
        "replicas": 2,
        "template": {
            "roles": [
                {
                    "name": "leader",
                    "replicas": 1,
                    "workerReplicas": 0,
                    "entryTemplate": {"spec": {"containers": [{"name": "main", "image": "i:t"}]}},
                }
            ]
        },
    },
}
SERVER: dict[str, Any] = {
    "apiVersion": "networking.matrixinfer.ai/v1alpha1",
    "kind": "ModelServer",
    "metadata": {"name": "s"},
    "spec": {
        "inferenceEngine": "vLLM",
        "workloadSelector": {"matchLabels": {"app": "x"}},
        "workloadPort": {"port": 8000},
    },
}
ROUTE: dict[str, Any] = {
    "apiVersion": "networking.matrixinfer.ai/v1alpha1",
    "kind": "ModelRoute",
    "metadata": {"name": "r"},
    "spec": {
        "modelName": "m",
        "rules": [{"name": "default", "targetModels": [{"modelServerName": "s"}]}],
    },
}
ALL = (MODEL, POLICY, BINDING, INFER, SERVER, ROUTE)

REMOVED: Any = object()


def changed(obj: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy with values at paths such as `spec.backends.0.name`; `REMOVED` takes a field out."""
    result = copy.deepcopy(obj)
    for path, value in changes.items():
        *parents, last = path.split(".")
        holder: Any = result
        for part in parents:
            holder = holder[int(part)] if isinstance(holder, list) else holder.setdefault(part, {})
        if isinstance(holder, list):
            if int(last) == len(holder):
                holder.append(copy.deepcopy(value))
            else:
                holder[int(last)] = value
        elif value is REMOVED:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(value)
    return result
