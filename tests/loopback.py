"""A server on the loopback interface that misbehaves as it is told, and counts what arrives."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeAlias

from tests.cluster.certificates import CertificateAuthority

HOST = "127.0.0.1"
_PATIENCE_SECONDS = 20.0
_TLS_HANDSHAKE = b"\x16"


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


Behaviour: TypeAlias = Callable[[socket.socket], bool]
"""Answers one request; False closes the connection."""


def reply(status: int = 200, body: bytes = b"{}", *headers: str, close: bool = False) -> Behaviour:
    """Answer properly. `close` closes the connection afterwards without having announced it."""

    def behave(connection: socket.socket) -> bool:
        connection.sendall(_head(status, *headers, f"Content-Length: {len(body)}") + body)
        return not close

    return behave


def drop(connection: socket.socket) -> bool:
    """Close the connection instead of answering."""
    return False


def reset(connection: socket.socket) -> bool:
    """Reset the connection instead of answering."""
    # Lingering for no time makes the kernel send RST instead of FIN.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def truncate(connection: socket.socket) -> bool:
    """Announce a hundred bytes of body, send ten, close."""
    connection.sendall(_head(200, "Content-Length: 100") + b'{"items":[')
    return False


def talk_nonsense(connection: socket.socket) -> bool:
    """Answer something that is not HTTP."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
    return False


def stall(connection: socket.socket) -> bool:
    """Do not answer until the client gives up."""
    connection.settimeout(_PATIENCE_SECONDS)
    with contextlib.suppress(OSError):
        connection.recv(1)
    return False


def ignore(connection: socket.socket) -> bool:
    """Do not answer, and for a while do not notice that the client gives up."""
    time.sleep(5.0)
    return False


def stream(*chunks: bytes, end: bool = True, pause: float = 0.0) -> Behaviour:
    """Send the body in chunks. Without `end` the stream stays open until the client leaves."""

    def behave(connection: socket.socket) -> bool:
        connection.sendall(_head(200, "Transfer-Encoding: chunked"))
        for chunk in chunks:
            connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            time.sleep(pause)
        if end:
            connection.sendall(b"0\r\n\r\n")
            return True
        return stall(connection)

    return behave


def _head(status: int, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Because", *headers]
    if not any(line.lower().startswith("content-type") for line in headers):
        lines.append("Content-Type: application/json")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass
class Loopback:
    """The server: request number n gets behaviour number n, and the last one from then on."""

    behaviours: Sequence[Behaviour]
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when a connection has ended, from whichever side."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://{HOST}:{self._listener.getsockname()[1]}"

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.received]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake a thread that is in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self.connections += 1
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with self._lock:
                self._open.add(connection)
            self._talk(connection)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()
            self.ended.set()

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as reader:
            if reader.peek(1)[:1] == _TLS_HANDSHAKE:
                reply(400, b"this is plain HTTP")(connection)
                return
            while True:
                request = _read(reader.readline, reader.read)
                if request is None:
                    return
                with self._lock:
                    index = min(len(self.received), len(self.behaviours) - 1)
                    self.received.append(request)
                if not self.behaviours[index](connection):
                    return


def _read(line: Callable[[], bytes], read: Callable[[int], bytes]) -> Received | None:
    first = line().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers: list[tuple[str, str]] = []
    while (text := line().decode("utf-8").strip()) != "":
        name, _, value = text.partition(":")
        headers.append((name.lower(), value.strip()))
    length = int(dict(headers).get("content-length", "0"))
    return Received(first[0], first[1], headers, read(length))


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def server_tls(authority: CertificateAuthority, directory: Path, *hosts: str) -> ssl.SSLContext:
    """Return the server's side, which asks for a client certificate without insisting.

    The authority's certificate is left in the directory as `ca.crt`.
    """
    (directory / "ca.crt").write_bytes(authority.pem)
    certificate, key = authority.server_certificate(hosts)
    (directory / "tls.crt").write_bytes(certificate)
    (directory / "tls.key").write_bytes(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "tls.crt", directory / "tls.key")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=authority.pem.decode())
    return context
