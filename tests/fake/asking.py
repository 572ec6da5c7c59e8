"""Plain requests to the test server that show the headers of the answer as well."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import attrs

from matrixinfer_client.testing.apiserver.refusals import Refusal
from tests.cluster.server import ApiServer

__all__ = ["Answer", "Asker", "asker", "assert_same"]


@attrs.frozen
class Answer:
    """A status, the headers by lower-case name, and the body: JSON, or else text."""

    status: int
    headers: dict[str, list[str]]
    body: Any


@attrs.frozen
class Asker:
    """Sends requests over one connection."""

    connection: HTTPSConnection
    token: str

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = {"Accept": "application/json", "Authorization": f"Bearer {token or self.token}"}
        if content_type:
            sent["Content-Type"] = content_type
        payload = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        self.connection.request(method, path, payload, {**sent, **(headers or {})})
        response = self.connection.getresponse()
        content = response.read()
        found: dict[str, list[str]] = {}
        for name, value in response.getheaders():
            found.setdefault(name.lower(), []).append(value)
        try:
            return Answer(response.status, found, json.loads(content))
        except ValueError:
            return Answer(response.status, found, content.decode(errors="replace"))


@contextmanager
def asker(server: ApiServer, user: str = "admin") -> Iterator[Asker]:
    """An open connection to the server, as one of its users."""
    address = urlsplit(server.url)
    tls = ssl.create_default_context(cadata=server.ca_pem.decode("ascii"))
    assert address.hostname is not None
    connection = HTTPSConnection(address.hostname, address.port, timeout=30, context=tls)
    try:
        yield Asker(connection, server.token(user))
    finally:
        connection.close()


def assert_same(answer: Answer, refusal: Refusal | None) -> None:
    """The server's answer is the refusal: status, every word, and the headers that belong to it."""
    assert refusal is not None, answer
    assert answer.status == refusal.status
    assert answer.body == (refusal.body() if refusal.plain is None else refusal.plain)
    for name, value in refusal.headers.items():
        assert answer.headers[name.lower()] == [value]
