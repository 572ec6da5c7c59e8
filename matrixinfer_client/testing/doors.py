"""The doors inside the process: httpx transports, one that blocks and one that awaits.

Nothing in the package imports this module before the first client is made, since httpx costs more
than everything else.
"""

from __future__ import annotations

import asyncio
import math
import socket
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias

import httpx

from matrixinfer_client.testing.calls import read_call
from matrixinfer_client.testing.exchange import ADMIN, Call, Caller, Reply, Stream
from matrixinfer_client.testing.waking import AsyncReading, AsyncWaker, CutError, Reading
from matrixinfer_client.transports import cut

__all__ = ["AsyncFakeTransport", "FakeTransport", "Handle"]

Handle: TypeAlias = Callable[[Call], Reply]
"""Answers a call, at once; any thread may call it."""

# The words of a real connection that ends too soon, or says nothing.
_LATE = "The read operation timed out"
_NO_ANSWER = "Server disconnected without sending a response."
_NO_END = "peer closed connection without sending complete message body (incomplete chunked read)"


class FakeTransport(httpx.BaseTransport):
    """A blocking httpx transport to a server in this process. Threads may share it.

    Closing it ends what waits for an answer or for the next bytes of one; it can be used again.
    """

    def __init__(self, handle: Handle, caller: Caller = ADMIN) -> None:
        self._door = _Door(handle, caller)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, as late as the server says, but within the request's time limit."""
        limit, closings = _read_limit(request), self._door.closings
        reply = self._door.answer(request, request.read())
        if reply.delay > 0:
            with _Pause(request) as pause:
                self._door.admit(pause, closings)
                pause.last(min(reply.delay, limit))
        _check_arrival(reply, limit)
        if reply.stream is None:
            return _response(reply)
        body = _Body(reply.stream, limit)
        self._door.admit(body, closings)
        return _response(reply, body)

    def close(self) -> None:
        """End everything that waits."""
        self._door.close()


class AsyncFakeTransport(httpx.AsyncBaseTransport):
    """An asynchronous httpx transport to a server in this process.

    It may be used from one event loop after another, and from several at once.
    """

    def __init__(self, handle: Handle, caller: Caller = ADMIN) -> None:
        self._door = _Door(handle, caller)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See `FakeTransport.handle_request`."""
        limit, closings = _read_limit(request), self._door.closings
        reply = self._door.answer(request, await request.aread())
        # Other tasks get their turn, as with every answer that comes over a network.
        await asyncio.sleep(0)
        if reply.delay > 0:
            pause = _AsyncPause()
            self._door.admit(pause, closings)
            await pause.last(min(reply.delay, limit))
        _check_arrival(reply, limit)
        if reply.stream is None:
            return _response(reply)
        body = _AsyncBody(reply.stream, limit)
        self._door.admit(body, closings)
        return _response(reply, body)

    async def aclose(self) -> None:
        """End everything that waits, in whatever event loop."""
        self._door.close()

    def close(self) -> None:
        """Do the same without an event loop, and from any thread."""
        self._door.close()


class _Waiting(Protocol):
    """Somebody who waits at a door, and who can be told to stop, from any thread."""

    def abort(self) -> None: ...


class _Door:
    """What both transports share: the way to the server, and who waits for something from it."""

    def __init__(self, handle: Handle, caller: Caller) -> None:
        self._handle = handle
        self._caller = caller
        self._waiting: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()
        self.closings = 0

    def answer(self, request: httpx.Request, body: bytes) -> Reply:
        """What the server says."""
        target = request.url.raw_path.decode("ascii")
        headers = dict(request.headers.items())
        return self._handle(read_call(request.method, target, headers, body, self._caller))

    def admit(self, waiting: _Waiting, closings: int) -> None:
        """Note who waits; `closings` is how often the door had been closed when he came."""
        with self._lock:
            self._waiting.add(waiting)
            closed = self.closings != closings
        if closed:
            waiting.abort()

    def close(self) -> None:
        """Send away everybody who waits."""
        with self._lock:
            self.closings += 1
            waiting = list(self._waiting)
        for each in waiting:
            each.abort()


class _Pause:
    """A wait for an answer that comes late, on a connection of its own.

    The caller of a request may want the connection, to cut it from another thread.
    """

    def __init__(self, request: httpx.Request) -> None:
        self._near, self._far = socket.socketpair()
        trace = request.extensions.get("trace")
        if trace is not None:
            trace("connection.connect_tcp.complete", {"return_value": self})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._near.close()
        self._far.close()

    def get_extra_info(self, name: str) -> object:
        """What httpcore's streams tell of themselves: the socket."""
        return self._near if name == "socket" else None

    def last(self, seconds: float) -> None:
        """Wait so long, or until the connection is cut, which is an error."""
        self._near.settimeout(None if seconds == math.inf else seconds)
        try:
            self._near.recv(1)
        except TimeoutError:
            return
        raise httpx.RemoteProtocolError(_NO_ANSWER)

    def abort(self) -> None:
        cut(self._near)


class _AsyncPause:
    """A wait for an answer that comes late."""

    def __init__(self) -> None:
        self._waker = AsyncWaker()

    async def last(self, seconds: float) -> None:
        """Wait so long, or until `abort`, which is an error."""
        if await self._waker.wait(seconds):
            raise httpx.RemoteProtocolError(_NO_ANSWER)

    def abort(self) -> None:
        self._waker.wake()


class _Body(httpx.SyncByteStream):
    """The body of an answer that comes over time."""

    def __init__(self, stream: Stream, limit: float) -> None:
        self._reading = Reading(stream)
        self._limit = limit
        self.abort = self._reading.abort

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._chunk():
            yield chunk

    def close(self) -> None:
        self._reading.close()

    def _chunk(self) -> bytes:
        try:
            return self._reading.read(self._limit)
        except (CutError, TimeoutError) as error:
            raise _broken(error) from None


class _AsyncBody(httpx.AsyncByteStream):
    """The body of an answer that comes over time, in the event loop that asked for it."""

    def __init__(self, stream: Stream, limit: float) -> None:
        self._reading = AsyncReading(stream)
        self._limit = limit
        self.abort = self._reading.abort

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self._chunk():
            yield chunk

    async def aclose(self) -> None:
        self._reading.close()

    async def _chunk(self) -> bytes:
        try:
            return await self._reading.read(self._limit)
        except (CutError, TimeoutError) as error:
            raise _broken(error) from None


def _read_limit(request: httpx.Request) -> float:
    """How long the answer and each part of it may take, in seconds."""
    limit: float | None = request.extensions.get("timeout", {}).get("read")
    return math.inf if limit is None else limit


def _check_arrival(reply: Reply, limit: float) -> None:
    if reply.delay > limit:
        raise httpx.ReadTimeout(_LATE)
    if reply.lost:
        raise httpx.RemoteProtocolError(_NO_ANSWER)


def _broken(error: Exception) -> httpx.TransportError:
    if isinstance(error, TimeoutError):
        return httpx.ReadTimeout(_LATE)
    return httpx.RemoteProtocolError(_NO_END)


def _response(reply: Reply, body: _Body | _AsyncBody | None = None) -> httpx.Response:
    extensions: dict[str, Any] = {"http_version": b"HTTP/1.1"}
    if body is None:
        return httpx.Response(
            reply.status, headers=reply.headers, content=reply.body, extensions=extensions
        )
    extensions["abort"] = body.abort
    return httpx.Response(reply.status, headers=reply.headers, stream=body, extensions=extensions)
