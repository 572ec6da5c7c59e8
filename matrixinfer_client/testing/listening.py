"""HTTP/1.1 on the loopback interface, by aiohttp in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
import threading
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final, TypeAlias

from aiohttp import web

from matrixinfer_client.testing.exchange import Reply, Stream
from matrixinfer_client.testing.waking import AsyncReading, CutError

__all__ = ["HOST", "Listener", "Respond"]

HOST: Final = "127.0.0.1"

Respond: TypeAlias = Callable[[str, str, Mapping[str, str], bytes], Reply]
"""Method, target, headers by lower-case name, body: to the answer, at once."""

# As large as Go takes them, or larger: what is too much is for the API server to say.
_HEADER_BYTES: Final = 1 << 20
_BODY_BYTES: Final = 16 << 20
_BACKLOG: Final = 512
# How long a connection that is busy may take to end when the server stops.
_STOP_SECONDS: Final = 2.0


class Listener:
    """A server on a port of 127.0.0.1, from `start` to `stop`."""

    def __init__(self, respond: Respond, tls: ssl.SSLContext | None = None) -> None:
        self._respond = respond
        self._tls = tls
        self._started: Future[tuple[int, Callable[[], None]]] = Future()
        self._thread: threading.Thread | None = None

    def start(self, port: int = 0) -> int:
        """Listen; return the port, which is any free one for 0. Raises `OSError`."""
        self._thread = threading.Thread(
            target=self._run, args=(port,), name="fake-cluster-server", daemon=True
        )
        self._thread.start()
        return self._started.result()[0]

    def stop(self) -> None:
        """Close all connections; return when the thread has ended. Twice does no harm."""
        if self._thread is None:
            return
        if self._started.exception() is None:
            self._started.result()[1]()
        self._thread.join()

    def _run(self, port: int) -> None:
        try:
            asyncio.run(self._serve(port))
        except Exception as error:
            if self._started.done():
                raise
            # For whoever waits in `start`.
            self._started.set_exception(error)

    async def _serve(self, port: int) -> None:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        handler = _Handler(self._respond, stopping)
        server = web.Server(
            handler.answer,
            request_factory=_request,
            handler_cancellation=True,
            access_log=None,
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
        )
        runner = web.ServerRunner(server, shutdown_timeout=_STOP_SECONDS)
        await runner.setup()
        site = web.TCPSite(
            runner, HOST, port, ssl_context=self._tls, reuse_address=True, backlog=_BACKLOG
        )
        await site.start()

        def stop() -> None:
            # The loop may have ended before.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stopping.set)

        self._started.set_result((site.port, stop))
        await stopping.wait()
        handler.end_streams()
        transports = [connection.transport for connection in server.connections]
        await runner.cleanup()
        for transport in transports:
            # TLS would wait for the peer's farewell.
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)


class _Handler:
    """Passes requests on, and answers as late and as badly as the reply says."""

    def __init__(self, respond: Respond, stopping: asyncio.Event) -> None:
        self._respond = respond
        self._stopping = stopping
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()

    def end_streams(self) -> None:
        """End what is being streamed, in order."""
        for stream in list(self._streams):
            stream.close()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request."""
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await request.read()
        reply = self._respond(request.method, request.raw_path, _headers(request), body)
        if reply.delay > 0:
            await self._pause(reply.delay)
        if reply.lost or (reply.delay > 0 and self._stopping.is_set()):
            return _cut(request)
        if reply.stream is None:
            return _with_headers(web.Response(status=reply.status, body=reply.body), reply)
        return await self._stream(request, reply, reply.stream)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                await self._stopping.wait()

    async def _stream(
        self, request: web.BaseRequest, reply: Reply, stream: Stream
    ) -> web.StreamResponse:
        self._streams.add(stream)
        reading = AsyncReading(stream)
        response = _with_headers(web.StreamResponse(status=reply.status), reply)
        try:
            if request.version >= (1, 1):
                response.enable_chunked_encoding()
            await response.prepare(request)
            while chunk := await reading.read():
                await response.write(chunk)
        except CutError:
            return _cut(request)
        finally:
            # The peer is gone, too, when this task is cancelled.
            reading.close()
        return response


def _request(
    message: Any, payload: Any, protocol: Any, writer: Any, task: asyncio.Task[None]
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=_BODY_BYTES
    )


def _headers(request: web.BaseRequest) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _with_headers(response: web.StreamResponse, reply: Reply) -> web.StreamResponse:
    for name, value in reply.headers:
        response.headers.add(name, value)
    return response


def _cut(request: web.BaseRequest) -> web.StreamResponse:
    """End the connection as it is; of the response that is returned nothing is sent any more."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
