"""The two runners of an informer, one with two threads and one with two tasks.

What to do when the connection breaks is the flow `watching.watch`; what an informer knows is its
`InformerState`. The first thread or task keeps the store in step, the second calls the handlers, so
that a slow handler never holds up the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

from matrixinfer_client.handlers import Call
from matrixinfer_client.informing import InformerOptions, InformerState
from matrixinfer_client.models import ApiObject
from matrixinfer_client.watching import watch

if TYPE_CHECKING:
    from types import TracebackType

    from matrixinfer_client.drivers import AsyncDriver, Driver
    from matrixinfer_client.pacing import WatchPolicy
    from matrixinfer_client.runs import Iteration
    from matrixinfer_client.targets import ListOptions, Target

__all__ = ["AsyncInformer", "Informer"]

T = TypeVar("T", bound=ApiObject)

_log = logging.getLogger("matrixinfer_client.informer")


class Informer(InformerState[T]):
    """A local copy of a resource that follows the server, on two daemon threads.

    A context manager that starts and stops it. All methods may be called from any thread.
    """

    def __init__(
        self,
        driver: Driver,
        target: Target[T, Any],
        selection: ListOptions,
        policy: WatchPolicy | None,
        options: InformerOptions[T],
    ) -> None:
        self._queue: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        super().__init__(target, selection, policy, options, awaited=False)
        self._driver = driver
        self._iteration: Iteration | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to follow the server; returns at once. See `wait_for_sync`."""
        with self._changed:
            self._check_start()
            self._iteration = self._driver.stoppable(watch(self._view, persistent=True))
            name = f"informer-{self._target.cls.KIND.plural}"
            for target, what in ((self._follow, "store"), (self._dispatch, "handlers")):
                thread = threading.Thread(target=target, name=f"{name}-{what}", daemon=True)
                self._threads.append(thread)
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End the connection and the threads. What handlers have not been told is dropped.

        The store can be read on, but is not in step any more. Calling it twice does nothing.

        Args:
            timeout: Seconds to wait for a handler that is running. Default: 10.
        """
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._iteration is not None:
            self._iteration.stop()
        self._queue.put(None)
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            # A handler may stop its own informer.
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def wait_for_sync(self, timeout: float | None = 60.0) -> None:
        """Wait until the store has the state of the server.

        The first handler calls may still be under way then. The informer goes on trying whatever
        this raises, and may be waited for again.

        Args:
            timeout: Seconds; None waits for as long as it takes. Default: 60.

        Raises:
            ForbiddenError, NotFoundError, UnauthorizedError, CredentialError: What only a person
                can mend.
            SyncTimeout: It took longer; the message and the cause say what went wrong.
            NotSyncedError: It was stopped, or never started.
        """
        if not self._started:
            self._check_readable()
        with self._changed:
            self._changed.wait_for(self._is_decided, timeout)
        self._decide(timeout)

    def _post(self, call: Call | None) -> None:
        self._queue.put(call)

    def _follow(self) -> None:
        try:
            for value in self._iteration or ():
                if self._note(value):
                    with self._changed:
                        self._changed.notify_all()
        except Exception as error:  # noqa: BLE001 - a defect must be reported, not be silent
            with self._changed:
                self._break(error)
                self._changed.notify_all()

    def _dispatch(self) -> None:
        period = self._resync_period
        due = None if period is None else time.monotonic() + period
        while not self._stopped:
            try:
                left = None if due is None else max(0.0, due - time.monotonic())
                call = self._queue.get(timeout=left)
            except queue.Empty:
                # Only when nothing is waiting, so that slow handlers are not buried.
                self._push_resync()
                due = time.monotonic() + (period or 0.0)
                continue
            if call is not None:
                self._perform(call)

    def _perform(self, call: Call) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever the user's function raises
            try:
                self._on_error(error)
            except Exception:  # noqa: BLE001 - nobody is left to tell but the log
                _log.exception("the informer's on_error failed")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class AsyncInformer(InformerState[T]):
    """A local copy of a resource that follows the server, in two tasks of one event loop.

    An asynchronous context manager that starts and stops it. Handlers and `on_error` may be
    `async`. Reading needs no `await`. See `Informer`.
    """

    def __init__(
        self,
        driver: AsyncDriver,
        target: Target[T, Any],
        selection: ListOptions,
        policy: WatchPolicy | None,
        options: InformerOptions[T],
    ) -> None:
        self._queue: asyncio.Queue[Call | None] = asyncio.Queue()
        self._changed = asyncio.Event()
        super().__init__(target, selection, policy, options, awaited=True)
        self._driver = driver
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """See `Informer.start`."""
        self._check_start()
        name = f"informer-{self._target.cls.KIND.plural}"
        for work, what in ((self._follow(), "store"), (self._dispatch(), "handlers")):
            self._tasks.append(asyncio.create_task(work, name=f"{name}-{what}"))

    async def stop(self) -> None:
        """End the connection and the tasks; a handler that is running is cancelled."""
        self._stopped = True
        self._changed.set()
        # A handler may stop its own informer.
        others = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        self._post(None)
        await asyncio.gather(*others, return_exceptions=True)

    async def wait_for_sync(self, timeout: float | None = 60.0) -> None:
        """See `Informer.wait_for_sync`."""
        if not self._started:
            self._check_readable()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not self._is_decided():
                    self._changed.clear()
                    await self._changed.wait()
        self._decide(timeout)

    def _post(self, call: Call | None) -> None:
        self._queue.put_nowait(call)

    async def _follow(self) -> None:
        try:
            flow = watch(self._view, persistent=True)
            async with contextlib.aclosing(self._driver.iterate(flow)) as values:
                async for value in values:
                    if self._note(value):
                        self._changed.set()
        except Exception as error:  # noqa: BLE001 - a defect must be reported, not be silent
            self._break(error)
            self._changed.set()

    async def _dispatch(self) -> None:
        period = self._resync_period
        loop = asyncio.get_running_loop()
        due = None if period is None else loop.time() + period
        while not self._stopped:
            call: Call | None = None
            try:
                async with asyncio.timeout_at(due):
                    call = await self._queue.get()
            except TimeoutError:
                # Only when nothing is waiting, so that slow handlers are not buried.
                self._push_resync()
                due = loop.time() + (period or 0.0)
            if call is not None:
                await self._perform(call)

    async def _perform(self, call: Call) -> None:
        try:
            await _settled(call())
        except Exception as error:  # noqa: BLE001 - whatever the user's function raises
            try:
                await _settled(self._on_error(error))
            except Exception:  # noqa: BLE001 - nobody is left to tell but the log
                _log.exception("the informer's on_error failed")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()


async def _settled(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result
