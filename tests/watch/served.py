"""A `History` behind a loopback port: as much of an API server as watches need, and no more.

Unlike a real one it can be told to refuse, to fall silent and to close, at any moment.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.watch.simulated import History, bookmark, failure

_TICK = 0.01


class Served:
    """Serves a history; a context manager."""

    def __init__(self, history: History | None = None, *, streaming: bool = True) -> None:
        self.history = History() if history is None else history
        self.streaming = streaming
        self.requests: list[str] = []
        self.tokens: list[str | None] = []
        self.refusals: deque[tuple[int, bytes]] = deque()
        """Answers for the next requests."""
        self.silent_heads = False
        """Whether requests are not answered at all."""
        self.streams = 0
        """How many watches are open now."""
        self._generation = 0
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        handler = type("Handler", (_Handler,), {"served": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_TICK,), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.close_streams()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def change(self, write: Callable[[History], object]) -> None:
        """Change the history; every watch sees it."""
        with self._changed:
            write(self.history)
            self._changed.notify_all()

    def create(self, name: str) -> None:
        self.change(lambda history: history.create(name))

    def update(self, name: str) -> None:
        self.change(lambda history: history.update(name))

    def delete(self, name: str) -> None:
        self.change(lambda history: history.delete(name))

    def close_streams(self) -> None:
        """End every watch cleanly."""
        with self._changed:
            self._generation += 1
            self._changed.notify_all()

    def refuse(self, code: int, reason: str, times: int = 1) -> None:
        """Answer the next requests with a failure."""
        self.refusals.extend([(code, failure(code, reason))] * times)

    def follow(self, position: int, first: bytes, send: Callable[[bytes], None]) -> None:
        """Send what happens after a version until the streams are closed."""
        generation = self._generation
        self.streams += 1
        try:
            send(first)
            while generation == self._generation:
                with self._changed:
                    if position == self.history.version:
                        self._changed.wait(_TICK)
                    if generation != self._generation:
                        break
                    lines = [each.line for each in self.history.since(position)]
                    position = self.history.version
                # Nothing is sent as no bytes at all, which tells whether the client is there.
                send(b"".join(lines))
        finally:
            self.streams -= 1


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave are what is tested, not an error."""


class _Handler(BaseHTTPRequestHandler):
    served: Served
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        served = self.served
        served.requests.append(self.path)
        served.tokens.append(self.headers.get("authorization"))
        while served.silent_heads and not served._stopping.wait(_TICK):
            if self._has_left():
                self.close_connection = True
                return
        if served.refusals:
            self._answer(*served.refusals.popleft())
            return
        query = {key: values[-1] for key, values in parse_qs(urlsplit(self.path).query).items()}
        if "watch" not in query:
            self._answer(200, served.history.listed())
        elif query.get("sendInitialEvents") == "true":
            self._stream_list()
        elif int(query["resourceVersion"]) < served.history.compacted:
            self._answer(410, failure(410, "Expired"))
        else:
            self._stream(int(query["resourceVersion"]), b"")

    def _stream_list(self) -> None:
        served = self.served
        if not served.streaming:
            self._answer(422, failure(422, "Invalid"))
            return
        history = served.history
        lines = [each.line for each in history.present()]
        end = bookmark(history.version, ends_initial_events=True)
        self._stream(history.version, b"".join([*lines, end]))

    def _stream(self, position: int, first: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self.served.follow(position, first, self._chunk)
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True

    def _chunk(self, data: bytes) -> None:
        if data:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        elif self._has_left():
            raise BrokenPipeError

    def _has_left(self) -> bool:
        connection: Any = self.connection
        connection.setblocking(False)
        try:
            return not connection.recv(1, 2)  # MSG_PEEK
        except BlockingIOError:
            return False
        finally:
            connection.setblocking(True)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
