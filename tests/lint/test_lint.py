from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from matrixinfer_client import yamlio
from matrixinfer_client.api.registry_v1alpha1 import Model
from matrixinfer_client.validation import (
    Findings,
    as_annotations,
    as_json,
    as_text,
    lint,
    validate,
)
from tests.validation.samples import (
    ALL,
    BINDING,
    INFER,
    MODEL,
    POLICY,
    REMOVED,
    ROUTE,
    SERVER,
    changed,
)

MANIFESTS = Path(__file__).parents[2] / "examples" / "manifests"
W0 = "spec.backends.0.workers.0"
NO_CONFIG = changed(MODEL, {f"{W0}.config": REMOVED})


def codes(findings: Findings) -> list[str]:
    return [finding.code for finding in findings]


@pytest.mark.parametrize("obj", ALL, ids=lambda obj: str(obj["kind"]))
def test_nothing_is_found_in_minimal_bodies(obj: dict[str, Any]) -> None:
    findings = lint(obj)
    assert not findings, str(findings)
    assert str(findings) == "nothing found"


def test_nothing_is_found_in_the_example_manifests() -> None:
    findings = lint(MANIFESTS)
    assert not findings, str(findings)


def test_typed_objects_are_taken() -> None:
    (finding,) = lint(Model.from_dict(NO_CONFIG))
    assert (finding.code, finding.severity) == ("MI001", "error")
    assert finding.path == "spec.backends[0].workers[0].config"
    assert str(finding) == (
        "error MI001 Model demo: spec.backends[0].workers[0].config: The Model gets the condition "
        "Failed: `failed to unmarshal config: unexpected end of JSON input`. Fix: set `config: {}`."
    )


def test_rules_can_be_left_out_by_code() -> None:
    assert codes(lint(NO_CONFIG, ignore=["MI001"])) == []
    assert codes(lint(NO_CONFIG, ignore=["MI003"])) == ["MI001"]


def test_a_code_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="there is no rule MI999"):
        lint(MODEL, ignore=["MI001", "MI999"])


def test_a_comment_silences_rules_in_its_document_only() -> None:
    text = yamlio.dump(changed(NO_CONFIG, {f"{W0}.pods": REMOVED}))
    assert codes(lint(io.StringIO(text))) == ["MI001", "MI003"]
    commented = f"# lint: ignore=MI001, MI003\n{text}---\n{text}"
    findings = lint(io.StringIO(commented))
    assert codes(findings) == ["MI001", "MI003"]
    assert all((finding.line or 0) > len(text.splitlines()) for finding in findings)
    inline = text.replace("replicas: 1\n", "replicas: 1  # lint: ignore=MI001\n")
    assert codes(lint(io.StringIO(inline))) == ["MI003"]


def test_an_object_that_is_not_valid_gets_one_finding() -> None:
    bad = changed(NO_CONFIG, {"spec.backends.0.minReplicas": "x", "spec.backends.0.type": "y"})
    (finding,) = lint(bad)
    assert finding.code == "MI000"
    assert "validate" in finding.fix
    assert codes(lint({"kind": "Model"})) == ["MI000"]
    assert codes(lint(io.StringIO("a: [1\n"))) == ["MI000"]


def test_unknown_fields_do_not_keep_the_linter_from_looking() -> None:
    assert codes(lint(changed(NO_CONFIG, {"spec.typo": 1}))) == ["MI001"]


def test_other_kinds_can_be_passed_over() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret"}
    assert codes(lint([secret, MODEL])) == ["MI000"]
    assert codes(lint([secret, MODEL], other_kinds="ignore")) == []


def test_errors_can_be_told_from_the_rest() -> None:
    findings = lint(changed(NO_CONFIG, {f"{W0}.affinity": {"nodeAffinity": {}}}))
    assert codes(findings) == ["MI001", "MI016"]
    assert [finding.code for finding in findings.errors] == ["MI001"]


def test_numbers_are_looked_at_from_a_million_on() -> None:
    sizes = {"a": 999_999, "b": 1_000_000, "c": "1000000", "d": True, "e": -2_000_000.0}
    findings = lint(changed(MODEL, {f"{W0}.config": sizes}))
    assert [finding.path.rpartition(".")[2] for finding in findings] == ["b", "e"]


