"""What the behaviour suite runs against, and what a test may ask of it beside the client."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import pytest

from matrixinfer_client import AsyncClient, Client
from matrixinfer_client.config import Config, Impersonation, StaticToken
from tests.cluster.server import ApiServer
from tests.fake.asking import Answer, asker

BackendName: TypeAlias = Literal["fake", "cluster"]

BACKENDS: tuple[BackendName, ...] = ("fake", "cluster")
"""Every test runs against each of them, except for what is marked with `only_on`."""

USERS: Mapping[str, tuple[str, ...]] = {"plain": ()}
"""Who else there is, with groups: `plain` may do nothing but log in."""


def only_on(backend: BackendName, *, because: str) -> pytest.MarkDecorator:
    """Run a test on one backend only; the reason says why the other one cannot take part."""
    return pytest.mark.only_on(backend, because=because)


class Served(Protocol):
    """A server on a port of this machine, with TLS and tokens."""

    @property
    def url(self) -> str: ...

    @property
    def ca_file(self) -> Path: ...

    def token(self, user: str = "admin") -> str:
        """The bearer token of a user."""
        ...

    def kubeconfig(self, user: str = "admin", path: Path | None = None) -> Path:
        """Write a kubeconfig file with the token of a user, and return its path."""
        ...


class Backend(Protocol):
    """An API server, real or not, with the platform's resources.

    Its users are `admin`, who may do all and who is meant where none is named, and `USERS`. As in
    the harness of the real one, there are no webhooks and no controllers.
    """

    @property
    def served(self) -> Served:
        """The same server on a port, for what needs one: tokens, TLS, other processes."""
        ...

    def client(self, *, user: str = "admin", **options: Any) -> Client:
        """Return a new client; `options` are those of `Client`, and `impersonate`."""
        ...

    def async_client(self, *, user: str = "admin", **options: Any) -> AsyncClient:
        """Return a new client for asyncio."""
        ...

    def create_namespace(self, labels: Mapping[str, str] | None = None) -> str:
        """Make a namespace that nobody used before."""
        ...

    def delete_namespace(self, name: str) -> None:
        """Delete a namespace with everything in it."""
        ...

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        user: str = "admin",
    ) -> tuple[int, Any]:
        """Send one request without the client under test; return status and parsed body."""
        ...

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request as it is; the path has its query."""
        ...

    def forget_history(self) -> None:
        """Make every older resource version and continue token get 410 Expired."""
        ...


class RealCluster:
    """The real API server as a `Backend`; `server` has all that only a real one has."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server

    @property
    def served(self) -> Served:
        return self.server

    def client(self, *, user: str = "admin", **options: Any) -> Client:
        return Client(**self._arguments(user, options), **options)

    def async_client(self, *, user: str = "admin", **options: Any) -> AsyncClient:
        return AsyncClient(**self._arguments(user, options), **options)

    def create_namespace(self, labels: Mapping[str, str] | None = None) -> str:
        return self.server.create_namespace(labels=labels)

    def delete_namespace(self, name: str) -> None:
        self.server.delete_namespace(name)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        user: str = "admin",
    ) -> tuple[int, Any]:
        return self.server.request(method, path, body, content_type, user)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        with asker(self.server) as ask:
            return ask(method, path, body or None, content_type="", headers=dict(headers or {}))

    def forget_history(self) -> None:
        self.server.forget_history()

    def _arguments(self, user: str, options: dict[str, Any]) -> dict[str, Any]:
        impersonate: Impersonation | None = options.pop("impersonate", None)
        server, token = self.server, self.server.token(user)
        if impersonate is None:
            return {"server": server.url, "ca_file": server.ca_file, "token": token}
        config = Config(
            server.url,
            ca_data=server.ca_pem,
            credentials=StaticToken(token),
            impersonate=impersonate,
        )
        return {"config": config}
