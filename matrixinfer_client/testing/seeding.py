"""Objects that are there from the start: created as the administrator would, status included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast
from urllib.parse import quote

from msgspec import json

from matrixinfer_client import codec
from matrixinfer_client.errors import InvalidArgumentError, RequestInfo, error_from_response
from matrixinfer_client.models import ApiObject
from matrixinfer_client.testing.apiserver.catalog import ResourceType, catalog
from matrixinfer_client.testing.calls import read_call
from matrixinfer_client.testing.exchange import Call, Reply

__all__ = ["add", "request"]

_WRITE = "fieldManager=fake-cluster-seed&fieldValidation=Strict"
_NAMESPACES = "/api/v1/namespaces"


def request(
    handle: Callable[[Call], Reply],
    method: str,
    target: str,
    body: Any = None,
    content_type: str = "application/json",
) -> tuple[int, Any]:
    """Send one request as the administrator; see `FakeCluster.request`."""
    reply = _send(handle, method, target, body, content_type)
    content = reply.body
    if reply.stream is not None:
        content = reply.stream.take()
        reply.stream.close()
        return reply.status, [json.decode(line) for line in content.splitlines()]
    kind = next((text for name, text in reply.headers if name.lower() == "content-type"), "")
    return reply.status, json.decode(content) if "json" in kind else content.decode()


def add(handle: Callable[[Call], Reply], objects: Iterable[ApiObject | Mapping[str, Any]]) -> None:
    """Create objects of any kind that is served, and the namespaces that they are in."""
    for given in objects:
        obj = _plain(given)
        found = _type_of(obj)
        namespace = _namespace_of(obj)
        if found.kind.namespaced and namespace != "default":
            _ensure(handle, namespace)
        created = _write(handle, "POST", _collection(found, namespace), obj)
        if obj.get("status") and "status" in found.kind.subresources:
            # A create drops it, as on every server.
            name = quote(created["metadata"]["name"], safe="")
            path = f"{_collection(found, namespace)}/{name}/status"
            _write(handle, "PUT", path, {**created, "status": obj["status"]})


def _plain(given: object) -> dict[str, Any]:
    if isinstance(given, ApiObject):
        return given.to_dict()
    if isinstance(given, Mapping):
        return dict(cast("Mapping[str, Any]", given))
    hint = "several objects are several arguments: add(*objects)"
    if isinstance(given, str | bytes):
        hint = "text becomes one by Model.from_yaml, a file by load_manifests"
    name = given.__name__ if isinstance(given, type) else f"a {type(given).__name__}"
    raise InvalidArgumentError(f"{name} is neither a typed object nor a mapping; {hint}")


def _namespace_of(obj: Mapping[str, Any]) -> str:
    """Where it goes; what is no namespace stays for the server to refuse."""
    metadata: object = obj.get("metadata")
    if not isinstance(metadata, Mapping):
        return "default"
    given = cast("Mapping[str, object]", metadata).get("namespace")
    return given if given and isinstance(given, str) else "default"


def _type_of(obj: Mapping[str, Any]) -> ResourceType:
    version, kind = obj.get("apiVersion"), obj.get("kind")
    found = catalog().of_kind(str(version), str(kind))
    if found is None:
        known = ", ".join(sorted(each.kind.kind for each in catalog().types if each.stored))
        raise InvalidArgumentError(
            f"an object of apiVersion {version!r} and kind {kind!r} is not served by a "
            f"FakeCluster; kinds are {known}"
        )
    return found


def _collection(found: ResourceType, namespace: str) -> str:
    kind = found.kind
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
    scope = f"/namespaces/{quote(namespace, safe='')}" if kind.namespaced else ""
    return f"{root}{scope}/{kind.plural}"


def _ensure(handle: Callable[[Call], Reply], namespace: str) -> None:
    path = f"{_NAMESPACES}/{quote(namespace, safe='')}"
    if _send(handle, "GET", path).status == 404:
        _write(handle, "POST", _NAMESPACES, {"metadata": {"name": namespace}})


def _write(handle: Callable[[Call], Reply], method: str, path: str, obj: object) -> Any:
    reply = _send(handle, method, f"{path}?{_WRITE}", obj)
    if reply.status >= 300:
        asked = RequestInfo(method, f"FakeCluster{path}")
        kind = "application/json"
        raise error_from_response(reply.status, content_type=kind, body=reply.body, request=asked)
    return json.decode(reply.body)


def _send(
    handle: Callable[[Call], Reply],
    method: str,
    target: str,
    body: Any = None,
    content_type: str = "application/json",
) -> Reply:
    headers = {"accept": "application/json"}
    if body is not None:
        headers["content-type"] = content_type
    content = body if isinstance(body, bytes) else b"" if body is None else codec.encode(body)
    return handle(read_call(method.upper(), target, headers, content))
