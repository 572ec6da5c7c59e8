"""API servers with the platform's webhooks, and namespaces in which they count."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from matrixinfer_client import Client
from tests.behaviour.backends import Backend, RealCluster
from tests.behaviour.conftest import client, open_client
from tests.behaviour.fakes import FakeBackend
from tests.behaviour.samples import SAMPLES
from tests.cluster.server import ApiServer
from tests.webhooks.inventory import INVENTORY, configurations
from tests.webhooks.server import WebhookServer

# The fixtures of the behaviour suite, in both modes.
__all__ = ["client", "open_client"]

LABELS = {"webhooks": "platform"}
_ROOT = "/apis/admissionregistration.k8s.io/v1"


def register(server: ApiServer, objects: list[dict[str, Any]]) -> None:
    for each in objects:
        status, answer = server.request("POST", f"{_ROOT}/{each['kind'].lower()}s", each)
        assert status == 201, answer


def unregister(server: ApiServer, objects: list[dict[str, Any]]) -> None:
    for each in objects:
        path = f"{_ROOT}/{each['kind'].lower()}s/{each['metadata']['name']}"
        assert server.request("DELETE", path)[0] == 200


def until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait: the API server learns of configurations by a watch, a moment after they are there."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} seconds"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def platform_webhooks(api_server: ApiServer) -> Iterator[WebhookServer]:
    """Serve and register all webhooks, for namespaces with `LABELS`."""

    def policy_exists(namespace: str, name: str) -> bool:
        path = f"/apis/registry.matrixinfer.ai/v1alpha1/namespaces/{namespace}/autoscalingpolicies"
        return bool(api_server.request("GET", f"{path}/{name}")[0] == 200)

    with WebhookServer(api_server.authority, policy_exists) as webhooks:
        objects = configurations(INVENTORY, webhooks.url, api_server.ca_pem, LABELS)
        register(api_server, objects)
        namespace = api_server.create_namespace(labels=LABELS)
        expected = {each.path for each in INVENTORY}

        def all_are_called() -> bool:
            for sample in SAMPLES:
                path = f"{sample.path(namespace)}?dryRun=All"
                api_server.request("POST", path, sample.mapping("probe"))
            return {path for path, _ in webhooks.reviewed} == expected

        until(all_are_called, "the call of every webhook")
        api_server.delete_namespace(namespace)
        webhooks.reviewed.clear()
        yield webhooks
        unregister(api_server, objects)


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    if request.param == "cluster":
        yield RealCluster(request.getfixturevalue("api_server"))
        return
    fake = FakeBackend(webhooks=True)
    yield fake
    fake.close()


@pytest.fixture
def guarded(request: pytest.FixtureRequest, backend: Backend) -> Iterator[str]:
    """Make a namespace in which the webhooks count."""
    if isinstance(backend, RealCluster):
        # By name, so that the fake does not start a server of webhooks, which it has built in.
        request.getfixturevalue("platform_webhooks")
    name = backend.create_namespace(labels=LABELS)
    yield name
    backend.delete_namespace(name)


@pytest.fixture(scope="session")
def admin(backend: Backend) -> Iterator[Client]:
    with backend.client() as client:
        yield client
