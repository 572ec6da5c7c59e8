"""The verbs for asyncio: the same, awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, assert_type

from matrixinfer_client import (
    ALL_NAMESPACES,
    AsyncClient,
    AsyncNetworkingV1alpha1,
    AsyncRegistryV1alpha1,
    AsyncResource,
    AsyncWatch,
    AsyncWorkloadV1alpha1,
    Event,
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

Models = AsyncResource[Model, ModelList]


async def the_six_resources(client: AsyncClient) -> None:
    registry = client.registry_v1alpha1
    assert_type(registry, AsyncRegistryV1alpha1)
    assert_type(registry.models("default"), AsyncResource[Model, ModelList])
    assert_type(
        registry.autoscaling_policies(), AsyncResource[AutoscalingPolicy, AutoscalingPolicyList]
    )
    assert_type(
        registry.autoscaling_policy_bindings(ALL_NAMESPACES),
        AsyncResource[AutoscalingPolicyBinding, AutoscalingPolicyBindingList],
    )
    workload = client.workload_v1alpha1
    assert_type(workload, AsyncWorkloadV1alpha1)
    assert_type(workload.model_infers(), AsyncResource[ModelInfer, ModelInferList])
    networking = client.networking_v1alpha1
    assert_type(networking, AsyncNetworkingV1alpha1)
    assert_type(networking.model_servers(), AsyncResource[ModelServer, ModelServerList])
    assert_type(networking.model_routes(), AsyncResource[ModelRoute, ModelRouteList])


async def context_managers() -> None:
    async with AsyncClient(context="dev") as client:
        assert_type(client, AsyncClient)
        assert_type(client.with_options(timeout=5), AsyncClient)
    async with AsyncRegistryV1alpha1() as registry:
        assert_type(registry, AsyncRegistryV1alpha1)


async def reading(models: Models) -> None:
    assert_type(await models.get("demo"), Model)
    assert_type(await models.exists("demo"), bool)
    assert_type(await models.list(limit=10), ModelList)
    assert_type(models.iterate(limit=100), AsyncIterator[Model])
    async for model in models.iterate():
        assert_type(model, Model)
    async with models.watch(timeout=60) as watch:
        assert_type(watch, AsyncWatch[Model])
        async for event in watch:
            assert_type(event, Event[Model])


async def writing(models: Models, model: Model, manifest: dict[str, Any]) -> None:
    assert_type(await models.create(model), Model)
    assert_type(await models.create(manifest, dry_run=True), Model)
    assert_type(await models.update(model), Model)
    assert_type(await models.update_status(model), Model)
    assert_type(await models.patch("demo", {"spec": {"owner": None}}), Model)
    assert_type(await models.apply(manifest, force=True), Model)
    assert_type(await models.apply_status(model), Model)
    assert_type(await models.create_or_update(model), Model)
    await models.delete("demo", ignore_not_found=True)
    await models.delete_collection()


def change(model: Model) -> None:
    model.spec.owner = "me"


async def change_later(model: Model) -> Model:
    return model


async def a_change_may_be_a_coroutine(models: Models) -> None:
    assert_type(await models.mutate("demo", change), Model)
    assert_type(await models.mutate("demo", change_later), Model)
