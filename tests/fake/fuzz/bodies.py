"""The bodies of writes: valid ones, and ones that are wrong in many ways."""

from __future__ import annotations

import copy
from functools import cache
from random import Random
from typing import Any, Final

from tests.validation.fuzz import seeds
from tests.validation.mutations import mutate

__all__ = ["CORE", "CUSTOM", "LABELS", "body", "merge_patch", "pointer_patch", "status"]

CUSTOM: Final = {
    "models": "Model",
    "autoscalingpolicies": "AutoscalingPolicy",
    "autoscalingpolicybindings": "AutoscalingPolicyBinding",
    "modelinfers": "ModelInfer",
    "modelservers": "ModelServer",
    "modelroutes": "ModelRoute",
}
CORE: Final = {
    "configmaps": "ConfigMap",
    "secrets": "Secret",
    "pods": "Pod",
    "events": "Event",
}

LABELS: Final[tuple[dict[str, str], ...]] = (
    {"app": "x", "tier": "front"},
    {"app": "x", "tier": "back"},
    {"app": "y", "tier": "back"},
    {"app": "y"},
    {},
)
_HOW_OFTEN_WRONG: Final = 0.35
_TIME: Final = "2025-09-19T10:00:00Z"
_OWNER: Final = {
    "apiVersion": "registry.matrixinfer.ai/v1alpha1",
    "kind": "Model",
    "name": "a",
    "uid": "<<uid:models/a>>",
}
_UNKNOWN: Final[dict[str, Any]] = {"unknown": 1}
_METADATA: Final[tuple[dict[str, Any], ...]] = (
    {"finalizers": ["example.test/hold"]},
    {"finalizers": ["example.test/hold", "example.test/other", "example.test/hold"]},
    {"finalizers": ["orphan", "foregroundDeletion"]},
    {"annotations": {"note": "1"}},
    {"annotations": {"note": "", "empty": None}},
    {"ownerReferences": [_OWNER]},
    {"ownerReferences": [{**_OWNER, "controller": True, "blockOwnerDeletion": True}]},
    {"ownerReferences": [_OWNER, _OWNER]},
    {"uid": "11111111-2222-4333-8444-555555555555"},
    {"generation": 7, "creationTimestamp": _TIME},
    {"deletionTimestamp": _TIME, "deletionGracePeriodSeconds": 5},
    {"resourceVersion": "5"},
    {"resourceVersion": "not-a-number"},
    {"managedFields": []},
    {"managedFields": [{}]},
    {"managedFields": [{"manager": "x", "operation": "Sing"}]},
    {"namespace": "another"},
    {"namespace": "<<ns>>"},
    _UNKNOWN,
    {"labels": {"bad key!": "x"}},
    {"labels": {"a": "bad value!"}},
    {"name": "Not A Name"},
    {"name": None},
)


@cache
def _seeds() -> list[dict[str, Any]]:
    return seeds()


def body(random: Random, plural: str, name: str, *, wrong: float = _HOW_OFTEN_WRONG) -> Any:
    """An object of that name; every third or so has something wrong in it."""
    if plural in CORE:
        return _core(random, plural, name)
    chosen = [seed for seed in _seeds() if seed["kind"] == CUSTOM[plural]]
    obj = copy.deepcopy(random.choice(chosen))
    obj["metadata"] = {"name": name, "labels": dict(random.choice(LABELS))}
    # What is wrong with an object of another kind is not looked at, but by rules in CEL, whose
    # library has other words for values of the wrong types.
    is_another = random.random() < 0.06
    if random.random() < wrong and not is_another:
        for _ in range(random.choice((1, 1, 2))):
            mutate(obj, random)
    if random.random() < 0.2:
        obj["metadata"] |= copy.deepcopy(random.choice(_METADATA))
    if is_another:
        obj |= random.choice(({"kind": "Model"}, {"apiVersion": "v1"}, {"status": {"a": 1}}))
    if random.random() < 0.03:
        del obj[random.choice(("kind", "apiVersion", "metadata", "spec"))]
    return obj


