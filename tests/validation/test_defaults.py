from __future__ import annotations

import copy
from typing import Any

import pytest

from matrixinfer_client.api.registry_v1alpha1 import AutoscalingPolicy
from matrixinfer_client.errors import InvalidObjectError
from matrixinfer_client.validation import defaults
from tests.validation.samples import BINDING, INFER, MODEL, POLICY, ROUTE, SERVER, changed


def filled(obj: dict[str, Any], **options: bool) -> dict[str, tuple[Any, str]]:
    return {each.path: (each.value, each.source) for each in defaults(obj, **options).values}


DOWN = "spec.behavior.scaleDown"
STABLE = "spec.behavior.scaleUp.stablePolicy"
PANIC = "spec.behavior.scaleUp.panicPolicy"

# The webhook's values when a block is absent.
ABSENT = {
    f"{DOWN}.instances": 0,
    f"{DOWN}.percent": 100,
    f"{DOWN}.period": "1m0s",
    f"{DOWN}.selectPolicy": "Or",
    f"{DOWN}.stabilizationWindow": "5m0s",
    f"{STABLE}.instances": 4,
    f"{STABLE}.percent": 100,
    f"{STABLE}.period": "1m0s",
    f"{STABLE}.selectPolicy": "Or",
    f"{STABLE}.stabilizationWindow": "0s",
    f"{PANIC}.percent": 0,
    f"{PANIC}.period": "0s",
    f"{PANIC}.panicThresholdPercent": 200,
    f"{PANIC}.panicModeHold": "0s",
}
# The CRD's values when a block is there and empty.
PRESENT = {
    f"{DOWN}.instances": 1,
    f"{DOWN}.percent": 100,
    f"{DOWN}.period": "15s",
    f"{DOWN}.selectPolicy": "Or",
    f"{STABLE}.instances": 1,
    f"{STABLE}.percent": 100,
    f"{STABLE}.period": "15s",
    f"{STABLE}.selectPolicy": "Or",
    f"{PANIC}.percent": 1000,
    f"{PANIC}.panicThresholdPercent": 200,
    f"{PANIC}.panicModeHold": "60s",
}


@pytest.mark.parametrize("behavior", [None, {}, {"scaleUp": {}}])
def test_absent_blocks_get_the_webhooks_values(behavior: dict[str, Any] | None) -> None:
    obj = POLICY if behavior is None else changed(POLICY, {"spec.behavior": behavior})
    expected = {path: (value, "webhook") for path, value in ABSENT.items()}
    assert filled(obj) == {**expected, "spec.tolerancePercent": (10, "crd")}


def test_blocks_that_are_there_get_the_crds_values() -> None:
    behavior = {"scaleDown": {}, "scaleUp": {"stablePolicy": {}, "panicPolicy": {"period": "9s"}}}
    expected = {path: (value, "crd") for path, value in PRESENT.items()}
    assert filled(changed(POLICY, {"spec.behavior": behavior})) == {
        **expected,
        f"{DOWN}.stabilizationWindow": ("5m0s", "webhook"),
        f"{STABLE}.stabilizationWindow": ("0s", "webhook"),
        "spec.tolerancePercent": (10, "crd"),
    }


def test_without_webhooks_only_the_crd_fills_in() -> None:
    assert filled(POLICY, webhooks=False) == {"spec.tolerancePercent": (10, "crd")}


def test_model_level_autoscaling_gets_what_it_needs() -> None:
    model = changed(MODEL, {"spec.autoscalingPolicy": POLICY["spec"]})
    assert filled(model) == {
        "spec.autoscalingPolicy.tolerancePercent": (10, "crd"),
        "spec.backends[0].routeWeight": (100, "crd"),
        "spec.backends[0].scaleToZeroGracePeriod": ("30s", "webhook"),
        "spec.costExpansionRatePercent": (200, "webhook"),
    }
    given = {"spec.costExpansionRatePercent": 0, "spec.backends.0.scaleToZeroGracePeriod": "1m"}
    assert {source for _, source in filled(changed(model, given)).values()} == {"crd"}


@pytest.mark.parametrize(
    ("obj", "changes", "expected"),
    [
        (MODEL, {"spec.backends.0.routeWeight": None}, {"spec.backends[0].routeWeight": 100}),
        (
            INFER,
            {"spec.rolloutStrategy": {"rollingUpdateConfiguration": {}}},
            {
                "spec.recoveryPolicy": "RoleRecreate",
                "spec.rolloutStrategy.rollingUpdateConfiguration.maxSurge": 0,
                "spec.rolloutStrategy.rollingUpdateConfiguration.maxUnavailable": 1,
                "spec.rolloutStrategy.type": "InferGroupRollingUpdate",
                "spec.template.restartGracePeriodSeconds": 0,
            },
        ),
        (SERVER, {}, {"spec.workloadPort.protocol": "http"}),
        (ROUTE, {}, {"spec.rules[0].targetModels[0].weight": 100}),
        (
            BINDING,
            {"spec.scalingConfiguration.target.metricEndpoint": {}},
            {
                "spec.scalingConfiguration.target.metricEndpoint.port": 8100,
                "spec.scalingConfiguration.target.metricEndpoint.uri": "/metrics",
            },
        ),
    ],
)
def test_the_crds_defaults_are_told(
    obj: dict[str, Any], changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert filled(changed(obj, changes)) == {
        path: (value, "crd") for path, value in expected.items()
    }


def test_the_object_is_what_the_cluster_would_store() -> None:
    before = copy.deepcopy(ROUTE)
    result = defaults(changed(ROUTE, {"spec.modelname": "typo", "spec.rateLimit": None}))
    target = {"modelServerName": "s", "weight": 100}
    assert result.object["spec"] == {
        "modelName": "m",
        "rules": [{"name": "default", "targetModels": [target]}],
    }
    assert before == ROUTE


def test_a_typed_object_comes_back_typed() -> None:
    policy = AutoscalingPolicy.from_dict(POLICY)
    result = defaults(policy)
    assert isinstance(result.object, AutoscalingPolicy)
    assert result.object.spec.tolerance_percent == 10
    assert policy.spec.tolerance_percent is None


def test_it_reads_as_lines() -> None:
    assert str(defaults(SERVER)) == 'spec.workloadPort.protocol = "http" (crd)'
    done = defaults(defaults(POLICY).object)
    assert str(done) == "nothing is filled in"


def test_an_object_that_the_webhooks_cannot_read_gets_the_crds_values() -> None:
    assert filled(changed(POLICY, {"spec.metrics": "all"})) == {
        "spec.tolerancePercent": (10, "crd")
    }


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidObjectError, match="Secret"):
        defaults({"apiVersion": "v1", "kind": "Secret"})
