"""What the model controller makes of a Model, object by object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from matrixinfer_client.looks import mapping, rows, text
from matrixinfer_client.testing.simulation.arguments import config_of
from matrixinfer_client.testing.simulation.hashing import revision
from matrixinfer_client.testing.simulation.plainly import (
    Plain,
    metadata_of,
    owner_reference,
)
from matrixinfer_client.testing.simulation.templates import roles_of, server_worker

__all__ = [
    "MODEL_NAME",
    "MODEL_UID",
    "REVISION",
    "autoscaling_of",
    "backends_of",
    "child_name",
    "infer_of",
    "route_of",
    "server_of",
]

MODEL_NAME = "registry.matrixinfer.ai/model-name"
MODEL_UID = "registry.matrixinfer.ai/model-uid"
REVISION = "registry.matrixinfer.ai/revision"
_BACKEND = "registry.matrixinfer.ai/backend-name"
_MANAGED_BY = "registry.matrixinfer.ai/managed-by"
_MANAGER = "registry.matrixinfer.ai"
_ROLE = "modelinfer.matrixinfer.ai/role"
_GROUP = "modelinfer.matrixinfer.ai/group-name"
_CONNECTORS = {"MooncakeConnectorV1": "mooncake", "LMCacheConnectorV1": "lmcache"}


def backends_of(model: Plain) -> Sequence[Plain]:
    """The backends of a Model."""
    return rows(mapping(model.get("spec")).get("backends"))


def child_name(model: Plain, backend: Plain | None = None) -> str:
    """What a child is called; without a backend it belongs to the whole Model."""
    name = text(metadata_of(model).get("name"))
    return name if backend is None else f"{name}-{text(backend.get('name'))}"


def infer_of(model: Plain, backend: Plain, *, scheduler: str) -> dict[str, Any]:
    """The ModelInfer of a backend; raises `BackendError` for one that is not supported."""
    metadata = _metadata(model, backend, revision(backend), controller=False)
    spec = {
        "schedulerName": scheduler,
        "replicas": backend.get("minReplicas", 0),
        "recoveryPolicy": "InferGroupRecreate",
        "rolloutStrategy": {"type": "InferGroupRollingUpdate"},
        "template": {
            "restartGracePeriodSeconds": 60,
            "roles": roles_of(backend, metadata["labels"]),
        },
    }
    return {"metadata": metadata, "spec": spec}


def server_of(model: Plain, backend: Plain) -> dict[str, Any]:
    """The ModelServer of a backend, which selects the pods of all backends (so it does)."""
    config = config_of(server_worker(backend))
    uid = text(metadata_of(model).get("uid"))
    selector: dict[str, Any] = {"matchLabels": {MODEL_UID: uid}}
    if backend.get("type") == "vLLMDisaggregated":
        selector["pdGroup"] = {
            "groupKey": _GROUP,
            "prefillLabels": {_ROLE: "prefill"},
            "decodeLabels": {_ROLE: "decode"},
        }
    spec: dict[str, Any] = {
        "model": text(config.get("served-model-name")) or child_name(model),
        "inferenceEngine": "vLLM",
        "workloadSelector": selector,
        "workloadPort": {"port": 8000},
        "trafficPolicy": {"retry": {"attempts": 5, "retryInterval": "0s"}},
    }
    connector = _connector(config)
    if connector:
        spec["kvConnector"] = {"type": connector}
    return {"metadata": _metadata(model, backend, revision(spec), controller=True), "spec": spec}


def _connector(config: Mapping[str, Any]) -> str | None:
    try:
        transfer: object = json.loads(text(config.get("kv-transfer-config")) or "null")
    except ValueError:
        return None
    return _CONNECTORS.get(text(mapping(transfer).get("kv_connector")))


def route_of(model: Plain) -> dict[str, Any]:
    """The ModelRoute of a Model."""
    backends = backends_of(model)
    given = mapping(model.get("spec"))
    targets = [
        {
            "modelServerName": child_name(model, backend),
            "weight": backend.get("routeWeight", 100),
        }
        for backend in backends
    ]
    adapters = sorted({name for backend in backends for name in _adapters(backend)})
    match = given.get("modelMatch")
    rules: list[dict[str, Any]] = [{"name": "default", "targetModels": targets}]
    if len(backends) == 1:
        if match is not None:
            rules[0]["modelMatch"] = match
    else:
        rules[0]["modelMatch"] = {**mapping(match), "body": {"model": child_name(model)}}
        for name in adapters:
            chosen = [
                target
                for target, backend in zip(targets, backends, strict=True)
                if name in _adapters(backend)
            ]
            rules.append(
                {"name": name, "modelMatch": {"body": {"model": name}}, "targetModels": chosen}
            )
    spec: dict[str, Any] = {"modelName": child_name(model), "rules": rules}
    if adapters:
        spec["loraAdapters"] = adapters
    return {"metadata": _metadata(model, None, revision(spec), controller=False), "spec": spec}


def _adapters(backend: Plain) -> Sequence[str]:
    return [text(row.get("name")) for row in rows(backend.get("loraAdapters"))]


def autoscaling_of(model: Plain) -> Sequence[tuple[dict[str, Any], dict[str, Any]]]:
    """The policies of a Model, each with its binding."""
    given = mapping(model.get("spec"))
    policy = given.get("autoscalingPolicy")
    if policy is not None:
        params = [
            {**_limits(backend), "target": _target(model, backend), "cost": _cost(backend)}
            for backend in backends_of(model)
        ]
        optimizer = {
            "costExpansionRatePercent": given.get("costExpansionRatePercent", 0),
            "params": params,
        }
        return [_scaled(model, None, mapping(policy), {"optimizerConfiguration": optimizer})]
    return [
        _scaled(
            model,
            backend,
            mapping(backend["autoscalingPolicy"]),
            {"scalingConfiguration": {**_limits(backend), "target": _target(model, backend)}},
        )
        for backend in backends_of(model)
        if "autoscalingPolicy" in backend
    ]


def _scaled(
    model: Plain, backend: Plain | None, policy: Plain, configuration: Plain
) -> tuple[dict[str, Any], dict[str, Any]]:
    spec = _as_go_sends(policy)
    binding = {"policyRef": {"name": child_name(model, backend)}, **configuration}
    return (
        {"metadata": _metadata(model, backend, revision(spec), controller=True), "spec": spec},
        {
            "metadata": _metadata(model, backend, revision(binding), controller=True),
            "spec": binding,
        },
    )


def _as_go_sends(policy: Plain) -> dict[str, Any]:
    """A policy with all blocks that a Go program never leaves out."""
    behavior = mapping(policy.get("behavior"))
    up = mapping(behavior.get("scaleUp"))
    panic = {"period": "0s", **mapping(up.get("panicPolicy"))}
    return {
        "tolerancePercent": 0,
        **policy,
        "behavior": {
            "scaleDown": dict(mapping(behavior.get("scaleDown"))),
            "scaleUp": {
                "stablePolicy": dict(mapping(up.get("stablePolicy"))),
                "panicPolicy": panic,
            },
        },
    }


def _limits(backend: Plain) -> dict[str, Any]:
    return {
        "minReplicas": backend.get("minReplicas", 0),
        "maxReplicas": backend.get("maxReplicas", 0),
    }


def _cost(backend: Plain) -> int:
    return cast("int", backend.get("scalingCost", 0))


def _target(model: Plain, backend: Plain) -> dict[str, Any]:
    return {
        "targetRef": {"kind": "ModelInfer", "name": child_name(model, backend)},
        "additionalMatchLabels": {_ROLE: "leader"},
        # Empty, so that the server fills in its defaults, as it does for a Go program.
        "metricEndpoint": {},
    }


def _metadata(
    model: Plain, backend: Plain | None, source: str, *, controller: bool
) -> dict[str, Any]:
    parent = metadata_of(model)
    return {
        "name": child_name(model, backend),
        "namespace": parent["namespace"],
        "labels": {
            MODEL_NAME: text(parent.get("name")),
            _BACKEND: "" if backend is None else text(backend.get("name")),
            _MANAGED_BY: _MANAGER,
            REVISION: source,
            MODEL_UID: text(parent.get("uid")),
        },
        "ownerReferences": [owner_reference(model, controller=controller)],
    }
