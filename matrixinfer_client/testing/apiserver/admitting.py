"""Admission: what else is asked before an object is stored, after it was understood.

As in a cluster, there are two rounds: whoever may change the object, then whoever may only say no.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from matrixinfer_client.testing.apiserver.refusals import (
    forbidden_because,
    namespace_terminating,
    not_found,
    webhook_denial,
    webhook_failure,
)
from matrixinfer_client.testing.apiserver.routing import Ask
from matrixinfer_client.testing.apiserver.state import State
from matrixinfer_client.validation.webhooks import (
    WEBHOOKS,
    Webhook,
    decode_errors,
    denial,
    mutate_in_place,
    webhook_errors,
)

__all__ = ["NAMESPACES", "Operation", "check_removable", "mutate", "validate"]

Operation: TypeAlias = Literal["CREATE", "UPDATE"]

NAMESPACES: Final = ("", "namespaces")
"""Where namespaces are stored."""

_IMMORTAL: Final = ("default", "kube-system", "kube-public")
_UNKNOWN_REASON: Final = "the server rejected our request for an unknown reason"
_POLICIES: Final = ("registry.matrixinfer.ai", "autoscalingpolicies")


def mutate(state: State, ask: Ask, obj: dict[str, Any], operation: Operation) -> None:
    """The first round; changes the object in place."""
    _check_namespace(state, ask, operation)
    webhook = _webhook(state, ask, mutating=True)
    if webhook is None:
        return
    _refuse_unreadable(webhook, obj)
    mutate_in_place(webhook.kind, obj)


def validate(state: State, ask: Ask, obj: dict[str, Any]) -> None:
    """The second round, on the object as it is going to be stored."""
    webhook = _webhook(state, ask, mutating=False)
    if webhook is None:
        return
    _refuse_unreadable(webhook, obj)

    def policy_exists(name: str) -> bool:
        return state.storage.get(_POLICIES, (ask.namespace, name)) is not None

    errors = webhook_errors(webhook.kind, obj, policy_exists=policy_exists)
    if errors:
        raise webhook_denial(webhook.name, denial(webhook.kind, errors))


def check_removable(ask: Ask) -> None:
    """Refuse to delete a namespace that every cluster needs."""
    if ask.table == NAMESPACES and ask.name in _IMMORTAL:
        kind = ask.kind
        text = "this namespace may not be deleted"
        raise forbidden_because(kind.group, kind.plural, ask.name, text)


def _check_namespace(state: State, ask: Ask, operation: Operation) -> None:
    if not ask.namespace:
        return
    namespace = state.storage.get(NAMESPACES, ("", ask.namespace))
    if namespace is None:
        raise not_found("", "namespaces", ask.namespace)
    if operation == "CREATE" and "deletionTimestamp" in namespace["metadata"]:
        kind = ask.kind
        raise namespace_terminating(kind.group, kind.plural, ask.name, ask.namespace)


def _webhook(state: State, ask: Ask, *, mutating: bool) -> Webhook | None:
    """The webhook of a kind; the platform's are not asked about subresources."""
    if not state.webhooks or not ask.type.custom or ask.subresource:
        return None
    return next(
        (each for each in WEBHOOKS if each.kind == ask.kind.kind and each.mutating == mutating),
        None,
    )


def _refuse_unreadable(webhook: Webhook, obj: dict[str, Any]) -> None:
    """A webhook answers what it cannot decode with 400 in plain text, which nobody passes on."""
    if decode_errors(webhook.kind, obj):
        raise webhook_failure(webhook.name, f"failed to call webhook: {_UNKNOWN_REASON}")
