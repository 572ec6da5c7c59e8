"""Streams in both drivers: read in pieces, and closed however the reading ends."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest

from matrixinfer_client.errors import TransportError, UnavailableError
from matrixinfer_client.flows import (
    Emit,
    Flow,
    Open,
    Read,
    Request,
    Retries,
    Stream,
    open_stream,
)
from tests.conftest import Connect, Serve
from tests.loopback import reply, reset, stream, truncate

READ = Request("GET", "/apis/x", repeatable=True)


def follow(request: Request, chunks: int) -> Flow[None]:
    opened = yield from open_stream(request, Retries())
    for _ in range(chunks):
        yield Emit((yield Read(opened)))


async def test_a_stream_arrives_in_pieces_and_ends_with_nothing(
    serve: Serve, connect: Connect
) -> None:
    server = serve(stream(b"one", b"two", pause=0.05))
    driver = connect(server.url)
    pieces = [piece async for piece in driver.iterate(follow(READ, 4))]
    assert b"".join(pieces) == b"onetwo"
    assert pieces[-1] == b""


async def test_the_stream_is_closed_when_the_consumer_leaves_early(
    serve: Serve, connect: Connect
) -> None:
    server = serve(stream(b"one", end=False))
    pieces: Any = connect(server.url).iterate(follow(READ, 99))
    assert await anext(pieces) == b"one"
    assert not server.ended.is_set()
    await pieces.aclose()
    assert await asyncio.to_thread(server.ended.wait, 5)


async def test_the_stream_is_closed_when_the_flow_fails(serve: Serve, connect: Connect) -> None:
    def failing() -> Flow[None]:
        yield from open_stream(READ, Retries())
        raise LookupError("the flow's own")

    server = serve(stream(b"one", end=False))
    with pytest.raises(LookupError):
        await connect(server.url).run(failing())
    assert await asyncio.to_thread(server.ended.wait, 5)


async def test_a_stream_that_breaks_is_a_lost_connection(serve: Serve, connect: Connect) -> None:
    def abort(connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        time.sleep(0.1)
        return reset(connection)

    server = serve(abort)
    with pytest.raises(TransportError, match="was lost"):
        [piece async for piece in connect(server.url).iterate(follow(READ, 9))]


async def test_a_refused_stream_is_an_error_with_the_whole_body(
    serve: Serve, connect: Connect
) -> None:
    server = serve(reply(503, b'{"kind":"Status","message":"not now"}'), reply())
    with pytest.raises(UnavailableError, match="not now"):
        await connect(server.url).run(open_stream(Request("GET", "/apis/x"), Retries()))


async def test_a_flow_survives_a_failure_that_it_catches(serve: Serve, connect: Connect) -> None:
    def surviving() -> Flow[str]:
        opened: Stream = yield Open(READ)
        try:
            while (yield Read(opened)):
                pass
        except TransportError as error:
            return str(error)
        return "the stream ended"

    server = serve(truncate)
    assert "was lost" in await connect(server.url).run(surviving())
