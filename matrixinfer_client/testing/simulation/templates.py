"""The pods of a backend: what the model controller writes into the roles of a ModelInfer."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from matrixinfer_client.looks import mapping, rows, text
from matrixinfer_client.testing.simulation.arguments import (
    BackendError,
    config_of,
    engine_arguments,
    extra_arguments,
)
from matrixinfer_client.testing.simulation.nodes import NPU_LABEL
from matrixinfer_client.testing.simulation.plainly import Plain

__all__ = ["ENGINE", "roles_of", "server_worker", "worker_of"]

ENGINE = "engine"
_RUNTIME_IMAGE = "matrixinfer/runtime:latest"
_DOWNLOADER_IMAGE = "matrixinfer/downloader:latest"
_VOLUME = "model-cache"
_PORT = 8000
_SIDECAR_PORT = 8100
_DISAGGREGATED = "vLLMDisaggregated"
_SUPPORTED = ("vLLM", _DISAGGREGATED)
# Only these are passed on to the download, and only as literal values.
_FOR_DOWNLOAD = ("ENDPOINT", "HF_ENDPOINT")


def worker_of(backend: Plain, kind: str) -> Plain:
    """The worker of a type; raises `BackendError` when there is none."""
    for worker in rows(backend.get("workers")):
        if worker.get("type", "server") == kind:
            return worker
    raise BackendError(f"{kind} worker not found in backend: {text(backend.get('name'))}")


def server_worker(backend: Plain) -> Plain:
    """The worker that serves: of a disaggregated backend the one that decodes."""
    return worker_of(backend, "decode" if backend.get("type") == _DISAGGREGATED else "server")


def roles_of(backend: Plain, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """The roles of the ModelInfer for a backend; `labels` are for entry pods.

    Raises `BackendError`, as the controller refuses it.
    """
    kind = text(backend.get("type"))
    if kind not in _SUPPORTED:
        raise BackendError(f"not support model backend type: {kind}")
    if kind == _DISAGGREGATED:
        return [
            _role(backend, each, worker_of(backend, each), {}) for each in ("prefill", "decode")
        ]
    return [_role(backend, "leader", worker_of(backend, "server"), labels)]


def _role(backend: Plain, name: str, worker: Plain, labels: Mapping[str, str]) -> dict[str, Any]:
    pods = _PodSpecs(backend, worker, _Cache.of(backend), disaggregated=name != "leader")
    count = worker.get("pods", 0)
    role: dict[str, Any] = {
        "name": name,
        "replicas": worker.get("replicas", 0),
        "workerReplicas": count - 1,
        "entryTemplate": {"metadata": {"labels": dict(labels)}, "spec": pods.entry()},
    }
    if not labels:
        del role["entryTemplate"]["metadata"]
    if count > 1:
        role["workerTemplate"] = {"spec": pods.worker()}
    return role


class _Cache(Struct, frozen=True):
    """Where the weights are kept."""

    path: str
    volume: Mapping[str, Any]

    @classmethod
    def of(cls, backend: Plain) -> _Cache:
        uri = text(backend.get("cacheURI"))
        kind, separator, path = uri.partition("://")
        sources = {
            # The controller takes the text for the path as well.
            "hostpath": {"hostPath": {"path": path, "type": "DirectoryOrCreate"}},
            "pvc": {"persistentVolumeClaim": {"claimName": path}},
        }
        if not uri:
            return cls("", {"name": _VOLUME, "emptyDir": {}})
        if not separator or kind not in sources:
            raise BackendError(f"not support prefix in CacheURI: {uri}")
        return cls(path, {"name": _VOLUME, **sources[kind]})

    @property
    def mounts(self) -> list[dict[str, Any]]:
        return [{"name": _VOLUME, "mountPath": self.path}]

    def place(self, uri: str) -> str:
        """Where the weights of a model are."""
        # The platform's choice; nothing is kept secret with it.
        digest = hashlib.md5(uri.encode(), usedforsecurity=False).hexdigest()
        return f"{self.path.rstrip('/')}/{digest}"


class _PodSpecs(Struct, frozen=True):
    backend: Plain
    worker_spec: Plain
    cache: _Cache
    disaggregated: bool

    def entry(self) -> dict[str, Any]:
        return self._pod([self._engine(self._command()), self._runtime()])

    def worker(self) -> dict[str, Any]:
        join = "ray start --address=$(ENTRY_ADDRESS):6379 --block"
        return self._pod([self._engine(["sh", "-c", join])])

    def _pod(self, containers: Sequence[dict[str, Any]]) -> dict[str, Any]:
        spec: dict[str, Any] = {
            "initContainers": [self._downloader()],
            "containers": list(containers),
            "volumes": [dict(self.cache.volume)],
        }
        if self.disaggregated:
            spec["affinity"] = {"nodeAffinity": _NPU_NODES}
        return spec

    def _command(self) -> list[str]:
        uri = text(self.backend.get("modelURI"))
        base = ["python", "-m", "vllm.entrypoints.openai.api_server"]
        model = ["--model", self.cache.place(uri), "--port", str(_PORT)]
        arguments = engine_arguments(config_of(self.worker_spec))
        if self.worker_spec.get("pods", 0) > 1:
            # As a shell string, in which the rest of the arguments is lost.
            start = f"ray start --head --port=6379 && {shlex.join([*base, *model, *arguments])}"
            return ["sh", "-c", start]
        paths = {
            text(row.get("name")): self.cache.place(text(row.get("artifactURL")))
            for row in rows(self.backend.get("loraAdapters"))
        }
        return [*base, *model, *arguments, *extra_arguments(self.backend, paths)]

    def _engine(self, command: list[str]) -> dict[str, Any]:
        return {
            "name": ENGINE,
            **_image(text(self.worker_spec.get("image"))),
            "command": command,
            "ports": [{"name": "http", "containerPort": _PORT}],
            "env": [*_env(self.backend), *self._platform_env()],
            **_env_from(self.backend),
            "resources": dict(mapping(self.worker_spec.get("resources"))),
            "readinessProbe": {"httpGet": {"path": "/health", "port": _PORT}},
            "volumeMounts": self.cache.mounts,
        }

    def _runtime(self) -> dict[str, Any]:
        return {
            "name": "runtime",
            "image": _RUNTIME_IMAGE,
            "ports": [{"name": "metrics", "containerPort": _SIDECAR_PORT}],
            "env": [*_env(self.backend), *_POD_ENV],
            **_env_from(self.backend),
            "readinessProbe": {"httpGet": {"path": "/health", "port": _SIDECAR_PORT}},
            "volumeMounts": self.cache.mounts,
        }

    def _downloader(self) -> dict[str, Any]:
        uri = text(self.backend.get("modelURI"))
        arguments = ["--source", uri, "--output-dir", self.cache.place(uri)]
        for row in rows(self.backend.get("loraAdapters")):
            artifact = text(row.get("artifactURL"))
            arguments += ["--source", artifact, "--output-dir", self.cache.place(artifact)]
        passed = [
            row for row in _env(self.backend) if row.get("name") in _FOR_DOWNLOAD and "value" in row
        ]
        return {
            "name": "downloader",
            "image": _DOWNLOADER_IMAGE,
            "args": arguments,
            "env": passed,
            **_env_from(self.backend),
            "volumeMounts": self.cache.mounts,
        }

    def _platform_env(self) -> list[Plain]:
        values = {"VLLM_USE_V1": "1"}
        if self.disaggregated:
            values["HF_HUB_OFFLINE"] = "1"
        plain = [{"name": name, "value": value} for name, value in values.items()]
        return [*_POD_ENV, *plain, *_REDIS_ENV]


def _image(image: str) -> dict[str, str]:
    # Without one the API server refuses the pod, not the template.
    return {"image": image} if image else {}


def _env(backend: Plain) -> list[Plain]:
    return list(rows(backend.get("env")))


def _env_from(backend: Plain) -> dict[str, Any]:
    sources = rows(backend.get("envFrom"))
    return {"envFrom": list(sources)} if sources else {}


def _from_field(name: str, path: str) -> Plain:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _from_redis(name: str, kind: str, source: str) -> Plain:
    reference = {"name": source, "key": name, "optional": True}
    return {"name": name, "valueFrom": {kind: reference}}


_POD_ENV: Sequence[Plain] = (
    _from_field("POD_NAME", "metadata.name"),
    _from_field("NAMESPACE", "metadata.namespace"),
)
_REDIS_ENV: Sequence[Plain] = (
    _from_redis("REDIS_HOST", "configMapKeyRef", "redis-config"),
    _from_redis("REDIS_PORT", "configMapKeyRef", "redis-config"),
    _from_redis("REDIS_PASSWORD", "secretKeyRef", "redis-secret"),
)
_NPU_NODES: Plain = {
    "requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [
            {"matchExpressions": [{"key": NPU_LABEL, "operator": "In", "values": ["ascend-1980"]}]}
        ]
    }
}
