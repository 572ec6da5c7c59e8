"""The verbs of one resource, blocking: each is a line over its flow in `verbs`.

They mean what the eleven verbs of the Go client mean. Options are keyword-only; `None` is always
"the client's default". All verbs raise `ApiError` (by reason, see `errors`), `TransportError` when
no answer came, and `InvalidArgumentError` or `InvalidObjectError` before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from matrixinfer_client import requests, verbs
from matrixinfer_client.models import ApiList, ApiObject
from matrixinfer_client.names import NamespaceArg
from matrixinfer_client.resources.reads import Reads
from matrixinfer_client.resources.waits import Waits
from matrixinfer_client.targets import (
    Body,
    FieldValidation,
    ListOptions,
    PatchBody,
    Preconditions,
    PropagationPolicy,
    Selector,
    Subresource,
    Target,
    Validate,
    WriteOptions,
)

if TYPE_CHECKING:
    from matrixinfer_client.connection import Connection
    from matrixinfer_client.flows import TimeoutArg

__all__ = ["Resource"]

T = TypeVar("T", bound=ApiObject)
L = TypeVar("L", bound=ApiList[Any])


class Resource(Reads[T, L], Waits[T, L], Generic[T, L]):
    """One resource in one namespace, such as the Models of `default`.

    Made by a group client (`client.registry_v1alpha1.models("default")`), not directly.

    Options that several verbs have, all optional:

    - `timeout`: seconds to wait for each part of an answer. Default: the client's, 30.
    - `dry_run`: have the server check everything and store nothing. Default: False.
    - `field_manager`: who owns the written fields. Default: `matrixinfer-client`.
    - `field_validation`: what the server does about unknown fields. Default: `Strict`, an error.
    - `validate`: who checks the object. `server` (the default): the server does, strictly.
      `client`: it is also checked here, by the schema and the rules of the platform's webhooks, and
      nothing is sent when it is wrong (`RejectedObjectError`). `off`: the server drops unknown
      fields in silence, unless `field_validation` says otherwise; it checks the rest all the same.
    - `label_selector`: `"app=x,tier in (a, b)"`, or a mapping for equality. Default: all objects.
    - `field_selector`: the same for fields; custom resources have `metadata.name` and
      `metadata.namespace` only.
    """

    def __init__(
        self,
        connection: Connection,
        cls: type[T],
        list_cls: type[L],
        namespace: NamespaceArg = None,
    ) -> None:
        self._driver = connection.driver
        self._connection = connection
        self._target = Target(cls, list_cls, namespace, connection.options)

    def create(
        self,
        obj: Body[T],
        *,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        validate: Validate = "server",
        timeout: TimeoutArg = None,
    ) -> T:
        """Create an object and return it as stored, with the server's defaults.

        Args:
            obj: The object, typed or as a mapping.

        Raises:
            AlreadyExistsError: The name is taken.
            InvalidError: The object breaks the schema; `causes` has the fields.
        """
        options = WriteOptions(dry_run, field_manager, field_validation, timeout, validate)
        return self._driver.run(
            verbs.one(self._target, requests.create(self._target, obj, options))
        )

    def update(
        self,
        obj: Body[T],
        *,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        validate: Validate = "server",
        timeout: TimeoutArg = None,
    ) -> T:
        """Replace an object as it was read and changed.

        What is left out is removed. `metadata.resourceVersion` must be the one that was read.

        Args:
            obj: The object, typed or as a mapping.

        Raises:
            ConflictError: Somebody changed the object since; read it again, or use `mutate`.
            NotFoundError: There is none of that name; an update never creates.
        """
        options = WriteOptions(dry_run, field_manager, field_validation, timeout, validate)
        return self._driver.run(
            verbs.one(self._target, requests.update(self._target, obj, options))
        )

    def update_status(
        self,
        obj: Body[T],
        *,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        timeout: TimeoutArg = None,
    ) -> T:
        """Replace the status of an object; everything else in `obj` is ignored. See `update`."""
        options = WriteOptions(dry_run, field_manager, field_validation, timeout)
        request = requests.update(self._target, obj, options, "status")
        return self._driver.run(verbs.one(self._target, request))

    def patch(
        self,
        name: str,
        body: PatchBody,
        *,
        subresource: Subresource | None = None,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        timeout: TimeoutArg = None,
    ) -> T:
        """Change some fields of an object, whatever its version.

        Args:
            name: The object's name.
            body: A mapping is a JSON merge patch: lists are replaced whole and `None` removes a
                field. A list of operations is a JSON patch, applied all or not at all. (Custom
                resources have no strategic merge patch.)
            subresource: Patch `status` instead of the object.

        Raises:
            InvalidError: The result breaks the schema, or a JSON patch does not fit the object.
        """
        options = WriteOptions(dry_run, field_manager, field_validation, timeout)
        request = requests.patch(self._target, name, body, options, subresource)
        return self._driver.run(verbs.one(self._target, request))

    def apply(
        self,
        obj: Body[T],
        *,
        force: bool = False,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        validate: Validate = "server",
        timeout: TimeoutArg = None,
    ) -> T:
        """Server-side apply: create the object, or bring the given fields to the given values.

        The field manager owns what it applies: fields that it applied before and leaves out now
        are removed. Only fields that are set are sent.

        Args:
            obj: The wanted fields, typed or as a mapping.
            force: Take over fields that another manager owns. Default: False, a conflict.

        Raises:
            ConflictError: Another manager owns a field; `causes` names managers and fields.
        """
        options = WriteOptions(dry_run, field_manager, field_validation, timeout, validate)
        request = requests.apply(self._target, obj, options, force=force)
        return self._driver.run(verbs.one(self._target, request))

    def apply_status(
        self,
        obj: Body[T],
        *,
        force: bool = False,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        timeout: TimeoutArg = None,
    ) -> T:
        """Server-side apply of the status; everything else in `obj` is ignored. See `apply`."""
        options = WriteOptions(dry_run, field_manager, field_validation, timeout)
        request = requests.apply(self._target, obj, options, force=force, subresource="status")
        return self._driver.run(verbs.one(self._target, request))

    def delete(
        self,
        name: str,
        *,
        grace_period_seconds: int | None = None,
        propagation_policy: PropagationPolicy | None = None,
        preconditions: Preconditions | None = None,
        ignore_not_found: bool = False,
        dry_run: bool | None = None,
        timeout: TimeoutArg = None,
    ) -> None:
        """Delete one object. Returns when the server has taken it, not when all is gone.

        Args:
            name: The object's name.
            grace_period_seconds: Seconds until it is removed; custom resources ignore it.
            propagation_policy: What becomes of the children: `Background` (deleted afterwards,
                the default), `Foreground` (deleted first) or `Orphan` (kept).
            preconditions: Delete only this uid or resource version.
            ignore_not_found: Let a missing object pass. Default: False.

        Raises:
            NotFoundError: There is none of that name.
            ConflictError: A precondition does not hold.
        """
        body = requests.delete_options(
            self._target,
            grace_period_seconds=grace_period_seconds,
            propagation_policy=propagation_policy,
            preconditions=preconditions,
            dry_run=dry_run,
        )
        request = requests.delete(self._target, name, body, timeout=timeout)
        flow = verbs.nothing(self._target, request, ignore_not_found=ignore_not_found)
        self._driver.run(flow)

    def delete_collection(
        self,
        *,
        label_selector: Selector | None = None,
        field_selector: Selector | None = None,
        grace_period_seconds: int | None = None,
        propagation_policy: PropagationPolicy | None = None,
        preconditions: Preconditions | None = None,
        dry_run: bool | None = None,
        timeout: TimeoutArg = None,
    ) -> None:
        """Delete every object that `list` with the same selectors would show.

        With `ALL_NAMESPACES` that is one request per namespace, since the API has no other way.
        """
        body = requests.delete_options(
            self._target,
            grace_period_seconds=grace_period_seconds,
            propagation_policy=propagation_policy,
            preconditions=preconditions,
            dry_run=dry_run,
        )
        options = ListOptions(label_selector, field_selector)
        flow = verbs.delete_collection(self._target, body, options, timeout=timeout)
        self._driver.run(flow)

    def create_or_update(
        self,
        obj: Body[T],
        *,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        timeout: TimeoutArg = None,
    ) -> T:
        """Create the object, or replace its spec when it exists.

        Of the existing object's metadata everything stays that `obj` does not set; labels and
        annotations are merged. Conflicts with other writers are tried again, five times.

        Args:
            obj: The whole object, typed or as a mapping.
        """
        options = WriteOptions(dry_run, field_manager, field_validation, timeout)
        return self._driver.run(verbs.create_or_update(self._target, obj, options))

    def mutate(
        self,
        name: str,
        change: Callable[[T], T | None],
        *,
        subresource: Subresource | None = None,
        attempts: int | None = None,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        timeout: TimeoutArg = None,
    ) -> T:
        """Read an object, change it, update it; from the start again on a conflict.

        Args:
            name: The object's name.
            change: Changes the object in place, or returns the one to store. It may be called
                several times, each time with the newest state. No change, no update.
            subresource: Update `status` instead of the object.
            attempts: How often to try. Default: 5.

        Raises:
            ConflictError: Somebody else was faster in every attempt.
        """
        options = WriteOptions(dry_run, field_manager, field_validation, timeout)
        flow = verbs.mutate(
            self._target, name, change, options, subresource=subresource, attempts=attempts
        )
        return self._driver.run(flow)

    def __repr__(self) -> str:
        kind = self._target.cls.KIND
        return f"<{kind.plural}.{kind.group} in {self._target.namespace or self._target.scope}>"

    def __reduce__(self) -> tuple[Any, ...]:
        target = self._target
        return type(self), (self._connection, target.cls, target.list_cls, target.namespace)
