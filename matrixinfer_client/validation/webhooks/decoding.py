"""What the webhooks cannot read although the schema allows it.

They decode the object into Go types. A text that is no duration or quantity, or a number that does
not fit into 32 bits, makes them answer with plain text, and the API server makes of that an error
500 that names no field. Here it is a field error like any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from matrixinfer_client.validation.checks import Check
from matrixinfer_client.validation.durations import DurationError, parse_duration
from matrixinfer_client.validation.faults import Fault
from matrixinfer_client.validation.quantities import QuantityError, parse_quantity
from matrixinfer_client.validation.rendering import render_value
from matrixinfer_client.validation.schemas import Schema

__all__ = ["compile_decode"]

_DURATION = ".meta.v1.Duration"
_OWN = "ai.matrixinfer."
# Unsigned in Go, so that they hold twice what their declared format says.
_UNSIGNED = frozenset({"inputTokensPerUnit", "outputTokensPerUnit", "routeWeight", "weight"})
_ROLLING = ("maxSurge", "maxUnavailable")


@cache
def compile_decode(schema: Schema, *, unsigned: bool = False) -> Check | None:
    """The check for a node; None where nothing can fail."""
    if schema.component.endswith(_DURATION):
        return _duration
    if schema.int_or_string:
        return _quantity if "pattern" in schema.raw else _int_or_string
    if schema.type == "integer":
        return _integer(schema, unsigned=unsigned)
    if schema.type == "array" and schema.items is not None:
        return _array(compile_decode(schema.items))
    if schema.type == "object":
        return _object(schema)
    return None


def _fault(value: Any, detail: str) -> list[Fault]:
    return [Fault("FieldValueInvalid", f"Invalid value: {render_value(value)}: {detail}", value)]


def _duration(value: Any) -> list[Fault] | None:
    try:
        parse_duration(value)
    except DurationError as error:
        return _fault(value, str(error))
    return None


# Most quantities; what is left over is read the long way.
_PLAIN_QUANTITY = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[KMGTPE]i|[munkMGTPE])?", re.ASCII).fullmatch


def _quantity(value: Any) -> list[Fault] | None:
    if type(value) is int or (type(value) is str and _PLAIN_QUANTITY(value)):
        return None
    try:
        parse_quantity(value.strip() if isinstance(value, str) else int(value))
    except QuantityError as error:
        return _fault(value, str(error))
    return None


def _int_or_string(value: Any) -> list[Fault] | None:
    if isinstance(value, str):
        # The webhook looks at the last character without asking whether there is one.
        return None if value else _fault(value, "an empty string makes the webhook fail")
    return _range(value, -(1 << 31), (1 << 31) - 1)


def _integer(schema: Schema, *, unsigned: bool) -> Check:
    bits = 32 if schema.raw.get("format") == "int32" else 64
    least = 0 if unsigned else -(1 << (bits - 1))
    most = (1 << bits if unsigned else 1 << (bits - 1)) - 1

    def integer(value: Any) -> list[Fault] | None:
        if type(value) is int and least <= value <= most:
            return None
        return _range(value, least, most)

    return integer


def _range(value: Any, least: int, most: int) -> list[Fault] | None:
    if isinstance(value, float) and not value.is_integer():
        return _fault(value, "must be a whole number")
    if not least <= value <= most:
        return _fault(value, f"must be between {least} and {most}")
    return None


def _array(check: Check | None) -> Check | None:
    if check is None:
        return None

    def array(value: Any) -> list[Fault] | None:
        faults: list[Fault] = []
        for index, item in enumerate(cast("Sequence[Any]", value)):
            for fault in check(item) or () if item is not None else ():
                fault.parts.append(index)
                faults.append(fault)
        return faults or None

    return array


def _object(schema: Schema) -> Check | None:
    own = schema.component.startswith(_OWN)
    checks: dict[str, Check] = {}
    for name, child in schema.properties.items():
        check = compile_decode(child, unsigned=own and name in _UNSIGNED)
        if child.int_or_string and name not in _ROLLING and "pattern" not in child.raw:
            check = _port
        if check is not None:
            checks[name] = check
    others = None if schema.additional is None else compile_decode(schema.additional)
    if not checks and others is None:
        return None

    def check_object(value: Any) -> list[Fault] | None:
        faults: list[Fault] = []
        for name, child in cast("dict[str, Any]", value).items():
            check = checks.get(name, others)
            if check is not None and child is not None:
                for fault in check(child) or ():
                    fault.parts.append(name)
                    faults.append(fault)
        return faults or None

    return check_object


def _port(value: Any) -> list[Fault] | None:
    """An IntOrString of the pod, which the webhook reads and does not look at."""
    return None if isinstance(value, str) else _int_or_string(value)
