"""Rollouts, with Models and ModelInfers whose statuses come in the controllers' order."""

from __future__ import annotations

import asyncio
import time

import pytest

from matrixinfer_client import AsyncClient, WaitTimeout
from tests.behaviour.backends import Backend
from tests.behaviour.controllers import InferController, ModelController, infer_spec
from tests.behaviour.samples import MODEL


async def test_a_rollout_ends_when_the_children_run_the_new_spec(
    client: AsyncClient, backend: Backend, namespace: str
) -> None:
    models, infers = ModelController(backend, namespace), InferController(backend, namespace)
    models.create(MODEL.mapping("demo"))
    models.initialized("demo")
    child = models.child("demo", replicas=2)
    infers.progressing(child, replicas=2)
    infers.available(child, replicas=2)
    models.active("demo")
    resource = client.registry_v1alpha1.models(namespace)
    await resource.wait_for_rollout("demo", timeout=10)

    models.patch("demo", {"spec": {"owner": "somebody else"}})
    times: dict[str, float] = {}

    def roll_out() -> None:
        models.processing("demo")
        infers.patch(child, {"spec": {**infer_spec(2), "recoveryPolicy": "RoleRecreate"}})
        # The check ignores which generation the child is available with.
        models.active("demo")
        time.sleep(0.5)
        infers.updating(child, replicas=2, available=1, updated=0)
        models.processing("demo")
        infers.available(child, replicas=2, updated=1)
        models.active("demo")
        time.sleep(0.5)
        infers.available(child, replicas=2)
        models.processing("demo")
        times["done"] = time.monotonic()
        models.active("demo")

    def roll_out_soon() -> None:
        time.sleep(0.2)
        roll_out()

    await asyncio.gather(
        resource.wait_for_rollout("demo", timeout=30), asyncio.to_thread(roll_out_soon)
    )
    assert time.monotonic() - times["done"] < 5


async def test_a_model_that_is_active_with_an_old_child_is_not_rolled_out(
    client: AsyncClient, backend: Backend, namespace: str
) -> None:
    models, infers = ModelController(backend, namespace), InferController(backend, namespace)
    models.create(MODEL.mapping("demo"))
    child = models.child("demo")
    infers.available(child, replicas=1)
    infers.patch(child, {"spec": {"replicas": 3}})
    models.active("demo")
    resource = client.registry_v1alpha1.models(namespace)
    await resource.wait_for("demo", "Ready", timeout=5)
    with pytest.raises(WaitTimeout, match=f"ModelInfer {child}: generation 2 not seen yet"):
        await resource.wait_for_rollout("demo", timeout=1)
