"""The verbs of one resource for asyncio; `Resource` in `blocking` says what they mean."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from matrixinfer_client import requests, verbs
from matrixinfer_client.models import ApiList, ApiObject
from matrixinfer_client.names import NamespaceArg
from matrixinfer_client.resources.reads import AsyncReads
from matrixinfer_client.resources.waits import AsyncWaits
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
    from matrixinfer_client.connection import AsyncConnection
    from matrixinfer_client.flows import TimeoutArg

__all__ = ["AsyncResource"]

T = TypeVar("T", bound=ApiObject)
L = TypeVar("L", bound=ApiList[Any])


class AsyncResource(AsyncReads[T, L], AsyncWaits[T, L], Generic[T, L]):
    """One resource in one namespace, for asyncio. The verbs are documented at `Resource`."""

    def __init__(
        self,
        connection: AsyncConnection,
        cls: type[T],
        list_cls: type[L],
        namespace: NamespaceArg = None,
    ) -> None:
        self._driver = connection.driver
        self._connection = connection
        self._target = Target(cls, list_cls, namespace, connection.options)

    async def create(
        self,
        obj: Body[T],
        *,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        validate: Validate = "server",
        timeout: TimeoutArg = None,
    ) -> T:
        """See `Resource.create`."""
        options = WriteOptions(dry_run, field_manager, field_validation, timeout, validate)
        return await self._driver.run(
            verbs.one(self._target, requests.create(self._target, obj, options))
        )

    async def update(
        self,
        obj: Body[T],
        *,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        validate: Validate = "server",
        timeout: TimeoutArg = None,
    ) -> T:
        """See `Resource.update`."""
        options = WriteOptions(dry_run, field_manager, field_validation, timeout, validate)
        return await self._driver.run(
            verbs.one(self._target, requests.update(self._target, obj, options))
        )

    async def update_status(
        self,
        obj: Body[T],
        *,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        timeout: TimeoutArg = None,
    ) -> T:
        """See `Resource.update_status`."""
        options = WriteOptions(dry_run, field_manager, field_validation, timeout)
        request = requests.update(self._target, obj, options, "status")
        return await self._driver.run(verbs.one(self._target, request))

    async def patch(
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
        """See `Resource.patch`."""
        options = WriteOptions(dry_run, field_manager, field_validation, timeout)
        request = requests.patch(self._target, name, body, options, subresource)
        return await self._driver.run(verbs.one(self._target, request))

    async def apply(
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
        """See `Resource.apply`."""
        options = WriteOptions(dry_run, field_manager, field_validation, timeout, validate)
        request = requests.apply(self._target, obj, options, force=force)
        return await self._driver.run(verbs.one(self._target, request))

    async def apply_status(
        self,
        obj: Body[T],
        *,
        force: bool = False,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        timeout: TimeoutArg = None,
    ) -> T:
        """See `Resource.apply_status`."""
        options = WriteOptions(dry_run, field_manager, field_validation, timeout)
        request = requests.apply(self._target, obj, options, force=force, subresource="status")
        return await self._driver.run(verbs.one(self._target, request))

    async def delete(
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
        """See `Resource.delete`."""
        body = requests.delete_options(
            self._target,
            grace_period_seconds=grace_period_seconds,
            propagation_policy=propagation_policy,
            preconditions=preconditions,
            dry_run=dry_run,
        )
        request = requests.delete(self._target, name, body, timeout=timeout)
        flow = verbs.nothing(self._target, request, ignore_not_found=ignore_not_found)
        await self._driver.run(flow)

    async def delete_collection(
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
        """See `Resource.delete_collection`."""
        body = requests.delete_options(
            self._target,
            grace_period_seconds=grace_period_seconds,
            propagation_policy=propagation_policy,
            preconditions=preconditions,
            dry_run=dry_run,
        )
        options = ListOptions(label_selector, field_selector)
        flow = verbs.delete_collection(self._target, body, options, timeout=timeout)
        await self._driver.run(flow)

    async def create_or_update(
        self,
        obj: Body[T],
        *,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        timeout: TimeoutArg = None,
    ) -> T:
        """See `Resource.create_or_update`."""
        options = WriteOptions(dry_run, field_manager, field_validation, timeout)
        return await self._driver.run(verbs.create_or_update(self._target, obj, options))

    async def mutate(
        self,
        name: str,
        change: Callable[[T], T | Awaitable[T | None] | None],
        *,
        subresource: Subresource | None = None,
        attempts: int | None = None,
        dry_run: bool | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        timeout: TimeoutArg = None,
    ) -> T:
        """See `Resource.mutate`."""
        options = WriteOptions(dry_run, field_manager, field_validation, timeout)
        flow = verbs.mutate(
            self._target, name, change, options, subresource=subresource, attempts=attempts
        )
        return await self._driver.run(flow)

    def __repr__(self) -> str:
        kind = self._target.cls.KIND
        return f"<{kind.plural}.{kind.group} in {self._target.namespace or self._target.scope}>"

    def __reduce__(self) -> tuple[Any, ...]:
        target = self._target
        return type(self), (self._connection, target.cls, target.list_cls, target.namespace)
