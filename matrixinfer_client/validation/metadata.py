"""The rules for `metadata`, which the API server applies to every kind alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from matrixinfer_client.validation.checks import compile_check
from matrixinfer_client.validation.faults import to_error
from matrixinfer_client.validation.identifiers import (
    annotation_key_problems,
    label_key_problems,
    label_value_problems,
    namespace_problems,
    subdomain_problems,
)
from matrixinfer_client.validation.results import FieldError, invalid, required
from matrixinfer_client.validation.schemas import Schema

__all__ = ["OBJECT_META", "malformed", "metadata_errors"]

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
"""The component that describes `metadata`."""

_MOST_ANNOTATION_BYTES = 262_144
_TIMES = ("creationTimestamp", "deletionTimestamp")


def malformed(schema: Schema, metadata: Any) -> list[FieldError]:
    """Fields of the wrong type. The server answers them with 400 and does not look further."""
    check = compile_check(schema)
    faults = [] if check is None else check(metadata) or []
    errors: list[FieldError] = []
    for fault in faults:
        # Go takes null for the zero value; everything but types comes later, by other rules.
        if fault.type == "FieldValueTypeInvalid" and fault.value is not None:
            fault.parts.append("metadata")
            errors.append(to_error(fault))
    times = cast("dict[str, Any]", metadata) if isinstance(metadata, dict) else {}
    for name in _TIMES:
        text = times.get(name)
        if isinstance(text, str) and not _is_time(text):
            detail = "must be a time such as 2025-01-31T12:00:00Z"
            path = f"metadata.{name}"
            errors.append(invalid(("metadata", name), path, text, detail, source="name"))
    return errors


def metadata_errors(
    metadata: Mapping[str, Any], old: Mapping[str, Any] | None, *, namespaced: bool
) -> list[FieldError]:
    """What is wrong with well-formed metadata, in the server's order."""
    return [
        *_name_errors(metadata, old),
        *_namespace_errors(metadata, old, namespaced=namespaced),
        *_label_errors(metadata.get("labels") or {}),
        *_annotation_errors(metadata.get("annotations") or {}),
        *_owner_errors(metadata.get("ownerReferences") or []),
        *_finalizer_errors(metadata.get("finalizers") or []),
    ]


def _name_errors(
    metadata: Mapping[str, Any], old: Mapping[str, Any] | None
) -> Iterator[FieldError]:
    name, prefix = metadata.get("name") or "", metadata.get("generateName") or ""
    at_name = ("metadata", "name")
    if prefix:
        # The server appends to it, so a dash at the end is fine.
        probe = f"{prefix[:-1]}a" if prefix.endswith("-") else prefix
        for problem in subdomain_problems(probe):
            place = ("metadata", "generateName")
            yield invalid(place, "metadata.generateName", prefix, problem, source="name")
    if not name and not prefix:
        yield required(at_name, "metadata.name", "name or generateName is required", source="name")
    for problem in subdomain_problems(name) if name else ():
        yield invalid(at_name, "metadata.name", name, problem, source="name")
    if old is not None and old.get("name") not in (None, name):
        yield invalid(at_name, "metadata.name", name, "field is immutable", source="name")


def _namespace_errors(
    metadata: Mapping[str, Any], old: Mapping[str, Any] | None, *, namespaced: bool
) -> Iterator[FieldError]:
    namespace = metadata.get("namespace") or ""
    place = ("metadata", "namespace")
    if namespace and not namespaced:
        message = "Forbidden: not allowed on this type"
        yield FieldError(
            path="metadata.namespace",
            parts=place,
            type="FieldValueForbidden",
            message=message,
            source="name",
        )
    for problem in namespace_problems(namespace) if namespace and namespaced else ():
        yield invalid(place, "metadata.namespace", namespace, problem, source="name")
    if old is not None and namespace and old.get("namespace") not in (None, namespace):
        detail = "field is immutable"
        yield invalid(place, "metadata.namespace", namespace, detail, source="name")


def _label_errors(labels: Mapping[str, Any]) -> Iterator[FieldError]:
    for key, value in labels.items():
        place = ("metadata", "labels", key)
        for problem in label_key_problems(key):
            yield invalid(place, "metadata.labels", key, problem, source="name")
        for problem in label_value_problems(value or ""):
            yield invalid(place, "metadata.labels", value, problem, source="name")


def _annotation_errors(annotations: Mapping[str, Any]) -> Iterator[FieldError]:
    for key in annotations:
        for problem in annotation_key_problems(key):
            place = ("metadata", "annotations", key)
            yield invalid(place, "metadata.annotations", key, problem, source="name")
    texts = [text for pair in annotations.items() for text in pair if text]
    if sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) > _MOST_ANNOTATION_BYTES:
        yield FieldError(
            path="metadata.annotations",
            parts=("metadata", "annotations"),
            type="FieldValueTooLong",
            message=f"Too long: may not be more than {_MOST_ANNOTATION_BYTES} bytes",
            source="name",
        )


def _owner_errors(owners: list[Any]) -> Iterator[FieldError]:
    path = "metadata.ownerReferences"
    references: list[dict[str, Any]] = []
    for owner in owners:
        reference = _as_written(owner or {})
        # The server keeps one of several that are equal.
        if reference not in references:
            references.append(reference)
    for index, owner in enumerate(references):
        place = ("metadata", "ownerReferences", index)
        version = owner["apiVersion"]
        if not version.rpartition("/")[2]:
            detail = "version must not be empty"
            yield invalid(place, f"{path}.apiVersion", version, detail, source="name")
        for name in ("kind", "name", "uid"):
            if not owner[name]:
                yield invalid(place, f"{path}.{name}", "", "must not be empty", source="name")
        if version == "v1" and owner["kind"] == "Event":
            detail = "/v1, Kind=Event is disallowed from being an owner"
            shown = _render(owner)
            yield invalid(place, path, owner, detail, source="name", shown=shown)
    controllers = [owner for owner in references if owner.get("controller")]
    for owner in controllers[1:]:
        first = controllers[0]
        detail = (
            'Only one reference can have Controller set to true. Found "true" in references for '
            f"{first['kind']}/{first['name']} and {owner['kind']}/{owner['name']}"
        )
        shown = _render(references)
        yield invalid(
            ("metadata", "ownerReferences"), path, owners, detail, source="name", shown=shown
        )


def _as_written(owner: Mapping[str, Any]) -> dict[str, Any]:
    """The reference with the fields that Go always writes, in Go's order."""
    texts = {name: owner.get(name) or "" for name in ("apiVersion", "kind", "name", "uid")}
    flags = {name: owner[name] for name in ("controller", "blockOwnerDeletion") if name in owner}
    return texts | flags


def _render(value: Any) -> str:
    # A Go struct, whose fields keep their order; maps are printed with sorted keys.
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _finalizer_errors(finalizers: list[Any]) -> Iterator[FieldError]:
    for index, finalizer in enumerate(finalizers):
        for problem in label_key_problems(finalizer or ""):
            place = ("metadata", "finalizers", index)
            yield invalid(place, "metadata.finalizers", finalizer or "", problem, source="name")
    if {"orphan", "foregroundDeletion"} <= {*finalizers}:
        detail = "finalizer orphan and foregroundDeletion cannot be both set"
        whole = ("metadata", "finalizers")
        yield invalid(whole, "metadata.finalizers", finalizers, detail, source="name")


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None and "T" in text
    except ValueError:
        return False
