"""Fixtures of the tests that have the fake beside a real API server, and `kubectl` for both."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from matrixinfer_client.testing import FakeCluster
from tests.cluster.server import ApiServer
from tests.fake.asking import Asker, asker
from tests.fake.kubectl import Both, Kubectl


@pytest.fixture(scope="module")
def ask(api_server: ApiServer) -> Iterator[Asker]:
    """Sends plain requests to the real one."""
    with asker(api_server) as ready:
        yield ready


@pytest.fixture(scope="module")
def place(api_server: ApiServer) -> Iterator[str]:
    """A namespace of the real one for all tests of a module."""
    name = api_server.create_namespace("place-")
    yield name
    api_server.delete_namespace(name)


@pytest.fixture(scope="module")
def cluster() -> Iterator[FakeCluster]:
    """Without what the real API server of the tests lacks, too."""
    with FakeCluster(webhooks=False, garbage_collection=False) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def pair(
    kubectl: Path,
    api_server: ApiServer,
    cluster: FakeCluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Both]:
    """Kubectl for both, each with a home of its own, where it keeps its caches."""
    fake, real = (tmp_path_factory.mktemp(name) for name in ("fake", "real"))
    with cluster.serve(token="secret") as served, ThreadPoolExecutor(2) as pool:
        yield Both(
            Kubectl(kubectl, served.kubeconfig, fake, "default"),
            Kubectl(kubectl, api_server.kubeconfig(), real, "default"),
            pool,
        )


@pytest.fixture
def both(pair: Both, cluster: FakeCluster, namespace: str) -> Both:
    """The same with an empty namespace."""
    cluster.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    return pair.within(namespace)