_CORE_BODIES: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "configmaps": (
        {"data": {"a": "1"}},
        {"data": {"a": "2", "b": "3"}},
        {"binaryData": {"c": "AAE="}},
        {},
    ),
    "secrets": (
        {"stringData": {"a": "1"}},
        {"data": {"a": "MQ=="}, "type": "example.test/kind"},
        {"data": {"a": "MQ=="}},
    ),
    "pods": (
        {"spec": {"containers": [{"name": "main", "image": "engine:tag"}]}},
        {
            "spec": {
                "containers": [
                    {"name": "main", "image": "engine:tag", "env": [{"name": "A", "value": "1"}]},
                    {"name": "side", "image": "side:tag", "ports": [{"containerPort": 80}]},
                ],
                "nodeName": "node-1",
                "terminationGracePeriodSeconds": 5,
            }
        },
    ),
    "events": (
        {
            "involvedObject": {"kind": "Pod", "name": "a", "namespace": "<<ns>>"},
            "type": "Warning",
            "reason": "Failed",
            "message": "something",
        },
    ),
}


def _core(random: Random, plural: str, name: str) -> Any:
    made = copy.deepcopy(random.choice(_CORE_BODIES[plural]))
    metadata: dict[str, Any] = {"name": name, "labels": dict(random.choice(LABELS))}
    if random.random() < 0.2:
        # An unknown field is told of with the object, whose fields are in the order of a Go struct.
        metadata |= copy.deepcopy(random.choice([each for each in _METADATA if each != _UNKNOWN]))
    if random.random() < 0.5:
        made = {"apiVersion": "v1", "kind": CORE[plural], **made}
    return {**made, "metadata": metadata}


def merge_patch(random: Random, plural: str, name: str) -> Any:
    """A part of some object of the kind, with nulls here and there."""
    if plural not in CORE and random.random() < 0.05:
        return random.choice(([], None, 5, "text", {"metadata": None}, {"spec": []}))
    if random.random() < 0.3:
        known = [each for each in _METADATA if plural not in CORE or each != _UNKNOWN]
        return {"metadata": copy.deepcopy(random.choice(known))}
    if random.random() < 0.2:
        return {"metadata": {"labels": {**random.choice(LABELS), "new": None}}}
    if plural in CORE:
        return {"data": {"a": "5", "b": None}} if plural == "configmaps" else {"metadata": {}}
    patch = _thinned(random, body(random, plural, name))
    if random.random() < 0.9:
        patch.pop("metadata", None)
    if random.random() < 0.3:
        _nullify(random, patch)
    return patch


def _thinned(random: Random, obj: Any) -> Any:
    """The object without some of its fields at any depth."""
    if not isinstance(obj, dict):
        return obj
    return {
        key: _thinned(random, value)
        for key, value in obj.items()
        if random.random() < 0.8 or key in ("apiVersion", "kind", "name")
    }


def _nullify(random: Random, obj: dict[str, Any]) -> None:
    keys = sorted(obj)
    if not keys:
        return
    key = random.choice(keys)
    if isinstance(obj[key], dict) and obj[key] and random.random() < 0.7:
        _nullify(random, obj[key])
    else:
        obj[key] = None


