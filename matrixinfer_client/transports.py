"""Bytes over HTTP with httpx: the synchronous transport, and what callers inject in either mode.

httpx is imported when the first transport is made: importing the package stays cheap.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from matrixinfer_client.config import proxy_for, ssl_context
from matrixinfer_client.config.tls import read_ca
from matrixinfer_client.errors import ConfigError
from matrixinfer_client.wire import Outgoing, failure

if TYPE_CHECKING:
    import ssl

    import httpx

    from matrixinfer_client.config import ClientCertificate, Config, Credential
    from matrixinfer_client.errors import TransportError

__all__ = ["Answer", "AsyncAnswer", "AsyncTransport", "InjectedTransport", "Transport", "cut"]

# Idle connections kept per client; a burst may open more.
KEPT = 64
# The API server keeps idle connections for minutes, load balancers for one.
KEEP_SECONDS = 55.0


class AsyncAnswer(Protocol):
    """An open answer of an asynchronous transport."""

    status_code: int
    headers: Mapping[str, str]
    warnings: Sequence[str]

    async def read(self) -> bytes:
        """The whole body; the connection is free again afterwards."""
        ...

    async def chunk(self) -> bytes:
        """The next bytes of the body, b"" at its end."""
        ...

    async def close(self) -> None:
        """Give the connection back, or drop it when the body was not read to its end."""
        ...


class AsyncTransport(Protocol):
    """What the asynchronous driver sends with."""

    async def open(
        self, outgoing: Outgoing, credential: Credential | None, *, stream: bool
    ) -> AsyncAnswer:
        """Send the request; return when status and headers are there."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class Answer:
    """An open answer over httpx."""

    def __init__(
        self,
        response: httpx.Response,
        outgoing: Outgoing,
        source: str,
        pools: _Pools | None = None,
    ) -> None:
        self.status_code = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._outgoing = outgoing
        self._source = source
        # A certificate may be renewed while the answer is still read.
        self._pools = pools
        self._chunks: Iterator[bytes] | None = None

    @property
    def warnings(self) -> Sequence[str]:
        """The `Warning` headers."""
        return self._response.headers.get_list("warning")

    def read(self) -> bytes:
        """The whole body; the connection is free again afterwards."""
        try:
            return self._response.read()
        except _failures() as error:
            raise _httpx_failure(error, self._outgoing, self._source) from error

    def chunk(self) -> bytes:
        """The next bytes of the body, b"" at its end."""
        if self._chunks is None:
            self._chunks = self._response.iter_bytes()
        try:
            return next(self._chunks, b"")
        except _failures() as error:
            raise _httpx_failure(error, self._outgoing, self._source) from error

    def close(self) -> None:
        """Give the connection back, or drop it when the body was not read to its end."""
        self._response.close()

    def abort(self) -> None:
        """End the answer from another thread: whoever waits for its bytes stops waiting.

        An injected transport has no socket; it may put a function to call as `abort` into the
        extensions of its response.
        """
        stream = self._response.extensions.get("network_stream")
        if stream is not None:
            cut(stream.get_extra_info("socket"))
        elif "abort" in self._response.extensions:
            self._response.extensions["abort"]()


def cut(connection: socket.socket | None) -> None:
    """Shut a connection down under whoever reads from it."""
    if connection is not None:
        # Not `connection.shutdown`: on a TLS socket that would talk to the peer first.
        # An error means that it is closed already, which is what was wanted.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


Trust: TypeAlias = "tuple[int, ClientCertificate | None, bytes | None]"
"""What a connection was made with for good: process, client certificate, authorities."""


def trust(config: Config, credential: Credential | None, last: Trust | None) -> Trust:
    """What connections are to be made with now; `last` is what they were made with so far."""
    certificate = credential.client_certificate if credential else None
    authorities = config.ca_data
    if authorities is None and config.ca_file is not None:
        try:
            authorities = read_ca(config.ca_file, config.source)
        except ConfigError:
            # A file that is just being replaced is no reason to give up what is connected.
            if last is None:
                raise
            authorities = last[2]
    return os.getpid(), certificate, authorities


class Transport:
    """Two pools of httpx, made anew after a fork and for renewed certificates."""

    def __init__(self, config: Config, injected: httpx.BaseTransport | None = None) -> None:
        self._config = config
        self._injected = injected
        self._lock = (os.getpid(), threading.Lock())
        self._current: tuple[Trust, _Pools] | None = None

    def open(
        self,
        outgoing: Outgoing,
        credential: Credential | None,
        connected: Callable[[socket.socket | None], None] | None = None,
    ) -> Answer:
        """Send the request; return when status and headers are there.

        With `connected`, the connection is a new one, and the function gets it before anything is
        sent, so that another thread can `cut` it while this one waits for the answer.
        """
        if self._injected is not None:
            pool, pools = self._injected, None
        else:
            pools = self._pools_for(credential)
            pool = pools.calls if connected is None else pools.streams
        request = _httpx_request(outgoing)
        if connected is not None:
            request.extensions["trace"] = _tracer(connected)
        try:
            response = pool.handle_request(request)
        except _failures() as error:
            raise _httpx_failure(error, outgoing, self._config.source) from error
        return Answer(response, outgoing, self._config.source, pools)

    def close(self) -> None:
        """Close all connections."""
        with self._locked():
            current, self._current = self._current, None
        if self._injected is not None:
            self._injected.close()
        if current is not None:
            current[1].close()

    def _pools_for(self, credential: Credential | None) -> _Pools:
        current = self._current
        wanted = trust(self._config, credential, current[0] if current else None)
        if current is None or current[0] != wanted:
            current = self._renewed(wanted, credential)
        return current[1]

    def _renewed(self, wanted: Trust, credential: Credential | None) -> tuple[Trust, _Pools]:
        with self._locked():
            current = self._current
            if current is None or current[0] != wanted:
                if current is not None and current[0][0] != wanted[0]:
                    _INHERITED.append(current[1])
                # Old ones close themselves when the last answer that uses them is done.
                self._current = current = (wanted, _Pools(self._config, credential))
            return current

    def _locked(self) -> threading.Lock:
        owner, lock = self._lock
        if owner != os.getpid():
            # A child of a fork: the thread that may hold the lock does not exist here.
            lock = threading.Lock()
            self._lock = (os.getpid(), lock)
        return lock


