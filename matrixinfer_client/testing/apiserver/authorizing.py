"""Who may do what: impersonation and RBAC rules, out of the roles and bindings in the store."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from matrixinfer_client.testing.apiserver.access import (
    MASTERS,
    AccessRules,
    Identity,
    impersonation,
)
from matrixinfer_client.testing.apiserver.decoding import decode_body
from matrixinfer_client.testing.apiserver.refusals import forbidden
from matrixinfer_client.testing.apiserver.reviewing import (
    access_review,
    rules_review,
    subject_review,
)
from matrixinfer_client.testing.apiserver.routing import Ask
from matrixinfer_client.testing.apiserver.selecting import selection
from matrixinfer_client.testing.apiserver.state import State
from matrixinfer_client.testing.exchange import Call, Caller

__all__ = ["authorize", "impersonated", "review", "rules_of"]

_GROUP: Final = "rbac.authorization.k8s.io"
_PREFIX: Final = "impersonate-"


def rules_of(state: State) -> AccessRules:
    """The rules that hold now."""
    tables = ("clusterroles", "clusterrolebindings", "roles", "rolebindings")
    roles, bindings, local, local_bindings = (
        list(state.storage.objects((_GROUP, each))) for each in tables
    )
    return AccessRules(
        cluster_roles=roles,
        cluster_role_bindings=bindings,
        roles=local,
        role_bindings=local_bindings,
    )


def impersonated(state: State, call: Call) -> Caller:
    """Whom the request acts for."""
    if not any(name.startswith(_PREFIX) for name in call.headers):
        return call.caller
    caller = call.caller
    allows = partial(rules_of(state).allows, caller.name, caller.groups)
    found = impersonation(_headers(call), user=caller.name, uri=call.path, allows=allows)
    return caller if found is None else Caller(found.name, found.groups)


def authorize(state: State, ask: Ask) -> None:
    """Refuse what no rule allows."""
    caller, kind = ask.call.caller, ask.kind
    if MASTERS in caller.groups:
        return
    is_allowed, reason = rules_of(state).allows(
        caller.name,
        caller.groups,
        ask.verb,
        group=kind.group,
        resource=kind.plural,
        subresource=ask.subresource,
        namespace=_scope(ask),
        name=_name(ask),
    )
    if not is_allowed:
        raise forbidden(
            caller.name,
            ask.verb,
            group=kind.group,
            plural=kind.plural,
            namespace=_scope(ask),
            name=_name(ask),
            subresource=ask.subresource,
            because=reason,
        )


def review(state: State, ask: Ask) -> dict[str, Any]:
    """The answer to a question about rights, or about who asks."""
    caller, kind = ask.call.caller, ask.kind
    obj, _ = decode_body(
        ask.call.body,
        ask.call.headers.get("content-type", ""),
        api_version=kind.api_version,
        kind=kind.kind,
        custom=False,
    )
    identity = Identity(name=caller.name, groups=caller.groups)
    if kind.kind == "SelfSubjectReview":
        return subject_review(identity, now=state.now())
    answer = access_review if kind.kind == "SelfSubjectAccessReview" else rules_review
    return answer(obj, rules=rules_of(state), identity=identity)


def _scope(ask: Ask) -> str:
    """The namespace that a rule must be of; a namespace itself is in itself."""
    return ask.name if ask.kind.kind == "Namespace" else ask.namespace


def _name(ask: Ask) -> str:
    """The name that a rule may be limited to; a field selector may give it, too."""
    if ask.name or ask.verb not in ("list", "watch", "deletecollection"):
        return ask.name
    fields = ask.call.option("fieldSelector")
    return (selection(ask.kind, "", fields).name or "") if fields else ""


def _headers(call: Call) -> Iterator[tuple[str, str]]:
    """The headers, of which those that may come several times are joined by commas here."""
    for name, value in call.headers.items():
        if name == f"{_PREFIX}group" or name.startswith(f"{_PREFIX}extra-"):
            yield from ((name, part) for part in value.split(", "))
        else:
            yield name, value
