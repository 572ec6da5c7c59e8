"""Offline validation against API servers with the platform's webhooks, rule by rule."""

from __future__ import annotations

import re

import pytest

from matrixinfer_client import ApiError, Client
from matrixinfer_client.errors import (
    InvalidFieldsError,
    UnreadableObjectError,
    ValidationFailedError,
    WebhookDeniedError,
)
from matrixinfer_client.manifests import crd_manifests
from matrixinfer_client.validation import FieldError, validate
from tests.behaviour.backends import Backend
from tests.behaviour.samples import MODEL_SERVER, POLICY, SAMPLES, Sample
from tests.webhooks.case import Case
from tests.webhooks.cases import ACCEPTED, CASES, PREEMPTED
from tests.webhooks.inventory import webhook_of


def offline(case: Case) -> list[FieldError]:
    """What validation says without a server; it is told that no policy exists."""
    return list(validate(case.body(), policies=lambda *_: False))


def online(admin: Client, namespace: str, case: Case) -> ApiError:
    with pytest.raises(ApiError) as caught:
        create(admin, namespace, case.sample, case.body())
    return caught.value


def create(admin: Client, namespace: str, sample: Sample, body: object) -> object:
    kind = sample.cls.KIND
    group = getattr(admin, f"{kind.group.partition('.')[0]}_{kind.version}")
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.kind).lower()
    method = method.removesuffix("y") + "ies" if method.endswith("y") else f"{method}s"
    return getattr(group, method)(namespace).create(body, dry_run=True)


def assert_said(expected: tuple[tuple[str, str], ...], said: list[tuple[str, str]]) -> None:
    assert [path for path, _ in said] == [path for path, _ in expected]
    for (_, wanted), (_, text) in zip(expected, said, strict=True):
        assert re.fullmatch(re.escape(wanted).replace("…", ".*"), text), text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_rule_is_said_the_same_with_and_without_a_server(
    admin: Client, guarded: str, case: Case
) -> None:
    errors = offline(case)
    assert_said(case.expected, [(e.webhook_path or e.path, e.message) for e in errors])
    denial = online(admin, guarded, case)
    assert isinstance(denial, WebhookDeniedError)
    assert (denial.status_code, denial.reason) == (400, "")
    assert denial.webhook == webhook_of(case.sample.cls.KIND.plural).name
    assert_said(case.expected, [(c.webhook_path or c.field, c.message) for c in denial.causes])
    assert [(c.field, c.type, c.message) for c in denial.causes] == [
        (e.path, e.type, e.message) for e in errors
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_path_that_is_reported_is_one_of_the_schema(case: Case) -> None:
    """A corrected path leads to a field; one that the webhook made up would not."""
    kind = case.sample.cls.KIND
    (crd,) = [each for each in crd_manifests() if each["spec"]["names"]["plural"] == kind.plural]
    root = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for error in offline(case):
        node = root
        if error.path.startswith("metadata"):
            continue
        for part in re.findall(r"[^.\[\]]+|\[[^\]]*\]", error.path):
            if part.startswith("["):
                node = node["items"] if "items" in node else node["additionalProperties"]
            else:
                node = node["properties"][part]


@pytest.mark.parametrize(("case", "paths"), PREEMPTED, ids=[case.name for case, _ in PREEMPTED])
def test_what_the_schema_refuses_never_reaches_the_webhook(
    admin: Client, guarded: str, case: Case, paths: list[str]
) -> None:
    errors = offline(case)
    assert [error.path for error in errors] == paths
    refusal = online(admin, guarded, case)
    assert isinstance(refusal, InvalidFieldsError)
    assert [(c.field, c.message) for c in refusal.causes] == [(e.path, e.message) for e in errors]


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_what_no_rule_is_against_passes_both(admin: Client, guarded: str, case: Case) -> None:
    assert offline(case) == []
    create(admin, guarded, case.sample, case.body())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
def test_minimal_objects_pass_both(
    admin: Client, guarded: str, backend: Backend, sample: Sample
) -> None:
    assert validate(sample.mapping("demo")) == []
    if sample.kind == "AutoscalingPolicyBinding":
        create_policy(backend, guarded)
    create(admin, guarded, sample, sample.mapping("demo"))


def create_policy(backend: Backend, namespace: str) -> None:
    status, answer = backend.request("POST", POLICY.path(namespace), POLICY.mapping("p"))
    assert status == 201, answer


UNREADABLE = [
    # For these two kinds a mutating webhook reads what no schema has seen.
    ("Model", {"autoscalingPolicy": {"metrics": []}, "costExpansionRatePercent": 0.5}),
    ("Model", {"backends": [{"scaleToZeroGracePeriod": "soon"}]}),
    ("Model", {"backends": "none"}),
    ("AutoscalingPolicy", {"behavior": {"scaleDown": {"period": "1 minute"}}}),
    ("AutoscalingPolicy", {"metrics": [{"metricName": "m", "targetValue": "many"}]}),
]


@pytest.mark.parametrize(("kind", "spec"), UNREADABLE)
def test_what_a_webhook_cannot_read_is_recognised_behind_the_500(
    admin: Client, guarded: str, kind: str, spec: dict[str, object]
) -> None:
    (sample,) = [each for each in SAMPLES if each.kind == kind]
    body = {**sample.mapping("demo"), "spec": {**sample.spec(), **spec}}
    with pytest.raises(UnreadableObjectError) as caught:
        create(admin, guarded, sample, body)
    error = caught.value
    assert error.status_code == 500
    assert isinstance(error, ValidationFailedError)
    assert error.webhook == webhook_of(sample.cls.KIND.plural, mutating=True).name
    assert error.message == (
        f'Internal error occurred: failed calling webhook "{error.webhook}": failed to call '
        "webhook: the server rejected our request for an unknown reason"
    )
    assert "deployment/registry-webhook" in str(error.resolution)
    assert validate(body) != []


def test_a_server_of_models_has_no_rules(admin: Client, guarded: str) -> None:
    body = MODEL_SERVER.mapping("demo")
    body["spec"]["workloadSelector"] = {"matchLabels": {"app": "nobody-has-it"}}
    create(admin, guarded, MODEL_SERVER, body)
