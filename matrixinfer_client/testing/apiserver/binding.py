"""Giving a pod its node, as a scheduler does by the `binding` subresource of the pod."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from matrixinfer_client.testing.apiserver.decoding import decode_body
from matrixinfer_client.testing.apiserver.headers import versioned
from matrixinfer_client.testing.apiserver.options import write_options
from matrixinfer_client.testing.apiserver.refusals import Refusal, bad_request, conflict
from matrixinfer_client.testing.apiserver.routing import Ask
from matrixinfer_client.testing.apiserver.state import State
from matrixinfer_client.testing.apiserver.storage import TypeKey

__all__ = ["bind", "is_binding"]

_PODS: Final[TypeKey] = ("", "pods")
_BOUND: Final[Mapping[str, Any]] = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Success",
    "code": 201,
}


def is_binding(ask: Ask) -> bool:
    """Whether a request creates a binding."""
    return ask.table == _PODS and ask.subresource == "binding" and ask.verb == "create"


def bind(state: State, ask: Ask) -> Mapping[str, Any]:
    """Set the node of a pod that has none; returns what the server answers."""
    options = write_options(ask.call, "CreateOptions")
    body, _ = decode_body(
        ask.call.body,
        ask.call.headers.get("content-type", ""),
        api_version="v1",
        kind="Binding",
        custom=False,
        strict=options.field_validation,
    )
    metadata: Mapping[str, Any] = body.get("metadata") or {}
    if metadata.get("name", "") != ask.name:
        raise bad_request("name in URL does not match name in Binding object")
    node = _node(body)
    old = state.storage.get(ask.table, ask.key)
    if old is None:
        raise ask.missing()
    _check(ask, metadata, old)
    if not options.dry_run:
        status = _scheduled(old.get("status") or {}, state.now())
        changed = {**old, "spec": {**old["spec"], "nodeName": node}, "status": status}
        stored = versioned(changed, state.storage.next_version())
        state.storage.put(ask.table, ask.key, stored)
    return _BOUND


def _node(body: Mapping[str, Any]) -> str:
    target: Mapping[str, Any] = body.get("target") or {}
    kind = target.get("kind") or "Node"
    if kind != "Node":
        supported = 'supported values: "Node", "<empty>"'
        raise Refusal(500, f'target.kind: Unsupported value: "{kind}": {supported}')
    if not target.get("name"):
        raise Refusal(500, "target.name: Required value")
    return str(target["name"])


def _check(ask: Ask, metadata: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    given, actual = metadata.get("uid"), old["metadata"]["uid"]
    if given and given != actual:
        key = f"/registry/pods/{ask.namespace}/{ask.name}"
        raise conflict(
            "",
            "pods",
            ask.name,
            f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, "
            f"AdditionalErrorMsg: Precondition failed: UID in precondition: {given}, UID in object "
            f"meta: {actual}",
        )
    obstacle = ""
    if "deletionTimestamp" in old["metadata"]:
        obstacle = f"pod {ask.name} is being deleted, cannot be assigned to a host"
    elif old["spec"].get("nodeName"):
        obstacle = f'pod {ask.name} is already assigned to node "{old["spec"]["nodeName"]}"'
    if obstacle:
        raise conflict("", "pods/binding", ask.name, obstacle)


def _scheduled(status: Mapping[str, Any], now: str) -> dict[str, Any]:
    """The status of a pod with its condition PodScheduled set."""
    rows = [row for row in status.get("conditions") or () if row["type"] != "PodScheduled"]
    new = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": now,
    }
    return {**status, "conditions": [*rows, new]}
