"""The API server's lists of its groups and resources: plain data from the catalog.

In two forms: a document for each group and version, and all of them at once, which is what kubectl
and newer clients ask for (aggregated discovery).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from msgspec import json

from matrixinfer_client.kinds import Kind
from matrixinfer_client.testing.apiserver.catalog import ResourceType, catalog

__all__ = [
    "aggregated",
    "group_document",
    "group_list",
    "group_names",
    "is_custom",
    "resource_list",
    "roots",
]

_BUILT_IN: Final = (
    "authentication.k8s.io",
    "authorization.k8s.io",
    "rbac.authorization.k8s.io",
    "apiextensions.k8s.io",
)
_SUBRESOURCE_VERBS: Final[Mapping[str, Sequence[str]]] = {
    "status": ("get", "patch", "update"),
    "finalize": ("update",),
    "log": ("get",),
    "binding": ("create",),
}
_CUSTOM_VERBS: Final = (
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "create",
    "update",
    "watch",
)


def is_custom(group: str) -> bool:
    """Whether a group has custom resources and not the server's own."""
    return bool(group) and group not in _BUILT_IN


def group_names() -> list[str]:
    """The groups but the core one: first the server's own, then the custom ones by name."""
    groups = catalog().groups()
    own = [name for name in _BUILT_IN if name in groups]
    return [*own, *sorted(filter(is_custom, groups))]


def roots() -> list[str]:
    """The paths of all groups and versions, sorted."""
    found = {"/api", "/apis"}
    for group, version in catalog().groups().items():
        found |= {f"/apis/{group}", f"/apis/{group}/{version}"} if group else {f"/api/{version}"}
    return sorted(found)


def group_list() -> dict[str, Any]:
    """`/apis`."""
    groups = [_group(name) for name in group_names()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group_document(name: str) -> dict[str, Any]:
    """`/apis/GROUP`."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}


def resource_list(group: str, version: str) -> dict[str, Any] | None:
    """`/apis/GROUP/VERSION` and `/api/VERSION`; None for one that is not served."""
    found = _of_group(group)
    if not found or found[0].kind.version != version:
        return None
    entries = [entry for each in found for entry in _listed(each)]
    # The core group's, and only it, does not say its own version.
    own = {"apiVersion": "v1"} if group else {}
    group_version = f"{group}/{version}" if group else version
    listed = {"kind": "APIResourceList", **own, "groupVersion": group_version}
    return {**listed, "resources": entries}


@cache
def aggregated(root: str) -> bytes:
    """All groups of `/api` or `/apis` with their resources, as APIGroupDiscoveryList in JSON."""
    names = [""] if root == "/api" else group_names()
    return json.encode(
        {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": "apidiscovery.k8s.io/v2",
            "metadata": {},
            "items": [_aggregated_group(name) for name in names],
        }
    )


def _group(name: str) -> dict[str, Any]:
    version = catalog().groups()[name]
    entry = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [entry], "preferredVersion": entry}


def _of_group(name: str) -> list[ResourceType]:
    found = [each for each in catalog().types if each.kind.group == name]
    return sorted(found, key=lambda each: each.kind.plural)


def _aggregated_group(name: str) -> dict[str, Any]:
    resources = [_described(each) for each in _of_group(name)]
    version = {"version": catalog().groups()[name], "resources": resources, "freshness": "Current"}
    return {"metadata": {"name": name} if name else {}, "versions": [version]}


def _described(resource: ResourceType) -> dict[str, Any]:
    kind = resource.kind
    subresources = [
        {
            "subresource": name,
            "responseKind": _response_kind(resource, name),
            "verbs": list(_SUBRESOURCE_VERBS[name]),
        }
        for name in sorted(kind.subresources)
    ]
    return {
        "resource": kind.plural,
        "responseKind": _response_kind(resource),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": _verbs(resource),
        **_names(resource),
        **({"subresources": subresources} if subresources else {}),
    }


def _response_kind(resource: ResourceType, subresource: str = "") -> dict[str, str]:
    """The server leaves group and version of its own kinds empty: those of the list count."""
    kind = resource.kind
    group, version = (kind.group, kind.version) if resource.custom else ("", "")
    return {"group": group, "version": version, "kind": _kind_of(kind, subresource)}


def _kind_of(kind: Kind, subresource: str) -> str:
    return "Binding" if subresource == "binding" else kind.kind


def _listed(resource: ResourceType) -> Iterable[dict[str, Any]]:
    kind = resource.kind
    entry: dict[str, Any] = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": _verbs(resource),
        **_names(resource),
    }
    if resource.stored:
        entry["storageVersionHash"] = _storage_hash(kind)
    yield entry
    for name in sorted(kind.subresources):
        yield {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": _kind_of(kind, name),
            "verbs": list(_SUBRESOURCE_VERBS[name]),
        }


def _names(resource: ResourceType) -> dict[str, Any]:
    names = {"shortNames": resource.short_names, "categories": resource.categories}
    return {key: list(value) for key, value in names.items() if value}


def _verbs(resource: ResourceType) -> list[str]:
    """The verbs in the order in which the server lists them."""
    verbs = resource.kind.verbs
    return [verb for verb in _CUSTOM_VERBS if verb in verbs] if resource.custom else sorted(verbs)


def _storage_hash(kind: Kind) -> str:
    # Definitions are the one kind here that is still stored in an older version.
    version = "v1beta1" if kind.kind == "CustomResourceDefinition" else kind.version
    text = f"{kind.group}/{version}/{kind.kind}"
    return b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()
