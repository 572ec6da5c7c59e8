"""Fields that the server does not know: an error, a warning or nothing, as asked for."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from matrixinfer_client import (
    ApiError,
    ApiWarning,
    AsyncClient,
    BadRequestError,
    InvalidError,
)
from tests.behaviour.conftest import OpenClient
from tests.behaviour.modes import Mode
from tests.behaviour.samples import MODEL, MODEL_INFER

UNKNOWN = 'unknown field "spec.replicase"'


def misspelled() -> dict[str, Any]:
    body = MODEL_INFER.mapping("one")
    body["spec"]["replicase"] = body["spec"].pop("replicas")
    return body


async def test_a_misspelled_field_is_an_error_that_names_it(
    client: AsyncClient, namespace: str
) -> None:
    infers = client.workload_v1alpha1.model_infers(namespace)
    for create in (infers.create, infers.create_or_update):
        with pytest.raises(BadRequestError, match="strict decoding error") as caught:
            await create(misspelled())
        assert UNKNOWN in caught.value.message
    assert not await infers.exists("one")


async def test_a_misspelled_field_is_found_in_an_update(
    client: AsyncClient, namespace: str
) -> None:
    infers = client.workload_v1alpha1.model_infers(namespace)
    created = await infers.create(MODEL_INFER.mapping("one"))
    created.spec.unknown_fields = {"replicase": 2}
    with pytest.raises(BadRequestError) as caught:
        await infers.update(created)
    assert UNKNOWN in caught.value.message


async def test_a_misspelled_field_is_found_in_a_patch(client: AsyncClient, namespace: str) -> None:
    infers = client.workload_v1alpha1.model_infers(namespace)
    await infers.create(MODEL_INFER.mapping("one"))
    # To the server the result of the patch is what is invalid, hence another reason.
    with pytest.raises(InvalidError) as merge:
        await infers.patch("one", {"spec": {"replicase": 2}})
    with pytest.raises(InvalidError) as json_patch:
        await infers.patch("one", [{"op": "add", "path": "/spec/replicase", "value": 2}])
    for error in (merge.value, json_patch.value):
        assert UNKNOWN in error.message


async def test_a_misspelled_field_is_found_in_an_apply(client: AsyncClient, namespace: str) -> None:
    infers = client.workload_v1alpha1.model_infers(namespace)
    # Whatever the validation asked for: an apply knows its fields by the schema.
    with pytest.raises(ApiError) as caught:
        await infers.apply(misspelled(), field_validation="Ignore")
    assert ".spec.replicase: field not declared in schema" in caught.value.message
    assert not await infers.exists("one")


async def test_a_field_of_a_typed_object_that_is_no_field_is_found_too(
    client: AsyncClient, namespace: str
) -> None:
    typed: Any = MODEL.typed("one")
    typed.spec.backends[0].workers[0].unknown_fields = {"replica": 1}
    with pytest.raises(BadRequestError) as caught:
        await client.registry_v1alpha1.models(namespace).create(typed)
    assert 'unknown field "spec.backends[0].workers[0].replica"' in caught.value.message


async def test_as_a_warning_it_names_the_field_and_the_object_is_made(
    client: AsyncClient, namespace: str, mode: Mode
) -> None:
    infers = client.workload_v1alpha1.model_infers(namespace)
    with pytest.warns(ApiWarning, match="replicase") as record:
        created = await infers.create(misspelled(), field_validation="Warn")
    assert created.spec.replicas == 1
    assert [str(entry.message) for entry in record] == [UNKNOWN]
    if mode == "async":
        assert record[0].filename == __file__


async def test_ignored_it_is_dropped_in_silence(client: AsyncClient, namespace: str) -> None:
    infers = client.workload_v1alpha1.model_infers(namespace)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        created = await infers.create(misspelled(), field_validation="Ignore")
    assert created.spec.unknown_fields is None


async def test_a_client_can_have_another_default(open_client: OpenClient, namespace: str) -> None:
    client = open_client(field_validation="Warn")
    with pytest.warns(ApiWarning, match="replicase"):
        await client.workload_v1alpha1.model_infers(namespace).create(misspelled())


async def test_below_free_form_json_nothing_is_unknown(client: AsyncClient, namespace: str) -> None:
    body = MODEL.mapping("one")
    body["spec"]["backends"][0]["workers"][0]["config"] = {"max-model-len": 1, "x": {"y": None}}
    created = await client.registry_v1alpha1.models(namespace).create(body)
    worker = created.spec.backends[0].workers[0]
    assert worker.config["max-model-len"] == 1
