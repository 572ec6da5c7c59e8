"""The asynchronous transport: aiohttp, used directly.

httpx stays the interface that callers inject, but its own asynchronous pool slows down with the
square of the requests in flight, and the adapter that puts httpx over aiohttp reports a lost
connection as one that was never made. A create must not be repeated after the former, so the
difference has to be seen here.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import weakref
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import aiohttp
import yarl

from matrixinfer_client.config import proxy_for, ssl_context
from matrixinfer_client.errors import TransportError
from matrixinfer_client.transports import KEEP_SECONDS, Trust, cut, trust
from matrixinfer_client.wire import Outgoing, failure

if TYPE_CHECKING:
    import ssl

    from matrixinfer_client.config import Config, Credential

__all__ = ["AiohttpTransport"]

# Requests in flight at once; more wait their turn. Streams have connections of their own, so that
# many watches never starve a get.
_IN_FLIGHT = 100
# Of the event loop, until a connection that was cut is closed: four, and some to spare.
_TURNS = 20

_UNSENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


class _Answer:
    """An open answer over aiohttp."""

    def __init__(
        self, response: aiohttp.ClientResponse, outgoing: Outgoing, source: str, pools: _Pools
    ) -> None:
        self.status_code = response.status
        # A case-insensitive multidict, as the driver expects of headers.
        self.headers: Mapping[str, str] = response.headers
        self.warnings: Sequence[str] = response.headers.getall("warning", ())
        self._response = response
        self._outgoing = outgoing
        self._source = source
        # A client may be forgotten, or change its certificate, while the answer is still read.
        self._pools = pools
        self.loop = pools.loop

    async def read(self) -> bytes:
        """The whole body; the connection is free again afterwards."""
        try:
            return await self._response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _failure(error, self._outgoing, self._source, sent=True) from error

    async def chunk(self) -> bytes:
        """The next bytes of the body, b"" at its end."""
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _failure(error, self._outgoing, self._source, sent=True) from error

    async def close(self) -> None:
        """Drop the connection unless the body was read to its end."""
        self._response.close()


class AiohttpTransport:
    """Two pools, for calls and for streams, remade for every event loop and renewed certificate."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._pools: _Pools | None = None
        self._streams: weakref.WeakSet[_Answer] = weakref.WeakSet()

    async def open(
        self, outgoing: Outgoing, credential: Credential | None, *, stream: bool
    ) -> _Answer:
        """Send the request; return when status and headers are there."""
        pools = await self._pools_for(credential)
        session = pools.streams if stream else pools.calls
        try:
            response = await session.request(
                outgoing.method,
                yarl.URL(outgoing.url, encoded=True),
                headers=outgoing.headers,
                data=outgoing.body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    sock_connect=outgoing.connect_timeout, sock_read=outgoing.read_timeout
                ),
                server_hostname=outgoing.server_name,
                proxy=pools.proxy,
            )
        except aiohttp.ClientHttpProxyError as error:
            # Not chained, and not quoted: it holds the request to the proxy, password included.
            refusal = ConnectionError(f"the proxy answers {error.status} {error.message}")
            raise _failure(refusal, outgoing, self._config.source, sent=False) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            unsent = isinstance(error, _UNSENT)
            raise _failure(error, outgoing, self._config.source, sent=not unsent) from error
        except asyncio.CancelledError:
            if not session.closed or _is_cancelled():
                raise
            # Only its place in the queue was, since the client was closed.
            end = ConnectionError("the client was closed before it was this request's turn")
            raise _failure(end, outgoing, self._config.source, sent=False) from None
        answer = _Answer(response, outgoing, self._config.source, pools)
        if stream:
            self._streams.add(answer)
        return answer

    async def close(self) -> None:
        """Close all connections; the next request opens new ones."""
        loop = asyncio.get_running_loop()
        for answer in [each for each in self._streams if each.loop is loop]:
            # Or whoever waits for its bytes would wait for ever: closing the session under it
            # wakes nobody, and stops the clock of its timeout.
            await answer.close()
        pools, self._pools = self._pools, None
        if pools is not None:
            await pools.close()

    async def _pools_for(self, credential: Credential | None) -> _Pools:
        loop = asyncio.get_running_loop()
        pools = self._pools
        wanted = trust(self._config, credential, pools.made_with if pools else None)
        if pools is None or pools.loop is not loop or pools.made_with != wanted:
            # The old pools close themselves: another loop's when that loop ends, those of an old
            # certificate when the last answer that uses them is done.
            pools = self._pools = _Pools(loop, wanted, self._config, credential)
            await pools.start()
        return pools


