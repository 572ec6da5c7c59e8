"""Fixtures of the behaviour suite: one definition of each test, both modes, every backend."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from matrixinfer_client import AsyncClient, Client
from tests.behaviour.backends import Backend, BackendName, RealCluster, Served
from tests.behaviour.fakes import FakeBackend
from tests.behaviour.modes import Mode, as_async
from tests.cluster.server import ApiServer


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    # Parametrized by the hook in tests/conftest.py. The server is asked for by name, so that it is
    # started only where a test needs it.
    name: BackendName = request.param
    if name == "cluster":
        yield RealCluster(request.getfixturevalue("api_server"))
        return
    fake = FakeBackend()
    yield fake
    fake.close()


@pytest.fixture
def cluster(backend: Backend) -> ApiServer:
    """Return the real API server, for tests that are `only_on` it."""
    assert isinstance(backend, RealCluster), "mark the test with only_on, and say why"
    return backend.server


@pytest.fixture
def served(backend: Backend) -> Served:
    """Return the server on a port, for what needs one."""
    return backend.served


@pytest.fixture
def namespace(backend: Backend) -> Iterator[str]:
    name = backend.create_namespace()
    yield name
    backend.delete_namespace(name)


class OpenClient(Protocol):
    """Opens clients of the test's mode, which are closed after the test.

    Without `connection`, the client is the backend's, with `options` of `Client` and `user`; with
    it, these are all the arguments.
    """

    def __call__(self, connection: dict[str, Any] | None = None, **options: Any) -> AsyncClient: ...


@pytest.fixture
def open_client(mode: Mode, backend: Backend) -> Iterator[OpenClient]:
    blocking: list[Client] = []
    awaiting: list[AsyncClient] = []

    def client(connection: dict[str, Any] | None = None, **options: Any) -> AsyncClient:
        if mode == "async":
            make = backend.async_client if connection is None else AsyncClient
            awaiting.append(make(**(connection or {}), **options))
            return awaiting[-1]
        make_blocking = backend.client if connection is None else Client
        blocking.append(make_blocking(**(connection or {}), **options))
        return as_async(blocking[-1], AsyncClient)

    yield client
    for each in blocking:
        each.close()
    for other in awaiting:
        # The test's loop is gone, and its connections with it; this must do no harm.
        asyncio.run(other.close())


@pytest.fixture
def client(open_client: OpenClient) -> AsyncClient:
    return open_client()
