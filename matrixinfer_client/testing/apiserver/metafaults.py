"""Metadata of the wrong types, which the API server finds before it looks at anything else.

Go reads metadata into a typed structure, and says at the first value that does not fit which field
of which Go type it was meant for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import attrs

from matrixinfer_client.testing.apiserver.jsontext import json_type
from matrixinfer_client.validation.rendering import quote

__all__ = ["metadata_fault"]


@attrs.frozen
class _Struct:
    """A Go structure: its fields, each with a Go type or another structure, or a list of those."""

    name: str
    fields: Mapping[str, str | _Struct]
    is_list: bool = False


_INT64 = "int64"
_TIME = "Time"
_TEXTS = "map[string]string"
_OWNER = _Struct(
    "OwnerReference",
    {
        "apiVersion": "string",
        "kind": "string",
        "name": "string",
        "uid": "types.UID",
        "controller": "bool",
        "blockOwnerDeletion": "bool",
    },
    is_list=True,
)
_MANAGED = _Struct(
    "ManagedFieldsEntry",
    {
        "manager": "string",
        "operation": "v1.ManagedFieldsOperationType",
        "apiVersion": "string",
        "time": _TIME,
        "fieldsType": "string",
        "subresource": "string",
    },
    is_list=True,
)
_META = _Struct(
    "ObjectMeta",
    {
        "name": "string",
        "generateName": "string",
        "namespace": "string",
        "selfLink": "string",
        "uid": "types.UID",
        "resourceVersion": "string",
        "generation": _INT64,
        "creationTimestamp": _TIME,
        "deletionTimestamp": _TIME,
        "deletionGracePeriodSeconds": _INT64,
        "labels": _TEXTS,
        "annotations": _TEXTS,
        "ownerReferences": _OWNER,
        "finalizers": "[]string",
        "managedFields": _MANAGED,
    },
)

_LAYOUT = "2006-01-02T15:04:05Z07:00"
# Each part of a time: what Go calls it, its text, and which values it may have.
_TIME_PARTS = (
    ("2006", "[0-9]{4}", None, ""),
    ("-", "-", None, ""),
    ("01", "[0-9]{2}", range(1, 13), "month"),
    ("-", "-", None, ""),
    ("02", "[0-9]{2}", None, ""),
    ("T", "T", None, ""),
    ("15", "[0-9]{2}", range(24), "hour"),
    (":", ":", None, ""),
    ("04", "[0-9]{2}", range(60), "minute"),
    (":", ":", None, ""),
    ("05", r"[0-9]{2}(?=([.,][0-9]+)?)", range(60), "second"),
    ("Z07:00", "Z|(?=[+-][0-9]{2}:[0-9]{2})", None, ""),
)
_OFFSET_PARTS = (
    ("Z07:00", "[+-]", None, ""),
    ("07", "[0-9]{2}", range(25), "time zone offset hour"),
    (":", ":", None, ""),
    ("00", "[0-9]{2}", range(61), "time zone offset minute"),
)


def metadata_fault(metadata: Any, *, core_kind: str = "") -> str | None:
    """What Go says of the first value in metadata that has the wrong type; None when all fit.

    Args:
        metadata: The field as it was sent.
        core_kind: The kind, for one of Kubernetes itself: its metadata is read with the rest of
            the object, in the order of the body. That of a custom object is read on its own, in
            the order of its keys.
    """
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        place = f"struct field {core_kind}.metadata" if core_kind else "value"
        return f"json: cannot unmarshal {json_type(metadata)} into Go {place} of type v1.ObjectMeta"
    path = "metadata." if core_kind else ""
    faults = _struct_faults(_META, cast("dict[str, Any]", metadata), path, not core_kind)
    return next(faults, None)


def _struct_faults(
    struct: _Struct, value: Mapping[str, Any], path: str, in_order: bool
) -> Iterator[str]:
    for key in sorted(value) if in_order else value:
        kind = struct.fields.get(key)
        if kind is None or value[key] is None:
            continue
        place = f"{struct.name}.{path}{key}"
        if isinstance(kind, _Struct):
            yield from _list_faults(kind, value[key], place, f"{path}{key}.", in_order)
        else:
            yield from _field_faults(kind, value[key], place, in_order)


def _list_faults(
    struct: _Struct, value: Any, place: str, path: str, in_order: bool
) -> Iterator[str]:
    if not isinstance(value, list):
        yield _mismatch(value, place, f"[]v1.{struct.name}")
        return
    for item in cast("Sequence[Any]", value):
        if isinstance(item, dict):
            yield from _struct_faults(struct, cast("dict[str, Any]", item), path, in_order)
        elif item is not None:
            yield _mismatch(item, place, f"v1.{struct.name}")


def _field_faults(kind: str, value: Any, place: str, in_order: bool) -> Iterator[str]:
    if kind == _TEXTS and isinstance(value, dict):
        texts = cast("dict[str, Any]", value)
        items = [texts[key] for key in (sorted(texts) if in_order else texts)]
        yield from (_mismatch(item, place, "string") for item in items if _is_no_text(item))
    elif kind == "[]string" and isinstance(value, list):
        finalizers = cast("Sequence[Any]", value)
        yield from (_mismatch(item, place, "string") for item in finalizers if _is_no_text(item))
    elif kind == _TIME:
        problem = _time_problem(value) if isinstance(value, str) else None
        if not isinstance(value, str):
            yield _mismatch(value, place, "string")
        elif problem:
            yield problem
    elif kind == _INT64:
        yield from _integer_faults(value, place)
    elif json_type(value) != ("bool" if kind == "bool" else "string") or kind in (
        _TEXTS,
        "[]string",
    ):
        yield _mismatch(value, place, kind)


def _integer_faults(value: Any, place: str) -> Iterator[str]:
    if json_type(value) != "number":
        yield _mismatch(value, place, _INT64)
    elif isinstance(value, float) and not (value.is_integer() and abs(value) < 1 << 63):
        text = f"number {value!r}"
        yield f"json: cannot unmarshal {text} into Go struct field {place} of type {_INT64}"


def _is_no_text(value: Any) -> bool:
    return value is not None and not isinstance(value, str)


def _mismatch(value: Any, place: str, kind: str) -> str:
    return f"json: cannot unmarshal {json_type(value)} into Go struct field {place} of type {kind}"


def _time_problem(text: str) -> str | None:
    """Why Go does not take a text for a time; None when it does."""
    rest = text
    beginning = f"parsing time {quote(text)}"
    parts = _TIME_PARTS if _OFFSET.search(text) is None else _TIME_PARTS + _OFFSET_PARTS
    for name, pattern, allowed, word in parts:
        found = re.match(pattern, rest, re.ASCII)
        if found is None:
            return f"{beginning} as {quote(_LAYOUT)}: cannot parse {quote(rest)} as {quote(name)}"
        if allowed is not None and int(found[0]) not in allowed:
            return f"{beginning}: {word} out of range"
        fraction = found[1] if found.re.groups and found[1] else ""
        rest = rest[len(found[0]) + len(fraction) :]
    if rest:
        return f"{beginning}: extra text: {quote(rest)}"
    return None if _is_day(text) else f"{beginning}: day out of range"


_OFFSET = re.compile("[+-][0-9]{2}:[0-9]{2}", re.ASCII)


def _is_day(text: str) -> bool:
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if is_leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return 1 <= day <= days[month - 1]
