"""Deleting: one object, many, and under which conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from matrixinfer_client import (
    ALL_NAMESPACES,
    AsyncClient,
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    Preconditions,
)
from matrixinfer_client.api.registry_v1alpha1 import Model
from tests.behaviour.backends import Backend
from tests.behaviour.samples import MODEL


async def test_only_the_object_that_was_meant_is_deleted(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    old = await models.create(Model.from_dict(MODEL.mapping("one")))
    await models.delete("one")
    new = await models.create(Model.from_dict(MODEL.mapping("one")))
    with pytest.raises(ConflictError, match="the UID in the precondition"):
        await models.delete("one", preconditions=Preconditions(uid=old.metadata.uid))
    assert await models.exists("one")
    await models.delete("one", preconditions=Preconditions(uid=new.metadata.uid))
    assert not await models.exists("one")


async def test_only_the_version_that_was_meant_is_deleted(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    old = await models.create(Model.from_dict(MODEL.mapping("one")))
    new = await models.patch("one", {"spec": {"owner": "anna"}})
    outdated = Preconditions(resource_version=old.metadata.resource_version)
    with pytest.raises(ConflictError, match="the ResourceVersion in the precondition"):
        await models.delete("one", preconditions=outdated)
    both = Preconditions(uid=new.metadata.uid, resource_version=new.metadata.resource_version)
    await models.delete("one", preconditions=both)
    assert not await models.exists("one")


@pytest.mark.parametrize(
    ("policy", "finalizer"),
    [("Foreground", "foregroundDeletion"), ("Orphan", "orphan"), ("Background", None)],
)
async def test_the_policy_for_the_children_reaches_the_server(
    client: AsyncClient, namespace: str, policy: Any, finalizer: str | None
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    await models.delete("one", propagation_policy=policy)
    if finalizer is None:
        assert not await models.exists("one")
        return
    # There is no garbage collector here that would take the finalizer away again.
    waiting = await models.get("one")
    assert waiting.metadata.finalizers == [finalizer]
    assert waiting.metadata.deletion_timestamp is not None
    await models.patch("one", {"metadata": {"finalizers": None}})
    assert not await models.exists("one")


async def test_an_object_with_a_finalizer_stays_until_that_is_gone(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one", finalizers=["example.test/wait"]))
    await models.delete("one")
    await models.delete("one")
    waiting = await models.get("one")
    assert waiting.metadata.deletion_timestamp is not None
    waiting.metadata.finalizers = []
    await models.update(waiting)
    assert not await models.exists("one")


async def test_a_dry_delete_deletes_nothing(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    await models.delete("one", dry_run=True)
    await models.delete_collection(dry_run=True)
    assert await models.exists("one")
    with pytest.raises(NotFoundError):
        await models.delete("no", dry_run=True)


async def fill(client: AsyncClient, *namespaces: str) -> None:
    for namespace in namespaces:
        models = client.registry_v1alpha1.models(namespace)
        for name, app in (("a", "x"), ("b", "x"), ("c", "y")):
            await models.create(MODEL.mapping(name, labels={"app": app}))


async def left(client: AsyncClient, namespace: str) -> list[str]:
    return [model.name for model in await client.registry_v1alpha1.models(namespace).list()]


async def test_a_collection_is_deleted_whole(client: AsyncClient, namespace: str) -> None:
    await fill(client, namespace)
    models = client.registry_v1alpha1.models(namespace)
    await models.delete_collection()
    assert await left(client, namespace) == []
    await models.delete_collection()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"label_selector": "app=x"}, ["c"]),
        ({"label_selector": {"app": "y"}}, ["a", "b"]),
        ({"field_selector": "metadata.name=b"}, ["a", "c"]),
        ({"label_selector": "app=x", "field_selector": {"metadata.name": "c"}}, ["a", "b", "c"]),
    ],
)
async def test_only_what_is_selected_of_a_collection_is_deleted(
    client: AsyncClient, namespace: str, options: dict[str, Any], expected: list[str]
) -> None:
    await fill(client, namespace)
    await client.registry_v1alpha1.models(namespace).delete_collection(**options)
    assert await left(client, namespace) == expected


@pytest.fixture
def others(backend: Backend) -> Iterator[list[str]]:
    names = [backend.create_namespace() for _ in range(2)]
    yield names
    for name in names:
        backend.delete_namespace(name)


async def test_what_is_selected_is_deleted_in_all_namespaces(
    client: AsyncClient, namespace: str, others: list[str]
) -> None:
    await fill(client, namespace, *others)
    everywhere = client.registry_v1alpha1.models(ALL_NAMESPACES)
    await everywhere.delete_collection(label_selector="app=x")
    for place in (namespace, *others):
        assert await left(client, place) == ["c"]


async def test_preconditions_that_do_not_hold_stop_a_collection(
    client: AsyncClient, namespace: str
) -> None:
    await fill(client, namespace)
    with pytest.raises(ConflictError):
        await client.registry_v1alpha1.models(namespace).delete_collection(
            preconditions=Preconditions(uid="00000000-0000-0000-0000-000000000000")
        )
    assert await left(client, namespace) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"propagation_policy": "background"},
            "propagation_policy must be Background, Foreground or Orphan, not 'background'",
        ),
        ({"grace_period_seconds": -1}, "grace_period_seconds cannot be negative, got -1"),
    ],
)
async def test_options_that_make_no_sense_are_refused_before_anything_is_sent(
    client: AsyncClient, namespace: str, options: dict[str, Any], message: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    for call in (models.delete("one", **options), models.delete_collection(**options)):
        with pytest.raises(InvalidArgumentError, match=message):
            await call
    assert await models.exists("one")


async def test_the_grace_period_is_accepted(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    await models.delete("one", grace_period_seconds=0)
    assert not await models.exists("one")
