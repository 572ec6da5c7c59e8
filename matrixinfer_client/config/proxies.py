"""Through which proxy a server is reached."""

from __future__ import annotations

import ipaddress
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from matrixinfer_client.config.values import check_proxy
from matrixinfer_client.errors import ConfigError

if TYPE_CHECKING:
    from matrixinfer_client.config.values import Config

__all__ = ["is_bypassed", "proxy_for"]

# An IPv6 address without brackets is all colons, so only brackets can give it a port.
_HOST_PORT = re.compile(r"^(?:\[(?P<address>[^\]]+)\]|(?P<name>[^:\[\]]+)):(?P<port>\d+)$")


def proxy_for(config: Config) -> str | None:
    """The proxy for this configuration's server, None for a direct connection.

    The kubeconfig's `proxy-url` wins; else `HTTPS_PROXY` or `HTTP_PROXY` (by the server's scheme;
    lower case too) unless `NO_PROXY` exempts the server: names, suffixes, addresses, CIDRs, `*`.
    As in Go, a loopback server is never reached through a proxy of the environment. Raises
    `ConfigError` for a proxy that is no URL, and for SOCKS without the package httpx needs.
    """
    if config.proxy_url is not None:
        return _usable(config.proxy_url, config.source)
    # Here and not above: this module costs as much to import as the rest of the package.
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415

    proxies = getproxies()
    parts = urlsplit(config.server)
    proxy = proxies.get(parts.scheme)
    if not proxy or is_bypassed(config.server, proxies.get("no")):
        return None
    # What the operating system's own settings exempt, where they are what `getproxies` read.
    if proxy_bypass(parts.hostname or ""):
        return None
    source = f"{parts.scheme.upper()}_PROXY in the environment"
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    check_proxy(proxy, source)
    return _usable(proxy, source)


def is_bypassed(server: str, no_proxy: str | None) -> bool:
    """Whether a server is reached directly: on this machine, or exempt by a `NO_PROXY` list."""
    parts = urlsplit(server)
    host = parts.hostname or ""
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    port = parts.port or (443 if parts.scheme == "https" else 80)
    entries = (entry.strip().lower() for entry in (no_proxy or "").split(","))
    return any(_exempts(entry, host, port, address) for entry in entries if entry)


def _exempts(
    entry: str,
    host: str,
    port: int,
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | None,
) -> bool:
    if entry == "*":
        return True
    found = _HOST_PORT.match(entry)
    if found is not None:
        if int(found["port"]) != port:
            return False
        entry = found["address"] or found["name"]
    if address is not None and _covers(entry.strip("[]"), address):
        return True
    domain = entry.removeprefix("*").lstrip(".")
    return host == domain or host.endswith(f".{domain}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _covers(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _usable(proxy: str, source: str) -> str:
    if proxy.startswith("socks") and find_spec("socksio") is None:
        raise ConfigError(
            f"{source}: a SOCKS proxy needs the package socksio: pip install 'httpx[socks]'"
        )
    return proxy
