"""Waiting for objects whose statuses are written as the platform's controllers write them."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest

from matrixinfer_client import (
    AsyncClient,
    ConditionFailed,
    ModelNotFoundError,
    WaitTimeout,
    WaitUpdate,
    all_of,
)
from tests.behaviour.backends import Backend
from tests.behaviour.controllers import InferController, ModelController
from tests.behaviour.samples import MODEL, MODEL_INFER, SAMPLES, Sample


@pytest.fixture
def models(backend: Backend, namespace: str) -> ModelController:
    return ModelController(backend, namespace)


@pytest.fixture
def infers(backend: Backend, namespace: str) -> InferController:
    return InferController(backend, namespace)


async def soon(action: Callable[..., object], *args: Any, after: float = 0.2) -> None:
    await asyncio.sleep(after)
    await asyncio.to_thread(action, *args)


async def test_a_model_becomes_ready(
    client: AsyncClient, models: ModelController, namespace: str
) -> None:
    models.create(MODEL.mapping("demo"))
    updates: list[WaitUpdate[Any]] = []

    def first_passes() -> None:
        models.initialized("demo")
        models.processing("demo")
        models.failed("demo", "the object has been modified; please apply your changes")
        models.processing("demo")
        models.active("demo")

    found, _ = await asyncio.gather(
        client.registry_v1alpha1.models(namespace).wait_for(
            "demo", "Ready", timeout=30, on_update=updates.append
        ),
        soon(first_passes),
    )
    assert found.status is not None
    assert {row.type: row.status for row in found.status.conditions or ()} == {
        "Initialized": "True",
        "Failed": "True",
        "Active": "True",
    }
    assert not updates[0].met
    assert updates[-1].met


async def test_a_model_infer_becomes_available(
    client: AsyncClient, infers: InferController, namespace: str
) -> None:
    infers.create(MODEL_INFER.mapping("mi"))

    def syncs() -> None:
        infers.progressing("mi", replicas=1)
        infers.available("mi", replicas=1)

    resource = client.workload_v1alpha1.model_infers(namespace)
    found, _ = await asyncio.gather(resource.wait_for("mi", "Ready", timeout=30), soon(syncs))
    assert found.status is not None
    rows = {row.type: row for row in found.status.conditions or ()}
    assert rows["Available"].status == "True"
    # The opponent keeps its text; it is judged by its status only.
    assert (rows["Progerssing"].status, rows["Progerssing"].reason) == (
        "False",
        "GroupProgressing",
    )
    await resource.wait_for("mi", "Progressing=False", timeout=0)
    with pytest.raises(WaitTimeout):
        await resource.wait_for("mi", "Progressing", timeout=0, diagnose=False)


async def test_a_failure_that_lasts_ends_the_wait_with_the_reason(
    client: AsyncClient, models: ModelController, namespace: str
) -> None:
    models.create(MODEL.mapping("demo"))
    models.processing("demo")
    models.failed("demo", "not support model backend type: SGLang")
    began = time.monotonic()
    with pytest.raises(ConditionFailed) as caught:
        await client.registry_v1alpha1.models(namespace).wait_for("demo", "Ready", grace=0.5)
    assert 0.5 <= time.monotonic() - began < 5
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        f"Model 'demo' in namespace {namespace!r} will not become Ready: "
        "not support model backend type: SGLang"
    )
    assert lines[1] == "cause: Model demo: no controller implements the backend type SGLang"
    assert caught.value.diagnosis is not None
    assert caught.value.diagnosis.findings[0].code == "backend-type"


async def test_the_old_spec_being_ready_is_not_enough(
    client: AsyncClient, models: ModelController, namespace: str
) -> None:
    models.create(MODEL.mapping("demo"))
    models.active("demo")
    models.patch("demo", {"spec": MODEL.patch})
    resource = client.registry_v1alpha1.models(namespace)
    with pytest.raises(WaitTimeout, match="has not seen generation 2 yet"):
        await resource.wait_for("demo", "Ready", timeout=0.5, diagnose=False)
    found, _ = await asyncio.gather(
        resource.wait_for("demo", "Ready", timeout=30), soon(models.active, "demo")
    )
    assert found.status is not None
    assert found.status.observed_generation == 2


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
async def test_every_kind_can_be_waited_for_to_exist_and_to_go(
    client: AsyncClient, backend: Backend, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)

    def create() -> None:
        backend.request("POST", sample.path(namespace), sample.mapping("x"))

    def delete() -> None:
        backend.request("DELETE", sample.path(namespace, "x"))

    made, _ = await asyncio.gather(resource.wait_for("x", "exists", timeout=30), soon(create))
    gone, _ = await asyncio.gather(resource.wait_for("x", "deleted", timeout=30), soon(delete))
    assert gone is not None
    assert gone.uid == made.uid
    assert await resource.wait_for("x", "deleted", timeout=5) is None


async def test_an_object_that_is_deleted_and_created_anew_is_another_one(
    client: AsyncClient, models: ModelController, namespace: str
) -> None:
    models.create(MODEL.mapping("demo"))

    def replace() -> None:
        models.delete("demo")
        models.create(MODEL.mapping("demo"))
        models.active("demo")

    resource = client.registry_v1alpha1.models(namespace)
    with pytest.raises(ConditionFailed, match="it was deleted"):
        await asyncio.gather(
            resource.wait_for("demo", "Ready", timeout=30, diagnose=False), soon(replace)
        )


async def test_a_deletion_that_a_finalizer_holds_up_takes_its_time(
    client: AsyncClient, models: ModelController, namespace: str
) -> None:
    models.create(MODEL.mapping("demo", finalizers=["example.test/hold"]))
    models.delete("demo")
    resource = client.registry_v1alpha1.models(namespace)
    with pytest.raises(WaitTimeout, match=r"held by example\.test/hold"):
        await resource.wait_for("demo", "deleted", timeout=0.5, diagnose=False)
    release = {"metadata": {"finalizers": None}}
    await asyncio.gather(
        resource.wait_for("demo", "deleted", timeout=30), soon(models.patch, "demo", release)
    )


async def test_a_missing_object_is_an_error_unless_it_may_still_come(
    client: AsyncClient, models: ModelController, namespace: str
) -> None:
    resource = client.registry_v1alpha1.models(namespace)
    with pytest.raises(ModelNotFoundError, match="to wait for one that is still to be created"):
        await resource.wait_for("demo", "Ready", timeout=30)

    def create() -> None:
        models.create(MODEL.mapping("demo"))
        models.active("demo")

    wanted = all_of("exists", "Ready", lambda model: model.spec.backends[0].name == "b1")
    await asyncio.gather(resource.wait_for("demo", wanted, timeout=30), soon(create))


@pytest.mark.parametrize(
    "wanted",
    [
        "condition=Active",
        "condition=Active=True",
        "condition=Initialized=true",
        "jsonpath={.status.observedGeneration}=1",
        'jsonpath={.status.conditions[?(@.type=="Active")].reason}=ModelAvailable',
        "create",
    ],
)
async def test_kubectls_conditions_are_understood(
    client: AsyncClient, models: ModelController, namespace: str, wanted: str
) -> None:
    models.create(MODEL.mapping("demo"))
    models.initialized("demo")
    models.active("demo")
    await client.registry_v1alpha1.models(namespace).wait_for("demo", wanted, timeout=5)


@pytest.mark.parametrize("seconds", [0.7, 2.0])
async def test_a_timeout_is_exact(
    client: AsyncClient, models: ModelController, namespace: str, seconds: float
) -> None:
    models.create(MODEL.mapping("demo"))
    began = time.monotonic()
    with pytest.raises(WaitTimeout):
        await client.registry_v1alpha1.models(namespace).wait_for("demo", "Ready", timeout=seconds)
    assert seconds <= time.monotonic() - began < seconds + 1


async def test_five_hundred_models_are_waited_for_over_one_stream(
    client: AsyncClient, models: ModelController, namespace: str
) -> None:
    names = [f"m{number:03}" for number in range(500)]
    bodies = [MODEL.mapping(name) for name in names]
    await asyncio.gather(*(asyncio.to_thread(models.create, body) for body in bodies))
    updates: list[WaitUpdate[Any]] = []

    def become_ready() -> None:
        for name in names:
            models.active(name)

    found, _ = await asyncio.gather(
        client.registry_v1alpha1.models(namespace).wait_for_all(
            names, "Ready", timeout=90, on_update=updates.append
        ),
        soon(become_ready),
    )
    assert list(found) == names
    assert all(model.status is not None for model in found.values())
    assert updates[-1].pending == 0


async def test_a_wait_returns_at_once_when_it_comes_true(
    client: AsyncClient, models: ModelController, namespace: str
) -> None:
    resource = client.registry_v1alpha1.models(namespace)
    written: list[float] = []
    delays: list[float] = []

    def write(name: str) -> None:
        models.active(name)
        written.append(time.monotonic())

    for number in range(11):
        name = f"m{number}"
        models.create(MODEL.mapping(name))
        waiting = asyncio.ensure_future(resource.wait_for(name, "Ready", timeout=30))
        await soon(write, name, after=0.15)
        await waiting
        delays.append(time.monotonic() - written[-1])
    assert statistics.median(delays) < 0.1
