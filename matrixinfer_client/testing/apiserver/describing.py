"""The paths of a resource in an OpenAPI document: what can be asked, with which parameters.

`kubectl` looks here for the kind behind a path, and whether a patch takes `fieldValidation` and
`dryRun`; other generic clients read all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from matrixinfer_client.kinds import Kind
from matrixinfer_client.testing.apiserver.catalog import ResourceType
from matrixinfer_client.validation.schemas import document

__all__ = ["META", "component_name", "paths", "reference"]

META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1"
"""What the components of Kubernetes' own metadata begin with."""

_MEDIA: Final = ("application/json", "application/yaml")
_PATCHES: Final = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
)
_LIST: Final = (
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
)
_WRITE: Final = ("dryRun", "fieldManager", "fieldValidation")
_DELETE: Final = (
    "dryRun",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
)


def reference(component: str) -> dict[str, Any]:
    """A reference to a component."""
    return {"$ref": f"#/components/schemas/{component}"}


def component_name(kind: Kind, name: str | None = None) -> str:
    """The component of a kind, or of the list `name` of its group."""
    group = kind.group or "core"
    if group == "apiextensions.k8s.io":
        package = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions"
    elif group == "core" or group.endswith(".k8s.io"):
        package = f"io.k8s.api.{group.partition('.')[0]}"
    else:
        package = ".".join(reversed(group.split(".")))
    return f"{package}.{kind.version}.{name or kind.kind}"


def paths(resources: Iterable[ResourceType]) -> dict[str, Any]:
    """The paths of the resources, in order."""
    found: dict[str, Any] = {}
    for each in resources:
        found |= _Operations(each.kind, custom=each.custom).paths()
    return dict(sorted(found.items()))


@attrs.frozen
class _Verb:
    """How an operation is said: its method, its action, and the word in its operation ID."""

    method: str
    action: str
    word: str
    text: str


_ONE: Final = {
    "get": _Verb("get", "get", "read", "Read a {kind}."),
    "update": _Verb("put", "put", "replace", "Replace a {kind}."),
    "patch": _Verb("patch", "patch", "patch", "Change parts of a {kind}."),
    "delete": _Verb("delete", "delete", "delete", "Delete a {kind}."),
}
_ALL: Final = {
    "list": _Verb("get", "list", "list", "List or watch objects of kind {kind}."),
    "create": _Verb("post", "post", "create", "Create a {kind}."),
    "deletecollection": _Verb(
        "delete", "deletecollection", "delete", "Delete several objects of kind {kind}."
    ),
}
_SUBRESOURCES: Final[Mapping[str, Sequence[str]]] = {
    "status": ("get", "update", "patch"),
    "finalize": ("update",),
    "log": ("get",),
}


