"""Watches and informers of both modes behind one interface, so that each test is written once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

from matrixinfer_client import AsyncClient, Client
from matrixinfer_client.api.registry_v1alpha1 import Model
from matrixinfer_client.informers import AsyncInformer, Informer
from matrixinfer_client.pacing import WatchPolicy
from matrixinfer_client.watches import AsyncWatch, Watch
from matrixinfer_client.watching import Event
from tests.behaviour.modes import Mode

# What takes seconds against a real server takes hundredths here.
POLICY = WatchPolicy(
    idle_timeout=0.4, backoff=0.02, max_backoff=0.1, healthy_after=0.2, marker_timeout=0.3
)
_THREADS = ThreadPoolExecutor(16, thread_name_prefix="either")


async def in_thread(function: Any, *args: Any, **options: Any) -> Any:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, partial(function, *args, **options))


class EitherWatch:
    """A watch; a synchronous one is waited for in a thread."""

    def __init__(self, watch: Watch[Model] | AsyncWatch[Model]) -> None:
        self.watch = watch

    async def next(self, timeout: float = 10.0) -> Event[Model] | None:
        """The next event, None at the end of the iteration."""
        watch = self.watch
        is_sync = isinstance(watch, Watch)
        waiting: Any = in_thread(next, watch, None) if is_sync else anext(cast("Any", watch), None)
        # Shielded, so that a test that waits too long fails and nothing else happens.
        event: Event[Model] | None = await asyncio.wait_for(asyncio.shield(waiting), timeout)
        return event

    async def take(self, count: int) -> list[tuple[str, str]]:
        """Type and name of the next events."""
        events = [await self.next() for _ in range(count)]
        return [(event.type, event.object.name) for event in events if event is not None]

    async def close(self) -> None:
        if isinstance(self.watch, Watch):
            await in_thread(self.watch.close)
        else:
            await self.watch.close()


class EitherInformer:
    """An informer; what blocks in a synchronous one runs in a thread."""

    def __init__(self, informer: Informer[Model] | AsyncInformer[Model]) -> None:
        self.informer = informer

    async def start(self) -> None:
        if isinstance(self.informer, Informer):
            self.informer.start()
        else:
            await self.informer.start()

    async def stop(self) -> None:
        if isinstance(self.informer, Informer):
            await in_thread(self.informer.stop)
        else:
            await self.informer.stop()

    async def wait_for_sync(self, timeout: float | None = 10.0) -> None:
        if isinstance(self.informer, Informer):
            await in_thread(self.informer.wait_for_sync, timeout)
        else:
            await self.informer.wait_for_sync(timeout)


class Either:
    """A client of a mode for one server."""

    def __init__(self, mode: Mode, **arguments: Any) -> None:
        self.mode = mode
        self.client: Any = Client(**arguments) if mode == "sync" else AsyncClient(**arguments)

    def models(self, namespace: Any = None) -> Any:
        return self.client.registry_v1alpha1.models(namespace)

    @contextlib.asynccontextmanager
    async def watching(
        self, *, namespace: Any = None, policy: WatchPolicy = POLICY, **options: Any
    ) -> AsyncIterator[EitherWatch]:
        watch = EitherWatch(self.models(namespace).watch(policy=policy, **options))
        try:
            yield watch
        finally:
            await watch.close()

    @contextlib.asynccontextmanager
    async def informed(
        self, *, namespace: Any = None, policy: WatchPolicy = POLICY, **options: Any
    ) -> AsyncIterator[EitherInformer]:
        informer = EitherInformer(self.models(namespace).informer(policy=policy, **options))
        await informer.start()
        try:
            yield informer
        finally:
            await informer.stop()

    async def close(self) -> None:
        if self.mode == "sync":
            await in_thread(self.client.close)
        else:
            await self.client.close()


async def until(reached: Any, timeout: float = 10.0) -> None:
    """Wait until a function gives something true."""
    async with asyncio.timeout(timeout):
        while not reached():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.005)
