"""The two servers behind one interface: a request in, an answer out, and watches to read later."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterable
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import attrs

from matrixinfer_client.testing.apiserver.server import FakeServer
from matrixinfer_client.testing.calls import read_call
from matrixinfer_client.testing.exchange import Stream
from tests.fake.fuzz.operations import Request

__all__ = ["Answer", "FakeSide", "RealSide", "Side", "Watch"]

_HEADERS = {"accept": "application/json", "user-agent": "fuzz/1.0"}
_PATIENCE_SECONDS = 2.0
_QUIET_SECONDS = 0.3


@attrs.frozen(kw_only=True)
class Answer:
    """What a server said."""

    status: int
    content_type: str
    warnings: list[str]
    body: Any
    """JSON, else text."""


class Watch(Protocol):
    """A watch that is open."""

    def events(self, expected: int, marked: bool) -> list[Any]:
        """All events until now.

        A real server needs time to send them: `expected` is how many there should be, and `marked`
        whether the last of these is the last that there can be.
        """
        ...

    def close(self) -> None:
        """Stop it."""
        ...


class Side(Protocol):
    """One of the servers."""

    def send(self, request: Request) -> Answer:
        """Send a request and return the answer."""
        ...

    def watch(self, request: Request) -> Answer | Watch:
        """Open a watch; an answer is why that was refused."""
        ...


class FakeSide:
    """The fake server."""

    def __init__(self) -> None:
        # As in the harness of the real one: no webhooks, no controllers.
        self.server = FakeServer(webhooks=False, garbage_collection=False)

    def send(self, request: Request) -> Answer:
        reply = self.server.handle(_call(request))
        if reply.stream is not None:
            reply.stream.close()
        return _answer(reply.status, reply.headers, reply.body)

    def watch(self, request: Request) -> Answer | Watch:
        reply = self.server.handle(_call(request))
        if reply.stream is None:
            return _answer(reply.status, reply.headers, reply.body)
        return _FakeWatch(reply.stream)


class _FakeWatch:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def events(self, expected: int, marked: bool) -> list[Any]:  # noqa: ARG002
        return [each for each in _parsed(self._stream.take().splitlines()) if _counts(each)]

    def close(self) -> None:
        self._stream.close()


class RealSide:
    """The real server, over one connection for requests and one more for each watch."""

    def __init__(self, url: str, ca_pem: bytes, token: str) -> None:
        self._url = urlsplit(url)
        self._tls = ssl.create_default_context(cadata=ca_pem.decode("ascii"))
        self._token = token
        self._connection: HTTPSConnection | None = None

    def send(self, request: Request) -> Answer:
        for attempt in (1, 2):
            connection = self._connection or self._connect()
            self._connection = None
            try:
                self._send(connection, request)
                response = connection.getresponse()
                content = response.read()
            except (HTTPException, OSError):
                connection.close()
                # An idle connection may have been closed; a new one has not.
                if attempt == 2:
                    raise
                continue
            if response.will_close:
                connection.close()
            else:
                self._connection = connection
            return _answer(response.status, response.getheaders(), content)
        raise AssertionError

    def watch(self, request: Request) -> Answer | Watch:
        connection = self._connect()
        self._send(connection, request)
        response = connection.getresponse()
        if response.status == 200:
            return _RealWatch(connection, response)
        content = response.read()
        connection.close()
        return _answer(response.status, response.getheaders(), content)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _connect(self) -> HTTPSConnection:
        host = self._url.hostname
        assert host is not None
        return HTTPSConnection(host, self._url.port, timeout=30, context=self._tls)

    def _send(self, connection: HTTPSConnection, request: Request) -> None:
        headers = {**_HEADERS, **request.headers, "authorization": f"Bearer {self._token}"}
        method = "GET" if request.method == "WATCH" else request.method
        connection.request(method, _target(request), request.body or None, headers)


class _RealWatch:
    def __init__(self, connection: HTTPSConnection, response: HTTPResponse) -> None:
        self._connection = connection
        self._response = response

    def events(self, expected: int, marked: bool) -> list[Any]:
        found: list[Any] = []
        until = time.monotonic() + _PATIENCE_SECONDS
        while len(found) < expected or not marked:
            left = until - time.monotonic() if len(found) < expected else _QUIET_SECONDS
            line = self._line(left)
            if not line:
                break
            found += [each for each in _parsed([line]) if _counts(each)]
        return found

    def close(self) -> None:
        self._connection.close()

    def _line(self, seconds: float) -> bytes:
        socket = self._connection.sock
        if socket is None or seconds <= 0:
            return b"" if seconds <= 0 else self._response.readline()
        socket.settimeout(seconds)
        try:
            return self._response.readline()
        except (OSError, HTTPException):
            return b""


def _call(request: Request) -> Any:
    method = "GET" if request.method == "WATCH" else request.method
    headers = {**_HEADERS, **{name.lower(): value for name, value in request.headers.items()}}
    return read_call(method, _target(request), headers, request.body)


def _target(request: Request) -> str:
    path = quote(request.path, safe="/%:@")
    return f"{path}?{urlencode(request.query)}" if request.query else path


def _answer(status: int, headers: Iterable[tuple[str, str]], content: bytes) -> Answer:
    found = [(name.lower(), value) for name, value in headers]
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = content.decode(errors="replace")
    return Answer(
        status=status,
        content_type=next((value for name, value in found if name == "content-type"), ""),
        warnings=[value for name, value in found if name == "warning"],
        body=body,
    )


def _counts(event: Any) -> bool:
    """Whether an event is to be compared: when there are bookmarks depends on the time."""
    annotations = event["object"].get("metadata", {}).get("annotations", {})
    return event["type"] != "BOOKMARK" or "k8s.io/initial-events-end" in annotations


def _parsed(lines: Iterable[bytes]) -> list[Any]:
    return [json.loads(line) for line in lines if line.strip()]
