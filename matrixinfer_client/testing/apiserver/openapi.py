"""OpenAPI v3 as the API server publishes it: one document for each group and version.

The kinds of the platform are described in full, as their definitions do it. Of the core kinds
only what clients need is: pods have their spec, the rest takes anything. A document is made when
it is first asked for, and kept as bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, cast

import attrs
from msgspec import json

from matrixinfer_client.definitions import crd_manifests
from matrixinfer_client.kinds import Kind
from matrixinfer_client.testing.apiserver.catalog import ResourceType, catalog
from matrixinfer_client.testing.apiserver.describing import META, component_name, paths, reference
from matrixinfer_client.validation.schemas import document

__all__ = ["Published", "index", "published"]

_PREFIX: Final = "#/components/schemas/"
_POD_SPEC: Final = "io.k8s.api.core.v1.PodSpec"


@attrs.frozen
class Published:
    """A document, and by what it is known that it changed."""

    body: bytes = attrs.field(repr=False)
    digest: str

    @classmethod
    def of(cls, value: Any) -> Published:
        """The document with this content."""
        body = json.encode(value)
        return cls(body, hashlib.sha512(body).hexdigest().upper())


@cache
def index() -> bytes:
    """The list of documents, each with an address that changes with it."""
    places = {}
    for root in sorted(_roots()):
        found = published(root)
        if found is not None:
            places[root] = {"serverRelativeURL": f"/openapi/v3/{root}?hash={found.digest}"}
    return json.encode({"paths": places})


@cache
def published(root: str) -> Published | None:
    """The document of a root such as `apis/GROUP/VERSION`; None for one that is not served."""
    resources = _roots().get(root)
    if resources is None:
        return None
    described = paths(resources)
    components = _described(resources)
    return Published.of(
        {
            "openapi": "3.0.0",
            "info": {"title": "MatrixInfer FakeCluster", "version": resources[0].kind.version},
            "paths": described,
            "components": {"schemas": _with_referred(components, described)},
        }
    )


@cache
def _roots() -> Mapping[str, list[ResourceType]]:
    found: dict[str, list[ResourceType]] = {}
    for each in catalog().types:
        kind = each.kind
        root = f"apis/{kind.api_version}" if kind.group else f"api/{kind.version}"
        found.setdefault(root, []).append(each)
    return found


def _described(resources: Iterable[ResourceType]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in resources:
        kind = each.kind
        schema = _custom(kind) if each.custom else _plain(kind)
        schema["x-kubernetes-group-version-kind"] = [_identity(kind, kind.kind)]
        found[component_name(kind)] = schema
        if "list" in kind.verbs:
            found[component_name(kind, kind.list_kind)] = _list(kind)
    return found


def _custom(kind: Kind) -> dict[str, Any]:
    """The schema of the definition, with the server's own for the metadata."""
    schema = dict(_definitions()[kind.group, kind.plural])
    own = schema["properties"]["metadata"]
    return {**schema, "properties": {**schema["properties"], "metadata": _metadata(own)}}


@cache
def _definitions() -> Mapping[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for manifest in crd_manifests():
        spec = manifest["spec"]
        schema = spec["versions"][0]["schema"]["openAPIV3Schema"]
        found[spec["group"], spec["names"]["plural"]] = schema
    return found


def _plain(kind: Kind) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "apiVersion": {"description": "Group and version of the type.", "type": "string"},
        "kind": {"description": f"Name of the type: `{kind.kind}`.", "type": "string"},
        "metadata": _metadata({}),
    }
    if kind.kind == "Pod":
        spec = {"description": "What the pod runs, and where.", "allOf": [reference(_POD_SPEC)]}
        properties["spec"] = spec
    return {
        "description": f"An object of kind {kind.kind}; what is not named here is kept as it is.",
        "type": "object",
        "properties": properties,
        "x-kubernetes-preserve-unknown-fields": True,
    }


def _metadata(own: Mapping[str, Any]) -> dict[str, Any]:
    text = own.get("description", "Name, namespace, labels and what the server keeps about it.")
    return {"description": text, "allOf": [reference(f"{META}.ObjectMeta")]}


def _list(kind: Kind) -> dict[str, Any]:
    return {
        "description": f"A page of objects of kind {kind.kind}.",
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"description": "Group and version of the list.", "type": "string"},
            "items": {
                "description": "The objects of this page.",
                "type": "array",
                "items": reference(component_name(kind)),
            },
            "kind": {"description": f"Name of the type: `{kind.list_kind}`.", "type": "string"},
            "metadata": {
                "description": "Version of the list, and the token of the next page.",
                "allOf": [reference(f"{META}.ListMeta")],
            },
        },
        "x-kubernetes-group-version-kind": [_identity(kind, kind.list_kind)],
    }


def _identity(kind: Kind, name: str) -> dict[str, str]:
    return {"group": kind.group, "version": kind.version, "kind": name}


def _with_referred(components: dict[str, Any], described: Any) -> dict[str, Any]:
    """The components with all that they, and the paths, refer to."""
    known = document()["components"]["schemas"]
    found = dict(components)
    missing = _references([described, components]) - found.keys()
    while missing:
        added = {name: known[name] for name in missing}
        found |= added
        missing = _references(added) - found.keys()
    return dict(sorted(found.items()))


def _references(value: Any) -> set[str]:
    if isinstance(value, list):
        return set[str]().union(*map(_references, cast("Iterable[Any]", value)))
    if not isinstance(value, dict):
        return set()
    mapping = cast("Mapping[str, Any]", value)
    target = mapping.get("$ref")
    if isinstance(target, str):
        return {target.removeprefix(_PREFIX)}
    return set[str]().union(*map(_references, mapping.values()))
