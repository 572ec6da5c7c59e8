"""The options of a delete: those of the body, or those of the query when there is no body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import attrs

from matrixinfer_client.testing.apiserver.decoding import read_object
from matrixinfer_client.testing.apiserver.jsontext import JsonError, json_type
from matrixinfer_client.testing.apiserver.options import (
    boolean,
    dry_run_errors,
    integer,
    option_error,
    refuse,
    unsupported,
)
from matrixinfer_client.testing.apiserver.refusals import unclassified
from matrixinfer_client.testing.exchange import Call
from matrixinfer_client.validation.rendering import quote, render_value
from matrixinfer_client.validation.results import FieldError

__all__ = ["DeleteOptions", "delete_options"]

_POLICIES: Final = ("Foreground", "Background", "Orphan", "nil")
_KIND: Final = "DeleteOptions"


@attrs.frozen(kw_only=True)
class DeleteOptions:
    """Of a delete, out of its body or its query."""

    dry_run: bool = False
    grace_period_seconds: int | None = None
    propagation_policy: str | None = None
    orphan_dependents: bool | None = None
    uid: str | None = None
    resource_version: str | None = None


def delete_options(call: Call) -> DeleteOptions:
    """Read the options; raises the server's refusal."""
    given = _from_body(call) if call.body else _from_query(call)
    policy, orphan = given.get("propagationPolicy"), given.get("orphanDependents")
    errors: list[FieldError] = []
    if orphan is not None and policy is not None:
        text = "orphanDependents and deletionPropagation cannot be both set"
        message = f"Invalid value: {render_value(policy)}: {text}"
        errors.append(option_error("propagationPolicy", "FieldValueInvalid", message))
    if policy is not None and policy not in _POLICIES[:-1]:
        errors.append(unsupported("propagationPolicy", policy, _POLICIES))
    dry_run = given.get("dryRun") or ()
    errors += dry_run_errors(dry_run)
    refuse(_KIND, errors)
    preconditions: Mapping[str, Any] = given.get("preconditions") or {}
    return DeleteOptions(
        dry_run=bool(dry_run),
        grace_period_seconds=given.get("gracePeriodSeconds"),
        propagation_policy=policy,
        orphan_dependents=orphan,
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
    )


def _from_query(call: Call) -> Mapping[str, Any]:
    given: dict[str, Any] = {
        "dryRun": list(call.query.get("dryRun", ())),
        "gracePeriodSeconds": integer(call, "gracePeriodSeconds"),
        "orphanDependents": boolean(call, "orphanDependents"),
        "propagationPolicy": call.option("propagationPolicy") or None,
    }
    return given


def _from_body(call: Call) -> Mapping[str, Any]:
    """The object in the body. What cannot be read is an error that the server does not classify."""
    try:
        given, _ = read_object(call.body, call.headers.get("content-type", ""))
    except JsonError as error:
        raise unclassified(str(error)) from None
    kind, version = given.get("kind") or _KIND, given.get("apiVersion") or ""
    if kind != _KIND:
        scheme = quote("pkg/runtime/scheme.go:110")
        raise unclassified(
            f"no kind {quote(kind)} is registered for version {quote(version)} in scheme {scheme}"
        )
    fault = next(_faults(_FIELDS, given, _KIND, ""), None)
    if fault is not None:
        raise unclassified(fault)
    return given


_FIELDS: Final[Mapping[str, Any]] = {
    "gracePeriodSeconds": "int64",
    "preconditions": {"uid": "types.UID", "resourceVersion": "string"},
    "orphanDependents": "bool",
    "propagationPolicy": "v1.DeletionPropagation",
    "dryRun": "[]string",
    "ignoreStoreReadErrorWithClusterBreakingPotential": "bool",
}
_JSON_TYPES: Final = {"int64": "number", "bool": "bool", "[]string": "array"}


def _faults(
    fields: Mapping[str, Any], given: Mapping[str, Any], struct: str, path: str
) -> Iterator[str]:
    """What Go's decoder says of fields of the wrong type."""
    for name, value in given.items():
        kind = fields.get(name)
        if kind is None or value is None:
            continue
        place = f"{struct}.{path}{name}"
        if isinstance(kind, str):
            yield from _field_faults(kind, value, place)
        elif isinstance(value, dict):
            yield from _faults(kind, cast("dict[str, Any]", value), "Preconditions", f"{name}.")
        else:
            yield _mismatch(value, place, "v1.Preconditions")


def _field_faults(kind: str, value: Any, place: str) -> Iterator[str]:
    if json_type(value) != _JSON_TYPES.get(kind, "string"):
        yield _mismatch(value, place, kind)
    elif kind == "[]string":
        for item in value:
            if not isinstance(item, str | None):
                yield _mismatch(item, place, "string")
    elif isinstance(value, float):
        yield f"json: cannot unmarshal number {value!r} into Go struct field {place} of type {kind}"


def _mismatch(value: Any, place: str, kind: str) -> str:
    return f"json: cannot unmarshal {json_type(value)} into Go struct field {place} of type {kind}"
