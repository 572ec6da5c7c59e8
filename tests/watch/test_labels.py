"""Label selectors mean what they mean to the API server."""

from __future__ import annotations

import pytest

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.labels import matcher

LABELS = {"app": "x", "tier": "front", "example.com/size": "10", "empty": ""}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, True),
        ("", True),
        ("app", True),
        ("!app", False),
        ("! nothing", True),
        ("app=x", True),
        ("app == x", True),
        ("app=y", False),
        ("app!=y", True),
        ("app!=x", False),
        ("nothing!=y", True),
        ("nothing=y", False),
        ("empty=", True),
        ("app in (x, y)", True),
        ("app in (y,z)", False),
        ("nothing in (x)", False),
        ("app notin (y, z)", True),
        ("app notin (x)", False),
        ("nothing notin (x)", True),
        ("app in (x,y),tier in (front)", True),
        ("app=x,tier=back", False),
        ("example.com/size>9", True),
        ("example.com/size<10", False),
        ("app>1", False),
        ({"app": "x", "tier": "front"}, True),
        ({"app": "y"}, False),
        ({}, True),
    ],
)
def test_a_selector_selects(selector: str | dict[str, str] | None, expected: bool) -> None:
    assert matcher(selector)(LABELS) is expected


@pytest.mark.parametrize(
    "selector", ["app=x=y", "a b", "in (x)", "app in x", "=x", ",", "app in (x"]
)
def test_what_is_no_selector_is_an_error(selector: str) -> None:
    with pytest.raises(InvalidArgumentError, match="is no requirement"):
        matcher(selector)
