"""Verb and arguments to request. Nothing is sent here.

Paths, parameters and content types are those of the Kubernetes API conventions; what a caller
passes is checked first, so that a slip costs no round trip and reaches no other path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast
from urllib.parse import urlencode

import attrs

from matrixinfer_client import codec
from matrixinfer_client.errors import InvalidArgumentError, InvalidObjectError, Problem
from matrixinfer_client.flows import Request, Retries, TimeoutArg
from matrixinfer_client.models import ApiList, ApiObject
from matrixinfer_client.names import (
    AllNamespaces,
    NamespaceArg,
    name_segment,
    namespace_segment,
)

__all__ = [
    "Body",
    "FieldValidation",
    "ListOptions",
    "Options",
    "PatchBody",
    "Preconditions",
    "PropagationPolicy",
    "Selector",
    "Subresource",
    "Target",
    "WriteOptions",
]

T = TypeVar("T", bound=ApiObject)
L = TypeVar("L", bound=ApiList[Any])

Body: TypeAlias = "T | Mapping[str, Any]"
PatchBody: TypeAlias = "Mapping[str, Any] | Sequence[Mapping[str, Any]]"
FieldValidation: TypeAlias = Literal["Strict", "Warn", "Ignore"]
PropagationPolicy: TypeAlias = Literal["Background", "Foreground", "Orphan"]
ResourceVersionMatch: TypeAlias = Literal["Exact", "NotOlderThan"]
Selector: TypeAlias = "str | Mapping[str, str]"
Subresource: TypeAlias = Literal["status"]

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


@attrs.frozen
class Options:
    """What a client adds to every call that does not say otherwise."""

    namespace: str = "default"
    field_manager: str = "matrixinfer-client"
    field_validation: FieldValidation = "Strict"
    dry_run: bool = False
    timeout: TimeoutArg = None
    retries: Retries = attrs.field(factory=Retries)


@attrs.frozen
class Preconditions:
    """What must still be true for a delete to happen; otherwise the server answers 409."""

    uid: str | None = None
    resource_version: str | None = None


@attrs.frozen
class WriteOptions:
    """Options that every write has. `None` means the client's default."""

    dry_run: bool | None = None
    field_manager: str | None = None
    field_validation: FieldValidation | None = None
    timeout: TimeoutArg = None


@attrs.frozen
class ListOptions:
    """Which objects, and as of when."""

    label_selector: Selector | None = None
    field_selector: Selector | None = None
    limit: int | None = None
    continue_token: str | None = None
    resource_version: str | None = None
    resource_version_match: ResourceVersionMatch | None = None


@attrs.frozen
class Target(Generic[T, L]):
    """One resource in one namespace (or in all): what the verbs are about."""

    cls: type[T]
    list_cls: type[L]
    namespace: NamespaceArg
    options: Options

    @property
    def scope(self) -> str:
        """The namespace in effect; raises where the verb needs one and all were asked for."""
        if isinstance(self.namespace, AllNamespaces):
            kind = self.cls.KIND
            raise InvalidArgumentError(
                f"this verb works on one {kind.kind} in one namespace, but the resource was "
                f"opened with ALL_NAMESPACES; use {kind.plural}(namespace)"
            )
        return self.options.namespace if self.namespace is None else self.namespace

    def collection_path(self, namespace: str | None = None) -> str:
        """The path of the collection, in all namespaces where that was asked for."""
        kind = self.cls.KIND
        root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        if not kind.namespaced:
            return f"{root}/{kind.plural}"
        if namespace is None and isinstance(self.namespace, AllNamespaces):
            return f"{root}/{kind.plural}"
        scope = namespace_segment(self.scope if namespace is None else namespace)
        return f"{root}/namespaces/{scope}/{kind.plural}"

    def item_path(
        self, name: object, namespace: str | None = None, subresource: Subresource | None = None
    ) -> str:
        """The path of one object or of its subresource."""
        kind = self.cls.KIND
        if kind.namespaced and namespace is None:
            namespace = self.scope
        path = f"{self.collection_path(namespace)}/{name_segment(name, kind.kind)}"
        if subresource is None:
            return path
        if subresource not in kind.subresources:
            known = ", ".join(kind.subresources) or "none"
            raise InvalidArgumentError(
                f"{kind.kind} has no subresource {subresource!r} (it has: {known})"
            )
        return f"{path}/{subresource}"


