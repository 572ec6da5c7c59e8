"""Label selectors, as the API server understands them (apimachinery `pkg/labels`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.requests import selector_text
from matrixinfer_client.targets import Selector

__all__ = ["matcher"]

_Test: TypeAlias = Callable[[Mapping[str, str]], bool]

_KEY = r"(?P<key>[A-Za-z0-9][-A-Za-z0-9_./]*)"
_SET = re.compile(rf"{_KEY}\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(rf"{_KEY}\s*(?P<operator>==|!=|=)\s*(?P<value>[-A-Za-z0-9_.]*)")
_ORDER = re.compile(rf"{_KEY}\s*(?P<operator>[<>])\s*(?P<value>-?[0-9]+)")
_EXISTS = re.compile(rf"(?P<operator>!?)\s*{_KEY}")
# A comma that is not inside the parentheses of a set.
_COMMA = re.compile(r",(?![^()]*\))")


def matcher(selector: Selector | None) -> _Test:
    """The test that a selector stands for, on the labels of an object.

    Raises `InvalidArgumentError` for what is no selector.
    """
    text = "" if selector is None else selector_text(selector, "label_selector")
    if not text.strip():
        return lambda _: True
    tests = [_requirement(part.strip(), text) for part in _COMMA.split(text)]
    return lambda labels: all(test(labels) for test in tests)


def _requirement(text: str, selector: str) -> _Test:
    if found := _SET.fullmatch(text):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["operator"] == "in":
            return lambda labels: key in labels and labels[key] in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.fullmatch(text):
        key, value = found["key"], found["value"]
        if found["operator"] == "!=":
            # An object without the label is different, too.
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _ORDER.fullmatch(text):
        key, bound, sign = found["key"], int(found["value"]), found["operator"]
        return lambda labels: _is_beyond(labels.get(key), bound, sign)
    if found := _EXISTS.fullmatch(text):
        key, wanted = found["key"], not found["operator"]
        return lambda labels: (key in labels) is wanted
    raise InvalidArgumentError(f"label_selector: {text!r} in {selector!r} is no requirement")


def _is_beyond(value: str | None, bound: int, sign: str) -> bool:
    try:
        number = int(value or "")
    except ValueError:
        return False
    return number > bound if sign == ">" else number < bound
