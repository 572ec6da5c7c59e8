"""The quotas of a namespace: what a new object may still use, and what is used after a change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from matrixinfer_client.testing.apiserver.headers import versioned
from matrixinfer_client.testing.apiserver.quota import charged, tracked
from matrixinfer_client.testing.apiserver.routing import Ask
from matrixinfer_client.testing.apiserver.state import State
from matrixinfer_client.testing.apiserver.storage import TypeKey

__all__ = ["QUOTAS", "charge", "recount"]

QUOTAS: Final[TypeKey] = ("", "resourcequotas")
"""Where quotas are stored."""


def charge(state: State, ask: Ask, obj: Mapping[str, Any], *, dry_run: bool) -> None:
    """Refuse a new object that would exceed a quota; else count it."""
    quotas = list(state.storage.objects(QUOTAS, ask.namespace)) if ask.namespace else []
    if not quotas:
        return
    kind = ask.kind
    used = charged(quotas, obj, group=kind.group, plural=kind.plural, name=ask.name)
    if dry_run:
        return
    for quota in quotas:
        name = quota["metadata"]["name"]
        if name in used:
            _write(state, quota, {**quota.get("status", {}), "used": used[name]})


def recount(state: State, namespace: str) -> None:
    """Write into each quota what is used now, as the quota controller does."""
    for quota in list(state.storage.objects(QUOTAS, namespace)):
        _write(state, quota, tracked(quota, _objects(state, namespace)))


def _objects(state: State, namespace: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for table, _ in list(state.storage.tables()):
        for obj in state.storage.objects(table, namespace):
            yield (*table, obj)


def _write(state: State, quota: Mapping[str, Any], status: Mapping[str, Any]) -> None:
    if quota.get("status") == status:
        return
    metadata = quota["metadata"]
    changed = versioned({**quota, "status": dict(status)}, state.storage.next_version())
    state.storage.put(QUOTAS, (metadata["namespace"], metadata["name"]), changed)
