"""What reads: single objects, lists, watches and informers; `Resource` and its twin inherit it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from matrixinfer_client import requests, verbs
from matrixinfer_client.models import ApiList, ApiObject
from matrixinfer_client.targets import (
    ListOptions,
    ResourceVersionMatch,
    Selector,
    Subresource,
    Target,
)

if TYPE_CHECKING:
    from matrixinfer_client.drivers import AsyncDriver, Driver
    from matrixinfer_client.flows import TimeoutArg
    from matrixinfer_client.handlers import ErrorHandler
    from matrixinfer_client.informers import AsyncInformer, Informer
    from matrixinfer_client.pacing import WatchPolicy
    from matrixinfer_client.store import IndexFunction, Transform
    from matrixinfer_client.watches import AsyncWatch, Watch

__all__ = ["AsyncReads", "Reads"]

T = TypeVar("T", bound=ApiObject)
L = TypeVar("L", bound=ApiList[Any])


class Reads(Generic[T, L]):
    """The reading verbs of a blocking resource. Their options are explained at `Resource`."""

    _driver: Driver
    _target: Target[T, L]

    def get(
        self,
        name: str,
        *,
        resource_version: str | None = None,
        subresource: Subresource | None = None,
        timeout: TimeoutArg = None,
    ) -> T:
        """Read one object.

        Args:
            name: The object's name.
            resource_version: `"0"` lets the server answer from its cache, which may be behind.
                Default: the newest state.
            subresource: Read `status` instead of the object.

        Raises:
            NotFoundError: There is none of that name.
        """
        request = requests.get(
            self._target,
            name,
            resource_version=resource_version,
            subresource=subresource,
            timeout=timeout,
        )
        return self._driver.run(verbs.one(self._target, request))

    def exists(self, name: str, *, timeout: TimeoutArg = None) -> bool:
        """Whether there is an object of that name. A denied or failed request is an error."""
        return self._driver.run(verbs.exists(self._target, name, timeout=timeout))

    def list(
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
        """Read a collection in one request.

        Args:
            limit: Objects in this answer at the most; the rest is read with `continue_token`, or
                use `iterate`. Default: all.
            continue_token: The `continue_token` of the page before.
            resource_version: List as of a version; `"0"` for the server's cache.
            resource_version_match: What `resource_version` means: `Exact` or `NotOlderThan`.

        Raises:
            ExpiredError: `continue_token` or `resource_version` is too old.
        """
        options = ListOptions(
            label_selector,
            field_selector,
            limit,
            continue_token,
            resource_version,
            resource_version_match,
        )
        return self._driver.run(verbs.page(self._target, options, timeout=timeout))

    def iterate(
        self,
        *,
        label_selector: Selector | None = None,
        field_selector: Selector | None = None,
        limit: int = 500,
        resource_version: str | None = None,
        resource_version_match: ResourceVersionMatch | None = None,
        timeout: TimeoutArg = None,
    ) -> Iterator[T]:
        """All objects, read page by page as they are used up.

        Memory holds one page. A listing that takes longer than the server keeps history goes on
        at a newer version after the last key read; nothing is repeated.

        Args:
            limit: Objects in a page. Default: 500, as kubectl.
        """
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
    ) -> Watch[T]:
        """Changes as they happen, for ever: a `Watch`, which is an iterator and a context manager.

        It begins with an ADDED event for every object that exists, as kubectl does. No event is
        lost and none repeated; resource versions never go back. It survives streams that the
        server closes, lost connections, connections on which nothing comes for 70 seconds, 429,
        5xx, a credential that is renewed, and the loss of the history (410): then the state is
        read anew and handed out as the exact difference, deletions with the last known state
        included. Only then may several changes of one object become one event; those events are
        `synthetic` and counted (`statistics.coalesced`).

        Until it has worked once, failures are repeated as often as for any other verb.

        Args:
            resource_version: Start after this version, such as a list's, instead of with all
                objects. What was before is then not known, and there is nothing to compare with
                when the history is lost.
            timeout: Seconds after which the iteration ends (`timed_out` is then True). Default:
                never.
            policy: Limits and pauses of the connection.

        Raises:
            ExpiredError: `resource_version` was given, and the history since then is lost. List
                again, or watch without it.
            ForbiddenError, NotFoundError, InvalidError, UnauthorizedError: Asking again does not
                help; the last one after the credential was renewed once.
            TransportError: The server cannot be reached and never could.
        """
        options = ListOptions(label_selector, field_selector, resource_version=resource_version)
        # Here, because most programs watch nothing and need not pay for it.
        from matrixinfer_client.watches import Watch  # noqa: PLC0415

        return Watch(self._driver, self._target, options, policy, timeout)

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
    ) -> Informer[T]:
        """A local copy of the resource that follows the server; start it with `with`.

        ```python
        with models.informer() as informer:
            informer.wait_for_sync()
            informer.get("demo")
        ```

        Reading it sends nothing. It survives what `watch` survives and goes on after every other
        failure, too, with a pause; failures go to `on_error`, and those that only a person can
        mend are raised by `wait_for_sync`. Objects that it hands out may be kept and changed.

        Args:
            indexers: Functions from an object to the values by which `by_index` finds it.
            transform: Changes an object before it is stored, or returns another one, such as
                `without_managed_fields`, which saves memory. Handlers see the result.
            resync: Seconds after which `on_update` is called for every object although nothing
                changed. Default: never.
            on_error: Gets every failure of the connection and every exception of a handler, a
                transform or an index. Default: they are logged as warnings.
            policy: Limits and pauses of the connection.
        """
        from matrixinfer_client.informers import Informer  # noqa: PLC0415
        from matrixinfer_client.informing import InformerOptions  # noqa: PLC0415

        options = InformerOptions(indexers or {}, transform, resync, on_error)
        selection = ListOptions(label_selector, field_selector)
        return Informer(self._driver, self._target, selection, policy, options)


class AsyncReads(Generic[T, L]):
    """The reading verbs for asyncio; see those of `Resource`."""

    _driver: AsyncDriver
    _target: Target[T, L]

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
