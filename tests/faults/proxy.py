"""A proxy on the loopback interface that breaks what goes through it, as it is told.

Clients talk plain HTTP to it, and it talks TLS to the API server; the credential is the client's
and passes through. Faults are queued: one of a request happens to the next request that reads, one
of a stream to the next data of a watch.
"""

from __future__ import annotations

import contextlib
import json
import random
import select
import socket
import ssl
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

_HOST = "127.0.0.1"
_PATIENCE = 120.0

REQUEST_FAULTS = ("http 410", "http 429", "http 503", "late answer", "refused", "no answer")
STREAM_FAULTS = (
    *("clean close", "cut", "cut in a line", "reset", "stall", "half-open"),
    *("blank lines", "event 410", "event 500", "garbage", "fragments"),
)
FAULTS = (*REQUEST_FAULTS, *STREAM_FAULTS)
# After one of these the client has to send a request to go on.
ENDINGS = ("clean close", "cut", "cut in a line", "reset", "half-open", "event 500", "garbage")


@dataclass(frozen=True)
class _Piece:
    """Some data of a stream, and where it goes."""

    client: socket.socket
    data: bytes
    at_line_start: bool
    version: str | None
    """What the stream started from, as long as no whole line of it has got through."""


class Proxy:
    """Forwards to one API server. A context manager."""

    def __init__(self, upstream: str, ca_pem: bytes, seed: int = 0) -> None:
        address = urlsplit(upstream)
        self._upstream = (address.hostname or _HOST, address.port or 443)
        self._tls = ssl.create_default_context(cadata=ca_pem.decode())
        self._random = random.Random(seed)  # noqa: S311
        self._queues: dict[bool, deque[str]] = {True: deque(), False: deque()}
        self._lock = threading.Lock()
        self._open: dict[socket.socket, str] = {}
        self._listener = socket.create_server((_HOST, 0), backlog=64)
        self._thread = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self.applied: Counter[str] = Counter()
        self.requests = 0
        self.garbled_again = 0
        """How often garbage came a second time at the same version; the client lists then."""
        self._garbled = False
        self._garbled_at: str | None = None
        self.blocked = False
        """Whether every request is answered with 503 for now."""
        self.tokens: Mapping[str, str] = {}
        """When not empty: the only tokens that are accepted, and what goes on in their place."""
        self.expired_seconds = 0.05
        """How long requests are refused before a 410, so that changes are really missed."""

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self._listener.getsockname()[1]}"

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        with self._lock:
            return sum(not _has_left(connection) for connection in self._open)

    @property
    def pending(self) -> int:
        """How many faults wait for something to happen to."""
        return sum(map(len, self._queues.values()))

    @property
    def needs_a_request(self) -> bool:
        """Whether what is left to happen can happen only to a request.

        A client whose stream goes well sends none, so that it would not happen at all.
        """
        return bool(self._queues[False]) and not self._queues[True]

    def describe(self) -> str:
        """What has happened, what is still to happen, and what every connection waits for."""
        left = ", ".join(fault for queue in self._queues.values() for fault in [*queue])
        with self._lock:
            waiting = [
                f"\n  {what}" + (" (the client has left)" if _has_left(client) else "")
                for client, what in self._open.items()
            ]
        return (
            f"{self.applied.total()} faults in {self.requests} requests, still to happen: "
            f"{left or 'none'}; {len(waiting)} connections{''.join(waiting)}"
        )

    def inject(self, fault: str) -> None:
        """Queue a fault."""
        assert fault in FAULTS
        self._queues[fault in STREAM_FAULTS].append(fault)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake a thread that is in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()
        self._thread.join()

    def calm(self) -> None:
        """Forget the faults that have not happened."""
        for queue in self._queues.values():
            queue.clear()

    def cut_all(self) -> None:
        """Cut every connection."""
        with self._lock:
            for connection in self._open:
                _shut(connection)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(_PATIENCE)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as reader:
                self._note(connection, "waits for a request")
                while self._exchange(connection, reader):
                    self._note(connection, "waits for the next request")
        except (OSError, HTTPException):
            pass
        finally:
            with self._lock:
                self._open.pop(connection, None)
            connection.close()

    def _note(self, client: socket.socket, doing: str) -> None:
        with self._lock:
            self._open[client] = doing

    def _exchange(self, client: socket.socket, reader: Any) -> bool:
        """Serve one request; whether the connection can serve another."""
        first = reader.readline().decode("latin-1").split()
        if len(first) != 3:
            return False
        headers: dict[str, str] = {}
        while line := reader.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = reader.read(int(headers.get("content-length", "0")))
        self.requests += 1
        request = f"{first[0]} {first[1]}"
        if self.blocked:
            return self._unavailable(client)
        if self.tokens:
            token = headers.get("authorization", "").removeprefix("Bearer ")
            if token not in self.tokens:
                client.sendall(_answer(401, _status(401, "Unauthorized")))
                return True
            headers["authorization"] = f"Bearer {self.tokens[token]}"
        fault = self._take(of_streams=False) if first[0] == "GET" else None
        self._note(client, f"{fault or 'forwards'}: {request}")
        if fault is not None and not _REQUESTS[fault](self, client):
            return False
        return self._forward(client, first[0], first[1], headers, body)

    def _take(self, *, of_streams: bool) -> str | None:
        try:
            fault = self._queues[of_streams].popleft()
        except IndexError:
            return None
        with self._lock:
            self.applied[fault] += 1
        return fault

    def _forward(
        self, client: socket.socket, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> bool:
        upstream = HTTPSConnection(*self._upstream, timeout=_PATIENCE, context=self._tls)
        try:
            kept = {k: v for k, v in headers.items() if k not in ("host", "accept-encoding")}
            upstream.request(method, path, body or None, kept)
            answer = upstream.getresponse()
            if "watch=true" not in path or answer.status != 200:
                client.sendall(_answer(answer.status, answer.read()))
                return True
            client.sendall(_head(200, "Transfer-Encoding: chunked"))
            return self._relay(client, answer, path)
        finally:
            upstream.close()

    def _relay(self, client: socket.socket, answer: HTTPResponse, path: str) -> bool:
        at_line_start = True
        version = dict(parse_qsl(urlsplit(path).query)).get("resourceVersion")
        if self._garbled:
            # What the client knew when the garbage came is what it goes on from.
            self._garbled, self._garbled_at = False, version
        self._note(client, f"relays: {path}")
        while data := answer.read1(65536):
            if _has_left(client):
                return False
            fault = self._take(of_streams=True)
            if fault is None:
                self._send(client, data)
            else:
                self._note(client, f"{fault}: {path}")
                if not _STREAMS[fault](self, _Piece(client, data, at_line_start, version)):
                    return False
                self._note(client, f"relays, after {fault}: {path}")
            at_line_start = data.endswith(b"\n")
            version = None if b"\n" in data else version
        client.sendall(b"0\r\n\r\n")
        return True

    def _send(self, client: socket.socket, data: bytes) -> None:
        # Cut into chunks where no line ends.
        middle = self._random.randrange(len(data) + 1)
        client.sendall(b"".join(_chunk(part) for part in (data[:middle], data[middle:]) if part))

    # Faults of a request: True goes on with it.

    def _expired(self, client: socket.socket) -> bool:
        time.sleep(self.expired_seconds)
        client.sendall(_answer(410, _status(410, "Expired")))
        return False

    def _slow_down(self, client: socket.socket) -> bool:
        client.sendall(_answer(429, _status(429, "TooManyRequests"), "Retry-After: 0"))
        return False

    def _unavailable(self, client: socket.socket) -> bool:
        client.sendall(_answer(503, b"<html>no upstream</html>"))
        return False

    def _late(self, _: socket.socket) -> bool:
        time.sleep(0.1)
        return True

    def _refused(self, client: socket.socket) -> bool:
        _reset(client)
        return False

    def _silent(self, client: socket.socket) -> bool:
        _wait_until_left(client)
        return False

    # Faults of a stream: True goes on with it.

    def _clean_close(self, piece: _Piece) -> bool:
        piece.client.sendall(_chunk(piece.data) + b"0\r\n\r\n")
        return False

    def _cut(self, piece: _Piece) -> bool:
        piece.client.sendall(_chunk(piece.data))
        return False

    def _cut_in_a_line(self, piece: _Piece) -> bool:
        whole = _chunk(piece.data)
        piece.client.sendall(whole[: self._random.randrange(len(whole))])
        return False

    def _reset_stream(self, piece: _Piece) -> bool:
        piece.client.sendall(_chunk(piece.data[: len(piece.data) // 2 + 1]))
        _reset(piece.client)
        return False

    def _stall(self, piece: _Piece) -> bool:
        time.sleep(0.2)
        self._send(piece.client, piece.data)
        return True

    def _half_open(self, piece: _Piece) -> bool:
        """Nothing comes any more, and nobody says that the connection is gone."""
        _wait_until_left(piece.client)
        return False

    def _blank_lines(self, piece: _Piece) -> bool:
        if piece.at_line_start:
            piece.client.sendall(_chunk(b"\n\r\n"))
        self._send(piece.client, piece.data)
        return True

    def _event_410(self, piece: _Piece) -> bool:
        return self._event(piece, 410, "Expired")

    def _event_500(self, piece: _Piece) -> bool:
        return self._event(piece, 500, "InternalError")

    def _event(self, piece: _Piece, code: int, reason: str) -> bool:
        event = b'{"type":"ERROR","object":' + _status(code, reason) + b"}\n"
        piece.client.sendall(_chunk(event if piece.at_line_start else b"\n" + event))
        _wait_until_left(piece.client)
        return False

    def _garbage(self, piece: _Piece) -> bool:
        self.garbled_again += piece.version is not None and piece.version == self._garbled_at
        self._garbled = True
        piece.client.sendall(_chunk(b"<html>\n<p>bad gateway</p>\n"))
        _wait_until_left(piece.client)
        return False

    def _fragments(self, piece: _Piece) -> bool:
        """The data in very small pieces."""
        piece.client.sendall(
            b"".join(_chunk(piece.data[i : i + 7]) for i in range(0, len(piece.data), 7))
        )
        return True


_REQUESTS: Mapping[str, Callable[[Proxy, socket.socket], bool]] = {
    "http 410": Proxy._expired,
    "http 429": Proxy._slow_down,
    "http 503": Proxy._unavailable,
    "late answer": Proxy._late,
    "refused": Proxy._refused,
    "no answer": Proxy._silent,
}
_STREAMS: Mapping[str, Callable[[Proxy, _Piece], bool]] = {
    "clean close": Proxy._clean_close,
    "cut": Proxy._cut,
    "cut in a line": Proxy._cut_in_a_line,
    "reset": Proxy._reset_stream,
    "stall": Proxy._stall,
    "half-open": Proxy._half_open,
    "blank lines": Proxy._blank_lines,
    "event 410": Proxy._event_410,
    "event 500": Proxy._event_500,
    "garbage": Proxy._garbage,
    "fragments": Proxy._fragments,
}


def _head(status: int, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Because", "Content-Type: application/json", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _answer(status: int, body: bytes, *headers: str) -> bytes:
    return _head(status, f"Content-Length: {len(body)}", *headers) + body


def _status(code: int, reason: str) -> bytes:
    return json.dumps(
        {"kind": "Status", "code": code, "reason": reason, "message": "by the proxy"}
    ).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _has_left(client: socket.socket) -> bool:
    return bool(select.select([client], [], [], 0)[0]) and not client.recv(1, socket.MSG_PEEK)


def _wait_until_left(client: socket.socket) -> None:
    # No request follows on a stream, so anything to read is the end.
    select.select([client], [], [], _PATIENCE)


def _reset(client: socket.socket) -> None:
    # Lingering for no time makes the kernel send RST instead of FIN when it is closed.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
