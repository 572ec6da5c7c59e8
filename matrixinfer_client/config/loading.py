"""The two ways in that need no thought: take what is there, or say everything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from matrixinfer_client.config.incluster import in_cluster, is_in_cluster
from matrixinfer_client.config.kubeconfig import Kubeconfig, default_paths, from_kubeconfig
from matrixinfer_client.config.tls import read_ca
from matrixinfer_client.config.users import Identity
from matrixinfer_client.config.values import Config
from matrixinfer_client.errors import ConfigError

if TYPE_CHECKING:
    from matrixinfer_client.config.kubeconfig import Paths
    from matrixinfer_client.config.values import Impersonation

__all__ = ["explicit", "load_config"]

_EXPLICIT = "explicit arguments"


def load_config(*, kubeconfig: Paths | None = None, context: str | None = None) -> Config:
    """The configuration to use where none is given, found as kubectl finds it.

    In this order: the files in `kubeconfig`; the files that `KUBECONFIG` names, else
    `~/.kube/config`, where there is anything in them; the service account of the pod, unless a
    `context` is asked for. What is found and wrong is an error and never skipped. Raises
    `ConfigError` that lists what was tried.
    """
    if kubeconfig is not None:
        return from_kubeconfig(kubeconfig, context)
    files, tried = default_paths()
    if files:
        merged = Kubeconfig.read(files)
        if not merged.is_empty:
            return merged.config(context)
        tried.append(f"{merged.words}: there is nothing in it")
    if context is not None:
        tried.append(f'the context "{context}" was asked for, and a pod has none')
    elif is_in_cluster():
        return in_cluster()
    else:
        tried.append("not in a pod: KUBERNETES_SERVICE_HOST is not set")
    raise ConfigError(
        "no cluster to connect to. Tried:"
        + "".join(f"\n  - {line}" for line in tried)
        + "\nSet KUBECONFIG, pass kubeconfig= or context=, or make a Config by hand: "
        "matrixinfer_client.config.explicit(server, token=...)"
    )


def explicit(
    server: str,
    *,
    namespace: str = "default",
    token: str | None = None,
    token_file: str | os.PathLike[str] | None = None,
    username: str | None = None,
    password: str | None = None,
    client_certificate: str | os.PathLike[str] | bytes | None = None,
    client_key: str | os.PathLike[str] | bytes | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    ca_data: bytes | str | None = None,
    insecure_skip_tls_verify: bool = False,
    tls_server_name: str | None = None,
    proxy_url: str | None = None,
    impersonate: Impersonation | None = None,
) -> Config:
    """A configuration from arguments alone; nothing else is read but the files they name.

    Certificates and the key are PEM; `client_certificate` and `client_key` are files, or content
    as bytes. Files are read again as they rotate. Without token, user name or certificate requests
    are anonymous. Raises `CredentialError` for a token or file that is given and empty or missing,
    `ConfigError` for contradictions.
    """
    certificate = (client_certificate, client_key)
    who = Identity.of(_EXPLICIT, (token, token_file), (username, password), certificate)
    return Config(
        server,
        namespace,
        credentials=who.credentials(),
        ca_data=ca_data.encode() if isinstance(ca_data, str) else ca_data,
        ca_file=None if ca_file is None else _readable(ca_file),
        insecure_skip_tls_verify=insecure_skip_tls_verify,
        tls_server_name=tls_server_name,
        proxy_url=proxy_url,
        impersonate=impersonate,
        source=_EXPLICIT,
    )


def _readable(ca_file: str | os.PathLike[str]) -> str:
    path = str(Path(ca_file).expanduser().absolute())
    read_ca(path, _EXPLICIT)
    return path
