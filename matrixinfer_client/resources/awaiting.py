"""The verbs of one resource for asyncio; `Resource` in `blocking` says what they mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from matrixinfer_client import requests, verbs
from matrixinfer_client.models import ApiList, ApiObject
from matrixinfer_client.names import NamespaceArg
from matrixinfer_client.resources.waits import AsyncWaits
from matrixinfer_client.targets import (
    Body,
    FieldValidation,
    ListOptions,
    PatchBody,
    Preconditions,
    PropagationPolicy,
    ResourceVersionMatch,
    Selector,
    Subresource,
    Target,
    Validate,
    WriteOptions,
)

if TYPE_CHECKING:
    from matrixinfer_client.connection import AsyncConnection
    from matrixinfer_client.flows import TimeoutArg
    from matrixinfer_client.handlers import ErrorHandler
    from matrixinfer_client.informers import AsyncInformer
    from matrixinfer_client.pacing import WatchPolicy
    from matrixinfer_client.store import IndexFunction, Transform
    from matrixinfer_client.watches import AsyncWatch

__all__ = ["AsyncResource"]

T = TypeVar("T", bound=ApiObject)
L = TypeVar("L", bound=ApiList[Any])


class AsyncResource(AsyncWaits[T, L], Generic[T, L]):
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

    async def get(
        self,
        name: str,
        *,
        resource_version: str | None = None,
        subresource: Subresource | None = None,
        timeout: TimeoutArg = None,
    ) -> T:
        """See `Resource.get`."""
        request = requests.get(
            self._target,
            name,
            resource_version=resource_version,
            subresource=subresource,
            timeout=timeout,
        )
        return await self._driver.run(verbs.one(self._target, request))

    async def exists(self, name: str, *, timeout: TimeoutArg = None) -> bool:
        """See `Resource.exists`."""
        return await self._driver.run(verbs.exists(self._target, name, timeout=timeout))

    async def list(
        self,
        *,
        label_selector: Selector | None = None,
        field_selector: Selector | None = None,
        limit: int | None = None,
        continue_token: str | None = None,
        resource_version: str | None = None,
        resource_version_match: ResourceVersionMatch | None = None,
        timeout: TimeoutArg = None,
    ) -> L:
        """See `Resource.list`."""
        options = ListOptions(
            label_selector,
            field_selector,
            limit,
            continue_token,
            resource_version,
            resource_version_match,
        )
        return await self._driver.run(verbs.page(self._target, options, timeout=timeout))

    def iterate(
        self,
        *,
        label_selector: Selector | None = None,
        field_selector: Selector | None = None,
        limit: int = 500,
        resource_version: str | None = None,
        resource_version_match: ResourceVersionMatch | None = None,
        timeout: TimeoutArg = None,
    ) -> AsyncIterator[T]:
        """See `Resource.iterate`."""
        options = ListOptions(
            label_selector,
            field_selector,
            limit,
            None,
            resource_version,
            resource_version_match,
        )
        return self._driver.iterate(verbs.iterate(self._target, options, timeout=timeout))

    def watch(
        self,
        *,
        label_selector: Selector | None = None,
        field_selector: Selector | None = None,
        resource_version: str | None = None,
        timeout: float | None = None,
        policy: WatchPolicy | None = None,
    ) -> AsyncWatch[T]:
        """See `Resource.watch`."""
        options = ListOptions(label_selector, field_selector, resource_version=resource_version)
        # Here, because most programs watch nothing and need not pay for it.
        from matrixinfer_client.watches import AsyncWatch  # noqa: PLC0415

        return AsyncWatch(self._driver, self._target, options, policy, timeout)

    def informer(
        self,
        *,
        label_selector: Selector | None = None,
        field_selector: Selector | None = None,
        indexers: Mapping[str, IndexFunction[T]] | None = None,
        transform: Transform[T] | None = None,
        resync: float | None = None,
        on_error: ErrorHandler | None = None,
        policy: WatchPolicy | None = None,
    ) -> AsyncInformer[T]:
        """See `Resource.informer`; handlers and `on_error` may be `async`."""
        from matrixinfer_client.informers import AsyncInformer  # noqa: PLC0415
        from matrixinfer_client.informing import InformerOptions  # noqa: PLC0415

        options = InformerOptions(indexers or {}, transform, resync, on_error)
        selection = ListOptions(label_selector, field_selector)
        return AsyncInformer(self._driver, self._target, selection, policy, options)

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
