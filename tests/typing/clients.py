"""From a client to a resource: what the group clients hand out."""

from __future__ import annotations

from typing import assert_type

from matrixinfer_client import (
    ALL_NAMESPACES,
    NO_TIMEOUT,
    Client,
    Config,
    EventHooks,
    NetworkingV1alpha1,
    RegistryV1alpha1,
    RequestInfo,
    Resource,
    Response,
    Retries,
    WorkloadV1alpha1,
    __version__,
    load_config,
)
from matrixinfer_client.api.networking_v1alpha1 import (
    ModelRoute,
    ModelRouteList,
    ModelServer,
    ModelServerList,
)
from matrixinfer_client.api.registry_v1alpha1 import (
    AutoscalingPolicy,
    AutoscalingPolicyBinding,
    AutoscalingPolicyBindingList,
    AutoscalingPolicyList,
    Model,
    ModelList,
)
from matrixinfer_client.api.workload_v1alpha1 import ModelInfer, ModelInferList


def the_six_resources(client: Client) -> None:
    registry = client.registry_v1alpha1
    assert_type(registry, RegistryV1alpha1)
    assert_type(registry.models("default"), Resource[Model, ModelList])
    assert_type(registry.autoscaling_policies(), Resource[AutoscalingPolicy, AutoscalingPolicyList])
    assert_type(
        registry.autoscaling_policy_bindings(ALL_NAMESPACES),
        Resource[AutoscalingPolicyBinding, AutoscalingPolicyBindingList],
    )
    assert_type(client.workload_v1alpha1, WorkloadV1alpha1)
    assert_type(client.workload_v1alpha1.model_infers(), Resource[ModelInfer, ModelInferList])
    assert_type(client.networking_v1alpha1, NetworkingV1alpha1)
    assert_type(client.networking_v1alpha1.model_servers(), Resource[ModelServer, ModelServerList])
    assert_type(client.networking_v1alpha1.model_routes(), Resource[ModelRoute, ModelRouteList])


def a_group_client_with_and_without_a_connection(client: Client) -> None:
    assert_type(RegistryV1alpha1().models(), Resource[Model, ModelList])
    assert_type(RegistryV1alpha1(client).models(), Resource[Model, ModelList])
    with WorkloadV1alpha1() as workload:
        assert_type(workload, WorkloadV1alpha1)


def ways_to_connect() -> None:
    Client()
    Client(load_config(context="dev"))
    Client(Config(server="https://127.0.0.1:6443"))
    Client(kubeconfig="dev.yaml", context="dev", namespace="team-a")
    Client(server="https://127.0.0.1:6443", token="t", ca_file="ca.crt")
    Client(server="https://127.0.0.1:6443", insecure_skip_tls_verify=True)


def seen(request: RequestInfo) -> None:
    assert_type(request.method, str)


def answered(response: Response) -> None:
    assert_type(response.status_code, int)


def options_of_a_client() -> None:
    client = Client(
        timeout=NO_TIMEOUT,
        retries=Retries(attempts=1),
        field_manager="ci",
        field_validation="Warn",
        dry_run=True,
        event_hooks=EventHooks(request=[seen], response=[answered]),
    )
    assert_type(client.with_options(timeout=5, namespace="team-a"), Client)
    assert_type(client.config, Config)
    assert_type(client.namespace, str)
    with client as same:
        assert_type(same, Client)


def version() -> str:
    return __version__
