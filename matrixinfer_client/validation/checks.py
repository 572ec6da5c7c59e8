"""The schema of a CustomResourceDefinition compiled to closures, one for each node.

A good value costs a few comparisons and allocates nothing; what is wrong with a bad one is worked
out afterwards, in the order and the words of the API server's validator.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeAlias, cast

from matrixinfer_client.validation.faults import (
    Fault,
    duplicate,
    in_body,
    is_date_time,
    is_integer,
    out_of_bounds,
    too_long,
    too_many,
    unsupported,
    wrong_format,
    wrong_type,
)
from matrixinfer_client.validation.patterns import compile_pattern
from matrixinfer_client.validation.rendering import render_value
from matrixinfer_client.validation.schemas import Schema

__all__ = ["Check", "compile_check", "scalar_faults"]

Check: TypeAlias = Callable[[Any], "list[Fault] | None"]


@cache
def compile_check(schema: Schema) -> Check | None:
    """The check for a node, compiled once; None for a node that allows everything."""
    check = _by_type(schema)
    if check is None or not schema.nullable:
        return check

    def nullable(value: Any) -> list[Fault] | None:
        return None if value is None else check(value)

    return nullable


def _by_type(schema: Schema) -> Check | None:
    if schema.int_or_string:
        return _int_or_string(schema)
    if schema.type == "object":
        return _object(schema)
    if schema.type == "array":
        return _array(schema)
    if schema.type == "string":
        return _string(schema)
    if schema.type in ("integer", "number"):
        return _number(schema)
    if schema.type == "boolean":
        return lambda value: None if type(value) is bool else scalar_faults(schema, value)
    return None


def _string(schema: Schema) -> Check:
    raw = schema.raw
    choices = frozenset(raw["enum"]) if "enum" in raw else None
    most, least = raw.get("maxLength"), raw.get("minLength", 0)
    match = compile_pattern(raw["pattern"]).search if "pattern" in raw else None
    is_time = raw.get("format") == "date-time"
    bounded = most is not None or least or match is not None
    plain = choices is None and not bounded and not schema.all_of and not is_time

    def text(value: Any) -> list[Fault] | None:
        return None if type(value) is str else scalar_faults(schema, value)

    def constrained(value: Any) -> list[Fault] | None:
        if (
            type(value) is str
            and (choices is None or value in choices)
            and (match is None or match(value))
            and (most is None or len(value) <= most)
            and len(value) >= least
            and not schema.all_of
            and (not is_time or is_date_time(value))
        ):
            return None
        return scalar_faults(schema, value) or None

    return text if plain else constrained


def _number(schema: Schema) -> Check:
    raw = schema.raw
    least, most = raw.get("minimum"), raw.get("maximum")
    simple = not raw.keys() & {"enum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"}
    lowest = -(1 << 63) if least is None else least
    highest = (1 << 63) - 1 if most is None else most

    def number(value: Any) -> list[Fault] | None:
        if type(value) is int and lowest <= value <= highest and simple:
            return None
        return scalar_faults(schema, value) or None

    return number


def _int_or_string(schema: Schema) -> Check:
    match = compile_pattern(schema.raw["pattern"]).search if "pattern" in schema.raw else None

    def check(value: Any) -> list[Fault] | None:
        if type(value) is str:
            if match is None or match(value):
                return None
            return [in_body(value, f"should match '{schema.raw['pattern']}'")]
        return None if is_integer(value) else [wrong_type("integer,string", value)]

    return check


def _array(schema: Schema) -> Check:
    check_item = None if schema.items is None else compile_check(schema.items)
    least, most = schema.raw.get("minItems", 0), schema.raw.get("maxItems")
    repeated = _repeated(schema)

    def array(value: Any) -> list[Fault] | None:
        if type(value) is not list:
            return [wrong_type("array", value)]
        values = cast("Sequence[Any]", value)
        faults: list[Fault] = []
        if check_item is not None:
            for index, item in enumerate(values):
                found = check_item(item)
                if found is not None:
                    for fault in found:
                        fault.parts.append(index)
                    faults += found
        if len(values) < least:
            faults.append(in_body(len(values), f"should have at least {least} items"))
        if most is not None and len(values) > most:
            faults.append(too_many(len(values), most))
        if repeated is not None and values:
            faults += repeated(values)
        return faults or None

    return array


def _repeated(schema: Schema) -> Callable[[Sequence[Any]], Iterable[Fault]] | None:
    if schema.list_type == "set":
        return lambda values: (duplicate(index, values[index]) for index in _again(values))
    if schema.list_type == "map":
        keys = schema.map_keys
        return lambda values: _repeated_keys(values, keys)
    return None


def _repeated_keys(values: Sequence[Any], names: tuple[str, ...]) -> Iterable[Fault]:
    for index, item in enumerate(values):
        if item is not None and type(item) is not dict:
            detail = "must be an object for an array of list-type map"
            text = f"Invalid value: {render_value(item)}: {detail}"
            return [Fault.at(index, "FieldValueInvalid", text, item)]
    if len(values) < 2:
        return ()
    if _are_distinct(values, names):
        return ()
    keys = [{name: item[name] for name in names if name in item} if item else {} for item in values]
    return [duplicate(index, keys[index]) for index in _again(keys)]


def _are_distinct(values: Sequence[Any], names: tuple[str, ...]) -> bool:
    """Whether no key comes twice; False when that cannot be said quickly."""
    try:
        return len({tuple(item[name] for name in names) for item in values}) == len(values)
    except (KeyError, TypeError):
        return False


def _again(values: Sequence[Any]) -> list[int]:
    """The index at which each repeated value comes for the second time; later ones are not told."""
    counts: dict[str, int] = {}
    indexes: list[int] = []
    for index, value in enumerate(values):
        key = json.dumps(value, sort_keys=True)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] == 2:
            indexes.append(index)
    return indexes


def _object(schema: Schema) -> Check:
    found_checks = {name: compile_check(child) for name, child in schema.properties.items()}
    checks = {name: check for name, check in found_checks.items() if check is not None}
    others = None if schema.additional is None else compile_check(schema.additional)
    needed = schema.required
    least, most = schema.raw.get("minProperties", 0), schema.raw.get("maxProperties")
    counted = bool(least) or most is not None

    def check_object(value: Any) -> list[Fault] | None:
        if type(value) is not dict:
            return [wrong_type("object", value)]
        fields = cast("dict[str, Any]", value)
        faults: list[Fault] | None = None
        for name, child in fields.items():
            check = checks.get(name) if name in checks or others is None else others
            if check is not None:
                found = check(child)
                if found is not None:
                    for fault in found:
                        fault.parts.append(name)
                    faults = found if faults is None else faults + found
        for name in needed:
            if name not in fields:
                missing = [Fault.at(name, "FieldValueRequired", "Required value")]
                faults = missing if faults is None else faults + missing
        return (faults or []) + _count_faults(len(fields), least, most) if counted else faults

    return check_object


def _count_faults(count: int, least: int, most: int | None) -> list[Fault]:
    if count < least:
        return [in_body(count, f"should have at least {least} properties")]
    return [too_many(count, most)] if most is not None and count > most else []


def scalar_faults(schema: Schema, value: Any) -> list[Fault]:
    """All that is wrong with a value, which may be nothing after all."""
    raw = schema.raw
    faults: list[Fault] = []
    if schema.type and not _has_type(value, schema.type):
        faults.append(wrong_type(schema.type, value))
    if isinstance(value, str):
        faults += _text_faults(raw, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        faults += _number_faults(raw, value)
    if "enum" in raw and not any(type(value) is type(c) and value == c for c in raw["enum"]):
        faults.append(unsupported(value, raw["enum"]))
    for part in schema.all_of:
        seen = {(fault.type, fault.message) for fault in faults}
        more = scalar_faults(part, value)
        faults += [fault for fault in more if (fault.type, fault.message) not in seen]
    return faults


def _has_type(value: Any, name: str) -> bool:
    if name == "integer":
        return is_integer(value)
    if name == "number":
        return type(value) in (int, float)
    return {"string": str, "boolean": bool, "object": dict, "array": list}[name] is type(value)


def _text_faults(raw: Any, value: str) -> Iterable[Fault]:
    if (problem := _text_fault(raw, value)) is not None:
        yield problem
    if raw.get("format") == "date-time" and not is_date_time(value):
        yield wrong_format("date-time", value)


def _text_fault(raw: Any, value: str) -> Fault | None:
    most, least, pattern = raw.get("maxLength"), raw.get("minLength", 0), raw.get("pattern")
    # The server stops at the first of the three.
    if most is not None and len(value) > most:
        return too_long(value, most)
    if len(value) < least:
        return in_body(value, f"should be at least {least} chars long")
    if pattern is not None and not compile_pattern(pattern).search(value):
        return in_body(value, f"should match '{pattern}'")
    return None


def _number_faults(raw: Any, value: float) -> list[Fault]:
    faults: list[Fault] = []
    step, least, most = raw.get("multipleOf"), raw.get("minimum"), raw.get("maximum")
    if step is not None and value % step:
        faults.append(out_of_bounds(value, "a multiple of", step))
    if most is not None:
        strict = bool(raw.get("exclusiveMaximum"))
        if value > most or (strict and value == most):
            words = "less than" if strict else "less than or equal to"
            faults.append(out_of_bounds(value, words, most))
    if least is not None:
        strict = bool(raw.get("exclusiveMinimum"))
        if value < least or (strict and value == least):
            words = "greater than" if strict else "greater than or equal to"
            faults.append(out_of_bounds(value, words, least))
    return faults
