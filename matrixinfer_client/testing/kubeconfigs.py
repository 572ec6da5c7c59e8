"""The kubeconfig files that a served FakeCluster writes."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from matrixinfer_client import yamlio
from matrixinfer_client.errors import InvalidArgumentError, MatrixInferError

__all__ = ["write_kubeconfig"]

_NAME: Final = "fake-cluster"
_MARK: Final = b"# Written by the FakeCluster of matrixinfer-client.\n"


def write_kubeconfig(
    path: Path, server: str, *, admin: str, tokens: Mapping[str, str], authority: bytes | None
) -> None:
    """Write a file that only its owner can read, with one context for each user.

    The context of `admin` is called `fake-cluster` and is the current one, the others are called
    as their users. Raises `InvalidArgumentError` when something else is in the file, and
    `MatrixInferError` when it cannot be written.
    """
    cluster: dict[str, Any] = {"server": server}
    if authority is not None:
        cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
    contexts = [_context(_NAME, admin if tokens else None)]
    contexts += [_context(name, name) for name in tokens if name != admin]
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _NAME, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}} for name, token in tokens.items()],
        "contexts": contexts,
        "current-context": _NAME,
    }
    try:
        _write(path, _MARK + yamlio.dump(document).encode())
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise MatrixInferError(f"the kubeconfig file {path} cannot be written: {reason}") from error


def _context(name: str, user: str | None) -> dict[str, Any]:
    # Without tokens there is no user: one that has no credentials would be a mistake.
    who = {} if user is None else {"user": user}
    return {"name": name, "context": {"cluster": _NAME, **who, "namespace": "default"}}


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        head = file.read(len(_MARK))
        if head not in (b"", _MARK):
            raise InvalidArgumentError(
                f"{path} is not a file that a FakeCluster wrote, so it is not overwritten; "
                "give kubeconfig= a path where nothing is"
            )
        os.fchmod(descriptor, 0o600)
        file.seek(0)
        file.truncate()
        file.write(content)
