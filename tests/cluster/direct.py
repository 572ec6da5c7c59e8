"""Plain requests to the test server, which share no code with the client under test.

Fixtures made with them cannot inherit a defect of the client, nor hide one.
"""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
_TIMEOUT_SECONDS = 30.0


class DirectClient:
    """Sends one request per connection to a server on the loopback interface."""

    def __init__(self, port: int, ca_pem: bytes) -> None:
        self._port = port
        self._ca = ca_pem.decode("ascii")
        self._tls = ssl.create_default_context(cadata=self._ca)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        token: str | None = None,
        certificate: tuple[bytes, bytes] | None = None,
    ) -> tuple[int, Any]:
        """Return status and body; the body is parsed if it is JSON, and text otherwise."""
        headers = _headers(token)
        if body is not None:
            headers["Content-Type"] = content_type
        payload = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        tls = self._tls if certificate is None else self._tls_with(certificate)
        connection = HTTPSConnection(HOST, self._port, timeout=_TIMEOUT_SECONDS, context=tls)
        return _exchange(connection, method, path, payload, headers)

    def can_watch(self, path: str, token: str) -> bool:
        """Tell whether a watch on a collection opens; it is closed again at once."""
        connection = HTTPSConnection(HOST, self._port, timeout=_TIMEOUT_SECONDS, context=self._tls)
        try:
            connection.request("GET", f"{path}?watch=1&resourceVersion=0", headers=_headers(token))
            # Closed here, for the connection leaves a stream that has no length to its reader.
            with connection.getresponse() as response:
                return response.status == 200
        finally:
            connection.close()

    def _tls_with(self, certificate: tuple[bytes, bytes]) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self._ca)
        # The ssl module reads certificates from files only.
        with tempfile.TemporaryDirectory() as directory:
            chain, key = Path(directory, "tls.crt"), Path(directory, "tls.key")
            chain.write_bytes(certificate[0])
            key.write_bytes(certificate[1])
            context.load_cert_chain(chain, key)
        return context


def etcd_key_range(prefix: str) -> dict[str, str]:
    """Return the fields by which etcd's JSON gateway names all keys that begin with `prefix`."""
    first = prefix.encode()
    end = first[:-1] + bytes([first[-1] + 1])
    return {
        name: base64.b64encode(key).decode() for name, key in (("key", first), ("range_end", end))
    }


def ask_etcd(port: int, command: str, body: Any) -> Any:
    """Send a command to etcd's JSON gateway and return its answer."""
    connection = HTTPConnection(HOST, port, timeout=_TIMEOUT_SECONDS)
    headers = {"Content-Type": "application/json"}
    path = f"/v3/kv/{command}"
    status, answer = _exchange(connection, "POST", path, json.dumps(body).encode(), headers)
    if status != 200:
        raise HTTPException(f"etcd answered {command} with HTTP {status}: {answer}")
    return answer


def is_etcd_ready(port: int) -> bool:
    """Tell whether etcd answers and can serve reads and writes."""
    try:
        return (
            _exchange(HTTPConnection(HOST, port, timeout=2), "GET", "/readyz", None, {})[0] == 200
        )
    except (OSError, HTTPException):
        return False


def _headers(token: str | None) -> dict[str, str]:
    headers = {"Accept": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _exchange(
    connection: HTTPConnection,
    method: str,
    path: str,
    payload: bytes | None,
    headers: dict[str, str],
) -> tuple[int, Any]:
    try:
        connection.request(method, path, payload, headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    try:
        return response.status, json.loads(content)
    except ValueError:
        # Health checks answer in words, and a watch in one document per line.
        return response.status, content.decode(errors="replace")
