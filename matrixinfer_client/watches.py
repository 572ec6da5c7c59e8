"""The watches that people hold: iterators over the flow, which they start, end and start again."""

from __future__ import annotations

import asyncio
import logging
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.models import ApiObject
from matrixinfer_client.pacing import WatchPolicy
from matrixinfer_client.views import Change, Remembered, View
from matrixinfer_client.watching import Event, Setback, event_of, watch

if TYPE_CHECKING:
    from types import TracebackType

    from matrixinfer_client.drivers import AsyncDriver, Driver
    from matrixinfer_client.pacing import WatchStatistics
    from matrixinfer_client.runs import AsyncIteration, Iteration
    from matrixinfer_client.targets import ListOptions, Target

__all__ = ["AsyncWatch", "Watch"]

T = TypeVar("T", bound=ApiObject)

_log = logging.getLogger("matrixinfer_client.watch")


class _Watch(Generic[T]):
    """What both modes share: the view, and whether the watch is over."""

    def __init__(
        self,
        target: Target[T, Any],
        options: ListOptions,
        policy: WatchPolicy | None,
        timeout: float | None,
    ) -> None:
        if timeout is not None and timeout <= 0:
            raise InvalidArgumentError(f"timeout must be above 0 seconds, not {timeout!r}")
        memory: Remembered[T] = Remembered()
        self._view = View(target, options, policy or WatchPolicy(), memory)
        self._timeout = timeout
        self.closed = False
        """True after `close`, and after the time was up."""
        self.timed_out = False
        """True when the iteration ended because `timeout` seconds were over."""

    @property
    def resource_version(self) -> str | None:
        """The version to start another watch from: all up to it was handed out, nothing after.

        None until every object that existed at the beginning was handed out.
        """
        return self._view.resource_version

    @property
    def statistics(self) -> WatchStatistics:
        """What the watch has lived through so far."""
        return self._view.statistics

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._view.target.cls.KIND.plural}, {self._state()}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: what is watched, and how far it has come."""
        from matrixinfer_client.markup import block, bold, line  # noqa: PLC0415

        plural = self._view.target.cls.KIND.plural
        return block(
            line(bold(type(self).__name__), f" of {plural}, {self._state()}"),
            line(str(self.statistics), faint=True),
        )

    def _state(self) -> str:
        return "closed" if self.closed else f"at version {self.resource_version}"

    def _note(self, value: Setback) -> None:
        if value.error is not None:
            kind = self._view.target.cls.KIND
            _log.info("watch of %s: %s; on in %.1f s", kind.plural, value.error, value.pause)


class Watch(_Watch[T]):
    """Changes of a resource as they happen: an iterator and a context manager.

    `close` may be called from any thread and ends an iteration that is waiting. An iteration that
    an exception in the loop (Ctrl-C, say) has ended can be taken up again where it was.
    """

    def __init__(
        self,
        driver: Driver,
        target: Target[T, Any],
        options: ListOptions,
        policy: WatchPolicy | None = None,
        timeout: float | None = None,
    ) -> None:
        super().__init__(target, options, policy, timeout)
        self._driver = driver
        self._iteration: Iteration | None = None
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event[T]:
        while True:
            value = self._next()
            if isinstance(value, Change):
                return event_of(cast("Change[T]", value))
            if isinstance(value, Setback):
                self._note(value)

    def close(self) -> None:
        """End the watch and its connection at once. Calling it twice does nothing.

        A thread that waits for an event gets the end of the iteration; only one that is just
        connecting may need until the connection is made or has failed, 5 seconds at the most.
        """
        with self._lock:
            self.closed = True
            iteration, self._iteration = self._iteration, None
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if iteration is not None:
            iteration.stop()

    def _next(self) -> Any:
        while True:
            iteration = self._iteration or self._start()
            try:
                return next(iteration)
            except StopIteration:
                # Ended by nobody: an exception has gone through it, such as a KeyboardInterrupt.
                self._forget(iteration)
            except Exception:
                self._forget(iteration)
                raise

    def _start(self) -> Iteration:
        with self._lock:
            if self.closed:
                raise StopIteration
            if self._timer is None and self._timeout is not None:
                self._timer = _timer(self._timeout, self._end)
                weakref.finalize(self, self._timer.cancel)
            self._iteration = self._driver.stoppable(watch(self._view))
            return self._iteration

    def _forget(self, iteration: Iteration) -> None:
        with self._lock:
            if self._iteration is iteration:
                self._iteration = None

    def _end(self) -> None:
        self.timed_out = True
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _timer(seconds: float, method: Callable[[], None]) -> threading.Timer:
    # Weakly, so that a forgotten watch is closed when it is forgotten and not when its time is up.
    reference = weakref.WeakMethod(method)

    def end() -> None:
        ring = reference()
        if ring is not None:
            ring()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.name = "matrixinfer-watch-timeout"
    timer.start()
    return timer


class AsyncWatch(_Watch[T]):
    """Changes of a resource for asyncio: an asynchronous iterator and context manager.

    `close` may be called from any task of the event loop and ends an iteration that is waiting. An
    iteration that was cancelled, as by `asyncio.wait_for`, can be taken up again where it was.
    """

    def __init__(
        self,
        driver: AsyncDriver,
        target: Target[T, Any],
        options: ListOptions,
        policy: WatchPolicy | None = None,
        timeout: float | None = None,
    ) -> None:
        super().__init__(target, options, policy, timeout)
        self._driver = driver
        self._iteration: AsyncIteration | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event[T]:
        while True:
            value = await self._next()
            if isinstance(value, Change):
                return event_of(cast("Change[T]", value))
            if isinstance(value, Setback):
                self._note(value)

    async def close(self) -> None:
        """End the watch and its connection at once. Calling it twice does nothing."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        iteration, self._iteration = self._iteration, None
        if iteration is not None:
            await iteration.stop()

    async def _next(self) -> Any:
        while True:
            iteration = self._iteration or self._start()
            try:
                return await anext(iteration)
            except StopAsyncIteration:
                # Ended by nobody: it was cancelled, or belonged to an event loop that is over.
                await self._forget(iteration)
            except Exception:
                await self._forget(iteration)
                raise

    def _start(self) -> AsyncIteration:
        if self.closed:
            raise StopAsyncIteration
        if self._timer is None and self._timeout is not None:
            self._timer = asyncio.get_running_loop().call_later(self._timeout, self._end)
        self._iteration = self._driver.stoppable(watch(self._view))
        return self._iteration

    async def _forget(self, iteration: AsyncIteration) -> None:
        if self._iteration is iteration:
            self._iteration = None
        # After its time was up nobody but the iterating task has closed it.
        await iteration.stop()

    def _end(self) -> None:
        self.timed_out = self.closed = True
        if self._iteration is not None:
            self._iteration.interrupt()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
