"""The webhooks of AutoscalingPolicy, and the one rule for its bindings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matrixinfer_client.validation.access import Fields, block, items
from matrixinfer_client.validation.durations import MINUTE, parse_duration
from matrixinfer_client.validation.quantities import parse_quantity
from matrixinfer_client.validation.rendering import Parts, quote
from matrixinfer_client.validation.webhooks.problems import Problems

__all__ = ["mutate_policy", "policy_problems", "validate_binding", "validate_policy"]

_LONGEST = 30 * MINUTE
_SCALE_DOWN = {
    "instances": 0,
    "percent": 100,
    "period": "1m0s",
    "selectPolicy": "Or",
    "stabilizationWindow": "5m0s",
}
_STABLE = {
    "instances": 4,
    "percent": 100,
    "period": "1m0s",
    "selectPolicy": "Or",
    "stabilizationWindow": "0s",
}
_PANIC = {"percent": 0, "period": "0s", "panicThresholdPercent": 200, "panicModeHold": "0s"}


def mutate_policy(spec: dict[str, Any]) -> None:
    """Fill in the blocks of `behavior` that are absent, and the windows of those present.

    The server has filled in its defaults before, so a block that was given, even as `{}`, has
    other values than one that was left out.
    """
    behavior = spec.setdefault("behavior", {})
    down = behavior.setdefault("scaleDown", dict(_SCALE_DOWN))
    down.setdefault("stabilizationWindow", _SCALE_DOWN["stabilizationWindow"])
    up = behavior.setdefault("scaleUp", {})
    stable = up.setdefault("stablePolicy", dict(_STABLE))
    stable.setdefault("stabilizationWindow", _STABLE["stabilizationWindow"])
    up.setdefault("panicPolicy", dict(_PANIC))


def validate_policy(_name: str, spec: dict[str, Any]) -> Problems:
    """The errors of an AutoscalingPolicy."""
    return policy_problems(spec, ("spec",))


def policy_problems(spec: dict[str, Any], place: Parts) -> Problems:
    """The errors of a policy at `place`, which in a Model the webhook does not look for."""
    problems = Problems()
    seen: set[str] = set()
    for index, metric in enumerate(items(spec, "metrics")):
        at = (*place, "metrics", index)
        target = parse_quantity(metric["targetValue"])
        if target.amount <= 0:
            detail = "metric target value must be greater than 0 and not equal to infinity"
            problems.invalid((*at, "targetValue"), str(target), detail)
        name = metric["metricName"]
        if name in seen:
            detail = f"duplicate metric name {name} is not allowed"
            problems.invalid((*at, "metricName"), name, detail)
        seen.add(name)
    behavior = block(spec, "behavior")
    up = block(behavior, "scaleUp")
    at = (*place, "behavior")
    for limits, where in (
        (behavior.get("scaleDown"), (*at, "scaleDown")),
        (up.get("stablePolicy"), (*at, "scaleUp", "stablePolicy")),
    ):
        _check_limit(problems, limits, where, "period", "stable policy period")
        words = "stable policy stabilization window"
        _check_limit(problems, limits, where, "stabilizationWindow", words)
    where = (*at, "scaleUp", "panicPolicy")
    panic = up.get("panicPolicy")
    _check_limit(problems, panic, where, "period", "panic policy period")
    _check_limit(problems, panic, where, "panicModeHold", "panic policy panic mode hold")
    return problems


def validate_binding(spec: dict[str, Any], policy_exists: Callable[[str], bool] | None) -> Problems:
    """The errors of an AutoscalingPolicyBinding; `policy_exists` looks in its namespace.

    Without it nothing is known about policies, and only an empty name is an error.
    """
    problems = Problems()
    scaling, optimizer = spec.get("scalingConfiguration"), spec.get("optimizerConfiguration")
    at, said = ("spec", "scalingConfiguration"), "spec.ScalingConfiguration"
    if scaling is None and optimizer is None:
        detail = f"{said} should be set if spec.OptimizerConfiguration does not exist"
        problems.required(at, detail, said=said)
    if scaling is not None and optimizer is not None:
        detail = f"both spec.OptimizerConfiguration and {said} can not be set at the same time"
        problems.forbidden(at, detail, said=said)
    name = block(spec, "policyRef").get("name") or ""
    place, said = ("spec", "policyRef"), "spec.PolicyRef"
    if not name:
        problems.internal(place, "resource name may not be empty", said=said)
    elif policy_exists is not None and not policy_exists(name):
        detail = f"autoscaling policy resource {name} does not exist"
        problems.invalid(place, name, detail, said=said, shown=quote(name))
    return problems


def _check_limit(
    problems: Problems, limits: Fields | None, place: Parts, field: str, words: str
) -> None:
    text = None if limits is None else limits.get(field)
    if text is not None and not 0 <= parse_duration(text) <= _LONGEST:
        detail = f"{words} must be between 0 and 30 minutes"
        problems.invalid_duration((*place, field), text, detail)
