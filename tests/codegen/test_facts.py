from __future__ import annotations

from typing import Any

import pytest

from codegen.facts import described, facts


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({}, ""),
        ({"type": "integer", "minimum": 0}, "Minimum 0."),
        ({"minimum": 1, "maximum": 9}, "Minimum 1, maximum 9."),
        ({"minimum": 0, "exclusiveMinimum": True}, "Above 0."),
        ({"exclusiveMaximum": 5}, "Below 5."),
        ({"default": 100, "maximum": 100}, "Default 100. Maximum 100."),
        ({"default": False}, "Default false."),
        ({"default": "15s"}, "Default `15s`."),
        ({"default": ""}, 'Default `""`.'),
        ({"default": {"name": ""}}, 'Default `{"name": ""}`.'),
        ({"minLength": 1}, "At least 1 character."),
        ({"maxLength": 64}, "At most 64 characters."),
        ({"minItems": 1, "maxItems": 1000}, "1 to 1000 items."),
        ({"minItems": 2, "maxItems": 2}, "Exactly 2 items."),
        ({"minProperties": 1, "maxProperties": 3}, "1 to 3 entries."),
        ({"pattern": "^a+$"}, "Pattern `^a+$`."),
        ({"x-kubernetes-list-map-keys": ["name"]}, "Unique by `name`."),
        ({"x-kubernetes-list-type": "atomic"}, ""),
        (
            {"x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "fixed."}]},
            "Checked by the server: fixed.",
        ),
    ],
)
def test_constraints_are_said_in_one_line(schema: dict[str, Any], said: str) -> None:
    assert facts(schema) == said


def test_facts_stand_below_the_description() -> None:
    schema = {"description": "How much.\n", "default": 1}
    assert described(schema).raw == "How much.\n\nDefault 1."
    assert described({"default": 1}).raw == "Default 1."
    assert not described({"type": "string"})
