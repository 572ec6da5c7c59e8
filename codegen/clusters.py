"""Where CustomResourceDefinitions come from: files, an API server, or what kubectl points at."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import httpx

from codegen.yamls import YamlError, load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from codegen.document import Json

__all__ = ["ClusterError", "from_files", "from_kubectl", "from_server"]

_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
# Seconds. A cluster with many definitions sends some megabytes.
_TIMEOUT = 60.0


class ClusterError(RuntimeError):
    """The definitions cannot be had."""


def from_files(paths: Iterable[Path]) -> list[Json]:
    """The definitions in YAML or JSON files, or in the files of directories."""
    found: list[Json] = []
    for path in paths:
        files = sorted(path.glob("*.[yj]*")) if path.is_dir() else [path]
        for file in files:
            if path.is_dir() and file.suffix not in (".json", ".yaml", ".yml"):
                continue
            try:
                documents = load_yaml(file.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, YamlError) as error:
                raise ClusterError(f"{file}: {error}") from error
            found += _definitions(documents)
    if not found:
        raise ClusterError("no CustomResourceDefinition there")
    return found


def from_server(url: str, token: str | None, ca_file: Path | None, verify: bool) -> list[Json]:
    """The definitions of an API server."""
    context = ssl.create_default_context(cafile=ca_file) if verify else False
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx.get(
            url.rstrip("/") + _PATH, headers=headers, verify=context, timeout=_TIMEOUT
        )
        answer.raise_for_status()
        return [*_definitions([answer.json()])]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ClusterError(f"{url}: {error}") from error


def from_kubectl(kubeconfig: Path | None, context: str | None) -> list[Json]:
    """The definitions of the cluster that kubectl is configured for."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise ClusterError("there is no kubectl; say --server URL, or --crds with files")
    command = [kubectl, "get", "customresourcedefinitions", "--output=json"]
    command += [f"--kubeconfig={kubeconfig}"] if kubeconfig else []
    command += [f"--context={context}"] if context else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"kubectl: {done.stderr.strip()}")
    try:
        return [*_definitions([json.loads(done.stdout)])]
    except ValueError as error:
        raise ClusterError(f"kubectl did not print JSON: {error}") from error


def _definitions(documents: Iterable[Any]) -> Iterator[Json]:
    for document in documents:
        if not isinstance(document, dict):
            continue
        if document.get("kind") == "CustomResourceDefinition":
            yield document
        elif isinstance(document.get("items"), list):
            # The items of a server's list do not say their kind.
            kind = str(document.get("kind", "")).removesuffix("List")
            yield from _definitions({"kind": kind, **item} for item in document["items"])