def test_objects_are_looked_at_together_only_in_their_namespace() -> None:
    route = changed(ROUTE, {"spec.rules.0.targetModels.0.modelServerName": "missing"})
    assert codes(lint([route, SERVER])) == ["MI091"]
    assert codes(lint([route])) == []
    elsewhere = changed(SERVER, {"metadata.namespace": "n"})
    assert codes(lint([route, elsewhere])) == []


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"modelinfer.matrixinfer.ai/name": "mi"}, []),
        ({"modelinfer.matrixinfer.ai/name": "other"}, ["MI077"]),
        ({"modelinfer.matrixinfer.ai/role": "leader"}, []),
        ({"modelinfer.matrixinfer.ai/entry": "true"}, []),
        ({"modelinfer.matrixinfer.ai/group-name": "mi-0"}, []),
        ({"app": "x"}, []),
        ({"app": "y"}, ["MI077"]),
        ({"registry.matrixinfer.ai/model-uid": "u"}, []),
    ],
)
def test_a_selector_is_compared_with_the_labels_that_pods_will_have(
    labels: dict[str, str], found: list[str]
) -> None:
    entry = "spec.template.roles.0.entryTemplate.metadata"
    infer = changed(INFER, {entry: {"labels": {"app": "x"}}})
    server = changed(SERVER, {"spec.workloadSelector.matchLabels": labels})
    assert codes(lint([infer, server])) == found


def test_embedded_policies_are_held_against_the_policys_rules() -> None:
    metrics = [{"metricName": "a", "targetValue": 0}, {"metricName": "a", "targetValue": "1e.5"}]
    policy = {"metrics": metrics[:1], "behavior": {"scaleDown": {"period": "31m"}}}
    bad = {"spec.backends.0.autoscalingPolicy": policy}
    assert [finding.path for finding in lint(changed(MODEL, bad))] == [
        "spec.backends[0].autoscalingPolicy.metrics[0].targetValue",
        "spec.backends[0].autoscalingPolicy.behavior.scaleDown.period",
    ]
    # A value that cannot be read is an error of the Model's own webhook.
    unreadable = changed(MODEL, {"spec.backends.0.autoscalingPolicy": {"metrics": metrics}})
    assert codes(lint(unreadable)) == []
    assert not validate(unreadable).ok


@pytest.mark.parametrize(
    ("expression", "good"),
    [
        ("^a+$", True),
        (r"^\d{2,3}[a-z]*?$", True),
        (r"(?P<name>x)|(?i)y", True),
        (r"(?<name>x)\z", True),
        (r"[*+]+\++\\1", True),
        (r"\Q(?=\E", True),
        (r"\p{Greek}+", True),
        ("(?!x)", False),
        ("(?<=x)y", False),
        (r"(a)\1", False),
        ("a++", False),
        ("(", False),
    ],
)
def test_expressions_of_routes_are_held_against_re2(expression: str, good: bool) -> None:
    match = {"headers": {"h": {"regex": expression}}}
    findings = lint(changed(ROUTE, {"spec.rules.0.modelMatch": match}))
    assert (codes(findings) == []) == good


def test_a_binding_is_held_against_the_roles_of_its_target() -> None:
    other = changed(INFER, {"spec.template.roles.0.name": "decode"})
    assert codes(lint([other, BINDING])) == ["MI050"]
    assert codes(lint([INFER, BINDING, POLICY])) == []


FINDING = lint(io.StringIO(yamlio.dump(NO_CONFIG)))


def test_findings_as_text() -> None:
    assert as_text(FINDING) == f"{FINDING[0]}\n"
    assert as_text([]) == ""


def test_findings_as_json() -> None:
    (plain,) = json.loads(as_json(FINDING))
    assert plain["code"] == "MI001"
    assert plain["severity"] == "error"
    assert plain["object"] == {"kind": "Model", "namespace": None, "name": "demo"}
    assert plain["line"] == FINDING[0].line
    assert plain["docs"] == "lint/MI001.md"
    assert {"path", "file", "column", "title", "reason", "fix"} <= plain.keys()


def test_findings_as_annotations_for_ci() -> None:
    line = as_annotations(FINDING)
    assert line.startswith("::error file=the stream,line=")
    assert ",title=MI001 A worker without config::Model demo: spec.backends[0]" in line
    assert line.count("\n") == 1


def test_annotations_escape_what_would_end_them() -> None:
    report = validate(changed(MODEL, {"metadata.name": "a\nb%,:"}))
    line = as_annotations(report)
    assert line.count("\n") == 1
    assert "a%0Ab%25,:" in line
    assert line.startswith("::error title=FieldValueInvalid::")


def test_field_errors_have_the_same_forms() -> None:
    report = validate(changed(MODEL, {"spec.backends.0.maxReplicas": 0}))
    (plain,) = json.loads(as_json(report))
    assert (plain["code"], plain["severity"]) == ("FieldValueInvalid", "error")
    assert plain["source"] == "schema"
    assert as_text(report) == f"{report[0]}\n"
