"""Flows that set alarms: whatever they wait for, they get back to work in time.

A blocking read cannot be given a new limit while it lasts, so the alarm is a thread that cuts the
connection under it. Awaiting needs no such thing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from matrixinfer_client.flows import TimeIsUp
from matrixinfer_client.lazily import later
from matrixinfer_client.runs import AsyncRun, Run
from matrixinfer_client.transports import cut

if TYPE_CHECKING:
    import asyncio
    import socket

    from matrixinfer_client.flows import Flow, Step
else:
    asyncio = later("asyncio")

__all__ = ["AsyncTimedRun", "TimedRun"]

T = TypeVar("T")
R = TypeVar("R")

# How long the end of a thread is waited for, which only has to wake up.
_PATIENCE = 1.0


class _Clock:
    """Calls a function when it is time. Its thread starts with the first alarm."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._at: float | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def set(self, seconds: float | None) -> None:
        with self._changed:
            self._at = None if seconds is None else time.monotonic() + seconds
            self._changed.notify()
            if self._thread is None and seconds is not None:
                self._thread = threading.Thread(target=self._run, name="wait-alarm", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        # Ctrl-C can come between making a thread and starting it.
        if self._thread is not None and self._thread.is_alive():
            # Or after a lock was taken and before the block that gives it back, and then the
            # thread waits for that lock for ever.
            self._thread.join(_PATIENCE)

    def _run(self) -> None:
        with self._changed:
            while not self._stopped:
                left = None if self._at is None else self._at - time.monotonic()
                if left is None or left > 0:
                    self._changed.wait(left)
                else:
                    self._at = None
                    # Under the lock: once `set` or `stop` has returned, it does not ring any more.
                    self._ring()


class TimedRun(Run[T]):
    """A flow with an alarm that a blocking driver performs; a context manager."""

    def __init__(self, flow: Flow[T]) -> None:
        super().__init__(flow)
        self._clock = _Clock(self._ring)
        self._rang = threading.Event()
        self._connection: socket.socket | None = None
        self.connected = self._keep

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clock.stop()

    def resume(self, reply: object, error: Exception | None = None) -> Step | None:
        """The next step, None at the end."""
        if self._rang.is_set():
            # Whatever the step ended in, its connection was cut meanwhile.
            return super().resume(None, TimeIsUp())
        return super().resume(reply, error)

    def sleep(self, seconds: float) -> None:
        """Pause, until the alarm rings."""
        self._rang.wait(seconds)

    def alarm(self, seconds: float | None) -> None:
        """Set the alarm, or switch it off."""
        self._clock.set(None)
        self._rang.clear()
        self._clock.set(seconds)

    def _ring(self) -> None:
        self._rang.set()
        # The thread may be waiting for the head of an answer, when there is only a connection...
        cut(self._connection)
        # ...or for the body of one, which an injected transport knows how to end.
        for answer in self.opened.copy():
            answer.abort()

    def _keep(self, connection: socket.socket | None) -> None:
        self._connection = connection
        if self._rang.is_set():
            cut(connection)


class AsyncTimedRun(AsyncRun[T]):
    """A flow with an alarm that an asynchronous driver performs."""

    _at: float | None = None

    async def guarded(self, work: Awaitable[R]) -> R:
        """`work`, until the alarm rings."""
        if self._at is None:
            return await work
        scope = asyncio.timeout_at(self._at)
        try:
            async with scope:
                return await work
        except TimeoutError as error:
            if scope.expired():
                raise TimeIsUp from error
            raise

    def alarm(self, seconds: float | None) -> None:
        """Set the alarm, or switch it off."""
        self._at = None if seconds is None else asyncio.get_running_loop().time() + seconds
