"""All rules: of policies, bindings and routes here, of Models and ModelInfers beside this."""

from __future__ import annotations

from typing import Any

from tests.behaviour.samples import BINDING, MODEL_INFER, MODEL_ROUTE, POLICY
from tests.webhooks.case import AUTOSCALING, Case
from tests.webhooks.infers import INFER_CASES, infer
from tests.webhooks.models import MODEL_CASES, scaled


def _policy(name: str, path: str, text: str, **spec: Any) -> Case:
    return Case(f"Policy: {name}", POLICY, {**AUTOSCALING, **spec}, ((path, text),))


def _limited(where: str, field: str, value: str, shown: str, words: str) -> Case:
    fields = {"period": "15s", field: value}
    behavior: dict[str, Any] = {"scaleDown": fields}
    if where != "scaleDown":
        behavior = {"scaleUp": {where: fields}}
    path = ".".join(["spec.behavior", *(["scaleUp"] if where != "scaleDown" else []), where, field])
    return _policy(
        f"{where}.{field} of {value}",
        path,
        f"Invalid value: {shown}: {words} must be between 0 and 30 minutes",
        behavior=behavior,
    )


POLICY_CASES = [
    _policy(
        "a target of nothing",
        "spec.metrics[0].targetValue",
        "Invalid value: …: metric target value must be greater than 0 and not equal to infinity",
        metrics=[{"metricName": "m", "targetValue": 0}],
    ),
    _policy(
        "a negative target",
        "spec.metrics[0].targetValue",
        "Invalid value: …: metric target value must be greater than 0 and not equal to infinity",
        metrics=[{"metricName": "m", "targetValue": "-500m"}],
    ),
    _policy(
        "a metric twice",
        "spec.metrics[1].metricName",
        'Invalid value: "m": duplicate metric name m is not allowed',
        metrics=[{"metricName": "m", "targetValue": 1}, {"metricName": "m", "targetValue": 2}],
    ),
    _limited("scaleDown", "period", "31m", "31m0s", "stable policy period"),
    _limited("scaleDown", "period", "-1s", "-1s", "stable policy period"),
    _limited(
        "scaleDown",
        "stabilizationWindow",
        "1h",
        "1h0m0s",
        "stable policy stabilization window",
    ),
    _limited("stablePolicy", "period", "30m1s", "30m1s", "stable policy period"),
    _limited(
        "stablePolicy",
        "stabilizationWindow",
        "-1ms",
        "-1ms",
        "stable policy stabilization window",
    ),
    _limited("panicPolicy", "period", "31m", "31m0s", "panic policy period"),
    _limited("panicPolicy", "panicModeHold", "90m", "1h30m0s", "panic policy panic mode hold"),
]

BINDING_CASES = [
    Case(
        "Binding: a policy that does not exist",
        BINDING,
        BINDING.spec(),
        (("spec.PolicyRef", 'Invalid value: "p": autoscaling policy resource p does not exist'),),
    ),
    Case(
        "Binding: a policy without a name",
        BINDING,
        {**BINDING.spec(), "policyRef": {"name": ""}},
        (("spec.PolicyRef", "Internal error: …"),),
    ),
]

ROUTE_CASES = [
    Case(
        "Route: adapters without names",
        MODEL_ROUTE,
        {**MODEL_ROUTE.spec(), "loraAdapters": ["", "a", ""]},
        (
            (
                "spec.loraAdapters[0]",
                'Invalid value: "": lora adapter name cannot be an empty string',
            ),
            (
                "spec.loraAdapters[2]",
                'Invalid value: "": lora adapter name cannot be an empty string',
            ),
        ),
    ),
]

CASES = [*MODEL_CASES, *POLICY_CASES, *BINDING_CASES, *INFER_CASES, *ROUTE_CASES]

# Rules that another one of the server comes before: paths that it names instead.
PREEMPTED = [
    (
        scaled("less than no replicas", (), {"minReplicas": -1}),
        ["spec.backends[0].minReplicas"],
    ),
    (
        Case(
            "ModelInfer: no roles",
            MODEL_INFER,
            {**MODEL_INFER.spec(), "template": {"roles": []}},
            (),
        ),
        ["spec.template.roles"],
    ),
    (
        Case(
            "Route: neither a model nor adapters",
            MODEL_ROUTE,
            {"modelName": "", "loraAdapters": [], "rules": MODEL_ROUTE.spec()["rules"]},
            (),
        ),
        ["spec"],
    ),
    (Case("Binding: neither", BINDING, {"policyRef": {"name": "p"}}, ()), ["spec"]),
    (
        Case(
            "Binding: both",
            BINDING,
            {
                **BINDING.spec(),
                "optimizerConfiguration": {
                    "costExpansionRatePercent": 200,
                    "params": [
                        {
                            "minReplicas": 1,
                            "maxReplicas": 2,
                            "cost": 1,
                            "target": BINDING.spec()["scalingConfiguration"]["target"],
                        }
                    ],
                },
            },
            (),
        ),
        ["spec"],
    ),
]

# What the mutator fills in before the rule looks, and what no rule is against.
ACCEPTED = [
    scaled("autoscaling without a grace period", ()),
    scaled("an expansion rate of nothing", (), costExpansionRatePercent=0),
    infer("no replicas", replicas=0),
    infer("no replicas of a role", role={"replicas": 0}),
    infer("a percentage", rolling={"maxUnavailable": "50%", "maxSurge": "10%"}),
]
