"""One minimal valid object of each kind, as a mapping and typed, and one change to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from matrixinfer_client import AsyncClient, AsyncResource
from matrixinfer_client.api.core_v1 import Container, LocalObjectReference, ObjectReference, PodSpec
from matrixinfer_client.api.meta_v1 import ObjectMeta
from matrixinfer_client.api.networking_v1alpha1 import (
    ModelRoute,
    ModelRouteSpec,
    ModelServer,
    ModelServerSpec,
    Rule,
    TargetModel,
    WorkloadPort,
    WorkloadSelector,
)
from matrixinfer_client.api.registry_v1alpha1 import (
    AutoscalingPolicy,
    AutoscalingPolicyBinding,
    AutoscalingPolicyBindingSpec,
    AutoscalingPolicyMetric,
    AutoscalingPolicySpec,
    Model,
    ModelBackend,
    ModelSpec,
    ModelWorker,
    ScalingConfiguration,
    Target,
)
from matrixinfer_client.api.workload_v1alpha1 import (
    InferGroup,
    ModelInfer,
    ModelInferSpec,
    PodTemplateSpec,
    Role,
)
from matrixinfer_client.models import ApiObject

Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class Sample:
    """A kind, how to reach it, what to put into it, and how it is changed."""

    cls: type[Any]
    resource: Callable[[AsyncClient, str], AsyncResource[Any, Any]]
    spec: Callable[[], Mapping[str, Any]]
    typed_spec: Callable[[], Any]
    patch: Mapping[str, Any]
    """A merge patch of the spec."""
    read: Reader
    """Reads from the typed spec what the patch changes."""
    change: Callable[[Any], object]
    """Makes the same change to a typed spec."""
    before: object
    after: object

    @property
    def kind(self) -> str:
        return str(self.cls.KIND.kind)

    def mapping(self, name: str, **metadata: Any) -> dict[str, Any]:
        kind = self.cls.KIND
        return {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": name, **metadata},
            "spec": dict(self.spec()),
        }

    def typed(self, name: str, **metadata: Any) -> ApiObject:
        made: ApiObject = self.cls(
            metadata=ObjectMeta(name=name, **metadata), spec=self.typed_spec()
        )
        return made

    def path(self, namespace: str, name: str = "") -> str:
        kind = self.cls.KIND
        root = f"/apis/{kind.api_version}/namespaces/{namespace}/{kind.plural}"
        return f"{root}/{name}" if name else root


def model_backend(**changes: Any) -> dict[str, Any]:
    worker = {"type": "server", "image": "engine:tag", "replicas": 1, "pods": 1, "config": {}}
    return {
        "name": "b1",
        "type": "vLLM",
        "modelURI": "hf://org/model",
        "cacheURI": "hostpath:///cache",
        "minReplicas": 1,
        "maxReplicas": 1,
        "workers": [worker],
        **changes,
    }


def _typed_model_spec() -> ModelSpec:
    worker = ModelWorker(type="server", image="engine:tag", replicas=1, pods=1, config={})
    backend = ModelBackend(
        name="b1",
        type="vLLM",
        model_uri="hf://org/model",
        cache_uri="hostpath:///cache",
        min_replicas=1,
        max_replicas=1,
        workers=[worker],
    )
    return ModelSpec(backends=[backend])


MODEL = Sample(
    cls=Model,
    resource=lambda client, namespace: client.registry_v1alpha1.models(namespace),
    spec=lambda: {"backends": [model_backend()]},
    typed_spec=_typed_model_spec,
    patch={"owner": "anna"},
    read=lambda spec: spec.owner,
    change=lambda spec: setattr(spec, "owner", "anna"),
    before=None,
    after="anna",
)

POLICY = Sample(
    cls=AutoscalingPolicy,
    resource=lambda client, namespace: client.registry_v1alpha1.autoscaling_policies(namespace),
    spec=lambda: {"metrics": [{"metricName": "requests_waiting", "targetValue": 10}]},
    typed_spec=lambda: AutoscalingPolicySpec(
        metrics=[AutoscalingPolicyMetric(metric_name="requests_waiting", target_value=10)]
    ),
    patch={"tolerancePercent": 20},
    read=lambda spec: spec.tolerance_percent,
    change=lambda spec: setattr(spec, "tolerance_percent", 20),
    before=10,
    after=20,
)

BINDING = Sample(
    cls=AutoscalingPolicyBinding,
    resource=lambda client, namespace: client.registry_v1alpha1.autoscaling_policy_bindings(
        namespace
    ),
    spec=lambda: {
        "policyRef": {"name": "p"},
        "scalingConfiguration": {
            "minReplicas": 1,
            "maxReplicas": 3,
            "target": {"targetRef": {"kind": "ModelInfer", "name": "mi"}},
        },
    },
    typed_spec=lambda: AutoscalingPolicyBindingSpec(
        policy_ref=LocalObjectReference(name="p"),
        scaling_configuration=ScalingConfiguration(
            min_replicas=1,
            max_replicas=3,
            target=Target(target_ref=ObjectReference(kind="ModelInfer", name="mi")),
        ),
    ),
    patch={"policyRef": {"name": "q"}},
    read=lambda spec: spec.policy_ref.name,
    change=lambda spec: setattr(spec.policy_ref, "name", "q"),
    before="p",
    after="q",
)


def _typed_model_infer_spec() -> ModelInferSpec:
    pod = PodSpec(containers=[Container(name="main", image="engine:tag")])
    role = Role(
        name="leader",
        replicas=1,
        worker_replicas=0,
        entry_template=PodTemplateSpec(spec=pod),
    )
    return ModelInferSpec(scheduler_name="volcano", replicas=1, template=InferGroup(roles=[role]))


MODEL_INFER = Sample(
    cls=ModelInfer,
    resource=lambda client, namespace: client.workload_v1alpha1.model_infers(namespace),
    spec=lambda: {
        "schedulerName": "volcano",
        "replicas": 1,
        "template": {
            "roles": [
                {
                    "name": "leader",
                    "replicas": 1,
                    "workerReplicas": 0,
                    "entryTemplate": {
                        "spec": {"containers": [{"name": "main", "image": "engine:tag"}]}
                    },
                }
            ]
        },
    },
    typed_spec=_typed_model_infer_spec,
    patch={"replicas": 0},
    read=lambda spec: spec.replicas,
    change=lambda spec: setattr(spec, "replicas", 0),
    before=1,
    after=0,
)

MODEL_SERVER = Sample(
    cls=ModelServer,
    resource=lambda client, namespace: client.networking_v1alpha1.model_servers(namespace),
    spec=lambda: {
        "inferenceEngine": "vLLM",
        "workloadSelector": {"matchLabels": {"app": "x"}},
        "workloadPort": {"port": 8000},
    },
    typed_spec=lambda: ModelServerSpec(
        inference_engine="vLLM",
        workload_selector=WorkloadSelector(match_labels={"app": "x"}),
        workload_port=WorkloadPort(port=8000),
    ),
    patch={"inferenceEngine": "SGLang"},
    read=lambda spec: spec.inference_engine,
    change=lambda spec: setattr(spec, "inference_engine", "SGLang"),
    before="vLLM",
    after="SGLang",
)

MODEL_ROUTE = Sample(
    cls=ModelRoute,
    resource=lambda client, namespace: client.networking_v1alpha1.model_routes(namespace),
    spec=lambda: {
        "modelName": "m",
        "rules": [{"name": "default", "targetModels": [{"modelServerName": "s"}]}],
    },
    typed_spec=lambda: ModelRouteSpec(
        model_name="m",
        rules=[Rule(name="default", target_models=[TargetModel(model_server_name="s")])],
    ),
    patch={"loraAdapters": ["a1"]},
    read=lambda spec: spec.lora_adapters,
    change=lambda spec: setattr(spec, "lora_adapters", ["a1"]),
    before=None,
    after=["a1"],
)

SAMPLES = [MODEL, POLICY, BINDING, MODEL_INFER, MODEL_SERVER, MODEL_ROUTE]
