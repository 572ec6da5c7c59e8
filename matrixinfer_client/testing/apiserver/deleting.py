"""Deleting: at once, or as soon as everybody who asked to be waited for is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from matrixinfer_client.testing.apiserver.admitting import NAMESPACES, check_removable
from matrixinfer_client.testing.apiserver.deleteoptions import DeleteOptions, delete_options
from matrixinfer_client.testing.apiserver.headers import versioned
from matrixinfer_client.testing.apiserver.options import list_options
from matrixinfer_client.testing.apiserver.reading import read_list
from matrixinfer_client.testing.apiserver.refusals import (
    Refusal,
    delete_resource_version_conflict,
    delete_uid_conflict,
)
from matrixinfer_client.testing.apiserver.routing import Ask
from matrixinfer_client.testing.apiserver.state import State
from matrixinfer_client.testing.apiserver.storage import Key, TypeKey

__all__ = ["FOREGROUND", "ORPHAN", "delete", "delete_collection", "finish", "remove"]

ORPHAN: Final = "orphan"
"""The finalizer under which dependents lose their owner."""

FOREGROUND: Final = "foregroundDeletion"
"""The finalizer under which dependents go first."""

_PROPAGATION: Final = (ORPHAN, FOREGROUND)
# The kinds of which a delete answers with what was deleted, and not with a Status.
_RETURNED: Final = ("Pod", "ResourceQuota", "Service", "ServiceAccount")


def delete(state: State, ask: Ask) -> Mapping[str, Any]:
    """Delete an object; returns what the server answers."""
    return remove(state, ask, delete_options(ask.call))


def delete_collection(state: State, ask: Ask) -> Mapping[str, Any]:
    """Delete all chosen objects; returns the list of them."""
    listed = read_list(state, ask, list_options(ask.call))
    options = delete_options(ask.call)
    for item in listed["items"]:
        metadata = item["metadata"]
        place = attrs.evolve(ask, name=metadata["name"], namespace=metadata.get("namespace", ""))
        remove(state, place, options)
    return listed


def remove(state: State, ask: Ask, options: DeleteOptions) -> Mapping[str, Any]:
    """Delete the object of a request with these options."""
    check_removable(ask)
    old = state.storage.get(ask.table, ask.key)
    if old is None:
        raise ask.missing()
    _check_preconditions(ask, options, old)
    if ask.table == NAMESPACES:
        return _terminate_namespace(state, ask, old, options)
    marked = _graceful(ask, old, options)
    is_going = ask.kind.kind == "Pod" and "deletionTimestamp" in old["metadata"]
    if marked is None and is_going and _waits(old, options):
        return old
    finalizers = _finalizers(ask.kind.kind, old, options)
    if finalizers or (marked is not None and not _is_final(marked)):
        changed = _marked(state, marked or old, finalizers, graceful=marked is not None)
        return _written(state, ask, changed, old, options)
    answered = marked or old
    if not options.dry_run:
        if marked is not None:
            _written(state, ask, marked, old, options)
        finish(state, ask.table, ask.key)
        answered = versioned(answered, str(state.storage.version))
    return _answer(ask, answered)


def finish(state: State, table: TypeKey, key: Key) -> None:
    """Take an object out of the store; its last state gets the version of its end."""
    old = state.storage.get(table, key)
    if old is not None:
        state.storage.remove(table, key, versioned(old, state.storage.next_version()))


def _check_preconditions(ask: Ask, options: DeleteOptions, old: Mapping[str, Any]) -> None:
    kind, metadata = ask.kind, old["metadata"]
    refusal: Refusal | None = None
    if options.uid not in (None, metadata["uid"]):
        given = str(options.uid)
        refusal = delete_uid_conflict(kind.group, kind.kind, ask.name, given, metadata["uid"])
    elif options.resource_version not in (None, metadata["resourceVersion"]):
        refusal = delete_resource_version_conflict(
            kind.group,
            kind.kind,
            ask.name,
            str(options.resource_version),
            metadata["resourceVersion"],
        )
    if refusal is not None:
        raise refusal


def _finalizers(kind: str, old: Mapping[str, Any], options: DeleteOptions) -> Sequence[str]:
    """The finalizers with what the chosen propagation adds and removes."""
    present: Sequence[str] = old["metadata"].get("finalizers", ())
    policy = options.propagation_policy
    if options.orphan_dependents is not None:
        policy = "Orphan" if options.orphan_dependents else "Background"
    if policy is None or kind == "Event":
        # Nothing depends on an event.
        return present
    others = [each for each in present if each not in _PROPAGATION]
    added = {"Orphan": [ORPHAN], "Foreground": [FOREGROUND]}.get(policy, [])
    return [*others, *added]


def _marked(
    state: State, old: Mapping[str, Any], finalizers: Sequence[str], *, graceful: bool
) -> dict[str, Any]:
    """The object as one that is being deleted."""
    metadata = dict(old["metadata"])
    if not graceful:
        if "deletionTimestamp" not in metadata and metadata.get("generation"):
            metadata["generation"] += 1
        metadata.setdefault("deletionTimestamp", state.now())
        metadata["deletionGracePeriodSeconds"] = 0
    if finalizers:
        metadata["finalizers"] = list(finalizers)
    else:
        metadata.pop("finalizers", None)
    return {**old, "metadata": metadata}


def _written(
    state: State,
    ask: Ask,
    changed: dict[str, Any],
    old: Mapping[str, Any],
    options: DeleteOptions,
) -> Mapping[str, Any]:
    if options.dry_run:
        return changed
    leftovers = state.leftovers.pop(old["metadata"]["uid"], ())
    if changed == old and not leftovers:
        return changed
    stored = versioned(changed, state.storage.next_version())
    state.storage.put(ask.table, ask.key, stored)
    return stored


def _graceful(ask: Ask, old: Mapping[str, Any], options: DeleteOptions) -> dict[str, Any] | None:
    """A pod with the time that it has left; None for what goes at once, or is going already."""
    if ask.kind.kind != "Pod":
        return None
    metadata = dict(old["metadata"])
    seconds = _grace_seconds(old, options)
    if "deletionTimestamp" in metadata:
        left = metadata.get("deletionGracePeriodSeconds", 0)
        if not left or options.grace_period_seconds is None or seconds >= left:
            return None
    elif metadata.get("generation"):
        metadata["generation"] += 1
    end = datetime.now(UTC) + timedelta(seconds=seconds)
    metadata["deletionTimestamp"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata["deletionGracePeriodSeconds"] = seconds
    return {**old, "metadata": metadata}


def _grace_seconds(old: Mapping[str, Any], options: DeleteOptions) -> int:
    spec, status = old.get("spec", {}), old.get("status", {})
    seconds = options.grace_period_seconds
    if seconds is None:
        seconds = int(spec.get("terminationGracePeriodSeconds", 30))
    if not spec.get("nodeName") or status.get("phase") in ("Failed", "Succeeded"):
        return 0
    return 1 if seconds < 0 else seconds


def _waits(old: Mapping[str, Any], options: DeleteOptions) -> bool:
    """Whether the node still has time to end the pod."""
    left: int = old["metadata"].get("deletionGracePeriodSeconds", 0)
    asked = options.grace_period_seconds
    return left > 0 and (asked is None or asked >= left)


def _is_final(marked: Mapping[str, Any]) -> bool:
    return not marked["metadata"]["deletionGracePeriodSeconds"]


def _terminate_namespace(
    state: State, ask: Ask, old: dict[str, Any], options: DeleteOptions
) -> Mapping[str, Any]:
    if "deletionTimestamp" in old["metadata"] or options.dry_run:
        return old
    metadata = {**old["metadata"], "deletionTimestamp": state.now()}
    status = {**old.get("status", {}), "phase": "Terminating"}
    stored = versioned(
        {**old, "metadata": metadata, "status": status}, state.storage.next_version()
    )
    state.storage.put(ask.table, ask.key, stored)
    return stored


def _answer(ask: Ask, old: Mapping[str, Any]) -> Mapping[str, Any]:
    kind, metadata = ask.kind, old["metadata"]
    if kind.kind in _RETURNED:
        return old
    details: dict[str, Any] = {
        "name": metadata["name"],
        "group": kind.group,
        # As the server has it, where the kind should be.
        "kind": kind.plural,
        "uid": metadata["uid"],
    }
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {name: value for name, value in details.items() if value},
    }
