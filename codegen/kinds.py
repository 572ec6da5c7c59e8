"""Operations to kinds: what is served where, and what can be done with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

import attrs

from codegen.document import DocumentError
from codegen.ir import Kind
from codegen.schemas import kinds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.document import Document, Json, Operation
    from codegen.ir import Verb

__all__ = ["Served", "find_kinds"]

# group, version, plural
_Place: TypeAlias = tuple[str, str, str]

_EXTENSION = "x-kubernetes-custom-resource"
_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/{}]+))/(?P<version>[^/{}]+)"
    r"(?P<namespaced>/namespaces/\{namespace\})?/(?P<plural>[^/{}]+)"
    r"(?P<named>/\{name\}(?:/(?P<subresource>[^/{}]+))?)?"
)
_VERBS: dict[str, Verb] = {
    "delete": "delete",
    "deletecollection": "deletecollection",
    "get": "get",
    "list": "list",
    "patch": "patch",
    "post": "create",
    "put": "update",
}
# Kubernetes' own grammars. What fits them is safe to print.
_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_GRAMMAR = {
    "group": re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*)?"),
    "version": re.compile(r"v\d+(?:(?:alpha|beta)\d+)?"),
    "kind": re.compile(r"[A-Za-z][A-Za-z0-9]*"),
    "plural": re.compile(_LABEL),
    "singular": re.compile(_LABEL),
    "list_kind": re.compile(r"[A-Za-z][A-Za-z0-9]*"),
}


@attrs.frozen
class Served:
    """A kind, and the components that are its objects and its lists."""

    kind: Kind
    component: str
    list_component: str


@attrs.define
class _Found:
    kinds: set[str] = attrs.field(factory=set)
    verbs: set[Verb] = attrs.field(factory=set)
    subresources: set[str] = attrs.field(factory=set)
    namespaced: bool = False


def find_kinds(document: Document) -> list[Served]:
    """The kinds that the document's paths serve, sorted by group, version and kind."""
    places: dict[_Place, _Found] = {}
    for operation in document.operations:
        _enter(operation, places)
    served = [_served(document, place, found) for place, found in places.items()]
    components = {entry.component for entry in served}
    for component, schema in document.schemas.items():
        if _EXTENSION in schema and component not in components:
            raise DocumentError(f"{component!r} is a custom resource, but no path serves it")
    return sorted(served, key=lambda entry: (entry.kind.group, entry.kind.version, entry.kind.kind))


def _enter(operation: Operation, places: dict[_Place, _Found]) -> None:
    match = _PATH.fullmatch(operation.path)
    if match is None:
        return
    found = places.setdefault((match["group"] or "", match["version"], match["plural"]), _Found())
    found.namespaced = found.namespaced or match["namespaced"] is not None
    if match["subresource"]:
        found.subresources.add(match["subresource"])
        return
    found.kinds.add(operation.kind)
    if operation.action in _VERBS:
        found.verbs.add(_VERBS[operation.action])
    if operation.action == "list" and "watch" in operation.parameters:
        found.verbs.add("watch")


def _served(document: Document, place: _Place, found: _Found) -> Served:
    group, version, plural = place
    if len(found.kinds) != 1:
        raise DocumentError(
            f"{plural} of {group or 'the core group'} must be one kind, not {sorted(found.kinds)}"
        )
    kind = found.kinds.pop()
    component = _component(document, (group, version, kind))
    extension = document.schemas[component].get(_EXTENSION, {})
    list_kind = extension.get("listKind", f"{kind}List")
    described = Kind(
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        singular=extension.get("singular", kind.lower()),
        list_kind=list_kind,
        namespaced=found.namespaced,
        subresources=tuple(sorted(found.subresources)),
        verbs=tuple(sorted(found.verbs)),
    )
    for problem in (*_ungrammatical(described), *_contradictions(described, extension)):
        raise DocumentError(f"{component!r}: {problem}")
    return Served(described, component, _component(document, (group, version, list_kind)))


def _component(document: Document, wanted: tuple[str, str, str]) -> str:
    found = [name for name, schema in document.schemas.items() if kinds_of(schema) == [wanted]]
    if len(found) != 1:
        raise DocumentError(
            f"exactly one schema must have the x-kubernetes-group-version-kind {wanted}, "
            f"not {len(found)}"
        )
    return found[0]


def _ungrammatical(kind: Kind) -> Iterator[str]:
    for name, grammar in _GRAMMAR.items():
        value = getattr(kind, name)
        if not isinstance(value, str) or not grammar.fullmatch(value):
            yield f"{value!r} is not a {name.replace('_', ' ')}"
    for value in kind.subresources:
        if not re.fullmatch(_LABEL, value):
            yield f"{value!r} is not a subresource"


def _contradictions(kind: Kind, extension: Json) -> Iterator[str]:
    scope = "Namespaced" if kind.namespaced else "Cluster"
    for name, served in (
        ("plural", kind.plural),
        ("scope", scope),
        ("subresources", [*kind.subresources]),
    ):
        said = extension.get(name, served)
        said = sorted(said) if isinstance(said, list) else said
        if said != served:
            yield f"{_EXTENSION} says {name} {said!r}, the paths say {served!r}"
