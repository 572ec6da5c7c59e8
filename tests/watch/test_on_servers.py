"""Watches and informers on API servers that are restarted, forget and change their minds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from matrixinfer_client.errors import BadRequestError, ExpiredError, ForbiddenError
from matrixinfer_client.pacing import WatchPolicy
from tests.behaviour.backends import Backend, RealCluster, only_on
from tests.behaviour.conftest import backend, namespace
from tests.behaviour.modes import Mode
from tests.cluster.crds import platform_crds
from tests.cluster.server import ApiServer
from tests.faults.proxy import Proxy
from tests.watch.either import Either, EitherInformer, EitherWatch, in_thread, until

# The fixtures of the behaviour suite: both servers.
__all__ = ["backend", "namespace"]

pytestmark = pytest.mark.timeout(120, func_only=True)

BACKEND = {
    "name": "b",
    "type": "vLLM",
    "modelURI": "hf://a/b",
    "cacheURI": "hostpath:///c",
    "minReplicas": 1,
    "maxReplicas": 1,
    "workers": [{"type": "server", "image": "i", "replicas": 1, "pods": 1, "config": {}}],
}
# A restart takes seconds, in which nothing is to be given up.
PATIENT = WatchPolicy(backoff=0.05, max_backoff=0.3, marker_timeout=5.0)


class Writer:
    """Changes Models without the client under test."""

    def __init__(self, backend: Backend, namespace: str) -> None:
        self.backend = backend
        self.path = f"/apis/registry.matrixinfer.ai/v1alpha1/namespaces/{namespace}/models"

    def create(self, name: str, **labels: str) -> None:
        body = {
            "apiVersion": "registry.matrixinfer.ai/v1alpha1",
            "kind": "Model",
            "metadata": {"name": name, "labels": labels},
            "spec": {"backends": [BACKEND]},
        }
        self._send("POST", "", body)

    def label(self, name: str, **labels: str) -> None:
        body = {"metadata": {"labels": labels}}
        self._send("PATCH", f"/{name}", body, "application/merge-patch+json")

    def delete(self, name: str) -> None:
        self._send("DELETE", f"/{name}", None)

    def state(self) -> dict[str, str]:
        items = self._send("GET", "", None)["items"]
        return {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in items}

    def _send(self, method: str, path: str, body: Any, kind: str = "application/json") -> Any:
        status, answer = self.backend.request(method, self.path + path, body, kind)
        assert status < 300, answer
        return answer


@pytest.fixture
def writer(backend: Backend, namespace: str) -> Writer:
    return Writer(backend, namespace)


@pytest.fixture
def proxy(backend: Backend) -> Iterator[Proxy]:
    with Proxy(backend.served.url, backend.served.ca_file.read_bytes()) as proxy:
        yield proxy


def direct(backend: Backend, user: str = "admin") -> dict[str, Any]:
    server = backend.served
    return {"server": server.url, "ca_file": server.ca_file, "token": server.token(user)}


@asynccontextmanager
async def both(mode: Mode, namespace: str, arguments: dict[str, Any], **options: Any) -> Any:
    """A watch and an informer."""
    async with AsyncExitStack() as stack:
        client = Either(mode, **arguments)
        stack.push_async_callback(client.close)
        watching = client.watching(namespace=namespace, policy=PATIENT, **options)
        watch = await stack.enter_async_context(watching)
        quiet: Any = {"on_error": lambda _: None, "policy": PATIENT, **options}
        informer = await stack.enter_async_context(client.informed(namespace=namespace, **quiet))
        await informer.wait_for_sync(30)
        yield watch, informer


def held(informer: EitherInformer) -> dict[str, str | None]:
    return {each.name: each.resource_version for each in informer.informer.list()}


async def test_a_streaming_list_is_used_where_the_server_has_it(
    namespace: str, writer: Writer, proxy: Proxy, mode: Mode
) -> None:
    writer.create("a")
    arguments = {"server": proxy.url, "token": writer.backend.served.token()}
    client = Either(mode, **arguments)
    async with client.watching(namespace=namespace, policy=PATIENT) as watch:
        assert await watch.take(1) == [("ADDED", "a")]
        writer.create("b")
        assert await watch.take(1) == [("ADDED", "b")]
    assert proxy.requests == 1
    await client.close()


@pytest.fixture(scope="module")
def without_streaming_lists(assets: Path) -> Iterator[ApiServer]:
    with ApiServer(assets, flags={"feature-gates": "WatchList=false"}) as server:
        server.install_crds(platform_crds())
        yield server


async def test_a_server_without_streaming_lists_is_listed(
    without_streaming_lists: ApiServer, mode: Mode
) -> None:
    server = without_streaming_lists
    namespace = server.create_namespace()
    writer = Writer(RealCluster(server), namespace)
    writer.create("a")
    with Proxy(server.url, server.ca_pem) as proxy:
        client = Either(mode, server=proxy.url, token=server.token())
        async with client.watching(namespace=namespace, policy=PATIENT) as watch:
            assert await watch.take(1) == [("ADDED", "a")]
            writer.create("b")
            assert await watch.take(1) == [("ADDED", "b")]
        assert proxy.requests == 3, "the streaming list is refused, then a list, then a watch"
        await client.close()


async def test_what_a_selector_shows_comes_and_goes(
    backend: Backend, namespace: str, writer: Writer, mode: Mode
) -> None:
    writer.create("a", team="red")
    writer.create("b", team="blue")
    selection = {"label_selector": {"team": "red"}}
    async with both(mode, namespace, direct(backend), **selection) as (watch, informer):
        assert await watch.take(1) == [("ADDED", "a")]
        writer.label("a", team="blue")
        assert await watch.take(1) == [("DELETED", "a")]
        writer.label("a", team="red")
        writer.label("b", team="red")
        assert await watch.take(2) == [("ADDED", "a"), ("ADDED", "b")]
        await until(lambda: set(held(informer)) == {"a", "b"})


async def test_what_happened_in_a_compacted_history_comes_as_the_exact_difference(
    namespace: str, writer: Writer, proxy: Proxy, mode: Mode
) -> None:
    for name in ("changed", "deleted", "recreated", "same"):
        writer.create(name)
    arguments = {"server": proxy.url, "token": writer.backend.served.token()}
    async with both(mode, namespace, arguments) as (watch, informer):
        before = {event.object.name: event.object for event in await _next(watch, 4)}
        waiting = asyncio.ensure_future(_next(watch, 5))
        proxy.blocked = True
        proxy.cut_all()
        for number in range(3):
            writer.label("changed", number=f"n{number}")
        writer.delete("deleted")
        writer.delete("recreated")
        writer.create("recreated")
        writer.create("came-and-went")
        writer.delete("came-and-went")
        writer.create("new")
        await in_thread(writer.backend.forget_history)
        proxy.blocked = False
        events = await waiting
        assert sorted((event.type, event.object.name) for event in events[:2]) == [
            ("DELETED", "deleted"),
            ("DELETED", "recreated"),
        ]
        assert {(event.type, event.object.name) for event in events[2:]} == {
            ("MODIFIED", "changed"),
            ("ADDED", "recreated"),
            ("ADDED", "new"),
        }
        assert all(event.synthetic for event in events)
        assert all(event.object == before[event.object.name] for event in events[:2])
        await until(lambda: held(informer) == writer.state(), 30)
        assert watch.watch.statistics.relists == 1
        assert watch.watch.statistics.coalesced == 5


async def test_a_compacted_version_to_start_from_is_an_error(
    backend: Backend, namespace: str, writer: Writer, mode: Mode
) -> None:
    writer.create("a")
    version = writer.state()["a"]
    writer.create("b")
    await in_thread(backend.forget_history)
    client = Either(mode, **direct(backend))
    options: Any = {"namespace": namespace, "resource_version": version}
    async with client.watching(policy=PATIENT, **options) as watch:
        with pytest.raises(ExpiredError):
            await watch.next(30)
    await client.close()


@only_on("cluster", because="a fake that ends takes its objects with it")
async def test_a_restart_of_the_server_loses_nothing(
    backend: Backend, namespace: str, writer: Writer, mode: Mode
) -> None:
    assert isinstance(backend, RealCluster)
    async with both(mode, namespace, direct(backend)) as (watch, informer):
        for number in range(20):
            writer.create(f"before-{number:02}")
        assert len(await _next(watch, 20)) == 20
        waiting = asyncio.ensure_future(_next(watch, 20))
        await in_thread(backend.server.restart_apiserver)
        for number in range(20):
            writer.create(f"later-{number:02}")
        names = [event.object.name for event in await waiting]
        assert names == [f"later-{number:02}" for number in range(20)]
        await until(lambda: held(informer) == writer.state(), 30)
        assert watch.watch.statistics.reconnects >= 1


async def test_a_token_that_is_rotated_is_read_again(
    namespace: str, writer: Writer, proxy: Proxy, mode: Mode, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    token = writer.backend.served.token()
    proxy.tokens = {"first": token}
    arguments = {"server": proxy.url, "token_file": file}
    async with both(mode, namespace, arguments) as (watch, informer):
        writer.create("a")
        assert await watch.take(1) == [("ADDED", "a")]
        waiting = asyncio.ensure_future(watch.take(1))
        file.write_text("second")
        proxy.tokens = {"second": token}
        proxy.cut_all()
        writer.create("b")
        assert await waiting == [("ADDED", "b")]
        await until(lambda: set(held(informer)) == {"a", "b"})


async def test_who_may_not_list_is_told_so(backend: Backend, namespace: str, mode: Mode) -> None:
    client = Either(mode, **direct(backend, "plain"))
    async with client.watching(namespace=namespace) as watch:
        with pytest.raises(ForbiddenError, match="cannot watch resource"):
            await watch.next()
    quiet: Any = {"on_error": lambda _: None}
    async with client.informed(namespace=namespace, **quiet) as informer:
        with pytest.raises(ForbiddenError, match='User "plain" cannot watch resource "models"'):
            await informer.wait_for_sync()
    await client.close()


async def test_a_selector_that_the_server_rejects_is_raised(
    backend: Backend, namespace: str, mode: Mode
) -> None:
    client = Either(mode, **direct(backend))
    options: Any = {"namespace": namespace, "field_selector": "spec.nothing=x"}
    async with client.watching(**options) as watch:
        with pytest.raises(BadRequestError, match="field label not supported"):
            await watch.next()
    await client.close()


async def _next(watch: EitherWatch, count: int) -> list[Any]:
    return [await watch.next(30) for _ in range(count)]
