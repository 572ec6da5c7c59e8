"""The status subresource: written on its own, and kept apart from the rest of the object."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from matrixinfer_client import AsyncClient, InvalidError
from matrixinfer_client.api.meta_v1 import Condition, ObjectMeta
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelBackendStatus, ModelStatus
from matrixinfer_client.api.workload_v1alpha1 import ModelInferStatus
from tests.behaviour.samples import MODEL, MODEL_INFER, SAMPLES, Sample

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EMPTY = [sample for sample in SAMPLES if sample not in (MODEL, MODEL_INFER)]


def ready(status: Any = "True") -> Condition:
    return Condition(
        type="Active", status=status, reason="AllWell", message="", last_transition_time=WHEN
    )


async def test_the_status_is_replaced_and_the_rest_is_not(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    model = await models.create(Model.from_dict(MODEL.mapping("one")))
    assert model.status is None
    model.status = ModelStatus(
        conditions=[ready()],
        observed_generation=1,
        backend_statuses=[ModelBackendStatus(name="b1", replicas=0)],
    )
    model.spec.owner = "nobody"
    model.metadata.labels = {"a": "b"}
    updated = await models.update_status(model)
    assert updated.status == model.status
    assert updated.status is not None
    assert updated.status.conditions is not None
    assert updated.status.conditions[0].last_transition_time == WHEN
    assert updated.spec.owner is None
    assert updated.metadata.generation == 1


async def test_the_status_in_a_create_or_update_is_ignored(
    client: AsyncClient, namespace: str
) -> None:
    infers = client.workload_v1alpha1.model_infers(namespace)
    typed: Any = MODEL_INFER.typed("one")
    typed.status = ModelInferStatus(replicas=3)
    created = await infers.create(typed)
    assert created.status is None
    created.status = ModelInferStatus(replicas=3)
    assert (await infers.update(created)).status is None


async def test_zero_is_written_and_stays_apart_from_absent(
    client: AsyncClient, namespace: str
) -> None:
    infers = client.workload_v1alpha1.model_infers(namespace)
    infer = await infers.create(MODEL_INFER.mapping("one"))
    infer.status = ModelInferStatus(replicas=0)
    updated = await infers.update_status(infer)
    assert updated.status is not None
    assert updated.status.replicas == 0
    assert updated.status.updated_replicas is None


async def test_the_status_is_patched_alone(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    body = {"status": {"observedGeneration": 7}, "spec": {"owner": "nobody"}}
    patched = await models.patch("one", body, subresource="status")
    assert patched.status is not None
    assert patched.status.observed_generation == 7
    assert patched.spec.owner is None
    unchanged = await models.patch("one", {"status": {"observedGeneration": 8}})
    assert unchanged.status is not None
    assert unchanged.status.observed_generation == 7


async def test_conditions_of_two_managers_are_merged_by_type(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))

    def only(condition_type: str) -> dict[str, Any]:
        condition = ready().to_dict() | {"type": condition_type}
        return {"metadata": {"name": "one"}, "status": {"conditions": [condition]}}

    await models.apply_status(only("Active"), field_manager="first")
    both = await models.apply_status(only("Failed"), field_manager="second")
    assert both.status is not None
    assert both.status.conditions is not None
    assert sorted(condition.type for condition in both.status.conditions) == ["Active", "Failed"]


async def test_the_status_is_applied_typed(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    created = await models.create(MODEL.mapping("one"))
    applied = await models.apply_status(
        Model(
            metadata=ObjectMeta(name="one"),
            spec=created.spec,
            status=ModelStatus(conditions=[ready()]),
        )
    )
    assert applied.status == ModelStatus(conditions=[ready()])


async def test_the_status_is_read_alone(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    model = await models.create(MODEL.mapping("one"))
    assert await models.get("one", subresource="status") == model


async def test_a_status_that_breaks_the_schema_is_refused(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    model = await models.create(MODEL.mapping("one"))
    model.status = ModelStatus(conditions=[ready("Perhaps")])
    with pytest.raises(InvalidError) as caught:
        await models.update_status(model)
    assert [cause.field for cause in caught.value.causes] == ["status.conditions[0].status"]


@pytest.mark.parametrize("sample", EMPTY, ids=lambda sample: sample.kind)
async def test_a_status_without_fields_loses_what_is_written_to_it(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    created = await resource.create(sample.mapping("one"))
    created.status = {"anything": 1}
    updated = await resource.update_status(created, field_validation="Ignore")
    assert not updated.status
    patched = await resource.patch(
        "one", {"status": {"anything": 1}}, subresource="status", field_validation="Ignore"
    )
    assert not patched.status
    applied = await resource.apply_status(
        {"metadata": {"name": "one"}, "status": {}}, field_manager="me"
    )
    assert not applied.status
