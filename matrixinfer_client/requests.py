"""Verb and arguments to request. Nothing is sent here.

Paths, parameters and content types are those of the Kubernetes API conventions; what a caller
passes is checked first, so that a slip costs no round trip and reaches no other path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from matrixinfer_client import codec
from matrixinfer_client.bodies import Sent
from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.flows import Request, TimeoutArg
from matrixinfer_client.models import ApiList, ApiObject
from matrixinfer_client.names import name_segment
from matrixinfer_client.targets import (
    Body,
    ListOptions,
    Preconditions,
    PropagationPolicy,
    Selector,
    Subresource,
    Target,
    WriteOptions,
    check_field_validation,
)
from matrixinfer_client.vetting import vet

__all__ = [
    "apply",
    "create",
    "delete",
    "delete_collection",
    "delete_options",
    "get",
    "list_",
    "list_query",
    "patch",
    "selector_text",
    "update",
]

T = TypeVar("T", bound=ApiObject)
L = TypeVar("L", bound=ApiList[Any])

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def get(
    target: Target[Any, Any],
    name: str,
    *,
    namespace: str | None = None,
    resource_version: str | None = None,
    subresource: Subresource | None = None,
    timeout: TimeoutArg = None,
) -> Request:
    """Read one object, of another namespace than the target's when that is given."""
    query = [("resourceVersion", resource_version)] if resource_version is not None else []
    return Request(
        "GET",
        target.item_path(name, namespace, subresource),
        urlencode(query),
        timeout=_timeout(target, timeout),
        repeatable=True,
    )


def list_(
    target: Target[Any, Any],
    options: ListOptions,
    *,
    timeout: TimeoutArg = None,
    extra: Sequence[tuple[str, str]] = (),
) -> Request:
    """Read a collection, or watch it when `extra` says so."""
    return Request(
        "GET",
        target.collection_path(),
        urlencode([*list_query(options), *extra]),
        timeout=_timeout(target, timeout),
        repeatable=True,
    )


def create(target: Target[T, L], body: Body[T], options: WriteOptions) -> Request:
    """Create an object; the server picks a name when only `generateName` is set."""
    sent = Sent.of(target, body)
    vet(target, body, options)
    if not sent.name and not sent.generate_name:
        raise sent.invalid("metadata.name", "required (or metadata.generateName)")
    if sent.name:
        name_segment(sent.name, target.cls.KIND.kind)
    if sent.resource_version:
        raise sent.invalid(
            "metadata.resourceVersion",
            "must not be set on create; use update for an object that exists",
        )
    return Request(
        "POST",
        target.collection_path(sent.namespace or target.scope),
        _write_query(target, options),
        sent.encoded,
        timeout=_timeout(target, options.timeout),
    )


def update(
    target: Target[T, L],
    body: Body[T],
    options: WriteOptions,
    subresource: Subresource | None = None,
) -> Request:
    """Replace an object, provided that nobody changed it since it was read."""
    sent = Sent.of(target, body)
    vet(target, body, options)
    if not sent.name:
        raise sent.invalid("metadata.name", "required")
    if not sent.resource_version:
        raise sent.invalid(
            "metadata.resourceVersion",
            "required for an update: read the object, change it and update that, or use "
            "mutate(), patch() or apply()",
        )
    return Request(
        "PUT",
        target.item_path(sent.name, sent.namespace, subresource),
        _write_query(target, options),
        sent.encoded,
        timeout=_timeout(target, options.timeout),
    )


def patch(
    target: Target[Any, Any],
    name: str,
    body: object,
    options: WriteOptions,
    subresource: Subresource | None = None,
) -> Request:
    """Change some fields: a mapping is a merge patch, a sequence of operations a JSON patch."""
    content_type = _patch_type(body)
    return Request(
        "PATCH",
        target.item_path(name, subresource=subresource),
        _write_query(target, options),
        codec.encode(body),
        content_type,
        timeout=_timeout(target, options.timeout),
    )


def apply(
    target: Target[T, L],
    body: Body[T],
    options: WriteOptions,
    *,
    force: bool,
    subresource: Subresource | None = None,
) -> Request:
    """Server-side apply: the given fields, owned by the field manager."""
    sent = Sent.of(target, body, applied=True)
    vet(target, body, options, applied=True)
    if not sent.name:
        raise sent.invalid("metadata.name", "required: apply creates or changes a named object")
    query = _write_query(target, options)
    if force:
        query += "&force=true"
    return Request(
        "PATCH",
        target.item_path(sent.name, sent.namespace, subresource),
        query,
        sent.encoded,
        APPLY_PATCH,
        timeout=_timeout(target, options.timeout),
        # The same intent by the same manager, applied twice, is the same as once.
        repeatable=True,
    )


def delete(
    target: Target[Any, Any],
    name: str,
    delete_options: Mapping[str, Any],
    *,
    timeout: TimeoutArg = None,
) -> Request:
    """Delete one object."""
    return Request(
        "DELETE",
        target.item_path(name),
        body=codec.encode(delete_options),
        timeout=_timeout(target, timeout),
    )


def delete_collection(
    target: Target[Any, Any],
    delete_options: Mapping[str, Any],
    options: ListOptions,
    *,
    namespace: str | None = None,
    timeout: TimeoutArg = None,
) -> Request:
    """Delete what a list with the same options would show, in one namespace."""
    return Request(
        "DELETE",
        target.collection_path(namespace),
        urlencode(list_query(options)),
        codec.encode(delete_options),
        timeout=_timeout(target, timeout),
    )


