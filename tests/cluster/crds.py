"""Custom resource definitions on the test server: the platform's own, and their installation."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

Manifest: TypeAlias = Mapping[str, Any]

_COLLECTION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Requester(Protocol):
    """Talks to the server as the admin."""

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]: ...

    def can_watch(self, path: str) -> bool: ...


class CrdError(Exception):
    """A definition was rejected, or its resource was not served in time."""


def platform_crds() -> list[dict[str, Any]]:
    """Return the definitions that the package under test ships; none if it ships none yet."""
    package = importlib.import_module("matrixinfer_client")
    manifests = getattr(package, "crd_manifests", None)
    return [] if manifests is None else list(manifests())


def install_crds(server: Requester, manifests: Iterable[Manifest], timeout: float = 30.0) -> None:
    """Create or replace the definitions, and return when all their resources can be used."""
    manifests = list(manifests)
    for manifest in manifests:
        _create_or_replace(server, manifest)
    wait_until_served(server, manifests, timeout)


def wait_until_served(
    server: Requester, manifests: Iterable[Manifest], timeout: float = 30.0
) -> None:
    """Return when the resources of these definitions can be written, listed and watched."""
    deadline = time.monotonic() + timeout
    for manifest in manifests:
        _wait_until_established(server, manifest["metadata"]["name"], deadline)
        for path in collection_paths(manifest):
            _wait_until_served(server, path, deadline)


def collection_paths(manifest: Manifest) -> Sequence[str]:
    """Return the path of the resource's collection in all namespaces, for each served version."""
    spec = manifest["spec"]
    return [
        f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}"
        for version in spec["versions"]
        if version["served"]
    ]


def _create_or_replace(server: Requester, manifest: Manifest) -> None:
    status, answer = server.request("POST", _COLLECTION, manifest)
    if status == 409:
        path = f"{_COLLECTION}/{manifest['metadata']['name']}"
        _, current = server.request("GET", path)
        version = current["metadata"]["resourceVersion"]
        metadata = {**manifest["metadata"], "resourceVersion": version}
        status, answer = server.request("PUT", path, {**manifest, "metadata": metadata})
    if status not in {200, 201}:
        raise CrdError(f"{manifest['metadata']['name']}: HTTP {status}: {_message(answer)}")


def _wait_until_established(server: Requester, name: str, deadline: float) -> None:
    while True:
        _, crd = server.request("GET", f"{_COLLECTION}/{name}")
        # Null until the first controller has looked at it.
        conditions: list[dict[str, str]] = crd.get("status", {}).get("conditions") or []
        states = {condition["type"]: condition for condition in conditions}
        if states.get("Established", {}).get("status") == "True":
            return
        if time.monotonic() > deadline:
            raise CrdError(f"{name} was not established in time: {conditions}")
        time.sleep(0.05)


def _wait_until_served(server: Requester, path: str, deadline: float) -> None:
    """Established comes first: requests get 404 until the handler and discovery follow.

    And 429 until the cache has been filled, after a restart too.
    """
    parent, _, plural = path.rpartition("/")
    while True:
        status, answer = server.request("GET", f"{path}?limit=1")
        _, discovery = server.request("GET", parent)
        # Plain text while the API server is busy with something else: ask again.
        found = discovery.get("resources", []) if isinstance(discovery, dict) else []
        names = [resource["name"] for resource in found]
        if status == 200 and plural in names and server.can_watch(path):
            return
        if time.monotonic() > deadline:
            raise CrdError(f"{path} was not served in time: HTTP {status}: {_message(answer)}")
        time.sleep(0.05)


def _message(answer: Any) -> str:
    try:
        return str(answer["message"])
    except (KeyError, TypeError):
        return str(answer)
