"""Rules in CEL, those of the platform and others."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from matrixinfer_client.validation import CelRuleError, CelUnavailableError, validate
from matrixinfer_client.validation import rules as rules_module
from matrixinfer_client.validation.rules import ABSENT, rule_errors
from matrixinfer_client.validation.schemas import CelRule, Schema
from tests.validation.samples import BINDING, INFER, MODEL, REMOVED, ROUTE, changed

ONE_OF = "Either optimizerConfiguration or scalingConfiguration must be set, but not both."
BOTH_EMPTY = "ModelName and LoraAdapters cannot both be empty"
SCALING = BINDING["spec"]["scalingConfiguration"]
ROLE = INFER["spec"]["template"]["roles"][0]

CASES: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (BINDING, {"spec.scalingConfiguration": REMOVED}, "spec", f'"object": {ONE_OF}'),
    (BINDING, {"spec.optimizerConfiguration": {}}, "spec", f'"object": {ONE_OF}'),
    (
        INFER,
        {"spec.template.roles.1": ROLE},
        "spec.template.roles",
        '"array": roles name must be unique',
    ),
    (ROUTE, {"spec.modelName": "", "spec.loraAdapters": []}, "spec", f'"object": {BOTH_EMPTY}'),
    (
        ROUTE,
        {"spec.modelName": REMOVED},
        "spec",
        f'"object": no such key: modelName evaluating rule: {BOTH_EMPTY}',
    ),
    (
        ROUTE,
        {"spec.modelName": ""},
        "spec",
        f'"object": no such key: loraAdapters evaluating rule: {BOTH_EMPTY}',
    ),
]


@pytest.mark.parametrize(("obj", "changes", "path", "message"), CASES)
def test_a_broken_rule_is_told_in_the_servers_words(
    obj: dict[str, Any], changes: dict[str, Any], path: str, message: str
) -> None:
    report = validate(changed(obj, changes))
    assert [(error.path, error.message) for error in report] == [
        (path, f"Invalid value: {message}")
    ]
    assert report[0].source == "cel"


def test_a_missing_name_is_fine_when_there_are_adapters() -> None:
    obj = changed(ROUTE, {"spec.modelName": REMOVED, "spec.loraAdapters": ["a"]})
    assert validate(obj).ok


def test_the_model_name_of_a_route_cannot_be_changed() -> None:
    report = validate(changed(ROUTE, {"spec.modelName": "other"}), old=ROUTE)
    assert [error.said for error in report] == [
        'spec.modelName: Invalid value: "string": modelName is immutable'
    ]


def test_the_server_does_not_notice_when_the_name_is_removed_or_added() -> None:
    without = changed(ROUTE, {"spec.modelName": REMOVED, "spec.loraAdapters": ["a"]})
    assert validate(without, old=ROUTE).ok
    assert validate(ROUTE, old=without).ok


def test_rules_wait_until_types_and_required_fields_are_right() -> None:
    wrong = {"spec.scalingConfiguration": REMOVED, "spec.policyRef": REMOVED}
    assert [error.path for error in validate(changed(BINDING, wrong))] == ["spec.policyRef"]


def test_rules_can_be_left_out() -> None:
    obj = changed(BINDING, {"spec.scalingConfiguration": REMOVED})
    report = validate(obj, cel=False)
    # The webhook has a rule of its own behind the one in CEL.
    assert [error.source for error in report] == ["webhook"]
    assert validate(obj, cel=False, webhooks=False).ok


def test_without_the_library_nothing_is_skipped_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(rules_module, "import_module", missing)
    with pytest.raises(CelUnavailableError, match=r'pip install "matrixinfer-client\[validate\]"'):
        validate(ROUTE)
    assert validate(ROUTE, cel=False).ok
    assert validate(MODEL).ok, "a Model has no rules, so nothing is needed"


def test_the_library_is_not_imported_before_a_rule_needs_it() -> None:
    program = (
        "import sys; from matrixinfer_client.validation import validate; "
        "from tests.validation.samples import MODEL, ROUTE; validate(MODEL); "
        "assert not any(name.startswith('cel_expr') for name in sys.modules); validate(ROUTE); "
        "assert any(name.startswith('cel_expr') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def schema(type: str, rule: CelRule, **more: Any) -> Schema:
    return Schema(type=type, rules=(rule,), **more)


def text(rule: CelRule, value: Any, type: str = "object", old: Any = ABSENT) -> list[str]:
    return [error.said for error in rule_errors(schema(type, rule), value, old, parts=("x",))]


def test_any_rule_of_a_document_is_evaluated() -> None:
    assert text(CelRule(rule="self.a < self.b"), {"a": 1, "b": 2}) == []
    assert text(CelRule(rule="self.a < self.b"), {"a": 2, "b": 1}) == [
        'x: Invalid value: "object": failed rule: self.a < self.b'
    ]
    matches = CelRule(rule="self.matches('^a+$')", message="only a")
    assert text(matches, "b", "string") == ['x: Invalid value: "string": only a']


def test_messages_reasons_and_paths_of_rules_count() -> None:
    rule = CelRule(
        rule="self.a > 0",
        message="fallback",
        message_expression="'a is ' + string(self.a)",
        reason="FieldValueForbidden",
        field_path=".a",
    )
    assert text(rule, {"a": 0}) == ["x.a: Forbidden: a is 0"]


def test_a_rule_with_an_optional_old_value_runs_on_create_too() -> None:
    rule = CelRule(rule="has(self.a) || oldSelf == self", optional_old_self=True)
    assert text(rule, {"a": 1}) == []
    assert len(text(rule, {})) == 1


def test_numbers_have_the_type_of_the_schema() -> None:
    number = Schema(type="object", properties={"n": Schema(type="integer")})
    node = Schema(
        type="object", properties=number.properties, rules=(CelRule(rule="self.n % 2 == 0"),)
    )
    assert rule_errors(node, {"n": 4.0}) == []
    assert len(rule_errors(node, {"n": 3.0})) == 1


def test_fields_that_are_no_identifiers_are_reached_by_their_escapes() -> None:
    properties = {"a-b": Schema(type="integer"), "namespace": Schema(type="string")}
    rule = CelRule(rule="self.a__dash__b == 1 && self.__namespace__ == 'n'")
    node = Schema(type="object", properties=properties, rules=(rule,))
    assert rule_errors(node, {"a-b": 1, "namespace": "n"}) == []


def test_functions_of_the_string_extension_are_there() -> None:
    assert text(CelRule(rule="self.split(',').size() == 2"), "a,b", "string") == []


def test_a_rule_that_cannot_be_compiled_is_an_error_and_not_skipped() -> None:
    with pytest.raises(CelRuleError, match="nothing_like_it"):
        text(CelRule(rule="nothing_like_it(self)"), {})
