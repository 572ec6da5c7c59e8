"""`create_or_update`: the object as wanted, whether it was there or not."""

from __future__ import annotations

import asyncio

import pytest

from matrixinfer_client import AsyncClient, InvalidArgumentError, InvalidError
from matrixinfer_client.api.registry_v1alpha1 import Model
from tests.behaviour.samples import MODEL, SAMPLES, Sample


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
async def test_it_creates_and_then_replaces(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    created = await resource.create_or_update(sample.typed("one"))
    assert sample.read(created.spec) == sample.before
    wanted = sample.mapping("one")
    wanted["spec"] |= sample.patch
    updated = await resource.create_or_update(wanted)
    assert sample.read(updated.spec) == sample.after
    assert updated.metadata.uid == created.metadata.uid
    assert updated.metadata.generation == 2


async def test_what_others_put_into_the_metadata_stays(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    metadata = {
        "labels": {"theirs": "1", "both": "old"},
        "annotations": {"note": "keep"},
        "finalizers": ["example.test/wait"],
    }
    await models.create(MODEL.mapping("one", **metadata))
    wanted = MODEL.mapping("one", labels={"ours": "2", "both": "new"})
    updated = await models.create_or_update(wanted)
    assert updated.metadata.labels == {"theirs": "1", "ours": "2", "both": "new"}
    assert updated.metadata.annotations == {"note": "keep"}
    assert updated.metadata.finalizers == ["example.test/wait"]
    await models.patch("one", {"metadata": {"finalizers": None}})


async def test_what_the_spec_no_longer_has_is_removed(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    wanted = MODEL.mapping("one")
    wanted["spec"]["owner"] = "anna"
    await models.create_or_update(wanted)
    assert (await models.create_or_update(MODEL.mapping("one"))).spec.owner is None


async def test_an_object_that_was_read_long_ago_is_stored_all_the_same(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    old = await models.create(Model.from_dict(MODEL.mapping("one")))
    await models.patch("one", {"metadata": {"labels": {"a": "b"}}})
    old.spec.owner = "anna"
    updated = await models.create_or_update(old)
    assert (updated.spec.owner, updated.metadata.labels) == ("anna", {"a": "b"})


async def test_an_object_that_was_deleted_and_made_anew_meanwhile_is_replaced(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    old = await models.create(Model.from_dict(MODEL.mapping("one")))
    await models.delete("one")
    new = await models.create(MODEL.mapping("one"))
    old.spec.owner = "anna"
    updated = await models.create_or_update(old)
    assert updated.spec.owner == "anna"
    assert updated.metadata.uid == new.metadata.uid != old.metadata.uid


async def test_an_object_that_was_deleted_is_made_again(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    old = await models.create(Model.from_dict(MODEL.mapping("one")))
    await models.delete("one")
    again = await models.create_or_update(old)
    assert again.metadata.uid != old.metadata.uid


async def test_several_at_once_all_succeed(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    bodies = [MODEL.mapping("one", labels={f"from-{number}": "1"}) for number in range(4)]
    await asyncio.gather(*[models.create_or_update(body) for body in bodies])
    labels = (await models.get("one")).metadata.labels
    assert labels == {f"from-{number}": "1" for number in range(4)}


async def test_the_callers_object_is_not_changed(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    wanted = MODEL.mapping("one")
    before = MODEL.mapping("one")
    await models.create_or_update(wanted)
    await models.create_or_update(wanted)
    assert wanted == before


async def test_an_invalid_object_is_refused_in_both_directions(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    bad = MODEL.mapping("one")
    bad["spec"] = {"backends": []}
    with pytest.raises(InvalidError):
        await models.create_or_update(bad)
    await models.create(MODEL.mapping("one"))
    with pytest.raises(InvalidError):
        await models.create_or_update(bad)


async def test_a_generated_name_is_no_name_to_find_it_by(
    client: AsyncClient, namespace: str
) -> None:
    body = MODEL.mapping("one")
    body["metadata"] = {"generateName": "x-"}
    with pytest.raises(InvalidArgumentError, match=r"create_or_update needs metadata\.name"):
        await client.registry_v1alpha1.models(namespace).create_or_update(body)
