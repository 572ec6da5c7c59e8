"""The rules for ModelInfers."""

from __future__ import annotations

import copy
from typing import Any

from tests.behaviour.samples import MODEL_INFER
from tests.webhooks.case import IMAGE, Case

ROLE = "spec.template.roles[0]"
ROLLING = "spec.rolloutStrategy.rollingUpdateConfiguration"
GANG = "spec.template.gangSchedule.minRoleReplicas"
_PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
    "'93%', regex used for validation is '[0-9]+%')"
)
_LABEL = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)


def infer(
    name: str,
    *expected: tuple[str, str],
    role: Any = None,
    gang: Any = None,
    rolling: Any = None,
    object_name: str = "demo",
    **spec: Any,
) -> Case:
    body = copy.deepcopy({**MODEL_INFER.spec(), **spec})
    body["template"]["roles"][0].update(role or {})
    if gang is not None:
        body["template"]["gangSchedule"] = {"minRoleReplicas": gang}
    if rolling is not None:
        body["rolloutStrategy"] = {
            "type": "InferGroupRollingUpdate",
            "rollingUpdateConfiguration": rolling,
        }
    return Case(f"ModelInfer: {name}", MODEL_INFER, body, expected, object_name)


def _pod(image: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main", "image": image}]}}


LONG = "a" * 51

INFER_CASES = [
    infer(
        "a name too long for what is made of it",
        (
            "metadata.name",
            f'Invalid value: "{LONG}": invalid name: must be no more than 63 characters',
        ),
        object_name=LONG,
    ),
    infer(
        "a name that begins with a digit",
        ("metadata.name", f'Invalid value: "1demo": invalid name: {_LABEL}'),
        object_name="1demo",
    ),
    infer(
        "another scheduler",
        (
            "spec.schedulerName",
            'Invalid value: "kube": invalid SchedulerName: kube, modelInfer support: volcano ...',
        ),
        schedulerName="kube",
    ),
    infer(
        "an image with a space",
        (
            f"{ROLE}.entryTemplate.spec.containers[0].image",
            f'Invalid value: "a b": {IMAGE} contain spaces',
        ),
        role={"entryTemplate": _pod("a b")},
    ),
    infer(
        "an image of spaces in the worker",
        (
            f"{ROLE}.workerTemplate.spec.containers[0].image",
            f'Invalid value: " ": {IMAGE} be empty or whitespace only',
        ),
        role={"workerTemplate": _pod(" ")},
    ),
    infer(
        "less than no replicas",
        ("spec.replicas", "Invalid value: -1: replicas must be a positive integer"),
        replicas=-1,
    ),
    infer(
        "less than no replicas of a role",
        (f"{ROLE}.replicas", "Invalid value: -1: role replicas must be a positive integer"),
        role={"replicas": -1},
    ),
    infer(
        "a text that is no percentage",
        (f"{ROLLING}.maxUnavailable", f'Invalid value: "half": {_PERCENT}'),
        (f"{ROLLING}.maxUnavailable", 'Invalid value: "half": validate maxUnavailable…'),
        rolling={"maxUnavailable": "half"},
    ),
    infer(
        "a surge that is no percentage",
        (f"{ROLLING}.maxSurge", f'Invalid value: "half": {_PERCENT}'),
        (f"{ROLLING}.maxSurge", 'Invalid value: "half": validate maxSurge…'),
        rolling={"maxSurge": "half"},
    ),
    infer(
        "more than all",
        (f"{ROLLING}.maxSurge", 'Invalid value: "101%": must be a valid percent value (0-100)'),
        rolling={"maxSurge": "101%"},
    ),
    infer(
        "less than none unavailable",
        (f"{ROLLING}.maxUnavailable", "Invalid value: …: must be a non-negative integer"),
        rolling={"maxUnavailable": -1},
    ),
    infer(
        "a negative partition",
        (
            f"{ROLLING}.partition",
            "Invalid value: -1: partition must be greater than or equal to 0",
        ),
        rolling={"partition": -1},
    ),
    infer(
        "a partition of all replicas",
        (f"{ROLLING}.partition", "Invalid value: 1: partition must be less than replicas (1)"),
        rolling={"partition": 1},
    ),
    infer(
        "no room to roll in",
        (ROLLING, 'Invalid value: "": maxUnavailable and maxSurge cannot both be 0'),
        rolling={"maxUnavailable": 0, "maxSurge": 0},
    ),
    infer(
        "a gang with a role that is not there",
        (f"{GANG}[prefill]", "Invalid value: …: role prefill does not exist in template.roles"),
        gang={"prefill": 1},
    ),
    infer(
        "a gang larger than its role",
        (
            f"{GANG}[leader]",
            (
                "Invalid value: 3: minRoleReplicas (3) for role leader cannot exceed total "
                "replicas (2)"
            ),
        ),
        role={"workerReplicas": 1, "workerTemplate": _pod("engine:tag")},
        gang={"leader": 3},
    ),
    infer(
        "a gang of less than nobody",
        (
            f"{GANG}[leader]",
            "Invalid value: -1: minRoleReplicas for role leader must be non-negative",
        ),
        gang={"leader": -1},
    ),
    infer(
        "less than no workers",
        (
            f"{ROLE}.workerReplicas",
            "Invalid value: -1: workerReplicas must be a non-negative integer",
        ),
        role={"workerReplicas": -1},
    ),
]
