"""Which namespace a call is about: the resource's, the object's, the client's, or all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from matrixinfer_client import (
    ALL_NAMESPACES,
    AsyncClient,
    ForbiddenError,
    InvalidArgumentError,
    NotFoundError,
)
from tests.behaviour.backends import Backend
from tests.behaviour.conftest import OpenClient
from tests.behaviour.samples import MODEL


@pytest.fixture
def other(backend: Backend) -> Iterator[str]:
    name = backend.create_namespace()
    yield name
    backend.delete_namespace(name)


async def test_all_namespaces_shows_the_objects_of_all(
    client: AsyncClient, namespace: str, other: str
) -> None:
    for place in (namespace, other):
        await client.registry_v1alpha1.models(place).create(MODEL.mapping("one"))
    everywhere = client.registry_v1alpha1.models(ALL_NAMESPACES)
    listed = {(model.namespace, model.name) for model in await everywhere.list()}
    assert {(namespace, "one"), (other, "one")} <= listed
    iterated = {(model.namespace, model.name) async for model in everywhere.iterate(limit=1)}
    assert iterated == listed
    mine = await everywhere.list(field_selector={"metadata.namespace": namespace})
    assert [model.namespace for model in mine] == [namespace]


async def test_verbs_on_one_object_say_that_all_namespaces_are_too_many(
    client: AsyncClient,
) -> None:
    models = client.registry_v1alpha1.models(ALL_NAMESPACES)
    body = MODEL.mapping("one")
    with pytest.raises(InvalidArgumentError) as caught:
        await models.get("one")
    assert str(caught.value) == (
        "this verb works on one Model in one namespace, but the resource was opened with "
        "ALL_NAMESPACES; use models(namespace)"
    )
    for verb in (models.create, models.apply, models.create_or_update):
        with pytest.raises(InvalidArgumentError, match="ALL_NAMESPACES"):
            await verb(body)
    for by_name in (models.delete, models.exists):
        with pytest.raises(InvalidArgumentError, match="ALL_NAMESPACES"):
            await by_name("one")
    with pytest.raises(InvalidArgumentError, match="ALL_NAMESPACES"):
        await models.patch("one", {})


async def test_an_object_may_bring_its_namespace_along(client: AsyncClient, namespace: str) -> None:
    everywhere = client.registry_v1alpha1.models(ALL_NAMESPACES)
    created = await everywhere.create(MODEL.mapping("one", namespace=namespace))
    assert created.namespace == namespace
    created.spec.owner = "anna"
    assert (await everywhere.update(created)).spec.owner == "anna"
    applied = await everywhere.apply(MODEL.mapping("two", namespace=namespace))
    assert applied.namespace == namespace
    assert (await everywhere.create_or_update(applied)).namespace == namespace


async def test_without_a_namespace_the_clients_own_is_used(
    open_client: OpenClient, namespace: str
) -> None:
    client = open_client(namespace=namespace)
    assert client.namespace == namespace
    models = client.registry_v1alpha1.models()
    assert (await models.create(MODEL.mapping("one"))).namespace == namespace
    assert [model.name for model in await models.list()] == ["one"]


async def test_the_namespace_of_the_object_counts_before_the_clients(
    open_client: OpenClient, namespace: str, other: str
) -> None:
    models = open_client(namespace=other).registry_v1alpha1.models()
    created = await models.create(MODEL.mapping("one", namespace=namespace))
    assert created.namespace == namespace
    assert not await models.exists("one")


async def test_two_namespaces_that_differ_are_never_chosen_between(
    client: AsyncClient, namespace: str, other: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    body = MODEL.mapping("one", namespace=other)
    with pytest.raises(InvalidArgumentError) as caught:
        await models.create(body)
    assert str(caught.value) == (
        f"the object has metadata.namespace {other!r}, but the resource was opened for "
        f"namespace {namespace!r}"
    )


async def test_a_namespace_that_does_not_exist_is_named(client: AsyncClient) -> None:
    models = client.registry_v1alpha1.models("no-such-namespace")
    with pytest.raises(NotFoundError, match='namespaces "no-such-namespace" not found'):
        await models.create(MODEL.mapping("one"))
    assert list(await models.list()) == []


async def test_a_namespace_that_is_being_deleted_takes_nothing_new(
    client: AsyncClient, backend: Backend, namespace: str
) -> None:
    backend.request("DELETE", f"/api/v1/namespaces/{namespace}")
    with pytest.raises(ForbiddenError, match="because it is being terminated"):
        await client.registry_v1alpha1.models(namespace).create(MODEL.mapping("one"))


async def test_a_handle_says_what_it_is_about(client: AsyncClient, namespace: str) -> None:
    assert repr(client.registry_v1alpha1.models(namespace)) == (
        f"<models.registry.matrixinfer.ai in {namespace}>"
    )
    assert repr(client.registry_v1alpha1.models(ALL_NAMESPACES)) == (
        "<models.registry.matrixinfer.ai in ALL_NAMESPACES>"
    )
