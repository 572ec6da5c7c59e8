"""Dry runs: everything is checked, nothing is stored."""

from __future__ import annotations

import pytest

from matrixinfer_client import AlreadyExistsError, AsyncClient, InvalidError
from tests.behaviour.conftest import OpenClient
from tests.behaviour.samples import MODEL


async def test_a_dry_create_answers_with_defaults_and_stores_nothing(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    model = await models.create(MODEL.mapping("one"), dry_run=True)
    assert model.spec.backends[0].route_weight == 100
    assert model.metadata.uid
    assert not await models.exists("one")


async def test_a_dry_create_is_refused_like_a_real_one(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    body = MODEL.mapping("one")
    body["spec"] = {"backends": []}
    with pytest.raises(InvalidError):
        await models.create(body, dry_run=True)
    await models.create(MODEL.mapping("one"))
    with pytest.raises(AlreadyExistsError):
        await models.create(MODEL.mapping("one"), dry_run=True)


async def test_no_verb_stores_anything_on_a_dry_client(
    open_client: OpenClient, client: AsyncClient, namespace: str
) -> None:
    real = client.registry_v1alpha1.models(namespace)
    before = await real.create(MODEL.mapping("one"))
    models = open_client(dry_run=True).registry_v1alpha1.models(namespace)
    changed = await models.patch("one", {"spec": {"owner": "anna"}})
    assert changed.spec.owner == "anna"
    before.spec.owner = "berta"
    assert (await models.update(before)).spec.owner == "berta"
    applied = MODEL.mapping("one", labels={"a": "b"})
    assert (await models.apply(applied)).metadata.labels == {"a": "b"}
    await models.patch("one", {"status": {"observedGeneration": 9}}, subresource="status")
    await models.create_or_update(MODEL.mapping("two"))
    await models.mutate("one", lambda model: setattr(model.spec, "owner", "carla"))
    await models.delete("one")
    await models.delete_collection()
    after = await real.get("one")
    assert after.metadata.resource_version == before.metadata.resource_version
    assert [model.name for model in await real.list()] == ["one"]


async def test_a_call_may_differ_from_its_client(open_client: OpenClient, namespace: str) -> None:
    dry = open_client(dry_run=True)
    models = dry.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("real"), dry_run=False)
    assert await models.exists("real")
    wet = dry.with_options(dry_run=False).registry_v1alpha1.models(namespace)
    await wet.create(MODEL.mapping("real-too"))
    assert await wet.exists("real-too")
    # What was derived before or after does not change the client it came from.
    await models.create(MODEL.mapping("never"))
    assert not await models.exists("never")
