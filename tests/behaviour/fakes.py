"""The fake API server as a backend of the behaviour suite."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from matrixinfer_client import AsyncClient, Client
from matrixinfer_client.config import Config, Impersonation
from matrixinfer_client.testing import FakeCluster
from matrixinfer_client.testing.calls import read_call
from matrixinfer_client.testing.calls import user as caller
from matrixinfer_client.testing.exchange import Caller
from tests.behaviour.backends import USERS, Served
from tests.behaviour.samples import SAMPLES
from tests.cluster.identities import ClientFiles
from tests.fake.asking import Answer

__all__ = ["FakeBackend"]

_MERGE_PATCH = "application/merge-patch+json"
_CORE = ("pods", "events", "configmaps", "secrets", "services", "resourcequotas")


class FakeBackend:
    """A FakeCluster for all tests, without controllers, and without webhooks unless asked for."""

    def __init__(self, *, webhooks: bool = False) -> None:
        self.cluster = FakeCluster(webhooks=webhooks, garbage_collection=False)
        self._served: _OnAPort | None = None

    @property
    def served(self) -> Served:
        if self._served is None:
            self._served = _OnAPort(self.cluster)
        return self._served

    def client(self, *, user: str = "admin", **options: Any) -> Client:
        impersonate: Impersonation | None = options.pop("impersonate", None)
        if impersonate is None:
            return self.cluster.client(**_who(user), **options)
        config = Config("http://fake.test", impersonate=impersonate)
        return Client(config, transport=self.cluster.transport(**_who(user)), **options)

    def async_client(self, *, user: str = "admin", **options: Any) -> AsyncClient:
        impersonate: Impersonation | None = options.pop("impersonate", None)
        if impersonate is None:
            return self.cluster.async_client(**_who(user), **options)
        config = Config("http://fake.test", impersonate=impersonate)
        transport = self.cluster.async_transport(**_who(user))
        return AsyncClient(config, transport=transport, **options)

    def create_namespace(self, labels: Mapping[str, str] | None = None) -> str:
        metadata = {"generateName": "test-", "labels": dict(labels or {})}
        status, made = self.request("POST", "/api/v1/namespaces", {"metadata": metadata})
        assert status == 201, made
        return str(made["metadata"]["name"])

    def delete_namespace(self, name: str) -> None:
        path = f"/api/v1/namespaces/{name}"
        status, namespace = self.request("DELETE", path)
        if status == 404:
            return
        collections = [sample.path(name) for sample in SAMPLES]
        for collection in [*collections, *(f"{path}/{plural}" for plural in _CORE)]:
            self._empty(collection)
        namespace["spec"]["finalizers"] = []
        self.request("PUT", f"{path}/finalize", namespace)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        user: str = "admin",
    ) -> tuple[int, Any]:
        payload = b"" if body is None else json.dumps(body).encode()
        answer = self._ask(method, path, payload, {"content-type": content_type}, user)
        return answer.status, answer.body

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return self._ask(method, path, body, headers or {}, "admin")

    def forget_history(self) -> None:
        self.cluster.expire_history()

    def close(self) -> None:
        """Close the cluster."""
        if self._served is not None:
            self._served.close()
        self.cluster.close()

    def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], user: str
    ) -> Answer:
        sent = {"accept": "application/json"} | {
            name.lower(): value for name, value in headers.items()
        }
        reply = self.cluster.handle(read_call(method, path, sent, body, _caller(user)))
        found: dict[str, list[str]] = {}
        for name, value in reply.headers:
            found.setdefault(name.lower(), []).append(value)
        if reply.stream is not None:
            # What there is to see now; the real one is watched until a time limit.
            events = reply.stream.take().decode()
            reply.stream.close()
            return Answer(reply.status, found, events)
        try:
            return Answer(reply.status, found, json.loads(reply.body))
        except ValueError:
            return Answer(reply.status, found, reply.body.decode())

    def _empty(self, collection: str) -> None:
        """Delete all objects, those that are held by finalizers, too."""
        _, listed = self.request("DELETE", collection, {"gracePeriodSeconds": 0})
        for item in listed["items"]:
            path = f"{collection}/{item['metadata']['name']}"
            self.request("PATCH", path, {"metadata": {"finalizers": None}}, _MERGE_PATCH)


class _OnAPort:
    """A served cluster, with kubeconfig files as the harness of the real server writes them."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._fake = cluster.serve(users=dict(USERS))
        self._directory = TemporaryDirectory(prefix="fake-backend-")
        self._kubeconfigs = itertools.count(1)

    @property
    def url(self) -> str:
        return self._fake.url

    @property
    def ca_file(self) -> Path:
        return cast("Path", self._fake.ca_file)

    def token(self, user: str = "admin") -> str:
        return cast("str", self._fake.token(user))

    def kubeconfig(self, user: str = "admin", path: Path | None = None) -> Path:
        directory = Path(self._directory.name)
        secrets = {"token": self.token(user).encode()}
        files = ClientFiles(directory, self.url, self.ca_file, user, secrets)
        path = path or directory / f"kubeconfig-{next(self._kubeconfigs)}"
        files.write_kubeconfig(path, namespace="default", inline=True)
        return path

    def close(self) -> None:
        self._fake.close()
        self._directory.cleanup()


def _who(user: str) -> dict[str, Any]:
    """The arguments by which a FakeCluster is told for whom a client is."""
    return {} if user == "admin" else {"user": user, "groups": USERS[user]}


def _caller(user: str) -> Caller:
    return caller(None) if user == "admin" else caller(user, USERS[user])
