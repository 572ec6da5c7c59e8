"""What a refusal means: class, code, parts and way out. All texts are those of real servers."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from matrixinfer_client import phrases
from matrixinfer_client.errors import (
    AccessDeniedError,
    ApiError,
    BadRequestError,
    Cause,
    ConflictError,
    ForbiddenError,
    InsufficientResourcesError,
    InternalServerError,
    InvalidError,
    InvalidFieldsError,
    InvalidObjectError,
    ModelNotFoundError,
    NetworkPolicyViolationError,
    NotFoundError,
    OwnershipConflictError,
    PlatformError,
    QuotaExceededError,
    RejectedObjectError,
    RequestInfo,
    UndeclaredFieldsError,
    UnknownFieldsError,
    UnreadableObjectError,
    ValidationFailedError,
    WebhookDeniedError,
    WebhookFailedError,
    error_from_status,
)
from matrixinfer_client.phrases import Ownership, Shortage

MODEL_WEBHOOK = "validate-registry-matrixinfer-ai-v1alpha1-model.matrixinfer.ai"
ROUTE_WEBHOOK = "validate-networking-matrixinfer-ai-v1alpha1-modelroute.matrixinfer.ai"
SERVERS = RequestInfo(
    "POST", "https://c.test/apis/networking.matrixinfer.ai/v1alpha1/namespaces/n/modelservers"
)


def refused(code: int, reason: str, message: str, **details: Any) -> ApiError:
    return error_from_status(
        {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}
    )


def denied(webhook: str, text: str) -> ApiError:
    return refused(400, "", f'admission webhook "{webhook}" denied the request: {text}')


# Which class.


def test_a_missing_model_has_the_platforms_code_and_is_not_found() -> None:
    error = refused(
        404,
        "NotFound",
        'models.registry.matrixinfer.ai "x" not found',
        name="x",
        group="registry.matrixinfer.ai",
        kind="models",
    )
    assert isinstance(error, ModelNotFoundError)
    assert isinstance(error, NotFoundError)
    assert error.code == "ModelNotFound"
    assert str(error).startswith('models.registry.matrixinfer.ai "x" not found (404 NotFound)')
    assert str(error).splitlines()[-1] == error.resolution


@pytest.mark.parametrize(
    "details",
    [
        {"name": "x", "kind": "namespaces"},
        {"name": "x", "group": "workload.matrixinfer.ai", "kind": "modelinfers"},
        {"group": "registry.matrixinfer.ai", "kind": "models"},
        {},
    ],
)
def test_other_things_that_are_missing_are_no_missing_models(details: dict[str, str]) -> None:
    error = refused(404, "NotFound", "not found", **details)
    assert type(error) is NotFoundError
    assert error.resolution is None


def test_a_quota_says_what_there_is_too_little_of() -> None:
    error = refused(
        403,
        "Forbidden",
        'pods "p" is forbidden: exceeded quota: team, requested: limits.memory=2Gi,pods=1, '
        "used: limits.memory=7Gi,pods=4, limited: limits.memory=8Gi,pods=4",
    )
    assert isinstance(error, QuotaExceededError)
    assert isinstance(error, InsufficientResourcesError)
    assert isinstance(error, ForbiddenError)
    assert (error.code, error.quota) == ("InsufficientResources", "team")
    assert error.shortages == (
        Shortage("limits.memory", "2Gi", "7Gi", "8Gi"),
        Shortage("pods", "1", "4", "4"),
    )
    assert "limits.memory: 2Gi requested, 7Gi of 8Gi used" in str(error.resolution)


def test_a_missing_rule_is_named_and_printed() -> None:
    error = refused(
        403,
        "Forbidden",
        'models.registry.matrixinfer.ai "x" is forbidden: User "system:serviceaccount:ci:deploy" '
        'cannot update resource "models/status" in API group "registry.matrixinfer.ai" in the '
        'namespace "prod"',
    )
    assert isinstance(error, AccessDeniedError)
    assert not isinstance(error, PlatformError)
    assert error.user == "system:serviceaccount:ci:deploy"
    assert (error.verb, error.group) == ("update", "registry.matrixinfer.ai")
    assert (error.resource, error.namespace) == ("models/status", "prod")
    lines = str(error.resolution).splitlines()
    assert "needs a Role in namespace 'prod'" in lines[0]
    assert yaml.safe_load("\n".join(lines[1:-1])) == [error.rule]
    assert error.rule == {
        "apiGroups": ["registry.matrixinfer.ai"],
        "resources": ["models/status"],
        "verbs": ["update"],
    }
    assert lines[-1] == (
        "Check with: kubectl auth can-i update models.registry.matrixinfer.ai "
        "--subresource=status -n prod"
    )


def test_a_missing_rule_for_the_whole_cluster_asks_for_a_cluster_role() -> None:
    error = refused(
        403,
        "Forbidden",
        'pods is forbidden: User "anna" cannot list resource "pods" in API group "" at the '
        "cluster scope",
    )
    assert isinstance(error, AccessDeniedError)
    assert (error.group, error.resource, error.namespace) == ("", "pods", None)
    assert "anna needs a ClusterRole with this rule" in str(error.resolution)
    assert str(error.resolution).endswith("kubectl auth can-i list pods --all-namespaces")


def test_an_unexplained_403_stays_what_it_is() -> None:
    error = refused(403, "Forbidden", "no")
    assert type(error) is ForbiddenError
    assert error.resolution is None


def test_a_broken_schema_is_a_failed_validation() -> None:
    causes = [{"reason": "FieldValueRequired", "message": "Required value", "field": "spec.x"}]
    error = refused(422, "Invalid", 'Model "x" is invalid: spec.x: Required value', causes=causes)
    assert isinstance(error, InvalidFieldsError)
    assert isinstance(error, ValidationFailedError)
    assert isinstance(error, InvalidError)
    assert error.code == "ValidationFailed"
    assert error.causes == (Cause("spec.x", "FieldValueRequired", "Required value"),)
    assert error.immutable_fields == ()


def test_a_field_that_cannot_be_changed_is_told_apart() -> None:
    message = 'Invalid value: "string": modelName is immutable'
    cause = {"reason": "FieldValueInvalid", "message": message, "field": "spec.modelName"}
    error = refused(422, "Invalid", f"spec.modelName: {message}", causes=[cause])
    assert isinstance(error, ValidationFailedError)
    assert error.immutable_fields == ("spec.modelName",)
    assert "spec.modelName cannot be changed: delete the object" in str(error.resolution)


def test_strict_validation_names_each_unknown_field() -> None:
    error = refused(
        400,
        "BadRequest",
        'Model in version "v1alpha1" cannot be handled as a Model: strict decoding error: unknown '
        'field "spec.backends[0].ba,"r", duplicate field "spec.foo", unknown field "spec.z"',
    )
    assert isinstance(error, UnknownFieldsError)
    assert isinstance(error, ValidationFailedError)
    assert isinstance(error, BadRequestError)
    assert [(cause.field, cause.type) for cause in error.causes] == [
        ('spec.backends[0].ba,"r', "UnknownField"),
        ("spec.foo", "DuplicateField"),
        ("spec.z", "UnknownField"),
    ]


def test_an_apply_of_unknown_fields_names_them_too() -> None:
    error = refused(
        500,
        "",
        "failed to create typed patch object (/m; registry.matrixinfer.ai/v1alpha1, Kind=Model): "
        "errors:\n  .spec.bogus: field not declared in schema\n  .spec.b: field not declared in "
        "schema",
    )
    assert isinstance(error, UndeclaredFieldsError)
    assert isinstance(error, ValidationFailedError)
    assert isinstance(error, InternalServerError)
    assert [cause.field for cause in error.causes] == ["spec.bogus", "spec.b"]


def test_fields_that_others_own_are_named_with_their_managers() -> None:
    causes = [
        {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".spec.a"},
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "two" using registry.matrixinfer.ai/v1alpha1 at 2026-01-01',
            "field": '.spec.backends[name="b1"].minReplicas',
        },
    ]
    error = refused(409, "Conflict", "Apply failed with 2 conflicts", causes=causes)
    assert isinstance(error, OwnershipConflictError)
    assert isinstance(error, ConflictError)
    assert error.conflicts == (
        Ownership("one", "spec.a", "Apply"),
        Ownership("two", 'spec.backends[name="b1"].minReplicas', "Update"),
    )
    assert error.managers == ("one", "two")
    assert error.fields == ("spec.a", 'spec.backends[name="b1"].minReplicas')
    assert "force=True" in str(error.resolution)


def test_a_stale_version_is_no_conflict_between_owners() -> None:
    error = refused(409, "Conflict", "the object has been modified")
    assert type(error) is ConflictError


# Webhooks.


def test_a_denial_with_a_line_per_error_is_taken_apart() -> None:
    error = denied(
        MODEL_WEBHOOK,
        "validation failed:\n"
        "  - spec.backends[0].minReplicas: Invalid value: 5: minReplicas cannot be greater than "
        "maxReplicas\n"
        "  - spec.costExpansionRatePercent: Forbidden: costExpansionRatePercent must not be "
        "provided when model-level autoscaling is not set",
    )
    assert isinstance(error, WebhookDeniedError)
    assert isinstance(error, ValidationFailedError)
    assert isinstance(error, BadRequestError)
    assert error.code == "ValidationFailed"
    assert error.webhook == MODEL_WEBHOOK
    assert error.causes == (
        Cause(
            "spec.backends[0].minReplicas",
            "FieldValueInvalid",
            "Invalid value: 5: minReplicas cannot be greater than maxReplicas",
        ),
        Cause(
            "spec.costExpansionRatePercent",
            "FieldValueForbidden",
            "Forbidden: costExpansionRatePercent must not be provided when model-level "
            "autoscaling is not set",
        ),
    )
    # The webhook's text has a line for each already.
    assert str(error).count("cannot be greater than maxReplicas") == 1


def test_a_denial_on_one_line_is_taken_apart() -> None:
    error = denied(
        ROUTE_WEBHOOK,
        "validation failed:   - spec: Required value: either modelName or loraAdapters must be "
        'specified  - spec.loraAdapters[1]: Invalid value: "": lora adapter name cannot be an '
        "empty string",
    )
    assert [(cause.field, cause.type) for cause in error.causes] == [
        ("spec", "FieldValueRequired"),
        ("spec.loraAdapters[1]", "FieldValueInvalid"),
    ]
    assert error.causes[1].message.endswith("lora adapter name cannot be an empty string")


def test_keys_of_maps_stay_in_the_path() -> None:
    error = denied(
        "validate-workload-matrixinfer-ai-v1alpha1-model.matrixinfer.ai",
        "validation failed:\n  - spec.template.gangSchedule.minRoleReplicas[pre.fill]: Invalid "
        "value: 5: role pre.fill does not exist in template.roles",
    )
    assert error.causes[0].field == "spec.template.gangSchedule.minRoleReplicas[pre.fill]"


@pytest.mark.parametrize(
    ("said", "real"),
    [
        ("spec.backends[3].cost", "spec.backends[3].scalingCost"),
        ("spec.autoscalingPolicyRef", "spec.autoscalingPolicy"),
        ("spec.PolicyRef", "spec.policyRef"),
        ("spec.ScalingConfiguration", "spec.scalingConfiguration"),
    ],
)
def test_a_path_that_is_no_field_becomes_the_real_one(said: str, real: str) -> None:
    error = denied(MODEL_WEBHOOK, f"validation failed:\n  - {said}: Required value: must be given")
    (cause,) = error.causes
    assert (cause.field, cause.webhook_path) == (real, said)
    assert f"{said} is the field {real}" in str(error.resolution)
    # Another webhook may well mean what it says.
    foreign = denied("check.example.com", f"validation failed:\n  - {said}: Required value: x")
    assert foreign.causes[0].field == said


def test_a_real_path_is_left_alone() -> None:
    error = denied(MODEL_WEBHOOK, "validation failed:\n  - spec.backends[0].costs: Forbidden: x")
    assert error.causes[0].field == "spec.backends[0].costs"
    assert error.causes[0].webhook_path is None


def test_a_denial_in_other_words_is_one_cause() -> None:
    error = denied("check.example.com", "images must come from our registry")
    assert isinstance(error, WebhookDeniedError)
    assert error.causes == (Cause("", "", "images must come from our registry"),)


def test_an_object_that_a_webhook_cannot_read_is_recognised() -> None:
    error = refused(
        500,
        "InternalError",
        f'Internal error occurred: failed calling webhook "{MODEL_WEBHOOK}": failed to call '
        "webhook: the server rejected our request for an unknown reason",
    )
    assert isinstance(error, UnreadableObjectError)
    assert isinstance(error, ValidationFailedError)
    assert isinstance(error, InternalServerError)
    assert error.webhook == MODEL_WEBHOOK
    assert "bad duration or quantity" in str(error.resolution)
    assert "-n matrixinfer-system deployment/registry-webhook" in str(error.resolution)


def test_a_webhook_that_is_down_is_no_fault_of_the_object() -> None:
    error = refused(
        500,
        "InternalError",
        f'Internal error occurred: failed calling webhook "{ROUTE_WEBHOOK}": failed to call '
        'webhook: Post "https://networking-webhook.matrixinfer-system.svc:443/validate-modelroute'
        '?timeout=30s": dial tcp 10.0.0.1:443: connect: connection refused',
    )
    assert isinstance(error, WebhookFailedError)
    assert not isinstance(error, ValidationFailedError)
    assert str(error.resolution).endswith("deployment/networking-webhook")


def test_other_failures_of_the_server_stay_what_they_are() -> None:
    assert type(refused(500, "InternalError", "etcd is gone")) is InternalServerError


# Networks.


POLICY = "ValidatingAdmissionPolicy 'ports' with binding 'ports' denied request: port 22 is closed"


def test_an_admission_policy_about_servers_and_routes_is_a_network_violation() -> None:
    error = refused(
        422,
        "Invalid",
        f'modelservers.networking.matrixinfer.ai "s" is forbidden: {POLICY}',
        group="networking.matrixinfer.ai",
        causes=[{"message": POLICY}],
    )
    assert isinstance(error, NetworkPolicyViolationError)
    assert isinstance(error, InvalidError)
    assert error.code == "NetworkPolicyViolation"
    assert "network settings" in str(error.resolution)


def test_a_webhook_of_the_cluster_that_speaks_of_network_policies_is_one_too() -> None:
    error = denied("guard.example.com", "the NetworkPolicy of the namespace forbids port 22")
    assert isinstance(error, NetworkPolicyViolationError)
    assert isinstance(error, BadRequestError)


def test_an_admission_policy_about_models_is_a_failed_validation() -> None:
    error = refused(
        422, "Invalid", POLICY, group="registry.matrixinfer.ai", causes=[{"message": POLICY}]
    )
    assert not isinstance(error, NetworkPolicyViolationError)
    assert isinstance(error, ValidationFailedError)


def test_a_missing_rule_for_routes_is_no_network_violation() -> None:
    error = error_from_status(
        {
            "code": 403,
            "reason": "Forbidden",
            "message": 'User "u" cannot list resource "modelservers" in API group '
            '"networking.matrixinfer.ai" in the namespace "network-policies"',
        },
        request=SERVERS,
    )
    assert type(error) is AccessDeniedError


# Before sending.


def test_what_is_found_before_sending_is_caught_like_what_the_server_finds() -> None:
    error = RejectedObjectError(
        [Cause("spec.a", "FieldValueRequired", "Required value"), Cause("", "", "odd")],
        subject="Model x",
    )
    assert isinstance(error, ValidationFailedError)
    assert isinstance(error, InvalidObjectError)
    assert isinstance(error, ValueError)
    assert [cause.field for cause in error.causes] == ["spec.a", ""]
    assert str(error) == (
        "invalid Model x, 2 problems:\n  - spec.a: Required value\n  - odd\n"
        "Correct the fields above; nothing was sent."
    )


# All of them.

EXAMPLES: list[Exception] = [
    denied(MODEL_WEBHOOK, "validation failed:\n  - spec.PolicyRef: Internal error: x"),
    refused(403, "Forbidden", "exceeded quota: q, requested: a=1, used: a=1, limited: a=1"),
    refused(403, "Forbidden", 'User "u" cannot get resource "m" in API group ""'),
    refused(500, "InternalError", 'failed calling webhook "w": the server rejected our request'),
    refused(400, "BadRequest", 'strict decoding error: unknown field "spec.x"'),
    RejectedObjectError([Cause("spec", "", "odd")]),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_they_travel_between_processes_whole(error: Any) -> None:
    for other in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert (other.causes if hasattr(other, "causes") else ()) == getattr(error, "causes", ())
        assert vars(other) == vars(error)


TEXTS = st.text() | st.lists(
    st.sampled_from(
        [
            *('admission webhook "', '" denied the request: ', "validation failed:", "\n  - "),
            *("  - ", "spec.backends[0]", ".cost", ": ", "Invalid value: ", "exceeded quota: "),
            *(
                ", requested: ",
                ", used: ",
                ", limited: ",
                "a=1",
                'User "',
                '" cannot list resource "',
            ),
            *('" in API group "', 'failed calling webhook "', "strict decoding error: "),
            *('unknown field "', '"', ", ", ".x: field not declared in schema", 'conflict with "'),
        ]
    )
).map("".join)


@given(
    TEXTS,
    st.sampled_from([400, 403, 404, 409, 422, 500]),
    st.dictionaries(
        st.sampled_from(["group", "kind", "name", "causes"]),
        st.none() | TEXTS | st.lists(st.dictionaries(st.sampled_from(["field", "reason"]), TEXTS)),
    ),
)
def test_no_message_breaks_the_function_from_answer_to_error(
    message: str, code: int, details: dict[str, Any]
) -> None:
    error = error_from_status({"code": code, "message": message, "details": details})
    assert error.status_code == code
    assert error.message == message
    assert not message or str(error).startswith(message)
    assert error.resolution is None or str(error).endswith(error.resolution)


NAMES = st.from_regex(r"[a-z][A-Za-z0-9]*", fullmatch=True)
PATHS = st.lists(
    NAMES | st.tuples(NAMES, st.integers(0, 99)).map(lambda pair: f"{pair[0]}[{pair[1]}]"),
    min_size=1,
).map(lambda parts: "spec." + ".".join(parts))


@given(
    st.lists(st.tuples(PATHS, st.text(st.characters(codec="ascii", exclude_characters="\n -")))),
    st.booleans(),
)
def test_both_list_forms_give_back_every_error(
    errors: list[tuple[str, str]], one_line: bool
) -> None:
    lines = [f"  - {path}: Invalid value: {value}: wrong" for path, value in errors]
    text = ("  " if one_line else "\n").join(["validation failed:" + " " * one_line, *lines])
    found = phrases.webhook_denial(f'admission webhook "w.example.com" denied the request: {text}')
    assert found is not None
    assert [(cause.field, cause.message) for cause in found.causes] == [
        (path, f"Invalid value: {value}: wrong") for path, value in errors
    ]