class _Pools:
    """Kept connections for calls; for streams always new ones, which are never dead already.

    They are closed when nobody holds this any more, and at the latest when the process ends.
    """

    def __init__(self, config: Config, credential: Credential | None) -> None:
        context = ssl_context(config, credential)
        self.calls = _pool(config, context, KEPT)
        self.streams = _pool(config, context, 0)
        self.close = weakref.finalize(self, _close, os.getpid(), self.calls, self.streams)


# What a child of a fork got from its parent: not its own to close, or even to look at, since a
# thread of the parent's may have been at work on it.
_INHERITED: list[_Pools] = []


def _close(owner: int, *pools: httpx.BaseTransport) -> None:
    if owner == os.getpid():
        for pool in pools:
            pool.close()


def _pool(config: Config, context: ssl.SSLContext, kept: int) -> httpx.BaseTransport:
    import httpx  # noqa: PLC0415

    return httpx.HTTPTransport(
        verify=context,
        trust_env=False,
        proxy=proxy_for(config),
        limits=httpx.Limits(
            max_connections=None,
            max_keepalive_connections=kept,
            keepalive_expiry=KEEP_SECONDS,
        ),
    )


def _tracer(connected: Callable[[socket.socket | None], None]) -> Callable[[str, Any], None]:
    """What httpcore calls with each thing it does; two of them give a new socket."""

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            connected(info["return_value"].get_extra_info("socket"))

    return trace


class InjectedAnswer:
    """An open answer over a caller's asynchronous httpx transport."""

    def __init__(self, response: httpx.Response, outgoing: Outgoing, source: str) -> None:
        self.status_code = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.warnings: Sequence[str] = response.headers.get_list("warning")
        self._response = response
        self._outgoing = outgoing
        self._source = source
        self._chunks: AsyncIterator[bytes] | None = None

    async def read(self) -> bytes:
        """The whole body."""
        try:
            return await self._response.aread()
        except _failures() as error:
            raise _httpx_failure(error, self._outgoing, self._source) from error

    async def chunk(self) -> bytes:
        """The next bytes of the body, b"" at its end."""
        if self._chunks is None:
            self._chunks = self._response.aiter_bytes()
        try:
            return await anext(self._chunks, b"")
        except _failures() as error:
            raise _httpx_failure(error, self._outgoing, self._source) from error

    async def close(self) -> None:
        """Close the answer."""
        await self._response.aclose()


class InjectedTransport:
    """An asynchronous transport over a caller's `httpx.AsyncBaseTransport`."""

    def __init__(self, config: Config, injected: httpx.AsyncBaseTransport) -> None:
        self._source = config.source
        self._injected = injected

    async def open(
        self, outgoing: Outgoing, credential: Credential | None, *, stream: bool
    ) -> AsyncAnswer:
        """Send the request; return when status and headers are there."""
        del credential, stream
        try:
            response = await self._injected.handle_async_request(_httpx_request(outgoing))
        except _failures() as error:
            raise _httpx_failure(error, outgoing, self._source) from error
        return InjectedAnswer(response, outgoing, self._source)

    async def close(self) -> None:
        """Close the injected transport."""
        await self._injected.aclose()


def _httpx_request(outgoing: Outgoing) -> httpx.Request:
    import httpx  # noqa: PLC0415

    connect, read = outgoing.connect_timeout, outgoing.read_timeout
    extensions: dict[str, Any] = {
        "timeout": {"connect": connect, "read": read, "write": read, "pool": None}
    }
    if outgoing.server_name is not None:
        extensions["sni_hostname"] = outgoing.server_name
    return httpx.Request(
        outgoing.method,
        outgoing.url,
        # httpx would insist on ASCII, and a user to act as may be called anything.
        headers=[(name.encode(), value.encode()) for name, value in outgoing.headers],
        content=outgoing.body,
        extensions=extensions,
    )


def _failures() -> tuple[type[Exception], ...]:
    """What a transport raises when the network fails; anything else is a defect and stays one."""
    import httpx  # noqa: PLC0415

    return httpx.RequestError, OSError


def _httpx_failure(error: Exception, outgoing: Outgoing, source: str) -> TransportError:
    import httpx  # noqa: PLC0415

    unsent = isinstance(
        error,
        httpx.ConnectError
        | httpx.ConnectTimeout
        | httpx.PoolTimeout
        | httpx.ProxyError
        | httpx.UnsupportedProtocol
        | httpx.LocalProtocolError,
    )
    timed_out = isinstance(error, httpx.TimeoutException)
    return failure(error, outgoing.info, source, sent=not unsent, timeout=timed_out)