_OPERATIONS: Final[tuple[dict[str, Any], ...]] = (
    {"op": "add", "path": "/metadata/labels", "value": {"app": "y"}},
    {"op": "add", "path": "/metadata/labels/new", "value": "1"},
    {"op": "add", "path": "/metadata/annotations", "value": {"note": "2"}},
    {"op": "add", "path": "/metadata/finalizers", "value": ["example.test/hold"]},
    {"op": "add", "path": "/metadata/finalizers/-", "value": "example.test/more"},
    {"op": "add", "path": "/metadata/finalizers/0", "value": "example.test/first"},
    {"op": "remove", "path": "/metadata/finalizers"},
    {"op": "remove", "path": "/metadata/labels/app"},
    {"op": "remove", "path": "/metadata/labels"},
    {"op": "remove", "path": "/metadata/nothing"},
    {"op": "replace", "path": "/metadata/labels/app", "value": "x"},
    {"op": "replace", "path": "/metadata/name", "value": "other"},
    {"op": "replace", "path": "/spec", "value": {}},
    {"op": "test", "path": "/metadata/labels/app", "value": "x"},
    {"op": "test", "path": "/metadata/name", "value": "<<name>>"},
    {"op": "test", "path": "/kind", "value": "Model"},
    {"op": "test", "path": "/spec/nothing", "value": None},
    {"op": "copy", "from": "/metadata/labels/app", "path": "/metadata/labels/copied"},
    {"op": "move", "from": "/metadata/labels/app", "path": "/metadata/annotations/moved"},
    {"op": "move", "from": "/metadata/labels/app", "path": "/metadata/labels/moved"},
    {"op": "add", "path": "/spec/owner", "value": "anna"},
    {"op": "replace", "path": "/spec/owner", "value": "berta"},
    {"op": "remove", "path": "/spec/owner"},
    {"op": "replace", "path": "/spec/backends/0/minReplicas", "value": 0},
    {"op": "replace", "path": "/spec/backends/0/routeWeight", "value": 1000},
    {"op": "remove", "path": "/spec/backends/0/workers/0"},
    {"op": "remove", "path": "/spec/backends/5"},
    {"op": "copy", "from": "/spec/backends/0", "path": "/spec/backends/-"},
    {"op": "add", "path": "/spec/backends/0/env", "value": [{"name": "A", "value": "1"}]},
    {"op": "add", "path": "/spec/replicas", "value": 3},
    {"op": "add", "path": "/spec/tolerancePercent", "value": 20},
    {"op": "add", "path": "/spec/modelName", "value": "other"},
    {"op": "add", "path": "/spec/unknown~1field", "value": 1},
    {"op": "add", "path": "/spec/a~0b", "value": 1},
    {"op": "add", "path": "/data/a", "value": "9"},
    {"op": "remove", "path": "/data"},
    {"op": "sing", "path": "/metadata"},
    {"op": "add", "path": "metadata", "value": {}},
    {"op": "add", "path": "/status", "value": {"observedGeneration": 1}},
)


_CORE_PATHS: Final = {
    "configmaps": ("/metadata", "/data"),
    "secrets": ("/metadata",),
    "pods": ("/metadata",),
    "events": ("/metadata",),
}


def pointer_patch(random: Random, plural: str, name: str) -> Any:
    """A JSON patch of one to three operations."""
    if random.random() < 0.04:
        return random.choice(({}, "text", [1], [{"op": "add"}], []))
    known = _OPERATIONS
    if plural in CORE:
        # Core objects have no schema in the fake, which would keep any field.
        known = tuple(each for each in known if each["path"].startswith(_CORE_PATHS[plural]))
    chosen = copy.deepcopy(random.sample(known, random.choice((1, 1, 2, 3))))
    for each in chosen:
        if each.get("value") == "<<name>>":
            each["value"] = name
    return chosen


def status(random: Random, plural: str) -> Any:
    """A status, mostly of the kind."""
    if plural in CORE:
        return {"phase": random.choice(("Running", "Failed"))} if plural == "pods" else {}
    row = {
        "type": random.choice(("Active", "Failed", "Available")),
        "status": random.choice(("True", "False", "False", "Perhaps")),
        "reason": random.choice(("AllWell", "AllWell", "not a reason")),
        "message": random.choice(("", "text")),
        "lastTransitionTime": random.choice((_TIME, _TIME, "yesterday")),
    }
    if random.random() < 0.15:
        del row[random.choice(sorted(row))]
    found: dict[str, Any] = random.choice(
        (
            {"conditions": [row]},
            {"conditions": [row, {**row, "type": "Initialized"}]},
            {"conditions": [row, row]},
            {"observedGeneration": random.choice((0, 1, 7, "1"))},
            {"replicas": random.choice((0, 3, 1.5)), "availableReplicas": 1},
            {"backendStatuses": [{"name": "b1", "replicas": 0}]},
            {"unknown": 1},
            {},
        )
    )
    return copy.deepcopy(found)
