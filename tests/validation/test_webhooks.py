"""The rules of the platform's webhooks, in the words of `validate` and of the webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client.validation import validate
from matrixinfer_client.validation.webhooks import (
    WEBHOOKS,
    decode_errors,
    denial,
    mutate,
    webhook_errors,
)
from tests.validation.denials import B0, DENIALS, ON_MODEL, ROLLING, SCALE, SET, UNSET
from tests.validation.samples import BINDING, INFER, MODEL, POLICY, REMOVED, ROUTE, changed


def in_synthetic_names(text: str) -> bool:
    return "invalid name:" in text


@pytest.mark.parametrize(("obj", "changes", "said"), DENIALS)
def test_the_rule_is_told_in_the_webhooks_words(
    obj: dict[str, Any], changes: dict[str, Any], said: list[str]
) -> None:
    report = validate(changed(obj, changes))
    # A negative number of replicas also makes a bad synthetic name; that rule has its own case.
    expected_names = any(map(in_synthetic_names, said))
    found = [error.said for error in report if expected_names or not in_synthetic_names(error.said)]
    assert found == said
    assert {error.source for error in report} <= {"webhook"}


def test_misleading_paths_are_corrected_and_the_webhooks_own_is_kept() -> None:
    report = validate(changed(MODEL, {f"{B0}.scalingCost": 1}))
    assert [(e.path, e.webhook_path) for e in report] == [
        ("spec.backends[0].scalingCost", "spec.backends[0].cost")
    ]
    both = {**ON_MODEL, f"{B0}.autoscalingPolicy": SCALE}
    report = validate(changed(MODEL, both))
    assert [(e.path, e.webhook_path) for e in report] == [
        ("spec.autoscalingPolicy", "spec.autoscalingPolicyRef")
    ]


def test_a_binding_needs_its_policy() -> None:
    lookups: list[tuple[str, str | None]] = []

    def no_policy(name: str, namespace: str | None) -> bool:
        lookups.append((name, namespace))
        return False

    report = validate(changed(BINDING, {"metadata.namespace": "n"}), policies=no_policy)
    assert [error.said for error in report] == [
        'spec.PolicyRef: Invalid value: "p": autoscaling policy resource p does not exist'
    ]
    assert report[0].path == "spec.policyRef"
    assert lookups == [("p", "n")]


def test_a_policy_that_is_given_with_the_binding_is_there() -> None:
    assert validate([POLICY, BINDING]).ok
    other = changed(POLICY, {"metadata.name": "q"})
    assert [error.path for error in validate([other, BINDING])] == ["spec.policyRef"]


def test_nothing_is_known_about_policies_when_none_is_given() -> None:
    assert validate(BINDING).ok


def test_a_binding_with_an_empty_policy_name_is_an_internal_error_of_the_webhook() -> None:
    report = validate(changed(BINDING, {"spec.policyRef": {}}))
    assert [(error.type, error.said) for error in report] == [
        ("InternalError", "spec.PolicyRef: Internal error: resource name may not be empty")
    ]


def test_the_rules_behind_the_cel_rules_are_there() -> None:
    neither = changed(BINDING, {"spec.scalingConfiguration": REMOVED})
    both = changed(BINDING, {"spec.optimizerConfiguration": {}})
    empty = changed(ROUTE, {"spec.modelName": ""})
    assert [error.said for error in webhook_errors("AutoscalingPolicyBinding", neither)] == [
        (
            "spec.ScalingConfiguration: Required value: spec.ScalingConfiguration should be set if "
            "spec.OptimizerConfiguration does not exist"
        )
    ]
    assert [error.said for error in webhook_errors("AutoscalingPolicyBinding", both)] == [
        (
            "spec.ScalingConfiguration: Forbidden: both spec.OptimizerConfiguration and "
            "spec.ScalingConfiguration can not be set at the same time"
        )
    ]
    assert [error.said for error in webhook_errors("ModelRoute", empty)] == [
        "spec: Required value: either modelName or loraAdapters must be specified"
    ]


def test_the_rules_behind_the_mutating_webhook_are_there() -> None:
    said = [error.said for error in webhook_errors("Model", changed(MODEL, ON_MODEL))]
    assert said == [
        (
            "spec.backends[0].scaleToZeroGracePeriod: Required value: scaleToZeroGracePeriod must "
            "be "
            f"provided {SET}"
        ),
        (
            "spec.costExpansionRatePercent: Required value: costExpansionRatePercent must be "
            "provided "
            f"and > 0 {SET}"
        ),
    ]
    assert webhook_errors("Model", mutate("Model", changed(MODEL, ON_MODEL))) == []


def test_removing_the_policy_of_a_model_that_was_read_back_leaves_what_is_forbidden() -> None:
    stored = mutate("Model", changed(MODEL, ON_MODEL))
    report = validate(changed(stored, {"spec.autoscalingPolicy": REMOVED}), old=stored)
    assert [error.path for error in report] == [
        "spec.backends[0].scalingCost",
        "spec.backends[0].scaleToZeroGracePeriod",
        "spec.costExpansionRatePercent",
        "spec.backends[0]",
    ]


def test_embedded_policies_are_not_looked_at_by_the_webhook() -> None:
    bad = {"metrics": [{"metricName": "a", "targetValue": 0}]}
    assert validate(changed(MODEL, {f"{B0}.autoscalingPolicy": bad})).ok


UNREADABLE: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        MODEL,
        {**ON_MODEL, f"{B0}.scaleToZeroGracePeriod": "1d"},
        (
            'spec.backends[0].scaleToZeroGracePeriod: Invalid value: "1d": time: unknown unit "d" '
            "in "
            'duration "1d"'
        ),
    ),
    (
        POLICY,
        {"spec.behavior": {"scaleDown": {"period": "30"}}},
        'spec.behavior.scaleDown.period: Invalid value: "30": time: missing unit in duration "30"',
    ),
    (
        POLICY,
        {"spec.metrics.0.targetValue": "1e1.5"},
        (
            'spec.metrics[0].targetValue: Invalid value: "1e1.5": quantities must match the '
            "regular "
            "expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        ),
    ),
    (
        MODEL,
        {f"{B0}.scalingCost": 2**31},
        (
            "spec.backends[0].scalingCost: Invalid value: 2147483648: must be between -2147483648 "
            "and "
            "2147483647"
        ),
    ),
    (
        MODEL,
        {f"{B0}.scalingCost": 1.0000000001},
        "spec.backends[0].scalingCost: Invalid value: 1.0000000001: must be a whole number",
    ),
    (
        INFER,
        {ROLLING: {"maxSurge": ""}},
        f'{ROLLING}.maxSurge: Invalid value: "": an empty string makes the webhook fail',
    ),
]


@pytest.mark.parametrize(("obj", "changes", "said"), UNREADABLE)
def test_what_a_webhook_cannot_read_is_told_with_its_field(
    obj: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    bad = changed(obj, changes)
    assert [error.said for error in validate(bad)] == [said]
    assert [error.said for error in decode_errors(bad["kind"], bad)] == [said]
    assert validate(bad, webhooks=False).ok, "the schema allows it"


def test_unsigned_fields_hold_more_than_their_format_says() -> None:
    limits = {"inputTokensPerUnit": 2**32 - 1, "unit": "day"}
    assert validate(changed(ROUTE, {"spec.rateLimit": limits})).ok
    limits["inputTokensPerUnit"] = 2**32
    assert not validate(changed(ROUTE, {"spec.rateLimit": limits})).ok


def test_an_unvalidated_object_with_wrong_types_cannot_be_read_by_a_mutating_webhook() -> None:
    bad = changed(MODEL, {f"{B0}.minReplicas": "one", f"{B0}.type": REMOVED})
    assert [error.path for error in decode_errors("Model", bad)] == ["spec.backends[0].minReplicas"]


def test_a_denial_has_the_form_of_its_webhook() -> None:
    bad = changed(MODEL, {f"{B0}.maxReplicas": 3, f"{B0}.scalingCost": 1})
    assert denial("Model", webhook_errors("Model", bad)) == (
        "validation failed:\n"
        f"  - spec.backends[0].cost: Forbidden: cost {UNSET}\n"
        '  - spec.backends[0]: Invalid value: "minReplicas=1, maxReplicas=3": minReplicas and '
        "maxReplicas must be equal and > 0 when no autoscaling is set"
    )
    bad = changed(ROUTE, {"spec.loraAdapters": ["", ""]})
    assert denial("ModelRoute", webhook_errors("ModelRoute", bad)) == (
        'validation failed:   - spec.loraAdapters[0]: Invalid value: "": lora adapter name cannot '
        'be an empty string  - spec.loraAdapters[1]: Invalid value: "": lora adapter name cannot '
        "be an empty string"
    )


def test_the_generated_name_counts_for_the_synthetic_one() -> None:
    long = changed(INFER, {"metadata": {"generateName": "a" * 44 + "-"}})
    assert validate(long).ok
    longer = changed(INFER, {"metadata": {"generateName": "a" * 45 + "-"}})
    assert "must be no more than 63 characters" in str(validate(longer))


def test_the_webhooks_are_listed_as_the_charts_register_them() -> None:
    assert len(WEBHOOKS) == 8
    assert [hook.kind for hook in WEBHOOKS if hook.mutating] == ["Model", "AutoscalingPolicy"]
    (infer,) = (hook for hook in WEBHOOKS if hook.kind == "ModelInfer")
    assert infer.name == "validate-workload-matrixinfer-ai-v1alpha1-model.matrixinfer.ai"
    assert infer.path == "/validate-workload-ai-v1alpha1-modelinfer"
    assert {hook.path for hook in WEBHOOKS} > {"/validate-modelroute", "/validate-modelserver"}


def test_the_webhooks_rules_wait_for_the_schema() -> None:
    bad = changed(MODEL, {f"{B0}.maxReplicas": 3, f"{B0}.type": "x"})
    assert {error.source for error in validate(bad)} == {"schema"}
