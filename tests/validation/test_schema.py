"""The schema's rules in the words of the API server; the fuzz session asks a real one."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client.validation import validate
from tests.validation.samples import BINDING, INFER, MODEL, REMOVED, ROUTE, SERVER, changed

FIRST = "spec.backends.0"

CASES: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (
        MODEL,
        {f"{FIRST}.minReplicas": -1},
        "spec.backends[0].minReplicas",
        (
            "Invalid value: -1: spec.backends[0].minReplicas in body should be greater than or "
            "equal "
            "to 0"
        ),
    ),
    (
        MODEL,
        {f"{FIRST}.maxReplicas": 1000001.0},
        "spec.backends[0].maxReplicas",
        (
            "Invalid value: 1.000001e+06: spec.backends[0].maxReplicas in body should be less than "
            "or "
            "equal to 1e+06"
        ),
    ),
    (
        MODEL,
        {f"{FIRST}.minReplicas": "1"},
        "spec.backends[0].minReplicas",
        (
            'Invalid value: "string": spec.backends[0].minReplicas in body must be of type '
            "integer: "
            '"string"'
        ),
    ),
    (
        MODEL,
        {f"{FIRST}.scalingCost": 2**63},
        "spec.backends[0].scalingCost",
        (
            'Invalid value: "number": spec.backends[0].scalingCost in body must be of type '
            "integer: "
            '"number"'
        ),
    ),
    (MODEL, {f"{FIRST}.modelURI": REMOVED}, "spec.backends[0].modelURI", "Required value"),
    (MODEL, {f"{FIRST}.minReplicas": None}, "spec.backends[0].minReplicas", "Required value"),
    (
        MODEL,
        {f"{FIRST}.type": "vllm"},
        "spec.backends[0].type",
        (
            'Unsupported value: "vllm": supported values: "vLLM", "vLLMDisaggregated", "SGLang", '
            '"MindIE", "MindIEDisaggregated"'
        ),
    ),
    (
        MODEL,
        {f"{FIRST}.name": "B\n"},
        "spec.backends[0].name",
        (
            r'Invalid value: "B\n": spec.backends[0].name in body should match '
            "'^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'"
        ),
    ),
    (MODEL, {"spec.name": "a" * 65}, "spec.name", "Too long: may not be more than 64 bytes"),
    (
        MODEL,
        {"spec.backends": []},
        "spec.backends",
        "Invalid value: 0: spec.backends in body should have at least 1 items",
    ),
    (
        MODEL,
        {f"{FIRST}.workers": [{}] * 1001},
        "spec.backends[0].workers",
        "Too many: 1001: must have at most 1000 items",
    ),
    (
        MODEL,
        {"spec.backends.1": MODEL["spec"]["backends"][0]},
        "spec.backends[1]",
        'Duplicate value: {"name":"b1"}',
    ),
    (
        MODEL,
        {f"{FIRST}.workers.0.resources": {"limits": {"cpu": "1x"}}},
        "spec.backends[0].workers[0].resources.limits.cpu",
        (
            'Invalid value: "1x": spec.backends[0].workers[0].resources.limits.cpu in body should '
            r"match '^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?"
            r"(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$'"
        ),
    ),
    (
        INFER,
        {"spec.rolloutStrategy": {"rollingUpdateConfiguration": {"maxSurge": 1.5}}},
        "spec.rolloutStrategy.rollingUpdateConfiguration.maxSurge",
        (
            'Invalid value: "number": spec.rolloutStrategy.rollingUpdateConfiguration.maxSurge in '
            "body "
            'must be of type integer,string: "number"'
        ),
    ),
    (
        INFER,
        {
            "spec.template.roles.0.entryTemplate.spec.containers.0.ports": [
                {"containerPort": 80},
                {"containerPort": 80, "protocol": "TCP"},
            ]
        },
        "spec.template.roles[0].entryTemplate.spec.containers[0].ports[1]",
        'Duplicate value: {"containerPort":80,"protocol":"TCP"}',
    ),
    (
        ROUTE,
        {"spec.rateLimit": {"unit": "week"}},
        "spec.rateLimit.unit",
        'Unsupported value: "week": supported values: "second", "minute", "hour", "day", "month"',
    ),
    (
        SERVER,
        {"spec": []},
        "spec",
        'Invalid value: "array": spec in body must be of type object: "array"',
    ),
    (
        BINDING,
        {"spec.scalingConfiguration.target.foo": 1},
        "spec.scalingConfiguration.target.foo",
        'unknown field "spec.scalingConfiguration.target.foo"',
    ),
    (
        MODEL,
        {"metadata.name": "Demo"},
        "metadata.name",
        (
            'Invalid value: "Demo": a lowercase RFC 1123 subdomain must consist of lower case '
            "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric "
            "character (e.g. 'example.com', regex used for validation is "
            r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        ),
    ),
    (
        MODEL,
        {"metadata.name": REMOVED},
        "metadata.name",
        "Required value: name or generateName is required",
    ),
    (
        MODEL,
        {"metadata.labels": {"a": "x" * 64}},
        "metadata.labels",
        f'Invalid value: "{"x" * 64}": must be no more than 63 characters',
    ),
    (
        MODEL,
        {"metadata.labels": {"a": 5}},
        "metadata.labels.a",
        'Invalid value: "integer": metadata.labels.a in body must be of type string: "integer"',
    ),
]


@pytest.mark.parametrize(
    ("obj", "changes", "path", "message"), CASES, ids=[case[2] for case in CASES]
)
def test_the_error_is_the_servers(
    obj: dict[str, Any], changes: dict[str, Any], path: str, message: str
) -> None:
    report = validate(changed(obj, changes), webhooks=False)
    assert [(error.path, error.message) for error in report] == [(path, message)]


def test_a_whole_float_is_an_integer() -> None:
    assert validate(changed(MODEL, {f"{FIRST}.minReplicas": 1.0})).ok


def test_null_is_absence_where_the_field_is_optional() -> None:
    changes = {f"{FIRST}.routeWeight": None, f"{FIRST}.loraAdapters": None, "spec.owner": None}
    assert validate(changed(MODEL, changes)).ok


def test_free_form_json_is_not_looked_into() -> None:
    config = {"a": {"b": [None, 1.5, {"c": True}]}}
    assert validate(changed(MODEL, {f"{FIRST}.workers.0.config": config})).ok


def test_unknown_fields_are_passed_over_when_not_strict() -> None:
    obj = changed(MODEL, {"spec.replicase": 1, f"{FIRST}.foo": {"x": 1}})
    strict = validate(obj)
    assert [error.path for error in strict] == ["spec.backends[0].foo", "spec.replicase"]
    assert {error.source for error in strict} == {"strict"}
    assert validate(obj, strict=False).ok


def test_the_old_documentations_fields_are_told_to_be_unknown() -> None:
    obj = changed(MODEL, {"spec.modelSpec": {"modelId": "x", "framework": "y"}})
    assert 'unknown field "spec.modelSpec"' in str(validate(obj))


def test_all_missing_fields_are_told_at_once() -> None:
    report = validate(changed(MODEL, {"spec.backends": [{}]}))
    assert [error.path.rpartition(".")[2] for error in report] == [
        "maxReplicas",
        "minReplicas",
        "modelURI",
        "name",
        "type",
        "workers",
    ]
    assert {error.type for error in report} == {"FieldValueRequired"}


def test_the_status_is_not_looked_at() -> None:
    assert validate(changed(MODEL, {"status": {"conditions": [{"type": "x"}]}})).ok
