"""How a door waits: for what comes on a stream, or until a late answer is due.

A stream is read by one thread or task. Any other may `abort` the reading, which ends it at once.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from typing import TYPE_CHECKING

from matrixinfer_client.lazily import later
from matrixinfer_client.testing.exchange import Stream

if TYPE_CHECKING:
    import asyncio
else:
    asyncio = later("asyncio")

__all__ = ["AsyncReading", "AsyncWaker", "CutError", "Reading"]


class CutError(Exception):
    """The connection is lost before the body has come to its end."""


class _Reading:
    """What both modes do with a stream, but for waiting."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._aborted = False

    def abort(self) -> None:
        """End the reading, as when the connection is lost. Any thread may call it."""
        self._aborted = True
        self._stream.close()

    def close(self) -> None:
        """Say that nobody reads any more."""
        self._stream.close()

    def _look(self) -> bytes | None:
        """What is there, b"" at the end, None when there is nothing yet."""
        chunk = b"" if self._aborted else self._stream.take()
        if chunk:
            return chunk
        if self._aborted or self._stream.broken:
            raise CutError
        return b"" if self._stream.ended else None

    def _seconds(self, until: float) -> float | None:
        """How long to wait before looking again. Raises `TimeoutError` when the time is up."""
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        due = self._stream.wait_seconds
        seconds = left if due is None else min(left, due)
        return None if math.isinf(seconds) else seconds


class Reading(_Reading):
    """Reads a stream, blocking."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self._ready = threading.Event()
        stream.listen(self._ready.set)

    def read(self, limit: float = math.inf) -> bytes:
        """The next bytes, b"" at the end. Waits at most `limit` seconds.

        Raises `TimeoutError` when nothing came in time, and `CutError`.
        """
        until = time.monotonic() + limit
        while True:
            self._ready.clear()
            chunk = self._look()
            if chunk is not None:
                return chunk
            self._ready.wait(self._seconds(until))


class AsyncWaker:
    """An event that any thread may set; it belongs to the event loop in which it is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._due = False

    def wake(self) -> None:
        """Set the event, soon."""
        if self._due:
            return
        self._due = True
        # A loop that has ended has nobody left to wake.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    def clear(self) -> None:
        """Unset the event; what was woken for until now is looked at after this."""
        self._event.clear()
        self._due = False

    async def wait(self, seconds: float | None) -> bool:
        """Wait for the event, at most so long; tell whether it was set from outside."""
        if seconds is None or math.isinf(seconds):
            await self._event.wait()
        else:
            timer = self._loop.call_later(seconds, self._event.set)
            try:
                await self._event.wait()
            finally:
                timer.cancel()
        return self._due


class AsyncReading(_Reading):
    """Reads a stream, awaiting; a read that is cancelled has taken nothing."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self._waker = AsyncWaker()
        stream.listen(self._waker.wake)

    async def read(self, limit: float = math.inf) -> bytes:
        """See `Reading.read`."""
        until = time.monotonic() + limit
        while True:
            self._waker.clear()
            chunk = self._look()
            if chunk is not None:
                return chunk
            await self._waker.wait(self._seconds(until))
