"""What the verbs are about: one resource in one namespace, and the options of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import attrs

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.flows import Retries, TimeoutArg
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
    "ResourceVersionMatch",
    "Selector",
    "Subresource",
    "Target",
    "Validate",
    "WriteOptions",
    "check_field_validation",
]

T = TypeVar("T", bound=ApiObject)
L = TypeVar("L", bound=ApiList[Any])

Body: TypeAlias = "T | Mapping[str, Any]"
PatchBody: TypeAlias = "Mapping[str, Any] | Sequence[Mapping[str, Any]]"
FieldValidation: TypeAlias = Literal["Strict", "Warn", "Ignore"]
PropagationPolicy: TypeAlias = Literal["Background", "Foreground", "Orphan"]
ResourceVersionMatch: TypeAlias = Literal["Exact", "NotOlderThan"]
Validate: TypeAlias = Literal["client", "server", "off"]
Selector: TypeAlias = "str | Mapping[str, str]"
Subresource: TypeAlias = Literal["status"]


def check_field_validation(value: object) -> None:
    """Raise `InvalidArgumentError` for anything that is no `FieldValidation`."""
    if value not in ("Strict", "Warn", "Ignore"):
        raise InvalidArgumentError(
            f"field_validation must be Strict, Warn or Ignore, not {value!r}"
        )


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
    validate: Validate = "server"


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
