"""Where and as whom to connect, as values: frozen, picklable, no secret in any `repr`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urlsplit

import attrs

from matrixinfer_client.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["ClientCertificate", "Config", "Credential", "CredentialSource", "Impersonation"]

T = TypeVar("T")

_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
# The characters of an HTTP token (RFC 9110) but for the percent sign, which is the escape itself.
_HEADER_NAME_CHARACTER = re.compile(rb"[A-Za-z0-9!#$&'*+.^_`|~-]")


def _hidden(value: object) -> str:
    return "None" if value is None else "<hidden>"


def _shown(url: str | None) -> str:
    return "None" if url is None else repr(redacted(url))


def _sized(value: bytes | None) -> str:
    return "None" if value is None else f"<{len(value)} bytes>"


def redacted(url: str) -> str:
    """The URL with its user and password replaced by `***`, for messages."""
    if "@" not in url:
        return url
    scheme, separator, rest = url.rpartition("://")
    return f"{scheme}{separator}***@{rest.rpartition('@')[2]}"


@attrs.frozen
class ClientCertificate:
    """A client certificate with its key, both PEM."""

    cert_pem: bytes = attrs.field(repr=_sized)
    """The certificate, followed by intermediates where there are any."""
    key_pem: bytes = attrs.field(repr=_hidden)
    """The private key, not encrypted."""
    source: str = attrs.field(default="", eq=False)
    """Where it came from, in words for messages."""


@attrs.frozen
class Credential:
    """What one request is sent with."""

    authorization: str | None = attrs.field(default=None, repr=_hidden)
    """Value of the `Authorization` header."""
    client_certificate: ClientCertificate | None = None
    """Presented in the TLS handshake."""


class CredentialSource(Protocol):
    """Where credentials come from. Safe for use by many threads; picklable."""

    def current(self) -> Credential | None:
        """The credential at hand, None when it must be fetched. Never blocks."""
        ...

    def fetch(self, rejected: Credential | None = None) -> Credential:
        """The credential to use now; may read files, run a plugin or ask an issuer.

        `rejected` is the credential that the server answered 401 to. When another one has
        taken its place meanwhile, that one is returned; otherwise it is renewed. A result
        equal to `rejected` says that the source has nothing else. Calls at the same time
        share one renewal, and one failure. Raises `CredentialError` when no credential can
        be had; the result is never empty.
        """
        ...


def _extra(value: Mapping[str, Sequence[str]] | None) -> Mapping[str, tuple[str, ...]]:
    return {key: tuple(values) for key, values in (value or {}).items()}


def _strings(value: Iterable[str]) -> tuple[str, ...]:
    return tuple(value)


@attrs.frozen
class Impersonation:
    """The user to act as (`kubectl --as`); the real user needs the RBAC verb `impersonate`."""

    user: str
    groups: tuple[str, ...] = attrs.field(default=(), converter=_strings)
    uid: str | None = None
    extra: Mapping[str, tuple[str, ...]] = attrs.field(
        default=None, converter=_extra, kw_only=True, hash=False
    )

    def __attrs_post_init__(self) -> None:
        if not self.user:
            raise ConfigError(
                "impersonation without a user: groups, uid and extra need the user they belong to"
            )
        for name, value in self.headers():
            if any(character < " " or character == "\x7f" for character in value):
                raise ConfigError(f"impersonation: {name} contains a control character")

    def headers(self) -> list[tuple[str, str]]:
        """The `Impersonate-*` headers, one per group, with names escaped as client-go does."""
        pairs = [("Impersonate-User", self.user)]
        if self.uid:
            pairs.append(("Impersonate-Uid", self.uid))
        pairs += [("Impersonate-Group", group) for group in self.groups]
        for key, values in self.extra.items():
            name = f"Impersonate-Extra-{_header_name(key)}"
            pairs += [(name, value) for value in values]
        return pairs


def _header_name(key: str) -> str:
    raw = (key.encode()[index : index + 1] for index in range(len(key.encode())))
    return "".join(
        byte.decode() if _HEADER_NAME_CHARACTER.match(byte) else f"%{byte[0]:02X}" for byte in raw
    )


def _without_slash(value: str) -> str:
    return value.rstrip("/")


@attrs.frozen
class Config:
    """Where and as whom to connect.

    Made by `load_config`, `from_kubeconfig`, `in_cluster`, `from_kubernetes` or `explicit`, or by
    hand: `Config(server="https://10.0.0.1:6443", credentials=StaticToken("..."))`. Raises
    `ConfigError` for a server or proxy that is no URL, and for a CA together with
    `insecure_skip_tls_verify`, which client-go refuses as well.
    """

    server: str = attrs.field(converter=_without_slash)
    """URL of the API server, `http` or `https`, perhaps with a path; no slash at the end."""
    namespace: str = "default"
    """The namespace used where none is given."""
    credentials: CredentialSource | None = attrs.field(default=None, kw_only=True)
    """None when none is configured: requests are then anonymous."""
    ca_data: bytes | None = attrs.field(default=None, kw_only=True, repr=_sized)
    """PEM certificates to trust instead of the system's; takes precedence over `ca_file`."""
    ca_file: str | None = attrs.field(default=None, kw_only=True)
    """File of such certificates, read again when it changes."""
    insecure_skip_tls_verify: bool = attrs.field(default=False, kw_only=True)
    """Trust any certificate. Default False."""
    tls_server_name: str | None = attrs.field(default=None, kw_only=True)
    """The name to send (SNI) and to expect in the certificate instead of the server's host."""
    proxy_url: str | None = attrs.field(default=None, kw_only=True, repr=_shown)
    """Proxy for all requests; None means what the environment says, see `proxy_for`."""
    impersonate: Impersonation | None = attrs.field(default=None, kw_only=True)
    context: str | None = attrs.field(default=None, kw_only=True)
    """Name of the kubeconfig context this came from."""
    source: str = attrs.field(default="explicit arguments", kw_only=True)
    """Where this came from, in words for messages: `context "dev" of /home/u/.kube/config`."""

    def __attrs_post_init__(self) -> None:
        _check_url(self.server, "server", ("http", "https"), self.source, path=True)
        if self.proxy_url is not None:
            check_proxy(self.proxy_url, self.source)
        if self.insecure_skip_tls_verify and (self.ca_data or self.ca_file):
            raise ConfigError(
                f"{self.source}: a certificate authority together with insecure-skip-tls-verify; "
                "remove one of the two"
            )


def check_proxy(url: str, source: str) -> None:
    """Raise `ConfigError` when this is no URL of a kind of proxy that is supported."""
    _check_url(url, "proxy-url", _PROXY_SCHEMES, source)


def _check_url(
    url: str, what: str, schemes: Sequence[str], source: str, *, path: bool = False
) -> None:
    shown = redacted(url)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"{source}: {what} {shown!r} is not a URL: {error}") from None
    if parts.scheme not in schemes or not parts.hostname:
        allowed = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ConfigError(f"{source}: {what} {shown!r} is not a URL that starts with {allowed}")
    if any(character <= " " or character == "\x7f" for character in url):
        raise ConfigError(f"{source}: {what} {shown!r} contains a space or control character")
    if path and "@" in parts.netloc:
        raise ConfigError(f"{source}: {what} {shown!r} contains a user; credentials go elsewhere")
    if path and (parts.query or parts.fragment):
        raise ConfigError(f"{source}: {what} {shown!r} has a query or fragment; give the base URL")
