"""Models: what constructors take and what fields are."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any, assert_type

from matrixinfer_client.api.core_v1 import EnvVar
from matrixinfer_client.api.meta_v1 import Condition, ListMeta, ObjectMeta
from matrixinfer_client.api.networking_v1alpha1 import ModelRoute, ModelRouteSpec, ModelServer
from matrixinfer_client.api.registry_v1alpha1 import (
    AutoscalingPolicy,
    AutoscalingPolicyBinding,
    Model,
    ModelBackend,
    ModelList,
    ModelSpec,
    ModelStatus,
    ModelWorker,
)
from matrixinfer_client.api.workload_v1alpha1 import ModelInfer
from matrixinfer_client.kinds import Kind


def construct() -> Model:
    worker = ModelWorker(type="server", image="engine:1", replicas=1, pods=1, config={"a": [1]})
    backend = ModelBackend(
        name="backend1",
        type="vLLM",
        model_uri="hf://org/model",
        cache_uri="hostpath:///cache",
        min_replicas=1,
        max_replicas=1,
        env=[EnvVar(name="A", value="1")],
        workers=[worker],
    )
    return Model(metadata=ObjectMeta(name="demo"), spec=ModelSpec(backends=[backend]))


def read(model: Model) -> None:
    assert_type(model.metadata, ObjectMeta)
    assert_type(model.spec, ModelSpec)
    assert_type(model.status, ModelStatus | None)
    assert_type(model.name, str)
    assert_type(model.namespace, str | None)
    assert_type(model.api_version, str)
    assert_type(Model.KIND, Kind)
    assert_type(model.metadata.labels, dict[str, str] | None)
    assert_type(model.metadata.creation_timestamp, datetime | None)
    assert_type(model.unknown_fields, dict[str, Any] | None)
    backend = model.spec.backends[0]
    assert_type(backend, ModelBackend)
    assert_type(backend.model_uri, str)
    assert_type(backend.min_replicas, int)
    assert_type(backend.route_weight, int | None)
    assert_type(backend.env, list[EnvVar] | None)
    assert_type(backend.workers[0].config, Any)


def conditions(model: Model) -> list[Condition]:
    if model.status is None or model.status.conditions is None:
        return []
    for condition in model.status.conditions:
        assert_type(condition.last_transition_time, datetime)
    return model.status.conditions


def change(model: Model) -> None:
    model.spec.backends[0].max_replicas = 3
    model.spec.owner = None
    model.metadata.labels = {"team": "research"}


def serialized(model: Model) -> None:
    assert_type(model.to_dict(), dict[str, Any])
    assert_type(model.to_json(), bytes)
    assert_type(model.to_yaml(), str)
    assert_type(Model.from_dict({"metadata": {"name": "demo"}}), Model)
    assert_type(Model.from_json(b"{}"), Model)
    assert_type(Model.from_yaml("kind: Model"), Model)
    assert_type(ModelSpec.from_dict({"backends": []}), ModelSpec)


def copies(backend: ModelBackend) -> None:
    assert_type(copy.deepcopy(backend), ModelBackend)


def lists(models: ModelList) -> None:
    assert_type(models.items, list[Model])
    assert_type(models.metadata, ListMeta | None)
    assert_type(models[0], Model)
    assert_type(models[:2], list[Model])
    assert_type(len(models), int)
    assert_type(models.continue_token, str | None)
    for model in models:
        assert_type(model, Model)


def the_other_kinds(
    policy: AutoscalingPolicy,
    binding: AutoscalingPolicyBinding,
    infer: ModelInfer,
    server: ModelServer,
    route: ModelRoute,
) -> None:
    assert_type(policy.spec.metrics[0].target_value, int | str)
    assert_type(policy.status, dict[str, Any] | None)
    assert_type(binding.spec.policy_ref.name, str | None)
    assert_type(infer.spec.template.roles[0].worker_replicas, int)
    assert_type(server.spec.workload_selector.match_labels, dict[str, str] | None)
    assert_type(route.spec, ModelRouteSpec)
    assert_type(route.spec.rules[0].target_models[0].model_server_name, str)
