"""Who checks an object: the server, the client before that, or as little as can be."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client import (
    AsyncClient,
    InvalidArgumentError,
    InvalidError,
    InvalidObjectError,
    RejectedObjectError,
    UnknownFieldsError,
    ValidationFailedError,
)
from tests.behaviour.conftest import OpenClient
from tests.behaviour.samples import MODEL, MODEL_INFER, model_backend


def wrong() -> dict[str, Any]:
    body = MODEL.mapping("demo")
    body["spec"]["backends"] = [model_backend(type="vllm", minReplicas=-1)]
    body["spec"]["ownr"] = "anna"
    return body


@pytest.fixture
def offline(open_client: OpenClient) -> AsyncClient:
    """Open a client that no server answers."""
    return open_client({"server": "http://127.0.0.1:1"})


async def test_before_sending_all_problems_are_said_at_once(offline: AsyncClient) -> None:
    with pytest.raises(ValidationFailedError) as caught:
        await offline.registry_v1alpha1.models("n").create(wrong(), validate="client")
    error = caught.value
    assert isinstance(error, RejectedObjectError)
    assert isinstance(error, InvalidObjectError)
    assert error.code == "ValidationFailed"
    assert [problem.path for problem in error.problems] == [
        "spec.ownr",
        "spec.backends[0].type",
        "spec.backends[0].minReplicas",
    ]
    assert str(error).startswith("invalid Model demo, 3 problems:\n  - spec.ownr: unknown field")


async def test_typed_objects_and_mappings_without_a_kind_are_checked_too(
    offline: AsyncClient,
) -> None:
    typed: Any = MODEL.typed("demo")
    typed.spec.backends[0].type = "vllm"
    bare = {"metadata": {"name": "demo"}, "spec": wrong()["spec"]}
    for body in (typed, bare):
        with pytest.raises(RejectedObjectError, match=r"spec\.backends\[0\]\.type: Unsupported"):
            await offline.registry_v1alpha1.models("n").create(body, validate="client")


async def test_the_server_says_the_same(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    body = wrong()
    del body["spec"]["ownr"]
    with pytest.raises(ValidationFailedError) as before:
        await models.create(body, validate="client")
    with pytest.raises(ValidationFailedError) as after:
        await models.create(body)
    assert isinstance(after.value, InvalidError)
    # The server's order is that of a Go map.
    assert {*before.value.causes} == {*after.value.causes}


async def test_an_update_is_checked(client: AsyncClient, namespace: str) -> None:
    infers = client.workload_v1alpha1.model_infers(namespace)
    created = await infers.create(MODEL_INFER.mapping("demo"), validate="client")
    created.spec.replicas = 2
    updated = await infers.update(created, validate="client")
    updated.spec.scheduler_name = "kube"
    with pytest.raises(RejectedObjectError, match=r"spec\.schedulerName"):
        await infers.update(updated, validate="client")


async def test_an_apply_is_checked_for_what_it_has_and_not_for_what_it_lacks(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("demo"))
    partial = {"metadata": {"name": "demo"}, "spec": {"owner": "anna"}}
    applied = await models.apply(partial, validate="client")
    assert applied.spec.owner == "anna"
    with pytest.raises(RejectedObjectError) as caught:
        await models.apply(
            {"metadata": {"name": "demo"}, "spec": {"ownr": "anna", "owner": 1}}, validate="client"
        )
    assert {cause.field for cause in caught.value.causes} == {"spec.ownr", "spec.owner"}


async def test_off_drops_unknown_fields_in_silence(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    body = MODEL.mapping("demo")
    body["spec"]["ownr"] = "anna"
    with pytest.raises(UnknownFieldsError) as caught:
        await models.create(body)
    assert [cause.field for cause in caught.value.causes] == ["spec.ownr"]
    with pytest.raises(UnknownFieldsError):
        await models.create(body, validate="off", field_validation="Strict")
    created = await models.create(body, validate="off")
    assert created.spec.unknown_fields is None


async def test_off_does_not_make_the_server_take_what_breaks_the_schema(
    client: AsyncClient, namespace: str
) -> None:
    with pytest.raises(InvalidError):
        await client.registry_v1alpha1.models(namespace).create(wrong(), validate="off")


async def test_another_word_is_an_error(offline: AsyncClient) -> None:
    models: Any = offline.registry_v1alpha1.models("n")
    with pytest.raises(InvalidArgumentError, match="client, server or off, not 'Client'"):
        await models.create(MODEL.mapping("demo"), validate="Client")
