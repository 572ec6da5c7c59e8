"""Kubeconfigs for tests, made from the parts that a test is about."""

from __future__ import annotations

from typing import Any

import yaml

SERVER = "https://cluster.example:6443"


def document(
    user: dict[str, Any] | None = None,
    cluster: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
    *,
    name: str = "dev",
) -> dict[str, Any]:
    """One context with its cluster and user, all with the same name."""
    entry: dict[str, Any] = {"cluster": name, **(context or {})}
    if user is not None:
        entry = {"user": name, **entry}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": entry}],
        "clusters": [{"name": name, "cluster": {"server": SERVER, **(cluster or {})}}],
        "users": [{"name": name, "user": user}] if user is not None else [],
    }


def text(
    user: dict[str, Any] | None = None,
    cluster: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
    *,
    name: str = "dev",
) -> str:
    """The same as YAML."""
    return yaml.safe_dump(document(user, cluster, context, name=name))
