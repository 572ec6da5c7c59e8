"""The third door: a port of the loopback interface and a kubeconfig, for `kubectl` and others."""

from __future__ import annotations

import json
import os
import secrets
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self, cast

import attrs

from matrixinfer_client.errors import InvalidArgumentError, MatrixInferError
from matrixinfer_client.testing.amounts import is_whole
from matrixinfer_client.testing.apiserver.refusals import unauthorized
from matrixinfer_client.testing.calls import read_call, user
from matrixinfer_client.testing.exchange import ADMIN, ANONYMOUS, Call, Caller, Reply
from matrixinfer_client.testing.kubeconfigs import write_kubeconfig
from matrixinfer_client.testing.listening import HOST, Listener

__all__ = ["Served", "TlsUnavailableError", "serve"]

_HOSTS: Final = (HOST, "localhost")


class TlsUnavailableError(MatrixInferError, ImportError):
    """TLS was asked for, and the library that makes certificates is not installed."""


@attrs.frozen(kw_only=True, eq=False)
class Served:
    """A FakeCluster on a port of 127.0.0.1; a context manager, made by `FakeCluster.serve`.

    It stops when the cluster is closed, too, and its files go with it.
    """

    url: str
    """Where it is served, such as `http://127.0.0.1:41234`."""
    kubeconfig: Path
    """A kubeconfig file with a context for each user; the administrator's is the current one."""
    ca_file: Path | None
    """The certificate that clients check the server's with; None without TLS."""
    _tokens: Mapping[str, str] = attrs.field(alias="tokens", repr=False)
    _resources: ExitStack = attrs.field(alias="resources", repr=False)

    def token(self, name: str = ADMIN.name) -> str | None:
        """The bearer token of a user; None where none is needed, since everybody may do all."""
        if not self._tokens and name == ADMIN.name:
            return None
        if name not in self._tokens:
            known = ", ".join(self._tokens or (ADMIN.name,))
            raise InvalidArgumentError(f"no user {name!r} is known here, only {known}")
        return self._tokens[name]

    def close(self) -> None:
        """End all connections and free the port. Calling it twice does nothing."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def serve(
    handle: Callable[[Call], Reply],
    *,
    port: int = 0,
    tls: bool | None = None,
    token: str | None = None,
    users: Mapping[str, Sequence[str]] | None = None,
    kubeconfig: str | os.PathLike[str] | None = None,
) -> Served:
    """Serve on 127.0.0.1; see `FakeCluster.serve`."""
    if not is_whole(port, 0, 65535):
        raise InvalidArgumentError(f"port must be 1 to 65535, or 0 for any free one, not {port!r}")
    callers = _callers({} if users is None else users)
    if tls is None:
        tls = token is not None or bool(callers)
    tokens = _new_tokens(token, callers) if tls or token is not None or callers else {}
    with ExitStack() as resources:
        directory = Path(resources.enter_context(TemporaryDirectory(prefix="fake-cluster-")))
        context, authority = _tls(directory) if tls else (None, None)
        listener = Listener(_Gate(handle, callers, tokens), context)
        url = f"{'https' if tls else 'http'}://{HOST}:{_start(listener, port)}"
        resources.callback(listener.stop)
        path = Path(kubeconfig or directory / "kubeconfig").absolute()
        write_kubeconfig(path, url, admin=ADMIN.name, tokens=tokens, authority=authority)
        return Served(
            url=url,
            kubeconfig=path,
            ca_file=None if authority is None else directory / "ca.crt",
            tokens=tokens,
            resources=resources.pop_all(),
        )


class _Gate:
    """Finds out who sends a request, and passes it on."""

    def __init__(
        self,
        handle: Callable[[Call], Reply],
        callers: Mapping[str, Caller],
        tokens: Mapping[str, str],
    ) -> None:
        self._handle = handle
        self._by_token = {token: callers.get(name, ADMIN) for name, token in tokens.items()}

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        caller = self._caller(headers.get("authorization", ""))
        if caller is None:
            refusal = unauthorized()
            content = json.dumps(refusal.body()).encode()
            types = [("Content-Type", "application/json")]
            return Reply(status=refusal.status, body=content, headers=types)
        return self._handle(read_call(method, target, headers, body, caller))

    def _caller(self, authorization: str) -> Caller | None:
        """Who it is; None for a credential that nobody has."""
        if not self._by_token:
            return ADMIN
        scheme, _, rest = authorization.partition(" ")
        token = rest.partition(" ")[0]
        if scheme.lower() != "bearer" or not token:
            return ANONYMOUS
        return self._by_token.get(token)


def _callers(users: Mapping[str, Sequence[str]]) -> dict[str, Caller]:
    if not isinstance(cast("object", users), Mapping):
        raise InvalidArgumentError(
            f"users must be names with their groups, such as {{'ann': ['dev']}}, not {users!r}"
        )
    if ADMIN.name in users:
        raise InvalidArgumentError(
            f"{ADMIN.name!r} is always there and may do everything; call your user otherwise"
        )
    return {name: user(name, groups) for name, groups in users.items()}


def _new_tokens(token: str | None, names: Iterable[str]) -> dict[str, str]:
    # Not the value: it is a secret.
    if token == "":
        raise InvalidArgumentError("token is empty; leave it out for a random one, or for none")
    if token is not None and (not token.isascii() or not token.isprintable() or " " in token):
        raise InvalidArgumentError("token must be of printable ASCII characters without spaces")
    return {
        ADMIN.name: token or secrets.token_urlsafe(24),
        **{name: secrets.token_urlsafe(24) for name in names},
    }


def _tls(directory: Path) -> tuple[ssl.SSLContext, bytes]:
    """What the server is started with, and the certificate that clients need, also as a file."""
    try:
        from matrixinfer_client.testing.certificates import Authority  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise TlsUnavailableError(
            "to serve with TLS, as for tls=True and for tokens, takes the library that makes "
            'certificates: pip install "matrixinfer-client[testing-tls]"; without TLS nothing more '
            "is needed"
        ) from error
    authority = Authority("fake-cluster-authority")
    certificate, private = authority.server_certificate(_HOSTS)
    chain, key = directory / "tls.crt", directory / "tls.key"
    # The ssl module reads certificates from files only; the directory is its owner's alone.
    chain.write_bytes(certificate)
    key.write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    (directory / "ca.crt").write_bytes(authority.pem)
    return context, authority.pem


def _start(listener: Listener, port: int) -> int:
    try:
        return listener.start(port)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise MatrixInferError(f"cannot serve on {HOST}:{port}: {reason}") from error
