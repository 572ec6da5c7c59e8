"""What a path and a method ask for: which verb, on which resource, in which namespace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import unquote

import attrs

from matrixinfer_client.kinds import Kind
from matrixinfer_client.testing.apiserver.catalog import ResourceType, catalog
from matrixinfer_client.testing.apiserver.refusals import (
    Refusal,
    bad_request,
    method_not_allowed,
    method_not_served,
    not_found,
    path_not_found,
    resource_not_served,
)
from matrixinfer_client.testing.apiserver.storage import Key, TypeKey
from matrixinfer_client.testing.exchange import Call

__all__ = ["Ask", "check_place", "check_served", "route"]


@attrs.frozen(kw_only=True)
class Ask:
    """A request about a resource."""

    call: Call
    type: ResourceType
    verb: str
    """As in RBAC rules: get, list, watch, create, update, patch, delete, deletecollection."""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    warnings: list[str] = attrs.field(factory=list[str])
    """What the answer warns of, whether it is an object or a refusal."""

    @property
    def kind(self) -> Kind:
        """The kind of the resource."""
        return self.type.kind

    @property
    def table(self) -> TypeKey:
        """Where the objects are stored."""
        return self.type.key

    @property
    def key(self) -> Key:
        """Where the object is stored."""
        return self.namespace, self.name

    def named(self, name: str) -> Ask:
        """The same request for an object of that name."""
        return attrs.evolve(self, name=name)

    def warn(self, texts: Iterable[str]) -> None:
        """Say something along with the answer."""
        self.warnings.extend(texts)

    def missing(self) -> Refusal:
        """There is no such object."""
        return not_found(self.kind.group, self.kind.plural, self.name)


_ON_ONE: Final = {"GET": "get", "DELETE": "delete"}
_ON_ALL: Final = {"GET": "list", "DELETE": "deletecollection"}
_BY_SUBRESOURCE: Final[Mapping[str, Sequence[str]]] = {
    "status": ("get", "update", "patch"),
    "log": ("get",),
    "finalize": ("update",),
    "binding": ("create",),
}


def route(call: Call) -> Ask:
    """Read a path. Raises the server's refusal for one that is not served."""
    parts = [unquote(part) for part in call.path.removeprefix("/").removesuffix("/").split("/")]
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise path_not_found()
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    found = catalog().at(group, version, rest[0])
    # Behind the subresource of a custom object nobody looks.
    if found is None or (len(rest) > 3 and not found.custom) or "" in rest:
        raise _nothing_there(group, version)
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if found.kind.namespaced != bool(namespace) and not _spans_namespaces(found, call, name):
        raise path_not_found()
    verb = _verb(call, name)
    return Ask(
        call=call,
        type=found,
        verb=verb,
        namespace=namespace,
        name=name,
        subresource=subresource,
    )


def check_served(ask: Ask) -> None:
    """Refuse a subresource that there is not, and a verb that it does not have."""
    kind = ask.kind
    if ask.subresource and ask.subresource not in kind.subresources:
        if ask.type.custom:
            raise not_found(kind.group, kind.plural, ask.name)
        raise resource_not_served()
    known = _BY_SUBRESOURCE[ask.subresource] if ask.subresource else kind.verbs
    if ask.type.custom:
        if ask.verb not in known:
            raise method_not_allowed(kind.group, kind.plural, ask.verb)
    elif ask.verb not in known or not _has_place(ask):
        raise method_not_served()


def check_place(ask: Ask) -> None:
    """Refuse a verb for one object on all of them; the reverse is let pass for custom objects."""
    if ask.verb in ("update", "patch") and not ask.name:
        raise bad_request("name must be provided")


def _nothing_there(group: str, version: str) -> Refusal:
    """No such resource: the custom groups have a handler for all paths, the others one for each."""
    own = any(
        (each.kind.group, each.kind.version) == (group, version) and not each.custom
        for each in catalog().types
    )
    return resource_not_served() if own else path_not_found()


def _verb(call: Call, name: str) -> str:
    """The verb of a method; the server knows no other way to tell one object from all."""
    method = "GET" if call.method == "HEAD" else call.method
    if method in ("GET", "DELETE"):
        verb = (_ON_ONE if name else _ON_ALL)[method]
        return "watch" if verb == "list" and call.flag("watch") else verb
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(method, "")


def _has_place(ask: Ask) -> bool:
    """Whether the verb is one for this path: the core kinds have a route for each pair."""
    if ask.verb == "create":
        return bool(ask.name) == bool(ask.subresource)
    return bool(ask.name) == (ask.verb in ("get", "update", "patch", "delete"))


def _spans_namespaces(found: ResourceType, call: Call, name: str) -> bool:
    """Whether this is a list or watch of a namespaced resource over all namespaces."""
    return found.kind.namespaced and call.method in ("GET", "HEAD") and not name
