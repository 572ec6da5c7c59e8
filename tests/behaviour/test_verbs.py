"""Create, get, list, update, patch and delete, for each of the six kinds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from matrixinfer_client import AlreadyExistsError, AsyncClient, NotFoundError
from tests.behaviour.backends import Backend
from tests.behaviour.samples import MODEL, SAMPLES, Sample

every_kind = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)


@every_kind
async def test_a_typed_object_is_created_as_a_mapping_of_the_same_content_is(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    typed = await resource.create(sample.typed("typed"))
    mapped = await resource.create(sample.mapping("mapped"))
    assert type(typed) is type(mapped) is sample.cls
    assert typed.spec == mapped.spec
    assert (typed.name, typed.namespace) == ("typed", namespace)


@every_kind
async def test_what_is_created_can_be_read_as_it_was_answered(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    created = await resource.create(sample.typed("one"))
    read = await resource.get("one")
    assert read == created
    assert read.metadata.uid
    assert read.metadata.generation == 1
    assert abs(read.metadata.creation_timestamp - datetime.now(UTC)) < timedelta(minutes=5)


@every_kind
async def test_the_wire_has_what_was_meant(
    client: AsyncClient, backend: Backend, namespace: str, sample: Sample
) -> None:
    typed = await sample.resource(client, namespace).create(sample.typed("one"))
    status, stored = backend.request("GET", sample.path(namespace, "one"))
    assert status == 200
    assert typed.to_dict() == stored


@every_kind
async def test_a_list_has_every_object_typed(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    empty = await resource.list()
    assert list(empty) == []
    for name in ("b", "a", "c"):
        await resource.create(sample.mapping(name))
    listed = await resource.list()
    assert [item.name for item in listed] == ["a", "b", "c"]
    assert all(type(item) is sample.cls for item in listed)
    assert listed[0] == await resource.get("a")
    assert int(listed.resource_version or "") > int(empty.resource_version or "")


@every_kind
async def test_an_update_replaces_the_spec(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    obj = await resource.create(sample.typed("one"))
    assert sample.read(obj.spec) == sample.before
    sample.change(obj.spec)
    updated = await resource.update(obj)
    assert sample.read(updated.spec) == sample.after
    assert updated.metadata.generation == 2
    assert updated.metadata.resource_version != obj.metadata.resource_version
    assert await resource.get("one") == updated


@every_kind
async def test_an_update_takes_a_mapping_as_well(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    body = (await resource.create(sample.mapping("one"))).to_dict()
    body["spec"] |= sample.patch
    assert sample.read((await resource.update(body)).spec) == sample.after


@every_kind
async def test_a_patch_changes_what_it_names(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    created = await resource.create(sample.typed("one"))
    patched = await resource.patch("one", {"spec": sample.patch})
    assert sample.read(patched.spec) == sample.after
    sample.change(created.spec)
    assert patched.spec == created.spec


@every_kind
async def test_apply_creates_and_changes(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    applied = await resource.apply(sample.typed("one"))
    assert sample.read(applied.spec) == sample.before
    changed = sample.mapping("one")
    changed["spec"] |= sample.patch
    applied = await resource.apply(changed)
    assert sample.read(applied.spec) == sample.after


@every_kind
async def test_what_is_deleted_is_gone(client: AsyncClient, namespace: str, sample: Sample) -> None:
    resource = sample.resource(client, namespace)
    await resource.create(sample.typed("one"))
    assert await resource.exists("one")
    await resource.delete("one")
    assert not await resource.exists("one")
    with pytest.raises(NotFoundError):
        await resource.get("one")


@every_kind
async def test_iterating_gives_every_object(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    for name in ("a", "b", "c"):
        await resource.create(sample.mapping(name))
    assert [item.name async for item in resource.iterate(limit=2)] == ["a", "b", "c"]


@every_kind
async def test_a_watch_shows_what_happens(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    start = (await resource.list()).resource_version
    await resource.create(sample.typed("one"))
    await resource.patch("one", {"spec": sample.patch})
    await resource.delete("one")
    seen = []
    async for event in resource.watch(resource_version=start):
        assert type(event.object) is sample.cls
        seen.append((event.type, sample.read(event.object.spec)))
        if event.type == "DELETED":
            break
    assert seen == [
        ("ADDED", sample.before),
        ("MODIFIED", sample.after),
        ("DELETED", sample.after),
    ]


@every_kind
async def test_a_name_that_is_taken_is_an_error(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    await resource.create(sample.typed("one"))
    with pytest.raises(AlreadyExistsError) as caught:
        await resource.create(sample.typed("one"))
    assert caught.value.message == f'{sample.cls.KIND.resource} "one" already exists'
    assert caught.value.status_code == 409


@every_kind
async def test_what_is_not_there_is_an_error_that_names_it(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    resource = sample.resource(client, namespace)
    calls = [resource.get("no"), resource.delete("no"), resource.patch("no", {"spec": {}})]
    for call in calls:
        with pytest.raises(NotFoundError) as caught:
            await call
        assert caught.value.message == f'{sample.cls.KIND.resource} "no" not found'
    assert sample.path(namespace, "no") in str(caught.value)


async def test_deleting_what_is_not_there_can_be_let_pass(
    client: AsyncClient, namespace: str
) -> None:
    await MODEL.resource(client, namespace).delete("no", ignore_not_found=True)


async def test_the_server_completes_a_generated_name(client: AsyncClient, namespace: str) -> None:
    resource = MODEL.resource(client, namespace)
    body = MODEL.mapping("x")
    body["metadata"] = {"generateName": "demo-"}
    names = {(await resource.create(body)).name for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("demo-") and len(name) > len("demo-") for name in names)


async def test_an_object_without_kind_and_version_is_of_the_resources_kind(
    client: AsyncClient, namespace: str
) -> None:
    body = MODEL.mapping("one")
    del body["apiVersion"], body["kind"]
    created = await MODEL.resource(client, namespace).create(body)
    assert created.api_version == "registry.matrixinfer.ai/v1alpha1"
