"""Small objects in YAML, as people write them."""

from __future__ import annotations

from typing import Any

from matrixinfer_client.yamlio import dump

__all__ = ["documents", "model", "policy"]


def model(name: str = "demo", **spec: Any) -> str:
    """A manifest in YAML."""
    worker = {"type": "server", "image": "a/b:1", "replicas": 1, "pods": 1, "config": {}}
    backend = {
        "name": "backend1",
        "type": "vLLM",
        "modelURI": "hf://org/model",
        "cacheURI": "hostpath:///cache",
        "minReplicas": 1,
        "maxReplicas": 1,
        "workers": [worker],
        **spec,
    }
    obj = {
        "apiVersion": "registry.matrixinfer.ai/v1alpha1",
        "kind": "Model",
        "metadata": {"name": name, "labels": {"team": "a"}},
        "spec": {"backends": [backend]},
    }
    return dump(obj)


def policy(name: str, value: int = 10, **labels: str) -> str:
    obj = {
        "apiVersion": "registry.matrixinfer.ai/v1alpha1",
        "kind": "AutoscalingPolicy",
        "metadata": {"name": name, **({"labels": labels} if labels else {})},
        "spec": {"metrics": [{"metricName": "m", "targetValue": value}]},
    }
    return dump(obj)


def documents(*texts: str) -> str:
    return "---\n".join(texts)
