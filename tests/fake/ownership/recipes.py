"""Random objects: recipes say what may be in them, and what must."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, TypeAlias

import attrs

__all__ = ["INFER", "MODEL", "ROUTE", "STATUS", "THING", "Items", "One", "Recipe", "make"]


@attrs.frozen
class One:
    """One of some values."""

    values: tuple[Any, ...]


@attrs.frozen
class Items:
    """Some of these items, in any order."""

    recipes: tuple[Recipe, ...]
    least: int = 0


Recipe: TypeAlias = "Mapping[str, Recipe] | One | Items"
"""Fields whose name begins with `!` are needed; with `!!` also where something is only changed."""


def one(*values: Any) -> One:
    return One(values)


def items(*recipes: Recipe, least: int = 0) -> Items:
    return Items(recipes, least)


def make(random: Random, recipe: Recipe, *, sparse: bool) -> Any:
    """A value; a `sparse` one is a part of one, to be merged into what is there."""
    if isinstance(recipe, One):
        return random.choice(recipe.values)
    if isinstance(recipe, Items):
        count = random.randint(0 if sparse else recipe.least, len(recipe.recipes))
        chosen: Sequence[Recipe] = random.sample(recipe.recipes, count)
        return [make(random, each, sparse=sparse) for each in chosen]
    result: dict[str, Any] = {}
    for name, child in recipe.items():
        needed = name.startswith("!!" if sparse else "!")
        if needed or random.random() < 0.5:
            result[name.lstrip("!")] = make(random, child, sparse=sparse)
    return result


_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_METADATA: dict[str, Recipe] = {
    "labels": {"a": one("1", "2"), "b/c": one("1", "")},
    "annotations": {"note": one("<x>", "y"), "other": one("z")},
    "finalizers": items(one("x.y/a"), one("x.y/b")),
    "ownerReferences": items(
        *(
            {
                "!!apiVersion": one("v1"),
                "!!kind": one("Pod"),
                "!!name": one("p", "q"),
                "!!uid": one(uid),
                "controller": one(False),
            }
            for uid in ("u1", "u2")
        )
    ),
}


def _metadata(api_version: str, kind: str, *specs: Any) -> Recipe:
    """Metadata in which `kubectl apply` may have left what it applied."""
    texts = [
        json.dumps(
            {"apiVersion": api_version, "kind": kind, "spec": spec, "metadata": {"name": "x"}}
        )
        for spec in specs
    ]
    notes = {"note": one("<x>", "y"), "other": one("z"), _LAST_APPLIED: one(*texts, "", "{}")}
    return {**_METADATA, "annotations": notes}


def _worker(image: str) -> list[dict[str, Any]]:
    return [{"type": "server", "image": image, "replicas": 1, "pods": 1, "config": {"a": [1]}}]


def _backend(name: str) -> Recipe:
    return {
        "!!name": one(name),
        "!type": one("vLLM", "SGLang"),
        "!modelURI": one("hf://o/m", "s3://o/m"),
        "!cacheURI": one("hostpath:///c"),
        "!minReplicas": one(1, 2),
        "!maxReplicas": one(3, 4),
        "!workers": one(_worker("i:1"), _worker("i:2")),
        "routeWeight": one(100, 50),
        "env": items(*({"!!name": one(env), "value": one("x", "y<&>")} for env in ("A", "B", "C"))),
        "envFrom": one([], [{"configMapRef": {"name": "n"}}]),
        "loraAdapters": one([{"name": "l", "artifactURL": "hf://a/b"}]),
    }


MODEL: Recipe = {
    "metadata": _metadata(
        "registry.matrixinfer.ai/v1alpha1",
        "Model",
        {"owner": "anna", "backends": [{"name": "b1", "minReplicas": 1, "maxReplicas": 3}]},
        {"name": "shown", "backends": [{"name": "b2", "routeWeight": 100}], "unknown": 1},
    ),
    "!spec": {
        "owner": one("anna", "berta"),
        "name": one("shown", "other"),
        "modelMatch": {"headers": {"h": {"exact": one("1", "2")}, "g": {"prefix": one("p")}}},
        "autoscalingPolicy": {
            "!metrics": one([{"metricName": "m", "targetValue": "1"}]),
            "behavior": {
                "scaleUp": {"panicPolicy": {"!period": one("1s"), "percent": one(1000, 5)}},
                "scaleDown": {"percent": one(100, 7), "period": one("15s", "1m")},
            },
        },
        "!backends": items(_backend("b1"), _backend("b2"), _backend("b3"), least=1),
    },
}


def _role(name: str) -> dict[str, Any]:
    container = {"name": "c", "image": "i", "ports": [{"containerPort": 80}]}
    return {
        "name": name,
        "replicas": 1,
        "workerReplicas": 0,
        "entryTemplate": {"spec": {"containers": [container]}},
    }


INFER: Recipe = {
    "metadata": _METADATA,
    "!spec": {
        "!schedulerName": one("volcano", "other"),
        "replicas": one(1, 2),
        "recoveryPolicy": one("RoleRecreate", "InferGroupRecreate"),
        "rolloutStrategy": {
            "type": one("InferGroupRollingUpdate"),
            "rollingUpdateConfiguration": {
                "maxUnavailable": one(1, "25%"),
                "maxSurge": one(0, "10%"),
                "partition": one(0, 1),
            },
        },
        "!template": {
            "restartGracePeriodSeconds": one(0, 5),
            "gangSchedule": {"minRoleReplicas": {"leader": one(1, 2), "worker": one(1)}},
            "!roles": one([_role("leader")], [_role("leader"), _role("worker")]),
        },
    },
}

ROUTE: Recipe = {
    "metadata": _METADATA,
    "!spec": {
        "!modelName": one("m"),
        "loraAdapters": one([], ["l"], ["l", "k"]),
        "!rules": one(
            [{"name": "r", "targetModels": [{"modelServerName": "s"}]}],
            [{"name": "r", "targetModels": [{"modelServerName": "s", "weight": 5}]}],
        ),
        "rateLimit": {
            "inputTokensPerUnit": one(1, 2),
            "outputTokensPerUnit": one(1, 2),
            "!unit": one("second", "minute"),
        },
    },
}

THING: Recipe = {
    "metadata": _METADATA,
    "!spec": {
        "tags": items(*map(one, ("a", "b<", "c", "d"))),
        "numbers": items(*map(one, (1, 2, 10, 100))),
        "ports": items(
            *(
                {
                    "!!port": one(port),
                    **({} if protocol is None else {"!!protocol": one(protocol)}),
                    "name": one("n", "m"),
                    "options": {
                        "x": {"y": one(1, [1]), "z": one({}, None, "t")},
                        "w": one(True, 1),
                    },
                }
                for port, protocol in ((80, None), (80, "UDP"), (9, "TCP"), (1000000, "TCP"))
            )
        ),
        "selector": {"a": one("1", "2"), "b": one("3")},
        "limits": {"cpu": one(1, "1"), "memory": one("1Gi", "2Gi")},
        "open": {
            "known": {"x": one(1, 2), "extra": one({"q": {}}, {"q": {"r": 1}})},
            "list": one([], [1], [{"a": 1}]),
            "thing": one({}, {"a": {"b": 1}}, {"a": {"c": 2}}, [1], 5, "t", None),
        },
        "any": one({"a": {"b": 1}}, {"a": {"c": [1]}}, {"a": 1}, [{"a": 1}], "t", 1, 1.5),
        "bag": {"k": one({"a": 1}, {"a": 2}, [], 1, True), "l": one("t")},
        "count": one(3, 4, None),
        "nested": items(
            *(
                {
                    "!!name": one(name),
                    "sub": items(one(1), one(2), one(3)),
                    "inner": {"deep": {"a": one(1, 2), "b": one("t")}},
                }
                for name in ("n1", "n2", "n3")
            )
        ),
    },
}

STATUS: Recipe = {
    "observedGeneration": one(1, 2),
    "conditions": items(
        *(
            {
                "!!type": one(kind),
                "!status": one("True", "False"),
                "!reason": one("R", "S"),
                "!message": one("", "m"),
                "!lastTransitionTime": one("2025-01-01T00:00:00Z", "2025-01-01T00:00:01Z"),
            }
            for kind in ("Ready", "Progressing")
        )
    ),
}
