"""The body of a write: whether it is the right kind, where it goes, and its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import attrs

from matrixinfer_client import codec
from matrixinfer_client.errors import InvalidArgumentError, InvalidObjectError, Problem
from matrixinfer_client.foreign import is_model
from matrixinfer_client.models import ApiList, ApiModel, ApiObject
from matrixinfer_client.names import namespace_segment
from matrixinfer_client.targets import Body, Target

__all__ = ["Sent"]

T = TypeVar("T", bound=ApiObject)
L = TypeVar("L", bound=ApiList[Any])


@attrs.frozen
class Sent:
    """A body on its way out, with the parts of its metadata that decide where it goes."""

    subject: str
    name: str | None
    generate_name: str | None
    namespace: str | None
    resource_version: str | None
    encoded: bytes
    """The body as JSON."""

    def invalid(self, path: str, message: str) -> InvalidObjectError:
        """The error that says what is wrong with it."""
        return InvalidObjectError([Problem(path, message)], subject=self.subject)

    @classmethod
    def of(cls, target: Target[T, L], body: Body[T], *, applied: bool = False) -> Sent:
        """Check a body; raises what is wrong with it before anything is sent."""
        wire = _right_kind(target, body)
        metadata = _metadata(target, body)
        namespace = _namespace(target, metadata.get("namespace"))
        encoded = codec.encode_checked(wire) if isinstance(wire, ApiObject) else codec.encode(wire)
        if applied and metadata.get("managedFields"):
            # The server refuses them in an apply; whoever applies what was read means the rest.
            plain = codec.decode_json(encoded)
            del plain["metadata"]["managedFields"]
            encoded = codec.encode(plain)
        kind = target.cls.KIND.kind
        name = metadata.get("name")
        return cls(
            subject=f"{kind} {name!r}" if name else kind,
            name=name,
            generate_name=metadata.get("generateName"),
            namespace=namespace,
            resource_version=metadata.get("resourceVersion"),
            encoded=encoded,
        )


def _right_kind(target: Target[T, L], body: Body[T]) -> object:
    kind = target.cls.KIND
    if isinstance(body, ApiObject):
        if not isinstance(body, target.cls):
            raise _wrong_kind(target, f"a {type(body).__name__}")
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


_LOOKED_AT = {
    "name": "name",
    "generateName": "generate_name",
    "namespace": "namespace",
    "resourceVersion": "resource_version",
    "managedFields": "managed_fields",
}


def _metadata(target: Target[Any, Any], body: object) -> Mapping[str, Any]:
    """The wire form of the parts of the metadata that the request layer looks at."""
    if isinstance(body, ApiObject):
        metadata: Any = cast("Any", body).metadata
    else:
        metadata = cast("Mapping[str, Any]", body).get("metadata")
    if metadata is None:
        return {}
    if isinstance(metadata, Mapping):
        return cast("Mapping[str, Any]", metadata)
    if isinstance(metadata, ApiModel) or is_model(metadata):
        # The official client's class has the same names.
        return {wire: getattr(metadata, name, None) for wire, name in _LOOKED_AT.items()}
    problem = Problem("metadata", f"must be a mapping, not {type(metadata).__name__}")
    raise InvalidObjectError([problem], subject=target.cls.KIND.kind)


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
