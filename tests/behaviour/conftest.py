"""Fixtures of the behaviour suite: one definition of each test, both modes, every backend."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from matrixinfer_client import AsyncClient, Client
from tests.behaviour.backends import BACKENDS, Backend, RealCluster
from tests.behaviour.modes import Mode, as_async
from tests.cluster.server import ApiServer


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    # Asked for by name, so that a backend that no test needs is not started.
    return RealCluster(request.getfixturevalue("api_server"))


@pytest.fixture
def cluster(backend: Backend) -> ApiServer:
    """Return the real API server, for tests about what only a real one has."""
    if not isinstance(backend, RealCluster):
        pytest.skip("this is about what only a real API server has")
    return backend.server


@pytest.fixture
def namespace(backend: Backend) -> Iterator[str]:
    name = backend.create_namespace()
    yield name
    backend.delete_namespace(name)


class OpenClient(Protocol):
    """Opens clients of the test's mode, which are closed after the test.

    Without `connection`, the client is the backend's, with `options` of `Client`; with it, these
    are all the arguments.
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
