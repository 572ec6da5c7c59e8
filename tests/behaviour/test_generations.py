"""When `metadata.generation` and `metadata.resourceVersion` move, and when they do not."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client import AsyncClient, ConflictError, InvalidError
from matrixinfer_client.api.registry_v1alpha1 import Model
from tests.behaviour.backends import Backend
from tests.behaviour.controllers import STATUS_PATCH
from tests.behaviour.samples import MODEL, SAMPLES, Sample


def moved(before: Model, after: Model) -> tuple[bool, int]:
    """Whether the version moved, and the generation now."""
    assert after.metadata.generation is not None
    return before.resource_version != after.resource_version, after.metadata.generation


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"spec": {"owner": "anna"}}, (True, 2)),
        ({"metadata": {"labels": {"a": "b"}}}, (True, 1)),
        ({"metadata": {"annotations": {"a": "b"}}}, (True, 1)),
        ({"metadata": {"finalizers": ["example.test/a"]}}, (True, 1)),
        ({"spec": {"backends": MODEL.spec()["backends"]}}, (False, 1)),
        ({"metadata": {"labels": {"gone": None}}}, (False, 1)),
        ({"metadata": {"generation": 9}}, (False, 1)),
        ({"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"}}, (False, 1)),
        ({"status": {"observedGeneration": 3}}, (False, 1)),
        ({}, (False, 1)),
    ],
    ids=str,
)
async def test_a_change_of_the_content_counts_and_one_of_metadata_does_not(
    client: AsyncClient, namespace: str, change: Any, expected: tuple[bool, int]
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    before = await models.create(Model.from_dict(MODEL.mapping("one")))
    assert before.metadata.generation == 1
    assert moved(before, await models.patch("one", change)) == expected
    await models.patch("one", {"metadata": {"finalizers": None}})


async def test_a_status_does_not_count(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    before = await models.create(Model.from_dict(MODEL.mapping("one")))
    status = {"status": {"observedGeneration": 1}}
    after = await models.patch("one", status, subresource="status")
    assert moved(before, after) == (True, 1)
    again = await models.patch("one", status, subresource="status")
    assert moved(after, again) == (False, 1)


async def test_what_is_not_the_status_is_kept_from_a_status_update(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    before = await models.create(Model.from_dict(MODEL.mapping("one")))
    change = {
        "metadata": {"labels": {"a": "b"}, "finalizers": ["example.test/a"]},
        "spec": {"owner": "anna"},
        "status": {"observedGeneration": 1},
    }
    after = await models.patch("one", change, subresource="status")
    assert moved(before, after) == (True, 1)
    assert (after.metadata.labels, after.metadata.finalizers) == (None, None)
    assert after.spec.owner is None


async def test_the_request_to_go_counts_where_something_is_waited_for(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    before = await models.create(MODEL.mapping("one", finalizers=["example.test/a"]))
    await models.delete("one")
    after = await models.get("one")
    assert moved(before, after) == (True, 2)
    await models.delete("one")
    assert moved(after, await models.get("one")) == (False, 2)
    await models.patch("one", {"metadata": {"finalizers": None}})


async def test_nobody_can_undo_a_deletion_or_ask_to_be_waited_for_later(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one", finalizers=["example.test/a"]))
    await models.delete("one")
    kept = await models.patch("one", {"metadata": {"deletionTimestamp": None}})
    assert kept.metadata.deletion_timestamp is not None
    more = {"metadata": {"finalizers": ["example.test/a", "example.test/b"]}}
    with pytest.raises(InvalidError, match="no new finalizers can be added"):
        await models.patch("one", more)
    await models.patch("one", {"metadata": {"finalizers": None}})
    assert not await models.exists("one")


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"uid": "00000000-0000-0000-0000-000000000000"}, "metadata.uid"),
        ({"deletionTimestamp": "2020-01-01T00:00:00Z"}, "metadata.deletionTimestamp"),
        ({"deletionGracePeriodSeconds": 5}, "metadata.deletionGracePeriodSeconds"),
    ],
)
async def test_some_metadata_is_for_the_server_alone(
    client: AsyncClient, namespace: str, metadata: Any, field: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    with pytest.raises(InvalidError, match="field is immutable") as caught:
        await models.patch("one", {"metadata": metadata})
    assert {cause.field for cause in caught.value.causes} == {field}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
def test_what_a_creator_says_of_the_servers_metadata_is_overwritten(
    backend: Backend, namespace: str, sample: Sample
) -> None:
    claimed = {
        "uid": "00000000-0000-0000-0000-000000000000",
        "generation": 7,
        "creationTimestamp": "2020-01-01T00:00:00Z",
        "deletionTimestamp": "2020-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 5,
        "selfLink": "/x",
    }
    status, made = backend.request("POST", sample.path(namespace), sample.mapping("one", **claimed))
    assert status == 201, made
    metadata = made["metadata"]
    assert metadata["generation"] == 1
    assert metadata["uid"] != claimed["uid"]
    assert metadata["creationTimestamp"] > "2025"
    assert not {"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"} & set(metadata)


async def test_versions_grow(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    versions: list[int] = []
    for number in range(4):
        made = await models.create(MODEL.mapping(f"m{number}"))
        versions.append(int(made.resource_version or 0))
    listed = await models.list()
    assert sorted(set(versions)) == versions
    assert int(listed.resource_version or 0) >= versions[-1]


@pytest.mark.parametrize(
    ("version", "status", "message"),
    [
        ("0", 422, "metadata.resourceVersion: Invalid value: 0: must be specified for an update"),
        ("1", 409, "the object has been modified"),
        ("some", 500, 'strconv.ParseUint: parsing "some": invalid syntax'),
    ],
)
def test_a_version_must_be_the_one_that_is_stored(
    backend: Backend, namespace: str, version: str, status: int, message: str
) -> None:
    assert backend.request("POST", MODEL.path(namespace), MODEL.mapping("one"))[0] == 201
    body = MODEL.mapping("one", resourceVersion=version)
    found, answer = backend.request("PUT", MODEL.path(namespace, "one"), body)
    assert found == status, answer
    assert message in answer["message"]


def test_a_patch_may_say_which_version_it_is_for(backend: Backend, namespace: str) -> None:
    _, made = backend.request("POST", MODEL.path(namespace), MODEL.mapping("one"))
    path = MODEL.path(namespace, "one")
    version = made["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version, "labels": {"a": "b"}}}
    assert backend.request("PATCH", path, patch, STATUS_PATCH)[0] == 200
    status, answer = backend.request("PATCH", path, patch, STATUS_PATCH)
    assert (status, answer["reason"]) == (409, "Conflict")


async def test_a_new_object_has_no_version_yet(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    with pytest.raises(ConflictError):
        await models.apply(MODEL.mapping("one", resourceVersion="1"), force=True)