def get(
    target: Target[Any, Any],
    name: str,
    *,
    resource_version: str | None = None,
    subresource: Subresource | None = None,
    timeout: TimeoutArg = None,
) -> Request:
    """Read one object."""
    query = [("resourceVersion", resource_version)] if resource_version is not None else []
    return Request(
        "GET",
        target.item_path(name, subresource=subresource),
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
    sent = _Sent.of(target, body)
    if not sent.name and not sent.generate_name:
        raise _invalid(sent, "metadata.name", "required (or metadata.generateName)")
    if sent.name:
        name_segment(sent.name, target.cls.KIND.kind)
    if sent.resource_version:
        raise _invalid(
            sent,
            "metadata.resourceVersion",
            "must not be set on create; use update for an object that exists",
        )
    return Request(
        "POST",
        target.collection_path(sent.namespace or target.scope),
        _write_query(target, options),
        sent.encoded(),
        timeout=_timeout(target, options.timeout),
    )


def update(
    target: Target[T, L],
    body: Body[T],
    options: WriteOptions,
    subresource: Subresource | None = None,
) -> Request:
    """Replace an object, provided that nobody changed it since it was read."""
    sent = _Sent.of(target, body)
    if not sent.name:
        raise _invalid(sent, "metadata.name", "required")
    if not sent.resource_version:
        raise _invalid(
            sent,
            "metadata.resourceVersion",
            "required for an update: read the object, change it and update that, or use "
            "mutate(), patch() or apply()",
        )
    return Request(
        "PUT",
        target.item_path(sent.name, sent.namespace, subresource),
        _write_query(target, options),
        sent.encoded(),
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
    return Request(
        "PATCH",
        target.item_path(name, subresource=subresource),
        _write_query(target, options),
        codec.encode(body),
        _patch_type(body),
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
    sent = _Sent.of(target, body, applied=True)
    if not sent.name:
        raise _invalid(sent, "metadata.name", "required: apply creates or changes a named object")
    query = _write_query(target, options)
    if force:
        query += "&force=true"
    return Request(
        "PATCH",
        target.item_path(sent.name, sent.namespace, subresource),
        query,
        sent.encoded(),
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
        if isinstance(options.limit, bool) or options.limit < 1:
            raise InvalidArgumentError(f"limit must be 1 or more, got {options.limit!r}")
        query.append(("limit", str(options.limit)))
    if options.continue_token:
        query.append(("continue", options.continue_token))
    if options.resource_version is not None:
        query.append(("resourceVersion", options.resource_version))
    if options.resource_version_match is not None:
        query.append(("resourceVersionMatch", options.resource_version_match))
    return query


def selector_text(selector: Selector, argument: str) -> str:
    """A selector as the API takes it; a mapping means equality of every entry."""
    if isinstance(selector, str):
        return selector
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
    query = [
        ("fieldManager", options.field_manager or defaults.field_manager),
        ("fieldValidation", options.field_validation or defaults.field_validation),
    ]
    if defaults.dry_run if options.dry_run is None else options.dry_run:
        query.append(("dryRun", "All"))
    return urlencode(query)


def _timeout(target: Target[Any, Any], timeout: TimeoutArg) -> TimeoutArg:
    return target.options.timeout if timeout is None else timeout


def _patch_type(body: object) -> str:
    if isinstance(body, Mapping):
        return MERGE_PATCH
    if isinstance(body, Sequence) and not isinstance(body, str | bytes):
        for index, operation in enumerate(cast("Sequence[object]", body)):
            if not isinstance(operation, Mapping) or "op" not in operation:
                raise InvalidArgumentError(
                    f"JSON patch: operation {index} must be a mapping with op, path and value, "
                    f"got {operation!r}"
                )
        return JSON_PATCH
    raise InvalidArgumentError(
        "a patch is a mapping (merge patch; None removes a field) or a list of operations "
        f"(JSON patch), not {type(body).__name__}"
    )


def _invalid(sent: _Sent, path: str, message: str) -> InvalidObjectError:
    return InvalidObjectError([Problem(path, message)], subject=sent.subject)


@attrs.frozen
class _Sent:
    """A body on its way out, with the parts of its metadata that decide where it goes."""

    subject: str
    name: str | None
    generate_name: str | None
    namespace: str | None
    resource_version: str | None
    body: object

    def encoded(self) -> bytes:
        return codec.encode(self.body)

    @classmethod
    def of(cls, target: Target[T, L], body: Body[T], *, applied: bool = False) -> _Sent:
        wire = _checked(target, body)
        metadata = _metadata(target, body)
        namespace = _namespace(target, metadata.get("namespace"))
        if applied and metadata.get("managedFields"):
            # The server refuses them in an apply; whoever applies what was read means the rest.
            wire = codec.to_dict(cast("Any", wire))
            wire["metadata"].pop("managedFields")
        kind = target.cls.KIND.kind
        name = metadata.get("name")
        return cls(
            subject=f"{kind} {name!r}" if name else kind,
            name=name,
            generate_name=metadata.get("generateName"),
            namespace=namespace,
            resource_version=metadata.get("resourceVersion"),
            body=wire,
        )


def _checked(target: Target[T, L], body: Body[T]) -> object:
    kind = target.cls.KIND
    if isinstance(body, ApiObject):
        if not isinstance(body, target.cls):
            raise _wrong_kind(target, f"a {type(body).__name__}")
        codec.check(body)
        return body
    if not isinstance(cast("object", body), Mapping):
        raise _wrong_kind(target, f"a {type(body).__name__}")
    given = (body.get("apiVersion"), body.get("kind"))
    if given == (kind.api_version, kind.kind):
        return body
    if given[0] not in (None, kind.api_version) or given[1] not in (None, kind.kind):
        raise _wrong_kind(target, f"apiVersion {given[0]!r}, kind {given[1]!r}")
    return {**body, "apiVersion": kind.api_version, "kind": kind.kind}


def _wrong_kind(target: Target[Any, Any], given: str) -> InvalidArgumentError:
    kind = target.cls.KIND
    return InvalidArgumentError(
        f"{kind.plural} takes a {kind.kind} or a mapping with apiVersion {kind.api_version!r} and "
        f"kind {kind.kind!r}, but got {given}"
    )


def _metadata(target: Target[Any, Any], body: object) -> Mapping[str, Any]:
    """The wire form of the parts of the metadata that the request layer looks at."""
    metadata: Any
    if isinstance(body, ApiObject):
        metadata = cast("Any", body).metadata
        if metadata is not None and not isinstance(metadata, Mapping):
            return {
                "name": metadata.name,
                "generateName": metadata.generate_name,
                "namespace": metadata.namespace,
                "resourceVersion": metadata.resource_version,
                "managedFields": metadata.managed_fields,
            }
    else:
        metadata = cast("Mapping[str, Any]", body).get("metadata")
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        problem = Problem("metadata", f"must be a mapping, not {type(metadata).__name__}")
        raise InvalidObjectError([problem], subject=target.cls.KIND.kind)
    return cast("Mapping[str, Any]", metadata)


def _namespace(target: Target[Any, Any], given: str | None) -> str | None:
    """The namespace that an object goes to.

    As with kubectl, the object's own namespace counts unless one was asked for; two that differ
    are an error, never a silent choice.
    """
    if not target.cls.KIND.namespaced or given is None:
        return None
    namespace_segment(given)
    if isinstance(target.namespace, str) and target.namespace != given:
        raise InvalidArgumentError(
            f"the object has metadata.namespace {given!r}, but the resource was opened for "
            f"namespace {target.namespace!r}"
        )
    return given