class _Pools:
    """The sessions of one event loop, closed when nobody holds this any more."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        made_with: Trust,
        config: Config,
        credential: Credential | None,
    ) -> None:
        self.loop = loop
        self.made_with = made_with
        self.proxy = proxy_for(config)
        context = ssl_context(config, credential)
        sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self.calls = _session(context, _IN_FLIGHT, sockets)
        self.streams = _session(context, 0, sockets)
        self._keeper = _Keeper(loop, (self.calls, self.streams), sockets)
        self.start = self._keeper.start
        self.close = self._keeper.close
        weakref.finalize(self, self._keeper.abandon).atexit = False


class _Keeper:
    """Closes sessions when they are told to, forgotten, or left open by a loop that ends.

    `asyncio.run` closes asynchronous generators before it closes the loop. So a second
    `asyncio.run` with the same client finds no dead connections, and nobody finds warnings.
    """

    # What waits for its loop to end. Were a generator dropped instead, the loop would close it in
    # a task that nobody waits for, and complain about that task when it ends in the same moment.
    _waiting: ClassVar[set[_Keeper]] = set()

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sessions: Sequence[aiohttp.ClientSession],
        sockets: weakref.WeakSet[socket.socket],
    ) -> None:
        self._loop = loop
        self._sessions = sessions
        self._sockets = sockets
        self._closing: asyncio.Task[None] | None = None
        self._guard = self._until_the_loop_ends()

    async def start(self) -> None:
        """Begin to wait for the loop to end."""
        for keeper in list(self._waiting):
            if keeper._loop.is_closed():  # noqa: SLF001
                self._waiting.discard(keeper)
        self._waiting.add(self)
        await anext(self._guard)

    async def close(self) -> None:
        """Close the sessions, from whichever loop this is called."""
        if self._loop is asyncio.get_running_loop():
            await self._guard.aclose()
            self._waiting.discard(self)
        else:
            self.abandon()

    def abandon(self) -> None:
        """Close the sessions soon; callable from every thread."""
        # The loop may end in this very moment: then its end closes them.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._begin_to_close)

    def _begin_to_close(self) -> None:
        if self._closing is None:
            self._closing = self._loop.create_task(self._close_sessions())

    async def _until_the_loop_ends(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            if self._closing is not None:
                await asyncio.wait([self._closing])
            # `asyncio.run` cancels the tasks that are left, so that one may have done nothing.
            await self._close_sessions()

    async def _close_sessions(self) -> None:
        for session in self._sessions:
            await session.close()
        # A session knows nothing of connections that are being made, and of those that it gave up
        # while they were; some of them would wait for TLS's farewell, when nobody waits for them.
        for each in self._sockets:
            cut(each)
        for _ in range(_TURNS):
            if all(each.fileno() < 0 for each in self._sockets):
                return
            await asyncio.sleep(0)


class _Response(aiohttp.ClientResponse):
    """An answer whose connection, when it is given up, is gone at once.

    Not with TLS's farewell: the peer may take as long as it likes to return it.
    """

    def close(self) -> None:
        connection = self.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        super().close()


def _session(
    context: ssl.SSLContext, limit: int, sockets: weakref.WeakSet[socket.socket]
) -> aiohttp.ClientSession:
    def opened(address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol = address[:3]
        made = socket.socket(family, kind, protocol)
        sockets.add(made)
        return made

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=context,
            limit=limit,
            keepalive_timeout=KEEP_SECONDS,
            use_dns_cache=False,
            socket_factory=opened,
        ),
        response_class=_Response,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("user-agent", "accept", "accept-encoding", "content-type"),
    )
    # aiohttp would repeat PUT and DELETE by itself when a kept connection turns out to be dead,
    # and a repeated delete reports NotFound for what it has just deleted. `flows` decides instead.
    object.__setattr__(session, "_retry_connection", False)
    return session


def _is_cancelled() -> bool:
    """Whether somebody cancelled the task that asks."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _failure(
    error: BaseException, outgoing: Outgoing, source: str, *, sent: bool
) -> TransportError:
    timed_out = isinstance(error, TimeoutError)
    return failure(error, outgoing.info, source, sent=sent, timeout=timed_out)
