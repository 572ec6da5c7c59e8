"""The configuration that Kubernetes puts into every pod with a service account."""

from __future__ import annotations

import os
from pathlib import Path

from matrixinfer_client.config.tls import read_ca
from matrixinfer_client.config.tokens import TokenFile
from matrixinfer_client.config.values import Config
from matrixinfer_client.errors import ConfigError

__all__ = ["in_cluster", "is_in_cluster"]

_ROOT = "/var/run/secrets/kubernetes.io/serviceaccount"


def is_in_cluster() -> bool:
    """Whether Kubernetes has told this process where its API server is."""
    return bool(
        os.environ.get("KUBERNETES_SERVICE_HOST") and os.environ.get("KUBERNETES_SERVICE_PORT")
    )


def in_cluster(*, root: str | os.PathLike[str] | None = None) -> Config:
    """The configuration of the pod this runs in, as the pod's service account.

    Server from `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`; `token` (read again
    every minute and when refused, since it is rotated), `ca.crt` (read again when it changes)
    and `namespace` from the directory `root`, by default the one Kubernetes mounts. Raises
    `ConfigError` outside a pod and `CredentialError` when there is no token.
    """
    if not is_in_cluster():
        raise ConfigError(
            "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"
        )
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    directory = Path(_ROOT if root is None else root)
    source = f"service account in {directory}"
    token = TokenFile(str(directory / "token"), source="service account token")
    token.fetch()
    ca_file = str(directory / "ca.crt")
    read_ca(ca_file, source)
    return Config(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        namespace=_namespace(directory / "namespace"),
        credentials=token,
        ca_file=ca_file,
        source=source,
    )


def _namespace(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() or "default"
    except (OSError, UnicodeDecodeError):
        return "default"
