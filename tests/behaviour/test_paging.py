"""Long lists in pages: nothing is lost and nothing comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from matrixinfer_client import AsyncClient, BadRequestError, ExpiredError
from matrixinfer_client.config import Config
from tests.behaviour.backends import Backend
from tests.behaviour.conftest import OpenClient
from tests.behaviour.samples import MODEL, MODEL_SERVER

COUNT = 1200
NAMES = [f"m-{number:04}" for number in range(COUNT)]


@pytest.fixture(scope="module")
def full(backend: Backend) -> Iterator[str]:
    """Return a namespace with 1,200 objects, each tenth with a label."""
    namespace = backend.create_namespace()

    async def fill() -> None:
        async with backend.async_client() as client:
            resource = MODEL_SERVER.resource(client, namespace)
            room = asyncio.Semaphore(32)

            async def create(number: int, name: str) -> None:
                labels = {"tenth": "yes" if number % 10 == 0 else "no"}
                async with room:
                    await resource.create(MODEL_SERVER.mapping(name, labels=labels))

            await asyncio.gather(*[create(*pair) for pair in enumerate(NAMES)])

    asyncio.run(fill())
    yield namespace
    backend.delete_namespace(namespace)


async def test_1200_objects_by_100_are_all_seen_once(client: AsyncClient, full: str) -> None:
    servers = client.networking_v1alpha1.model_servers(full)
    assert [server.name async for server in servers.iterate(limit=100)] == NAMES


async def test_a_page_says_how_to_get_the_next(client: AsyncClient, full: str) -> None:
    servers = client.networking_v1alpha1.model_servers(full)
    page = await servers.list(limit=100)
    seen, versions = [item.name for item in page], {page.resource_version}
    pages = 1
    while page.continue_token:
        page = await servers.list(limit=100, continue_token=page.continue_token)
        seen += [item.name for item in page]
        versions.add(page.resource_version)
        pages += 1
    assert (pages, seen) == (12, NAMES)
    assert len(versions) == 1, "all pages are of the same moment"


async def test_one_list_has_them_all(client: AsyncClient, full: str) -> None:
    listed = await client.networking_v1alpha1.model_servers(full).list()
    assert [item.name for item in listed] == NAMES
    assert listed.continue_token is None


async def test_what_is_deleted_while_iterating_is_still_in_the_same_moment(
    client: AsyncClient, full: str
) -> None:
    servers = client.networking_v1alpha1.model_servers(full)
    await servers.create(MODEL_SERVER.mapping("z-last"))
    seen: list[str] = []
    async for server in servers.iterate(limit=500):
        if not seen:
            await servers.delete("z-last")
        seen.append(server.name)
    assert seen == [*NAMES, "z-last"]


async def test_a_selection_is_paged_too(client: AsyncClient, full: str) -> None:
    servers = client.networking_v1alpha1.model_servers(full)
    chosen = servers.iterate(limit=50, label_selector={"tenth": "yes"})
    assert [server.name async for server in chosen] == NAMES[::10]


async def test_pages_are_asked_for_only_as_they_are_used(
    open_client: OpenClient, full: str
) -> None:
    from matrixinfer_client import EventHooks

    sent: list[Any] = []
    client = open_client(event_hooks=EventHooks(request=[sent.append]))
    servers: Any = client.networking_v1alpha1.model_servers(full).iterate(limit=100)
    for _ in range(100):
        await anext(servers)
    assert len(sent) == 1
    await anext(servers)
    assert len(sent) == 2
    await servers.aclose()


async def test_a_token_that_is_no_token_is_an_error(client: AsyncClient, full: str) -> None:
    servers = client.networking_v1alpha1.model_servers(full)
    with pytest.raises(BadRequestError, match="continue key is not valid"):
        await servers.list(limit=10, continue_token="made up")


def answers(*pages: httpx.Response) -> tuple[Any, list[httpx.URL]]:
    """Return a handler that gives these answers in turn, and where it puts what was asked."""
    asked: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return pages[len(asked) - 1]

    return handler, asked


def page(*names: str, token: str = "") -> httpx.Response:
    items = [MODEL.mapping(name) for name in names]
    metadata = {"resourceVersion": "7", "continue": token}
    return httpx.Response(200, json={"metadata": metadata, "items": items})


def expired(token: str = "") -> httpx.Response:
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    return httpx.Response(410, json={**status, "metadata": {"continue": token}})


@pytest.fixture
def scripted(open_client: OpenClient) -> Any:
    def models(handler: Any) -> Any:
        transport = httpx.MockTransport(handler)
        client = open_client({"config": Config("http://cluster.test")}, transport=transport)
        return client.registry_v1alpha1.models("default")

    return models


async def test_a_token_that_expires_meanwhile_is_replaced_by_the_servers_own(
    scripted: Any,
) -> None:
    handler, asked = answers(page("a", token="one"), expired("fresh"), page("b"))
    assert [item.name async for item in scripted(handler).iterate(limit=1)] == ["a", "b"]
    assert [url.params.get("continue") for url in asked] == [None, "one", "fresh"]
    assert all(url.params["limit"] == "1" for url in asked)


async def test_without_a_replacement_an_expired_token_is_an_error(scripted: Any) -> None:
    handler, _ = answers(page("a", token="one"), expired())
    iterator = scripted(handler).iterate(limit=1)
    assert (await anext(iterator)).name == "a"
    with pytest.raises(ExpiredError, match="too old"):
        await anext(iterator)


async def test_the_version_is_asked_for_on_the_first_page_only(scripted: Any) -> None:
    handler, asked = answers(page("a", token="one"), page("b"))
    options = {"resource_version": "5", "resource_version_match": "Exact"}
    assert len([item async for item in scripted(handler).iterate(**options)]) == 2
    assert asked[0].params["resourceVersion"] == "5"
    assert asked[0].params["resourceVersionMatch"] == "Exact"
    assert "resourceVersion" not in asked[1].params
    assert "resourceVersionMatch" not in asked[1].params


async def test_empty_pages_do_not_end_the_iteration(scripted: Any) -> None:
    handler, _ = answers(page("a", token="one"), page(token="two"), page("b"))
    assert [item.name async for item in scripted(handler).iterate()] == ["a", "b"]


@pytest.mark.parametrize("limit", [0, -1, "10", True, 1.5])
async def test_a_limit_that_is_no_number_of_objects_is_an_error(
    client: AsyncClient, namespace: str, limit: Any
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    with pytest.raises(ValueError, match="limit must be 1 or more, got"):
        await models.list(limit=limit)


async def test_a_listing_outlives_the_history_that_it_began_in(
    client: AsyncClient, backend: Backend, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    for name in ("a", "b", "c", "d"):
        await models.create(MODEL.mapping(name))
    old = (await models.list()).resource_version
    seen: list[str] = []
    async for model in models.iterate(limit=2):
        seen.append(model.name)
        if len(seen) == 1:
            await models.create(MODEL.mapping("e"))
            # In this thread: the real server ends with the thread that started it.
            backend.forget_history()
    # What was made meanwhile is after the last key, at the newer version.
    assert seen == ["a", "b", "c", "d", "e"]
    with pytest.raises(ExpiredError, match="too old"):
        await models.list(resource_version=old, resource_version_match="Exact")


async def test_a_page_of_a_version_is_of_that_version_but_for_one_name(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    old = (await models.list()).resource_version
    await models.patch("one", {"metadata": {"labels": {"a": "b"}}})
    page = await models.list(limit=1, resource_version=old)
    assert [item.metadata.labels for item in page] == [None]
    # One key is read and no range, and so the newest that there is.
    found = await models.list(limit=1, resource_version=old, field_selector="metadata.name=one")
    assert [item.metadata.labels for item in found] == [{"a": "b"}]
