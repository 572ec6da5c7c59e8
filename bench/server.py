"""A loopback server with canned answers, fast enough not to be what is measured."""

from __future__ import annotations

import asyncio
import sys
from functools import cache
from urllib.parse import parse_qs, urlsplit

import orjson

from bench import data

_JSON = b"content-type: application/json\r\n"


def _response(status: bytes, body: bytes) -> bytes:
    length = str(len(body)).encode()
    return b"HTTP/1.1 %s\r\n%scontent-length: %s\r\n\r\n%s" % (status, _JSON, length, body)


@cache
def _object() -> bytes:
    return _response(b"200 OK", orjson.dumps(data.model(1)))


@cache
def _created() -> bytes:
    return _response(b"201 Created", orjson.dumps(data.model(1)))


@cache
def _list(count: int, small: bool) -> bytes:
    make = data.small if small else data.model
    body = orjson.dumps(data.collection([make(number) for number in range(count)]))
    return _response(b"200 OK", body)


@cache
def _page(size: int, last: bool, number: int) -> bytes:
    token = "" if last else f"page-{number + 1}"
    items = [data.small(item) for item in range(size)]
    return _response(b"200 OK", orjson.dumps(data.collection(items, token)))


@cache
def _events(count: int) -> bytes:
    out = [b"HTTP/1.1 200 OK\r\n", _JSON, b"transfer-encoding: chunked\r\n\r\n"]
    for number in range(count):
        event = {"type": "MODIFIED", "object": data.model(number)}
        line = orjson.dumps(event) + b"\n"
        out.append(b"%x\r\n%s\r\n" % (len(line), line))
    out.append(b"0\r\n\r\n")
    return b"".join(out)


def _answer(method: bytes, target: str) -> bytes:
    if method == b"POST":
        return _created()
    url = urlsplit(target)
    if not url.path.endswith("/models"):
        return _object()
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    # The number of objects travels in the label selector: every client can send one.
    count, _, size = query.get("labelSelector", "count=10000").partition("=")[2].partition(".")
    if query.get("watch") in ("true", "1", "True"):
        return _events(int(count))
    if "limit" in query and size == "small":
        limit, number = int(query["limit"]), int(query.get("continue", "page-0")[5:])
        return _page(limit, (number + 1) * limit >= int(count), number)
    return _list(int(count), size == "small")


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, received: bytes) -> None:
        self._received += received
        while True:
            head, separator, rest = self._received.partition(b"\r\n\r\n")
            if not separator:
                return
            length = 0
            for line in head.split(b"\r\n")[1:]:
                if line[:15].lower() == b"content-length:":
                    length = int(line[15:])
            if len(rest) < length:
                return
            self._received = rest[length:]
            method, target, _ = head.split(b" ", 2)
            assert self._transport is not None
            self._transport.write(_answer(method, target.decode()))


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(port, flush=True)
    # Ends with its parent, whose pipe it reads.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