def delete_options(
    target: Target[Any, Any],
    *,
    grace_period_seconds: int | None,
    propagation_policy: PropagationPolicy | None,
    preconditions: Preconditions | None,
    dry_run: bool | None,
) -> dict[str, Any]:
    """The `DeleteOptions` body, with the given options only."""
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
    if grace_period_seconds is not None:
        if grace_period_seconds < 0:
            raise InvalidArgumentError(
                f"grace_period_seconds cannot be negative, got {grace_period_seconds}"
            )
        body["gracePeriodSeconds"] = grace_period_seconds
    if propagation_policy is not None:
        if propagation_policy not in ("Background", "Foreground", "Orphan"):
            raise InvalidArgumentError(
                f"propagation_policy must be Background, Foreground or Orphan, "
                f"not {propagation_policy!r}"
            )
        body["propagationPolicy"] = propagation_policy
    if preconditions is not None:
        wanted = {"uid": preconditions.uid, "resourceVersion": preconditions.resource_version}
        body["preconditions"] = {key: value for key, value in wanted.items() if value is not None}
    if target.options.dry_run if dry_run is None else dry_run:
        body["dryRun"] = ["All"]
    return body


def list_query(options: ListOptions) -> list[tuple[str, str]]:
    """Query parameters of a list, a watch or a delete collection."""
    query: list[tuple[str, str]] = []
    if options.label_selector:
        query.append(("labelSelector", selector_text(options.label_selector, "label_selector")))
    if options.field_selector:
        query.append(("fieldSelector", selector_text(options.field_selector, "field_selector")))
    if options.limit is not None:
        if type(options.limit) is not int or options.limit < 1:
            raise InvalidArgumentError(f"limit must be 1 or more, got {options.limit!r}")
        query.append(("limit", str(options.limit)))
    if options.continue_token:
        query.append(("continue", options.continue_token))
    if options.resource_version is not None:
        query.append(("resourceVersion", options.resource_version))
    if options.resource_version_match is not None:
        if options.resource_version_match not in ("Exact", "NotOlderThan"):
            raise InvalidArgumentError(
                f"resource_version_match must be Exact or NotOlderThan, "
                f"not {options.resource_version_match!r}"
            )
        query.append(("resourceVersionMatch", options.resource_version_match))
    return query


def selector_text(selector: Selector, argument: str) -> str:
    """A selector as the API takes it; a mapping means equality of every entry."""
    if isinstance(selector, str):
        return selector
    if not isinstance(cast("object", selector), Mapping):
        raise InvalidArgumentError(
            f"{argument} must be a string or a mapping, not {type(selector).__name__}"
        )
    for key, value in selector.items():
        # A comma or an operator inside would silently select something else.
        if not isinstance(cast("object", value), str) or set(f"{key}{value}") & set(",=!()"):
            raise InvalidArgumentError(
                f"{argument}: {key!r}: {value!r} is no plain key and value; write the selector "
                "as a string for anything but equality"
            )
    return ",".join(f"{key}={value}" for key, value in selector.items())


def _write_query(target: Target[Any, Any], options: WriteOptions) -> str:
    defaults = target.options
    unsaid = "Ignore" if options.validate == "off" else defaults.field_validation
    return _encoded_query(
        options.field_manager or defaults.field_manager,
        options.field_validation or unsaid,
        defaults.dry_run if options.dry_run is None else options.dry_run,
    )


@lru_cache(maxsize=64)
def _encoded_query(manager: str, validation: str, dry_run: bool) -> str:
    check_field_validation(validation)
    query = [("fieldManager", manager), ("fieldValidation", validation)]
    if dry_run:
        query.append(("dryRun", "All"))
    return urlencode(query)


def _timeout(target: Target[Any, Any], timeout: TimeoutArg) -> TimeoutArg:
    return target.options.timeout if timeout is None else timeout


def _patch_type(body: object) -> str:
    if isinstance(body, Mapping):
        return MERGE_PATCH
    if isinstance(body, Sequence) and not isinstance(body, str | bytes):
        for index, operation in enumerate(cast("Sequence[object]", body)):
            _check_operation(index, operation)
        return JSON_PATCH
    raise InvalidArgumentError(
        "a patch is a mapping (merge patch; None removes a field) or a list of operations "
        f"(JSON patch), not {type(body).__name__}"
    )


# What each operation of RFC 6902 needs beside its path.
_OPERATIONS = {
    "add": "value",
    "copy": "from",
    "move": "from",
    "remove": None,
    "replace": "value",
    "test": "value",
}


def _check_operation(index: int, operation: object) -> None:
    """Raise for an operation that the server would refuse without saying which, or why."""
    where = f"JSON patch: operation {index}"
    if not isinstance(operation, Mapping) or not {"op", "path"} <= operation.keys():
        raise InvalidArgumentError(
            f"{where} must be a mapping with op, path and value, got {operation!r}"
        )
    given = cast("Mapping[str, Any]", operation)
    name, path = given["op"], given["path"]
    if not isinstance(name, str) or name not in _OPERATIONS:
        raise InvalidArgumentError(
            f"{where}: op must be one of {', '.join(_OPERATIONS)}, not {name!r}"
        )
    if not isinstance(path, str) or (path and not path.startswith("/")):
        raise InvalidArgumentError(
            f"{where}: path must be a JSON pointer such as '/spec/owner', not {path!r}"
        )
    needed = _OPERATIONS[name]
    if needed is not None and needed not in given:
        raise InvalidArgumentError(f"{where}: {name} needs {needed!r}, got {operation!r}")
