"""Where and as whom to connect: kubeconfig files, pods, plugins, explicit arguments.

`load_config` is what `Client()` calls. All of it is ours and small; what it reads and in which
order follows client-go and kubectl. Names are imported when first used, since most programs need
one way to connect and none of the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from matrixinfer_client.config.values import (
    ClientCertificate,
    Config,
    Credential,
    CredentialSource,
    Impersonation,
)

if TYPE_CHECKING:
    from matrixinfer_client.config.certificates import CertificateFiles, StaticCertificate
    from matrixinfer_client.config.execplugin import ExecPlugin
    from matrixinfer_client.config.incluster import in_cluster
    from matrixinfer_client.config.interop import from_kubernetes
    from matrixinfer_client.config.kubeconfig import from_kubeconfig
    from matrixinfer_client.config.loading import explicit, load_config
    from matrixinfer_client.config.oidc import OidcRefresh
    from matrixinfer_client.config.proxies import proxy_for
    from matrixinfer_client.config.tls import ssl_context
    from matrixinfer_client.config.tokens import BasicAuth, StaticToken, TokenFile

__all__ = [
    "BasicAuth",
    "CertificateFiles",
    "ClientCertificate",
    "Config",
    "Credential",
    "CredentialSource",
    "ExecPlugin",
    "Impersonation",
    "OidcRefresh",
    "StaticCertificate",
    "StaticToken",
    "TokenFile",
    "explicit",
    "from_kubeconfig",
    "from_kubernetes",
    "in_cluster",
    "load_config",
    "proxy_for",
    "ssl_context",
]

_HOMES = {
    "BasicAuth": "tokens",
    "CertificateFiles": "certificates",
    "ExecPlugin": "execplugin",
    "OidcRefresh": "oidc",
    "StaticCertificate": "certificates",
    "StaticToken": "tokens",
    "TokenFile": "tokens",
    "explicit": "loading",
    "from_kubeconfig": "kubeconfig",
    "from_kubernetes": "interop",
    "in_cluster": "incluster",
    "load_config": "loading",
    "proxy_for": "proxies",
    "ssl_context": "tls",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
