"""A handler that records, and requests to where it is served."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from matrixinfer_client.testing.exchange import Call, Reply
from matrixinfer_client.testing.serving import Served

JSON = [("Content-Type", "application/json")]


class Recorder:
    """Answers with what it is told, and keeps the calls."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answer: Callable[[Call], Reply] = lambda _: Reply(
            status=200, body=b'{"ok":true}', headers=JSON
        )

    def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        return self.answer(call)


def connect(served: Served) -> http.client.HTTPConnection:
    parts = urlsplit(served.url)
    assert parts.hostname is not None
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)


def raw(served: Served, *lines: str) -> socket.socket:
    parts = urlsplit(served.url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def ask(served: Served, path: str = "/version", **headers: str) -> tuple[int, Any]:
    connection = connect(served)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}
