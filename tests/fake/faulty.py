"""A server with faults, before there is a `FakeCluster` around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from matrixinfer_client.testing.apiserver.server import FakeServer
from matrixinfer_client.testing.doors import FakeTransport
from matrixinfer_client.testing.exchange import Call, Reply
from matrixinfer_client.testing.faults import Fault
from matrixinfer_client.testing.injecting import Chance, Injection, Injector
from matrixinfer_client.testing.matching import Match, Subject

MODELS = "/apis/registry.matrixinfer.ai/v1alpha1/namespaces/default/models"
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"


class Cluster:
    """A server with faults, as `FakeCluster` puts them together."""

    def __init__(self, seed: int = 0) -> None:
        self.server = FakeServer()
        self.injector = Injector(seed, spared=("simulation",))
        self.calls = 0

    def handle(self, call: Call) -> Reply:
        return self.injector.answer(Subject.of(call), self._counted)

    def inject(
        self,
        *faults: Fault,
        times: int | None = 1,
        after: int = 0,
        probability: float = 1.0,
        **match: Any,
    ) -> Injection:
        chance = Chance(times=times, after=after, probability=probability)
        return self.injector.add(faults, Match.of(**match), chance)

    def add(self, name: str, path: str = CONFIGMAPS) -> None:
        body = f'{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}}}}'
        headers = {"content-type": "application/json"}
        reply = self.server.handle(
            Call(method="POST", path=path, headers=headers, body=body.encode())
        )
        assert reply.status == 201, reply.body

    @contextmanager
    def http(self, read: float = 5.0) -> Iterator[httpx.Client]:
        limits = httpx.Timeout(5.0, read=read)
        with httpx.Client(
            transport=FakeTransport(self.handle), base_url="https://fake-cluster", timeout=limits
        ) as client:
            yield client

    def status(self, method: str = "GET", path: str = CONFIGMAPS, **call: Any) -> int:
        return self.handle(Call(method=method, path=path, **call)).status

    def _counted(self, call: Call) -> Reply:
        self.calls += 1
        return self.server.handle(call)
