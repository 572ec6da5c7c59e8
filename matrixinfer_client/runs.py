"""Flows in progress: what they have open, and how somebody else stops them.

A run belongs to the thread or task that iterates it. `stop` is the one thing that another may do
to it: whatever the run waits for ends at once, and so does the run, which then closes what it has
open.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from matrixinfer_client.lazily import later
from matrixinfer_client.transports import Answer, AsyncAnswer, cut

if TYPE_CHECKING:
    import asyncio
    import socket

    from matrixinfer_client.flows import Flow, Step
else:
    asyncio = later("asyncio")

__all__ = ["AsyncIteration", "AsyncRun", "Iteration", "Run"]

T = TypeVar("T")
R = TypeVar("R")
H = TypeVar("H", Answer, AsyncAnswer)

# Of the event loop, until an interrupted task has closed its stream: three, and some to spare.
_TURNS = 20


class _Run(Generic[T, H]):
    """A flow, the answers it has open, and in the end its result."""

    stopped = False

    def __init__(self, flow: Flow[T]) -> None:
        self.flow = flow
        self.opened: list[H] = []
        self.result: T | None = None

    def resume(self, reply: object, error: Exception | None = None) -> Step | None:
        """The next step, None at the end."""
        try:
            return self.flow.send(reply) if error is None else self.flow.throw(error)
        except StopIteration as end:
            self.result = end.value
            return None

    def alarm(self, seconds: float | None) -> None:
        """Set the alarm; see `flows.Alarm`."""
        raise AssertionError(f"this run has no alarm to set to {seconds}; the flow needs `timed`")


class Run(_Run[T, Answer]):
    """A flow that a blocking driver performs, and that nobody else stops."""

    connected: Callable[[socket.socket | None], None] | None = None

    def sleep(self, seconds: float) -> None:
        """Pause."""
        time.sleep(seconds)


class AsyncRun(_Run[T, AsyncAnswer]):
    """A flow that an asynchronous driver performs, and that nobody else stops."""

    def guarded(self, work: Awaitable[R]) -> Awaitable[R]:
        """`work`, or what can be stopped of it."""
        return work


class _StoppableRun(Run[None]):
    def __init__(self, flow: Flow[None]) -> None:
        super().__init__(flow)
        self._stop = threading.Event()
        self._connection: socket.socket | None = None
        self.connected = self._keep

    def sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def stop(self) -> None:
        self.stopped = True
        self._stop.set()
        # The thread may be waiting for the head of an answer, when there is only a connection...
        cut(self._connection)
        # ...or for the body of one, which an injected transport knows how to end.
        for answer in self.opened.copy():
            answer.abort()

    def _keep(self, connection: socket.socket | None) -> None:
        self._connection = connection
        if self.stopped:
            cut(connection)


class _AsyncStoppableRun(AsyncRun[None]):
    def __init__(self, flow: Flow[None]) -> None:
        super().__init__(flow)
        self._scope: asyncio.Timeout | None = None

    async def guarded(self, work: Awaitable[R]) -> R:
        # A time limit that is moved to now interrupts this task without cancelling it.
        try:
            async with asyncio.timeout(None) as self._scope:
                return await work
        finally:
            self._scope = None

    def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            if self._scope is not None:
                self._scope.reschedule(asyncio.get_running_loop().time())


class Iteration:
    """What a flow emits, until it ends or any thread stops it."""

    def __init__(self, drive: Callable[[Run[None]], Generator[Any]], flow: Flow[None]) -> None:
        self._run = _StoppableRun(flow)
        self._values = drive(self._run)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return next(self._values)

    def stop(self) -> None:
        """End the iteration at once, also when another thread is waiting in it."""
        self._run.stop()
        # Refused while another thread executes it, which closes what is open when it notices.
        with contextlib.suppress(ValueError):
            self._values.close()


class AsyncIteration:
    """What a flow emits, until it ends or any task of the same event loop stops it."""

    def __init__(
        self, drive: Callable[[AsyncRun[None]], AsyncGenerator[Any]], flow: Flow[None]
    ) -> None:
        self._run = _AsyncStoppableRun(flow)
        self._values = drive(self._run)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await anext(self._values)

    def interrupt(self) -> None:
        """End the iteration at once; the task that is waiting in it closes what is open."""
        self._run.stop()

    async def stop(self) -> None:
        """End the iteration at once, also when another task is waiting in it."""
        self._run.stop()
        for _ in range(_TURNS):
            # Refused while another task executes it, which closes what is open when it notices.
            with contextlib.suppress(RuntimeError):
                await self._values.aclose()
                return
            await asyncio.sleep(0)