class _Operations:
    """Writes the operations of one resource."""

    def __init__(self, kind: Kind, *, custom: bool) -> None:
        self._kind = kind
        self._custom = custom
        self._scope = "Namespaced" if kind.namespaced else ""
        self._root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"

    def paths(self) -> dict[str, Any]:
        kind = self._kind
        found: dict[str, Any] = {}
        collection, place = f"{self._root}/{kind.plural}", ["pretty"]
        if kind.namespaced:
            if "list" in kind.verbs:
                found[collection] = self._everywhere()
            collection = f"{self._root}/namespaces/{{namespace}}/{kind.plural}"
            place = ["namespace", "pretty"]
        verbs = {name: verb for name, verb in _ALL.items() if name in kind.verbs}
        found[collection] = self._item(verbs, place)
        if "get" in kind.verbs:
            verbs = {name: verb for name, verb in _ONE.items() if name in kind.verbs}
            found[f"{collection}/{{name}}"] = self._item(verbs, ["name", *place])
            for name in filter(_SUBRESOURCES.__contains__, kind.subresources):
                verbs = {each: _ONE[each] for each in _SUBRESOURCES[name]}
                path = f"{collection}/{{name}}/{name}"
                found[path] = self._item(verbs, ["name", *place], name)
        return found

    def _everywhere(self) -> dict[str, Any]:
        operation = self._operation(_ALL["list"], "ForAllNamespaces")
        del operation["parameters"]
        return {"get": operation, "parameters": _parameters(sorted([*_LIST, "pretty"]))}

    def _item(
        self, verbs: Mapping[str, _Verb], place: Sequence[str], subresource: str = ""
    ) -> dict[str, Any]:
        item: dict[str, Any] = {
            verb.method: self._operation(verb, subresource) for verb in verbs.values()
        }
        return item | {"parameters": _parameters(place)}

    def _operation(self, verb: _Verb, suffix: str) -> dict[str, Any]:
        kind = self._kind
        operation: dict[str, Any] = {
            "tags": [f"{_lower_first(self._group)}_{kind.version}"],
            "description": verb.text.format(kind=kind.kind),
            "operationId": self._identifier(verb, suffix),
            "parameters": _parameters(_PARAMETERS[verb.action]),
        }
        content = self._request(verb)
        if content:
            operation["requestBody"] = content
        operation["responses"] = self._responses(verb, suffix)
        operation["x-kubernetes-action"] = verb.action
        operation["x-kubernetes-group-version-kind"] = {
            "group": kind.group,
            "version": kind.version,
            "kind": kind.kind,
        }
        return operation

    def _identifier(self, verb: _Verb, suffix: str) -> str:
        """As the server makes them: `listRegistryMatrixinferAiV1alpha1NamespacedModel`."""
        scope = "" if suffix == "ForAllNamespaces" else self._scope
        if verb.action == "deletecollection":
            scope = f"Collection{scope}"
        version = self._kind.version.capitalize()
        suffix = suffix[:1].upper() + suffix[1:]
        return f"{verb.word}{self._group}{version}{scope}{self._kind.kind}{suffix}"

    @property
    def _group(self) -> str:
        name = self._kind.group.removesuffix(".k8s.io") or "core"
        return "".join(part.capitalize() for part in name.split("."))

    def _request(self, verb: _Verb) -> dict[str, Any] | None:
        if verb.action == "patch":
            # No strategic merge, though the core kinds take it: kubectl would look in these
            # schemas how to merge lists, and knows it of those kinds without.
            return {"content": _content(f"{META}.Patch", _PATCHES), "required": True}
        if verb.action in ("post", "put"):
            return {"content": _content(component_name(self._kind)), "required": True}
        if verb.action == "delete":
            return {"content": _content(f"{META}.DeleteOptions")}
        return None

    def _responses(self, verb: _Verb, suffix: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for status, text in _STATUSES[verb.action].items():
            found[status] = {"description": text, "content": self._answer(verb, suffix)}
        found["401"] = {"description": "Unauthorized"}
        return found

    def _answer(self, verb: _Verb, suffix: str) -> dict[str, Any]:
        if suffix == "log":
            return {"text/plain": {"schema": {"type": "string"}}}
        if verb.action in ("delete", "deletecollection"):
            return _content(f"{META}.Status")
        listed = self._kind.list_kind if verb.action == "list" else None
        return _content(component_name(self._kind, listed))


_PARAMETERS: Final[Mapping[str, Sequence[str]]] = {
    "list": _LIST,
    "deletecollection": _LIST,
    "get": ("resourceVersion",),
    "post": _WRITE,
    "put": _WRITE,
    "patch": (*_WRITE, "force"),
    "delete": _DELETE,
}
_OK: Final = {"200": "OK"}
_STATUSES: Final[Mapping[str, Mapping[str, str]]] = {
    "list": _OK,
    "deletecollection": _OK,
    "get": _OK,
    "post": {**_OK, "201": "Created", "202": "Accepted"},
    "put": {**_OK, "201": "Created"},
    "patch": _OK,
    "delete": {**_OK, "202": "Accepted"},
}


def _content(component: str, media: Sequence[str] = _MEDIA) -> dict[str, Any]:
    return {each: {"schema": reference(component)} for each in media}


def _parameters(names: Iterable[str]) -> list[dict[str, Any]]:
    """The parameters in full: kubectl does not follow a reference to one."""
    known = document()["components"]["parameters"]
    found: list[dict[str, Any]] = []
    for name in names:
        schema = {"type": known[name]["schema"]["type"], "uniqueItems": True}
        found.append({**known[name], "schema": schema})
    return found


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
