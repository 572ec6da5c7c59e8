"""From the official client's configuration object to ours. Imports nothing of that package."""

from __future__ import annotations

import inspect
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from matrixinfer_client.config.proxies import is_bypassed
from matrixinfer_client.config.renewal import Issued, Renewal
from matrixinfer_client.config.tokens import StaticHeader
from matrixinfer_client.config.users import Identity, together
from matrixinfer_client.config.values import Config, Credential
from matrixinfer_client.errors import ConfigError, CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable

    from matrixinfer_client.config.values import CredentialSource

__all__ = ["HookedHeader", "KubernetesConfiguration", "from_kubernetes"]

_SOURCE = "kubernetes.client.Configuration"
_HOOK_SECONDS = 50.0


class KubernetesConfiguration(Protocol):
    """What `kubernetes.client.Configuration` looks like, as far as it is read."""

    @property
    def host(self) -> str:
        """URL of the server."""
        ...

    @property
    def api_key(self) -> dict[str, str]:
        """The `Authorization` header, under `BearerToken` or `authorization`."""
        ...

    @property
    def api_key_prefix(self) -> dict[str, str]:
        """The scheme before it, under the same key."""
        ...


def from_kubernetes(configuration: KubernetesConfiguration) -> Config:
    """The configuration that `kubernetes.config.load_*` has filled in, or a program has.

    Taken over: host, API key with prefix and refresh hook, user name and password, client
    certificate, CA, `verify_ssl`, `tls_server_name`, proxy and `no_proxy`. Retries, pools and
    logging are this client's own. Raises `ConfigError` for what cannot be honoured
    (`assert_hostname=False`, `proxy_headers`, an asynchronous hook). Where the official loader has
    swallowed the failure of a plugin there is nothing left to take over: prefer `load_config`.
    """
    verify = bool(_get(configuration, "verify_ssl", default=True))
    if verify and _get(configuration, "assert_hostname") is False:
        raise ConfigError(
            f"{_SOURCE}: assert_hostname=False is not supported; set tls_server_name to the name "
            "in the server's certificate"
        )
    if _get(configuration, "proxy_headers"):
        raise ConfigError(
            f"{_SOURCE}: proxy_headers are not supported; write user and password into the proxy "
            "URL: http://user:password@proxy:3128"
        )
    ca_data = _get(configuration, "ca_cert_data")
    return Config(
        server=configuration.host,
        credentials=_credentials(configuration),
        # The official client accepts authorities together with verify_ssl=False, and ignores them.
        ca_data=_pem(ca_data) if verify and ca_data else None,
        ca_file=_path(configuration, "ssl_ca_cert") if verify and not ca_data else None,
        insecure_skip_tls_verify=not verify,
        tls_server_name=_get(configuration, "tls_server_name") or None,
        proxy_url=_proxy(configuration),
        source=_SOURCE,
    )


@attrs.frozen
class HookedHeader:
    """The `Authorization` header of a configuration with a `refresh_api_key_hook`.

    The hook is called again after 50 seconds and when the header was refused. Cannot be pickled,
    because hooks cannot.
    """

    configuration: KubernetesConfiguration = attrs.field(repr=False)
    clock: Callable[[], float] = attrs.field(default=time.time, eq=False, repr=False, kw_only=True)
    _renewal: Renewal = attrs.field(
        default=attrs.Factory(lambda self: Renewal(self.clock), takes_self=True),
        init=False,
        eq=False,
        repr=False,
    )

    def current(self) -> Credential | None:
        """See `CredentialSource`."""
        return self._renewal.current()

    def fetch(self, rejected: Credential | None = None) -> Credential:
        """See `CredentialSource`. What the hook raises becomes a `CredentialError`."""
        return self._renewal.fetch(self._call, rejected)

    def __reduce__(self) -> tuple[Any, ...]:
        raise ConfigError(
            f"{_SOURCE} with a refresh_api_key_hook cannot be pickled; make the configuration "
            "where it is used, or use load_config"
        )

    def _call(self) -> Issued:
        hook: Callable[[object], object] = _get(self.configuration, "refresh_api_key_hook")
        try:
            hook(self.configuration)
        except Exception as error:
            raise CredentialError(f"{_SOURCE}: refresh_api_key_hook failed: {error}") from error
        value = _header(self.configuration)
        if not value:
            raise CredentialError(f"{_SOURCE}: there is no API key after refresh_api_key_hook")
        return Issued(Credential(value), reread_after=_HOOK_SECONDS)


def _credentials(configuration: KubernetesConfiguration) -> CredentialSource | None:
    header = _header_source(configuration)
    username, password = _get(configuration, "username"), _get(configuration, "password")
    token = _get(configuration, "access_token")
    identity = Identity(
        where=_SOURCE,
        token=token if header is None and token else None,
        username=username if header is None and username else None,
        password=password if header is None and username else None,
        cert_file=_path(configuration, "cert_file"),
        key_file=_path(configuration, "key_file") or _path(configuration, "cert_file"),
    )
    return together(header or identity.header(), identity.certificate())


def _header_source(configuration: KubernetesConfiguration) -> CredentialSource | None:
    hook = _get(configuration, "refresh_api_key_hook")
    if hook is not None:
        if inspect.iscoroutinefunction(hook):
            raise ConfigError(
                f"{_SOURCE}: refresh_api_key_hook is asynchronous and cannot be called here"
            )
        return HookedHeader(configuration)
    if not any(name in configuration.api_key for name in ("BearerToken", "authorization")):
        return None
    return StaticHeader(_header(configuration), source=f"{_SOURCE}: api_key")


def _header(configuration: KubernetesConfiguration) -> str:
    for name in ("BearerToken", "authorization"):
        key = configuration.api_key.get(name)
        if key:
            prefix = configuration.api_key_prefix.get(name)
            return f"{prefix} {key}".strip() if prefix else key.strip()
    return ""


def _proxy(configuration: KubernetesConfiguration) -> str | None:
    proxy: str | None = _get(configuration, "proxy") or None
    if proxy is None or is_bypassed(configuration.host, _get(configuration, "no_proxy")):
        return None
    return proxy


def _pem(value: object) -> bytes:
    if isinstance(value, bytes):
        raise ConfigError(f"{_SOURCE}: ca_cert_data is DER; pass PEM as str")
    return str(value).encode()


def _path(configuration: KubernetesConfiguration, name: str) -> str | None:
    value = _get(configuration, name)
    return None if not value else str(Path(value).absolute())


def _get(configuration: object, name: str, *, default: object = None) -> Any:
    return getattr(configuration, name, default)
