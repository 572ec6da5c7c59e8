"""Updates: what may not change, and what is forgiven because it was so before."""

from __future__ import annotations

from matrixinfer_client.validation import validate
from tests.validation.samples import BINDING, INFER, MODEL, REMOVED, ROUTE, changed

B0 = "spec.backends.0"


def test_name_and_namespace_cannot_change() -> None:
    stored = changed(MODEL, {"metadata.namespace": "n"})
    moved = changed(MODEL, {"metadata.namespace": "m", "metadata.name": "other"})
    assert [error.said for error in validate(moved, old=stored)] == [
        'metadata.name: Invalid value: "other": field is immutable',
        'metadata.namespace: Invalid value: "m": field is immutable',
    ]


def test_a_value_that_was_wrong_and_stays_is_forgiven() -> None:
    stored = changed(MODEL, {f"{B0}.scalingCost": -1})
    assert not validate(stored, webhooks=False).ok
    touched = changed(stored, {"spec.owner": "me"})
    assert validate(touched, old=stored, webhooks=False).ok


def test_a_value_that_was_wrong_and_changes_is_not() -> None:
    stored = changed(MODEL, {f"{B0}.scalingCost": -1})
    worse = changed(stored, {f"{B0}.scalingCost": -2})
    assert [error.path for error in validate(worse, old=stored, webhooks=False)] == [
        "spec.backends[0].scalingCost"
    ]


def test_items_are_matched_by_their_keys_and_not_by_their_place() -> None:
    other = {**MODEL["spec"]["backends"][0], "name": "b2"}
    stored = changed(MODEL, {f"{B0}.scalingCost": -1, "spec.backends.1": other})
    swapped = changed(stored, {"spec.backends": stored["spec"]["backends"][::-1]})
    assert validate(swapped, old=stored, webhooks=False).ok
    renamed = changed(swapped, {"spec.backends.1.name": "b3"})
    assert [error.path for error in validate(renamed, old=stored, webhooks=False)] == [
        "spec.backends[1].scalingCost"
    ]


def test_items_of_other_lists_are_not_matched() -> None:
    stored = changed(INFER, {"spec.template.roles.0.name": "a_b"})
    touched = changed(stored, {"spec.template.roles.0.replicas": 2})
    assert not validate(touched, old=stored, webhooks=False).ok
    elsewhere = changed(stored, {"spec.replicas": 3})
    assert validate(elsewhere, old=stored, webhooks=False).ok


def test_a_missing_field_is_forgiven_while_its_object_stays() -> None:
    stored = changed(BINDING, {"spec.scalingConfiguration.target.targetRef": REMOVED})
    touched = changed(stored, {"spec.policyRef.name": "q"})
    assert validate(touched, old=stored, webhooks=False).ok
    inside = changed(stored, {"spec.scalingConfiguration.target.additionalMatchLabels": {"a": "b"}})
    assert [error.path for error in validate(inside, old=stored, webhooks=False)] == [
        "spec.scalingConfiguration.target.targetRef"
    ]


def test_repeated_keys_are_forgiven_when_there_were_any() -> None:
    twice = {f"{B0}.env": [{"name": "A"}, {"name": "A"}]}
    stored = changed(MODEL, twice)
    touched = changed(stored, {f"{B0}.env.0.value": "x"})
    assert not validate(touched, webhooks=False).ok
    assert validate(touched, old=stored, webhooks=False).ok


def test_a_broken_rule_is_forgiven_while_its_object_stays() -> None:
    stored = changed(ROUTE, {"spec.modelName": "", "spec.loraAdapters": []})
    touched = changed(stored, {"metadata.labels": {"a": "b"}})
    assert validate(touched, old=stored, webhooks=False).ok
    inside = changed(stored, {"spec.rules": []})
    assert [error.path for error in validate(inside, old=stored, webhooks=False)] == ["spec"]


def test_what_comes_new_is_checked_as_on_create() -> None:
    added = changed(MODEL, {f"{B0}.scalingCost": -1})
    assert not validate(added, old=MODEL, webhooks=False).ok
