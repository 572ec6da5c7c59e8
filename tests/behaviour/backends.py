"""What the behaviour suite runs against, and what a test may ask of it beside the client."""

from __future__ import annotations

from typing import Any, Protocol

from matrixinfer_client import AsyncClient, Client
from tests.cluster.server import ApiServer

BACKENDS = ("cluster",)
"""Every test runs against each of them, except for what takes the fixture `cluster`."""


class Backend(Protocol):
    """An API server, real or not, with the platform's resources, seen by a user who may do all."""

    def client(self, **options: Any) -> Client:
        """Return a new client; `options` are those of `Client`."""
        ...

    def async_client(self, **options: Any) -> AsyncClient:
        """Return a new client for asyncio."""
        ...

    def create_namespace(self) -> str:
        """Make a namespace that nobody used before."""
        ...

    def delete_namespace(self, name: str) -> None:
        """Delete a namespace with everything in it."""
        ...

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        """Send one request without the client under test; return status and parsed body."""
        ...


class RealCluster:
    """The real API server as a `Backend`; `server` has all that only a real one has."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self._arguments: dict[str, Any] = {
            "server": server.url,
            "ca_file": server.ca_file,
            "token": server.token(),
        }

    def client(self, **options: Any) -> Client:
        return Client(**self._arguments, **options)

    def async_client(self, **options: Any) -> AsyncClient:
        return AsyncClient(**self._arguments, **options)

    def create_namespace(self) -> str:
        return self.server.create_namespace()

    def delete_namespace(self, name: str) -> None:
        self.server.delete_namespace(name)

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        return self.server.request(method, path, body, content_type)
