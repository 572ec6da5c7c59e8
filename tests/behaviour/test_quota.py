"""A ResourceQuota on the number of Models, as the API server enforces it."""

from __future__ import annotations

import pytest

from matrixinfer_client import AsyncClient, ForbiddenError
from tests.behaviour.backends import Backend
from tests.behaviour.samples import MODEL

_COUNT = "count/models.registry.matrixinfer.ai"


@pytest.fixture
def one_model_only(backend: Backend, namespace: str) -> str:
    path = f"/api/v1/namespaces/{namespace}/resourcequotas"
    hard = {_COUNT: "1"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}}
    status, made = backend.request("POST", path, {**quota, "spec": {"hard": hard}})
    assert status == 201, made
    # There is no controller manager to do it, and admission waits for the first status.
    made["status"] = {"hard": hard, "used": {_COUNT: "0"}}
    status, answer = backend.request("PUT", f"{path}/few/status", made)
    assert status == 200, answer
    return namespace


async def test_a_create_beyond_the_quota_says_which_and_how_much(
    client: AsyncClient, one_model_only: str
) -> None:
    models = client.registry_v1alpha1.models(one_model_only)
    await models.create(MODEL.mapping("first"))
    with pytest.raises(ForbiddenError) as caught:
        await models.create(MODEL.mapping("second"))
    assert "exceeded quota: few" in caught.value.message
    assert f"requested: {_COUNT}=1, used: {_COUNT}=1, limited: {_COUNT}=1" in caught.value.message
    assert not await models.exists("second")
