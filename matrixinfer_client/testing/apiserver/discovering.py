"""What the fake API server says of itself: its health, its version, its resources, its schemas.

These paths are no resources. Whoever is logged in may read them; of the others only the health and
the version, as the roles that every cluster has from the start say it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from msgspec import json

from matrixinfer_client.testing.apiserver.accepting import ranges
from matrixinfer_client.testing.apiserver.listings import (
    aggregated,
    group_document,
    group_list,
    group_names,
    is_custom,
    resource_list,
    roots,
)
from matrixinfer_client.testing.apiserver.openapi import index, published
from matrixinfer_client.testing.apiserver.refusal import Refusal
from matrixinfer_client.testing.apiserver.refusals import (
    forbidden_path,
    not_acceptable,
    path_not_found,
)
from matrixinfer_client.testing.exchange import Call, Caller, Reply

__all__ = ["VERSION", "discovery"]

VERSION: Final = "v1.34.4"
"""The release of Kubernetes whose behaviour this is."""

_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"
_AGGREGATED: Final = {"g": "apidiscovery.k8s.io", "v": "v2", "as": "APIGroupDiscoveryList"}
_SCHEMAS: Final = "/openapi/v3/"
_HEALTH: Final = ("/healthz", "/livez", "/readyz")
_CHECKS: Final = ("ping", "log", "etcd")
_PUBLIC: Final = frozenset({*_HEALTH, "/version", "/version/"})
_RESOURCES: Final = ("/api/", "/apis/")
_READABLE: Final = ("/api", "/apis", "/openapi")


def discovery(call: Call) -> Reply | None:
    """The answer to a request that is about the server itself; None for one about resources.

    Raises the server's refusal for who may not read it, for a group that there is not, and for a
    method or a form that is not offered.
    """
    answer = _answer_for(call.path)
    if answer is None and call.path.startswith(_RESOURCES):
        return None
    if not _may_read(call.caller, call.path):
        raise forbidden_path(call.caller.name, call.method.lower(), call.path)
    return None if answer is None else answer(call)


_Answer: TypeAlias = Callable[[Call], Reply]


def _answer_for(path: str) -> _Answer | None:
    """Who answers for a path."""
    for name in _HEALTH:
        if path == name:
            return _health
        if path.startswith(f"{name}/"):
            return lambda _: _check(path.removeprefix(f"{name}/"))
    if path.startswith(_SCHEMAS):
        return lambda call: _schemas(call, path.removeprefix(_SCHEMAS))
    trimmed = path.removesuffix("/") or "/"
    parts = trimmed.split("/")[1:]
    if parts[0] == "api" and len(parts) == 2:
        return lambda call: _resources(call, "", parts[1])
    if parts[0] == "apis" and len(parts) == 2:
        return lambda call: _group(call, parts[1])
    if parts[0] == "apis" and len(parts) == 3:
        return lambda call: _resources(call, parts[1], parts[2])
    return _SIMPLE.get(trimmed)


def _may_read(caller: Caller, path: str) -> bool:
    if "system:masters" in caller.groups or path in _PUBLIC:
        return True
    logged_in = "system:authenticated" in caller.groups
    return logged_in and any(path == root or path.startswith(f"{root}/") for root in _READABLE)


def _health(call: Call) -> Reply:
    if "verbose" not in call.query:
        return _text("ok")
    lines = [*(f"[+]{each} ok" for each in _CHECKS), f"{call.path.strip('/')} check passed", ""]
    return _text("\n".join(lines))


def _check(name: str) -> Reply:
    """`/readyz/ping`: one of the checks alone."""
    if name not in _CHECKS:
        raise path_not_found()
    return _text("ok")


def _version(call: Call) -> Reply:
    _only_get(call)
    _, minor, _ = VERSION.split(".")
    return _document(
        {
            "major": "1",
            "minor": minor,
            "emulationMajor": "1",
            "emulationMinor": minor,
            "minCompatibilityMajor": "1",
            "minCompatibilityMinor": str(int(minor) - 1),
            "gitVersion": VERSION,
            "gitCommit": "",
            "gitTreeState": "",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "",
            "compiler": "matrixinfer_client.testing",
            "platform": "",
        }
    )


def _paths(call: Call) -> Reply:
    _wants_aggregated(call, offered=False)
    return _document({"paths": [*roots(), *_HEALTH, "/openapi/v3", "/version"]})


def _core(call: Call) -> Reply:
    if _wants_aggregated(call):
        return _tagged(call, aggregated("/api"))
    _only_get(call)
    address = {"clientCIDR": "0.0.0.0/0", "serverAddress": call.headers.get("host", "")}
    return _document(
        {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [address]}
    )


def _groups(call: Call) -> Reply:
    if _wants_aggregated(call):
        return _tagged(call, aggregated("/apis"))
    return _document(group_list())


def _group(call: Call, name: str) -> Reply:
    if name not in group_names():
        raise path_not_found()
    _wants_aggregated(call, offered=False)
    return _document(group_document(name))


def _resources(call: Call, group: str, version: str) -> Reply:
    found = resource_list(group, version)
    if found is None:
        raise _no_version(group)
    if not is_custom(group):
        _only_get(call)
    _wants_aggregated(call, offered=False)
    return _document(found)


def _no_version(group: str) -> Refusal:
    """404; the groups that the server itself has say it otherwise than all others."""
    if group and (is_custom(group) or group not in group_names()):
        return path_not_found()
    message = "the server could not find the requested resource"
    return Refusal(404, message, reason="NotFound", details={})


def _listing(call: Call) -> Reply:
    """The list of schema documents. The server has no method and no form to refuse here."""
    del call
    return Reply(status=200, body=index(), headers=[("Content-Type", _TEXT)])


def _schemas(call: Call, root: str) -> Reply:
    found = published(root)
    if found is None:
        return Reply(status=404)
    vary = ("Vary", "Accept")
    accepted = ranges(call.headers.get("accept", "") or "*/*")
    if not any(each.covers(_JSON) for each in accepted):
        # Also for who wants protocol buffers alone; kubectl asks for JSON.
        return Reply(status=406, headers=[vary])
    lasting = [("Cache-Control", "public, immutable")] if call.option("hash") else []
    return _cacheable(call, found.body, found.digest, [("Content-Type", _JSON), vary, *lasting])


def _older(call: Call) -> Reply:
    """The document of OpenAPI v2, with nothing in it.

    kubectl 1.34 asks for it about kinds that have no schema, and must find none.
    """
    accept = call.headers.get("accept", "")
    body, media = (_OLDER, _JSON) if "protobuf" not in accept else (_OLDER_BINARY, _OLDER_TYPE)
    return Reply(status=200, body=body, headers=[("Content-Type", media)])


_OLDER: Final = json.encode(
    {"swagger": "2.0", "info": {"title": "Kubernetes", "version": "1.34"}, "paths": {}}
)
# The same: fields 1 (version of OpenAPI) and 2 (title and version of the document).
_OLDER_BINARY: Final = b"\x0a\x032.0\x12\x12\x0a\x0aKubernetes\x12\x041.34"
_OLDER_TYPE: Final = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


_SIMPLE: Final[Mapping[str, _Answer]] = {
    "/": _paths,
    "/api": _core,
    "/apis": _groups,
    "/openapi/v2": _older,
    "/openapi/v3": _listing,
    "/version": _version,
}


def _wants_aggregated(call: Call, *, offered: bool = True) -> bool:
    """Whether the aggregated form is wanted, where there is one; 406 where nothing fits."""
    for each in ranges(call.headers.get("accept", "") or "*/*"):
        shape = {name: each.parameters.get(name, "") for name in _AGGREGATED}
        if offered and each.type == _JSON and shape == _AGGREGATED:
            return True
        if each.covers(_JSON) and not any(shape.values()):
            return False
    raise not_acceptable([_JSON, "application/yaml", "application/vnd.kubernetes.protobuf"])


def _only_get(call: Call) -> None:
    """Refuse another method; the documents that have to do with definitions answer to any."""
    if call.method != "GET":
        message = "the server does not allow this method on the requested resource"
        raise Refusal(405, message, reason="MethodNotAllowed", details={})


def _tagged(call: Call, body: bytes) -> Reply:
    shape = ";".join(f"{name}={value}" for name, value in _AGGREGATED.items())
    headers = [
        ("Content-Type", f"{_JSON};{shape}"),
        ("Vary", "Accept"),
        ("Cache-Control", "public"),
    ]
    return _cacheable(call, body, hashlib.sha512(body).hexdigest().upper(), headers)


def _cacheable(call: Call, body: bytes, digest: str, headers: list[tuple[str, str]]) -> Reply:
    """The document, or 304 to who has it already."""
    tagged = [*headers, ("Etag", f'"{digest}"')]
    if call.headers.get("if-none-match") == f'"{digest}"':
        kept = [header for header in tagged if header[0] != "Content-Type"]
        return Reply(status=304, headers=kept)
    return Reply(status=200, body=body, headers=tagged)


def _document(value: Mapping[str, Any]) -> Reply:
    return Reply(status=200, body=json.encode(value) + b"\n", headers=[("Content-Type", _JSON)])


def _text(text: str) -> Reply:
    headers = [("Content-Type", _TEXT), ("X-Content-Type-Options", "nosniff")]
    return Reply(status=200, body=text.encode(), headers=headers)
