"""The fake API server: a request in, an answer out, nothing in between but memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
from msgspec import json

from matrixinfer_client.definitions import crd_manifests
from matrixinfer_client.testing.apiserver.access import default_bindings, default_roles
from matrixinfer_client.testing.apiserver.authorizing import authorize, impersonated, review
from matrixinfer_client.testing.apiserver.binding import bind, is_binding
from matrixinfer_client.testing.apiserver.collecting import Collector
from matrixinfer_client.testing.apiserver.deleting import delete, delete_collection
from matrixinfer_client.testing.apiserver.discovering import discovery
from matrixinfer_client.testing.apiserver.headers import initialize, versioned
from matrixinfer_client.testing.apiserver.logs import read_log
from matrixinfer_client.testing.apiserver.options import list_options
from matrixinfer_client.testing.apiserver.presenting import Presentation, presentation
from matrixinfer_client.testing.apiserver.protobuf import as_json
from matrixinfer_client.testing.apiserver.reading import read_list, read_one
from matrixinfer_client.testing.apiserver.refusals import Refusal
from matrixinfer_client.testing.apiserver.routing import Ask, check_served, route
from matrixinfer_client.testing.apiserver.state import State
from matrixinfer_client.testing.apiserver.storage import TypeKey
from matrixinfer_client.testing.apiserver.streaming import open_watch
from matrixinfer_client.testing.apiserver.warning import warning_headers
from matrixinfer_client.testing.apiserver.writing import Outcome, create, patch, update
from matrixinfer_client.testing.exchange import Call, Reply

__all__ = ["FakeServer"]

_JSON: Final = ("Content-Type", "application/json")
_CRDS: Final[TypeKey] = ("apiextensions.k8s.io", "customresourcedefinitions")
_RBAC: Final = "rbac.authorization.k8s.io"
_NAMESPACES: Final = ("default", "kube-node-lease", "kube-public", "kube-system")


class FakeServer:
    """An API server with the platform's resources, for one process.

    Args:
        webhooks: Whether the platform's admission webhooks are installed.
        garbage_collection: Whether dependents go with their owners and namespaces are emptied.
        seed: Makes names and UIDs the same in every run.
        history: How many changes of a resource are kept for watches. Default: 100,000.
    """

    def __init__(
        self,
        *,
        webhooks: bool = True,
        garbage_collection: bool = True,
        seed: int | None = None,
        history: int | None = None,
    ) -> None:
        self.state = State(
            webhooks=webhooks, garbage_collection=garbage_collection, seed=seed, history=history
        )
        self._collector = Collector(self.state)
        self._has_definitions = False
        for name in _NAMESPACES:
            self._seed(("", "namespaces"), _namespace(name))
        for role in default_roles():
            self._seed((_RBAC, "clusterroles"), role)
        for binding in default_bindings():
            self._seed((_RBAC, "clusterrolebindings"), binding)

    def handle(self, call: Call) -> Reply:
        """Answer a request; never waits, and never raises for what a caller may send."""
        with self.state.lock:
            try:
                reply = self._answer(call)
            except Refusal as refusal:
                reply = _refused(refusal)
            # Also after a refusal: what was counted against a quota before it has to be given back.
            self._collector.run()
            if call.method == "HEAD":
                reply.body = b""
            return reply

    def expire_history(self) -> None:
        """Forget the past: every older version and every continue token is answered with 410."""
        with self.state.lock:
            self.state.storage.forget()

    def _answer(self, call: Call) -> Reply:
        call = as_json(attrs.evolve(call, caller=impersonated(self.state, call)))
        known = discovery(call)
        if known is not None:
            return known
        ask = route(call)
        authorize(self.state, ask)
        if is_binding(ask):
            return _encoded(bind(self.state, ask), 201)
        reply = self._carried_out(ask)
        reply.headers += [("Warning", text) for text in warning_headers(ask.warnings)]
        return reply

    def _carried_out(self, ask: Ask) -> Reply:
        """The answer, which may be a refusal: what there is to warn of comes with that, too."""
        try:
            check_served(ask)
            return self._served(ask)
        except Refusal as refusal:
            return _refused(refusal)

    def _served(self, ask: Ask) -> Reply:
        call = ask.call
        if ask.table == _CRDS and not self._has_definitions:
            self._define()
        if not ask.type.stored:
            return _encoded(review(self.state, ask), 201)
        if ask.subresource == "log":
            return read_log(self.state, ask)
        shown = presentation(call, ask.type, ask.verb)
        if ask.verb == "watch":
            options = list_options(call)
            stream = open_watch(self.state, ask, options, shown.event(ask.type))
            return Reply(status=200, headers=[shown.content_type], stream=stream)
        return _VERBS[ask.verb](self.state, ask, shown)

    def _seed(self, table: TypeKey, obj: dict[str, Any]) -> None:
        metadata = dict(obj["metadata"])
        initialize(self.state, metadata)
        storage = self.state.storage
        stored = versioned({**obj, "metadata": metadata}, storage.next_version())
        storage.put(table, ("", metadata["name"]), stored)

    def _define(self) -> None:
        """Add the definitions of the platform's kinds, which are large and seldom looked at."""
        self._has_definitions = True
        for manifest in crd_manifests():
            self._seed(_CRDS, {**manifest, "status": _ESTABLISHED})


def _namespace(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


_ESTABLISHED: Final[Mapping[str, Any]] = {
    "acceptedNames": {},
    "conditions": [
        {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts"},
        {"type": "Established", "status": "True", "reason": "InitialNamesAccepted"},
    ],
    "storedVersions": ["v1alpha1"],
}


def _get(state: State, ask: Ask, shown: Presentation) -> Reply:
    return shown.reply(ask.type, read_one(state, ask))


def _list(state: State, ask: Ask, shown: Presentation) -> Reply:
    return shown.reply(ask.type, read_list(state, ask, list_options(ask.call)))


def _create(state: State, ask: Ask, shown: Presentation) -> Reply:
    return _written(ask, create(state, ask), shown)


def _update(state: State, ask: Ask, shown: Presentation) -> Reply:
    return _written(ask, update(state, ask), shown)


def _patch(state: State, ask: Ask, shown: Presentation) -> Reply:
    return _written(ask, patch(state, ask), shown)


def _written(ask: Ask, outcome: Outcome, shown: Presentation) -> Reply:
    return shown.reply(ask.type, outcome.obj, outcome.status)


def _delete(state: State, ask: Ask, shown: Presentation) -> Reply:
    return shown.reply(ask.type, delete(state, ask))


def _delete_collection(state: State, ask: Ask, shown: Presentation) -> Reply:
    return shown.reply(ask.type, delete_collection(state, ask))


_VERBS: Final[Mapping[str, Callable[[State, Ask, Presentation], Reply]]] = {
    "get": _get,
    "list": _list,
    "create": _create,
    "update": _update,
    "patch": _patch,
    "delete": _delete,
    "deletecollection": _delete_collection,
}


def _refused(refusal: Refusal) -> Reply:
    headers = list(refusal.headers.items())
    if refusal.plain is not None:
        kind = ("Content-Type", "text/plain; charset=utf-8")
        return Reply(status=refusal.status, body=refusal.plain.encode(), headers=[kind, *headers])
    reply = _encoded(refusal.body(), refusal.status)
    reply.headers += headers
    return reply


def _encoded(obj: Mapping[str, Any], status: int) -> Reply:
    return Reply(status=status, body=json.encode(obj) + b"\n", headers=[_JSON])
