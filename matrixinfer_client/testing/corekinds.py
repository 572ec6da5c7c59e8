"""Core objects are kept as they are sent; the few things here are what everybody reads in them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

from matrixinfer_client.kinds import Kind

__all__ = ["prepare_core"]


def prepare_core(kind: Kind, obj: dict[str, Any], *, created: bool) -> None:
    """Fill in what the API server fills in, on a new object or on one that was changed."""
    prepare = _PREPARE.get(kind.kind)
    if prepare is not None:
        prepare(obj, created)


def _namespace(obj: dict[str, Any], created: bool) -> None:
    metadata = obj["metadata"]
    labels = {**metadata.get("labels", {}), "kubernetes.io/metadata.name": metadata.get("name", "")}
    metadata["labels"] = labels
    if created:
        obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
        obj["status"] = {"phase": "Active"}


_POD_DEFAULTS: Final[Mapping[str, Any]] = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "enableServiceLinks": True,
    "preemptionPolicy": "PreemptLowerPriority",
    "priority": 0,
}


def _pod(obj: dict[str, Any], created: bool) -> None:
    spec = obj.setdefault("spec", {})
    for name, value in _POD_DEFAULTS.items():
        spec.setdefault(name, value)
    spec.setdefault("securityContext", {})
    if created:
        obj["status"] = {"phase": "Pending", "qosClass": _quality(spec)}


def _quality(spec: Mapping[str, Any]) -> str:
    resources = [each.get("resources") or {} for each in spec.get("containers") or ()]
    if not any(each.get("requests") or each.get("limits") for each in resources):
        return "BestEffort"
    names = ("cpu", "memory")
    guaranteed = all(
        (each.get("limits") or {}).get(name) is not None
        and (each.get("requests") or each["limits"]).get(name) == each["limits"].get(name)
        for each in resources
        for name in names
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _secret(obj: dict[str, Any], created: bool) -> None:  # noqa: ARG001
    obj.setdefault("type", "Opaque")
    texts = obj.pop("stringData", None)
    if texts:
        coded = {key: base64.b64encode(str(text).encode()).decode() for key, text in texts.items()}
        obj["data"] = {**obj.get("data", {}), **coded}


def _service(obj: dict[str, Any], created: bool) -> None:  # noqa: ARG001
    spec = obj.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    obj.setdefault("status", {"loadBalancer": {}})


def _quota(obj: dict[str, Any], created: bool) -> None:
    if created:
        obj["status"] = {}


_PREPARE: Final[Mapping[str, Callable[[dict[str, Any], bool], None]]] = {
    "Namespace": _namespace,
    "Pod": _pod,
    "ResourceQuota": _quota,
    "Secret": _secret,
    "Service": _service,
}
