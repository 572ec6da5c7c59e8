"""Core objects are kept as they are sent; the few things here are what everybody reads in them."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from matrixinfer_client.kinds import Kind
from matrixinfer_client.looks import mapping

__all__ = ["prepare_core", "with_defaults"]

# The server leaves them out when they are empty.
_MAPS: Final = ("data", "binaryData", "stringData")


def with_defaults(kind: Kind, obj: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of what was sent, with the fields that the API server fills in as it reads it."""
    filled = copy.deepcopy(dict(obj))
    if kind.kind == "Event":
        # Nobody owns what is empty, though it is written; see `_event`.
        filled = {key: value for key, value in filled.items() if _EVENT_FIELDS.get(key, 0) != value}
    for name in _MAPS:
        if not filled.get(name, True):
            del filled[name]
    fill_in = _DEFAULTS.get(kind.kind)
    if fill_in is not None:
        fill_in(filled)
    return filled


def prepare_core(kind: Kind, obj: dict[str, Any], *, created: bool) -> None:
    """Fill in what comes later, on a new object or on one that was changed; nobody owns it."""
    prepare = _PREPARE.get(kind.kind)
    if prepare is not None:
        prepare(obj, created)


def _namespace_defaults(obj: dict[str, Any]) -> None:
    metadata: dict[str, Any] = obj.get("metadata") or {}
    if metadata.get("name"):
        labels = {**mapping(metadata.get("labels"))}
        labels["kubernetes.io/metadata.name"] = metadata["name"]
        obj["metadata"] = {**metadata, "labels": labels}


def _namespace(obj: dict[str, Any], created: bool) -> None:
    _namespace_defaults(obj)
    if not created:
        return
    obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    obj["status"] = {"phase": "Active"}


_POD_DEFAULTS: Final[Mapping[str, Any]] = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "enableServiceLinks": True,
}
_CONTAINER_DEFAULTS: Final[Mapping[str, Any]] = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_ADMITTED: Final[Mapping[str, Any]] = {"preemptionPolicy": "PreemptLowerPriority", "priority": 0}
_LOST_NODES: Final = ("not-ready", "unreachable")


def _pod_defaults(obj: dict[str, Any]) -> None:
    spec = obj.setdefault("spec", {})
    for name, value in _POD_DEFAULTS.items():
        spec.setdefault(name, value)
    spec.setdefault("securityContext", {})
    for container in (*spec.get("initContainers", ()), *spec.get("containers", ())):
        for name, value in _CONTAINER_DEFAULTS.items():
            container.setdefault(name, value)
        container.setdefault("resources", {})
        container.setdefault("imagePullPolicy", _pull_policy(container.get("image") or ""))
        for port in container.get("ports", ()):
            port.setdefault("protocol", "TCP")


def _pull_policy(image: str) -> str:
    """An image whose tag may mean something else tomorrow is always pulled."""
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    return "Always" if (not tag and "@" not in image) or tag == "latest" else "IfNotPresent"


def _pod(obj: dict[str, Any], created: bool) -> None:
    spec = obj["spec"]
    for name, value in _ADMITTED.items():
        spec.setdefault(name, value)
    tolerations = spec.setdefault("tolerations", [])
    for state in _LOST_NODES:
        key = f"node.kubernetes.io/{state}"
        if all(each.get("key") not in (None, key) for each in tolerations):
            effect = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            tolerations.append({"key": key, **effect})
    if created:
        obj["status"] = {"phase": "Pending", "qosClass": _quality(spec)}


def _quality(spec: Mapping[str, Any]) -> str:
    resources = [mapping(each.get("resources")) for each in spec.get("containers") or ()]
    if not any(each.get("requests") or each.get("limits") for each in resources):
        return "BestEffort"
    names = ("cpu", "memory")
    guaranteed = all(
        mapping(each.get("limits")).get(name) is not None
        and mapping(each.get("requests") or each["limits"]).get(name) == each["limits"].get(name)
        for each in resources
        for name in names
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _secret_defaults(obj: dict[str, Any]) -> None:
    obj.setdefault("type", "Opaque")
    texts = obj.pop("stringData", None)
    if texts:
        coded = {key: base64.b64encode(str(text).encode()).decode() for key, text in texts.items()}
        obj["data"] = {**obj.get("data", {}), **coded}


_EVENT_FIELDS: Final[Mapping[str, Any]] = {
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
}


def _event(obj: dict[str, Any], created: bool) -> None:  # noqa: ARG001
    """Add what is written even where nobody gave it."""
    for name, value in _EVENT_FIELDS.items():
        obj.setdefault(name, copy.copy(value))


def _service_defaults(obj: dict[str, Any]) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def _service(obj: dict[str, Any], created: bool) -> None:
    if created:
        obj["status"] = {"loadBalancer": {}}


def _quota(obj: dict[str, Any], created: bool) -> None:
    if created:
        obj["status"] = {}


_DEFAULTS: Final[Mapping[str, Callable[[dict[str, Any]], None]]] = {
    "Namespace": _namespace_defaults,
    "Pod": _pod_defaults,
    "Secret": _secret_defaults,
    "Service": _service_defaults,
}
_PREPARE: Final[Mapping[str, Callable[[dict[str, Any], bool], None]]] = {
    "Event": _event,
    "Namespace": _namespace,
    "Pod": _pod,
    "ResourceQuota": _quota,
    "Service": _service,
}
