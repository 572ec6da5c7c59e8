"""CEL rules of a schema (`x-kubernetes-validations`), evaluated as the API server does.

The expressions run in `cel-expr-python`, Google's own implementation; it comes with the extra
`validate` and is imported when the first rule has to be evaluated. Without it nothing is skipped:
`CelUnavailableError` says what to install.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

import attrs

from matrixinfer_client.errors import MatrixInferError
from matrixinfer_client.validation.celvalues import cel_value
from matrixinfer_client.validation.correlation import old_item
from matrixinfer_client.validation.rendering import Parts, render_path
from matrixinfer_client.validation.results import FieldError
from matrixinfer_client.validation.schemas import CelRule, Schema

__all__ = ["ABSENT", "CelRuleError", "CelUnavailableError", "has_rules", "rule_errors"]

ABSENT: Any = object()
"""Stands for the old value where there is none, since null is a value."""

_OLD_SELF = re.compile(r"\boldSelf\b")
_NO_KEY = re.compile(r'Key not found in map : "(.*)"', re.DOTALL)
_STATUS_CODE = re.compile(r"^[A-Z_]+: ")
_STEP = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_-]*)|\['([^']*)'\]")
_PREFIXES = {
    "FieldValueInvalid": "Invalid value: {type}: {text}",
    "FieldValueForbidden": "Forbidden: {text}",
    "FieldValueRequired": "Required value: {text}",
    "FieldValueDuplicate": "Duplicate value: {type}",
}


class CelUnavailableError(MatrixInferError, ImportError):
    """A kind has CEL rules, and the library that evaluates them is not installed."""


class CelRuleError(MatrixInferError, ValueError):
    """A rule of the schema that the CEL library cannot compile."""


class _Value(Protocol):
    def type(self) -> Any: ...
    def value(self) -> Any: ...


class _Expression(Protocol):
    def eval(self, *, data: Mapping[str, Any]) -> _Value: ...


@attrs.frozen
class _Outcome:
    value: Any = None
    error: str = ""


@cache
def has_rules(schema: Schema) -> bool:
    """Whether the node or anything below it has a rule."""
    below = [*schema.properties.values(), schema.items, schema.additional]
    return bool(schema.rules) or any(has_rules(child) for child in below if child is not None)


def rule_errors(
    schema: Schema,
    value: Any,
    old: Any = ABSENT,
    *,
    parts: Parts = (),
    is_unchanged: Callable[[Parts], bool] = lambda _: False,
) -> list[FieldError]:
    """The errors of all rules at and below a node whose value passed the schema.

    `old` is the stored value of the same place. Rules with `oldSelf` run only when there is one;
    of the others, those are left out that fail on what `is_unchanged` says was stored before.
    """
    if not has_rules(schema):
        return []
    errors: list[FieldError] = []
    for rule in schema.rules:
        error = _apply(rule, schema, value, old, parts)
        if error is not None and (_uses_old(rule) or not is_unchanged(parts)):
            errors.append(error)
    for key, child, below, before in _children(schema, value, old):
        errors += rule_errors(child, below, before, parts=(*parts, key), is_unchanged=is_unchanged)
    return errors


def _children(schema: Schema, value: Any, old: Any) -> list[tuple[str | int, Schema, Any, Any]]:
    found: list[tuple[str | int, Schema, Any, Any]] = []
    if isinstance(value, dict):
        was = cast("dict[str, Any]", old) if isinstance(old, dict) else {}
        for key, below in cast("dict[str, Any]", value).items():
            child = schema.properties.get(key, schema.additional)
            if child is not None:
                found.append((key, child, below, was.get(key, ABSENT)))
    elif isinstance(value, list) and schema.items is not None:
        for index, below in enumerate(cast("Sequence[Any]", value)):
            before = old_item(schema, below, old, ABSENT)
            found.append((index, schema.items, below, before))
    return found


def _apply(rule: CelRule, schema: Schema, value: Any, old: Any, parts: Parts) -> FieldError | None:
    if _uses_old(rule) and old is ABSENT and not rule.optional_old_self:
        return None
    data = {"self": cel_value(schema, value)}
    if old is not ABSENT:
        data["oldSelf"] = cel_value(schema, old)
    outcome = _evaluate(rule.rule, data)
    if not outcome.error and outcome.value is True:
        return None
    text = _message(rule, data)
    if outcome.error:
        text = f"{outcome.error} evaluating rule: {text}"
    place = (*parts, *(name or key for name, key in _STEP.findall(rule.field_path)))
    template = _PREFIXES.get(rule.reason, _PREFIXES["FieldValueInvalid"])
    return FieldError(
        path=render_path(place),
        parts=place,
        type=rule.reason,
        message=template.format(type=f'"{schema.type}"', text=text),
        source="cel",
        value=value,
    )


def _message(rule: CelRule, data: Mapping[str, Any]) -> str:
    if rule.message_expression:
        outcome = _evaluate(rule.message_expression, data)
        if not outcome.error and isinstance(outcome.value, str) and outcome.value.strip():
            return outcome.value
    return rule.message.strip() or f"failed rule: {rule.rule.strip()}"


def _uses_old(rule: CelRule) -> bool:
    return _OLD_SELF.search(rule.rule) is not None


def _evaluate(expression: str, data: Mapping[str, Any]) -> _Outcome:
    result = _compiled(expression).eval(data=data)
    if result.type() == _library().Type.ERROR:
        text = str(result.value())
        missing = _NO_KEY.search(text)
        return _Outcome(
            error=f"no such key: {missing[1]}" if missing else _STATUS_CODE.sub("", text)
        )
    return _Outcome(value=result.value())


@cache
def _compiled(expression: str) -> _Expression:
    try:
        return cast("_Expression", _environment(extended=False).compile(expression))
    except RuntimeError:
        # The extensions are megabytes, and rules that need them are rare.
        try:
            return cast("_Expression", _environment(extended=True).compile(expression))
        except RuntimeError as error:
            raise CelRuleError(
                f"the CEL rule {expression!r} cannot be compiled: {error}"
            ) from error


@cache
def _environment(*, extended: bool) -> Any:
    cel = _library()
    anything = cel.Type.DYN
    extensions: list[Any] = []
    if extended:
        strings = import_module("cel_expr_python.ext.ext_strings")
        extensions.append(strings.ExtStrings())
    return cel.NewEnv(variables={"self": anything, "oldSelf": anything}, extensions=extensions)


def _library() -> Any:
    try:
        return import_module("cel_expr_python.cel")
    except ImportError as error:
        raise CelUnavailableError(
            "the schema has rules in CEL, and the library that evaluates them is not installed: "
            'pip install "matrixinfer-client[validate]", or pass cel=False to leave them out'
        ) from error
