"""What both transports agree on: the outgoing request, its headers, and what failures are called.

No I/O and no HTTP library here, so that a program pays only for the mode it uses.
"""

from __future__ import annotations

import errno
import inspect
import os
import re
import socket
import ssl
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import attrs

from matrixinfer_client.errors import (
    ApiWarning,
    InvalidArgumentError,
    RequestInfo,
    TransportError,
    TransportTimeout,
)
from matrixinfer_client.flows import NO_TIMEOUT, Request, Response, TimeoutArg
from matrixinfer_client.version import VERSION

if TYPE_CHECKING:
    from matrixinfer_client.config import Config, Credential

__all__ = ["EventHooks", "Outgoing", "Outline", "failure", "limits", "show_warnings"]

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0

E = TypeVar("E", bound=BaseException)

_HERE = f"{Path(__file__).parent}{os.sep}"


@attrs.frozen
class EventHooks:
    """Functions called with each request before it is sent and each answer after it came.

    They see `RequestInfo` and `Response`, never a credential; an exception in one ends the call.
    For an asynchronous client they are plain functions, too, and must not block.
    """

    request: Sequence[Callable[[RequestInfo], None]] = ()
    response: Sequence[Callable[[Response], None]] = ()


@attrs.define(slots=True)
class Outgoing:
    """A request as a transport sends it."""

    method: str
    url: str
    headers: list[tuple[str, str]] = attrs.field(repr=False)
    body: bytes | None
    connect_timeout: float | None
    read_timeout: float | None
    server_name: str | None
    info: RequestInfo


class Outline:
    """Everything of a request that is the same for all requests of a client."""

    def __init__(self, config: Config) -> None:
        self._server = config.server.rstrip("/")
        self._server_name = config.tls_server_name
        self._headers = [
            ("accept", "application/json"),
            # As client-go: a large list is worth a tenth of itself over a network.
            ("accept-encoding", "gzip"),
            ("user-agent", _user_agent()),
            *_impersonation(config),
        ]

    def outgoing(self, request: Request, credential: Credential | None) -> Outgoing:
        """The request with URL, headers and limits."""
        url = f"{self._server}{request.path}"
        if request.query:
            url = f"{url}?{request.query}"
        headers = self._headers.copy()
        if credential is not None and credential.authorization is not None:
            headers.append(("authorization", credential.authorization))
        if request.body is not None:
            headers.append(("content-type", request.content_type))
        connect, read = limits(request.timeout)
        return Outgoing(
            request.method,
            url,
            headers,
            request.body,
            connect,
            read,
            self._server_name,
            RequestInfo(request.method, url),
        )


def limits(timeout: TimeoutArg) -> tuple[float | None, float | None]:
    """Seconds for connecting and for each wait on the answer."""
    if timeout is None:
        return CONNECT_TIMEOUT, READ_TIMEOUT
    if timeout is NO_TIMEOUT:
        return None, None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0:
        raise InvalidArgumentError(
            f"timeout must be a number of seconds above 0, None for the client's default or "
            f"NO_TIMEOUT, not {timeout!r}"
        )
    return min(CONNECT_TIMEOUT, timeout), float(timeout)


def _user_agent() -> str:
    python = sys.version_info
    return f"matrixinfer-client/{VERSION} python/{python.major}.{python.minor}"


def _impersonation(config: Config) -> Iterable[tuple[str, str]]:
    return () if config.impersonate is None else config.impersonate.headers()


def failure(
    error: BaseException, request: RequestInfo, source: str, *, sent: bool, timeout: bool = False
) -> TransportError:
    """What an HTTP library's exception is called here, with the address and the way out."""
    where = f"{re.split('/apis/|/api/v1/', request.url, maxsplit=1)[0]} ({source})"
    if not sent and _find(error, ssl.SSLError):
        text = _tls_failure(error, where)
        return TransportError(text, request=request, sent=False, transient=False)
    if timeout:
        what = "no answer in time from" if sent else "no connection in time to"
        return TransportTimeout(f"{what} {where} [{request}]", request=request, sent=sent)
    reason = _reason(error)
    what = f"the connection to {where} was lost" if sent else f"cannot reach {where}"
    return TransportError(f"{what}: {reason} [{request}]", request=request, sent=sent)


# OpenSSL's numbers for a certificate that is good, but for another host or address.
_OTHER_HOST = (62, 64)


def _tls_failure(error: BaseException, where: str) -> str:
    for found in _chain(error):
        # An HTTP library's exception may be an SSLError and have nothing of one.
        if isinstance(found, ssl.SSLCertVerificationError) and hasattr(found, "verify_message"):
            words = found.verify_message.rstrip(".")
            way_out = (
                "connect by a name that it is for, or give one as tls-server-name"
                if found.verify_code in _OTHER_HOST
                else "give the cluster's CA (certificate-authority in the kubeconfig, or ca_file=)"
            )
            return f"the certificate of {where} is not trusted: {words}; {way_out}"
        reason = getattr(found, "reason", None)
        if isinstance(found, ssl.SSLError) and isinstance(reason, str):
            words = reason.replace("_", " ").lower()
            return f"no TLS connection to {where}: {words}; is it an https address?"
    return f"no TLS connection to {where}: {error}; is it an https address?"


def _chain(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            # One per address that a name resolves to.
            for member in cast("BaseExceptionGroup[BaseException]", error).exceptions:
                yield from _chain(member)
        error = error.__cause__ or error.__context__


def _find(error: BaseException, cls: type[E]) -> E | None:
    return next((found for found in _chain(error) if isinstance(found, cls)), None)


def _reason(error: BaseException) -> str:
    """The operating system's words where there are any: libraries wrap them beyond reading."""
    system = _find(error, socket.gaierror) or _find(error, OSError)
    if system is None or not system.strerror:
        return str(error) or type(error).__name__
    number = system.errno
    if number in errno.errorcode and number is not None and type(system) is not socket.gaierror:
        # asyncio has words of its own for the same error.
        return os.strerror(number).lower()
    return system.strerror.lower()


# `299 - "text" "date"`: code, agent, quoted text with backslash escapes (RFC 7234, 5.5).
_WARNING = re.compile(r'\s*\d{3} \S+ "((?:[^"\\]|\\.)*)"')


def show_warnings(values: Iterable[str]) -> None:
    """Turn `Warning` headers into `ApiWarning`s at the line of the user's that made the call."""
    for value in values:
        for quoted in _WARNING.findall(value):
            text = re.sub(r"\\(.)", r"\1", quoted)
            warnings.warn(ApiWarning(text), stacklevel=_caller_level())


def _caller_level() -> int:
    level, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    return level
