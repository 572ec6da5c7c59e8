"""The metadata of objects: what the server fills in, keeps and drops, whoever sends what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from matrixinfer_client.testing.apiserver.state import State

__all__ = [
    "carry_over",
    "cleaned",
    "drop_repeated_owners",
    "initialize",
    "repeated_owners",
    "versioned",
]

_ALWAYS_WRITTEN: Final = ("apiVersion", "kind", "name", "uid")
# Nothing but the server says when and whether an object is being deleted.
_DELETION: Final = ("deletionTimestamp", "deletionGracePeriodSeconds")


def cleaned(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata as Go writes what it has read: without what is empty."""
    kept = {name: value for name, value in metadata.items() if _is_something(value)}
    if metadata.get("deletionGracePeriodSeconds") == 0:
        # Here nought is a number like others.
        kept["deletionGracePeriodSeconds"] = 0
    for name in ("labels", "annotations"):
        if name in kept:
            kept[name] = {key: "" if text is None else text for key, text in kept[name].items()}
    if "ownerReferences" in kept:
        kept["ownerReferences"] = [_owner(each) for each in kept["ownerReferences"]]
    kept.pop("selfLink", None)
    if metadata.get("managedFields") == []:
        # Not nothing: whoever sends it wants the tracking to begin anew.
        kept["managedFields"] = []
    return kept


def _is_something(value: Any) -> bool:
    return value is not None and value not in ("", [], {}, 0)


def _owner(given: Any) -> dict[str, Any]:
    """An owner with the fields that are always written."""
    reference = cast("dict[str, Any]", given or {})
    owner: dict[str, Any] = {name: reference.get(name) or "" for name in _ALWAYS_WRITTEN}
    return owner | {
        name: reference[name]
        for name in ("controller", "blockOwnerDeletion")
        if reference.get(name) is not None
    }


def drop_repeated_owners(metadata: dict[str, Any]) -> None:
    """Leave each owner once."""
    if "ownerReferences" not in metadata:
        return
    owners: list[dict[str, Any]] = []
    for owner in metadata["ownerReferences"]:
        if owner not in owners:
            owners.append(owner)
    metadata["ownerReferences"] = owners


def repeated_owners(metadata: Mapping[str, Any], *, when: str = "") -> list[str]:
    """The warning about owners that are named more than once; `when` says when they were."""
    references = metadata.get("ownerReferences") or ()
    seen: list[dict[str, Any]] = []
    repeated: list[str] = []
    for owner in (_owner(each) for each in references):
        if owner in seen:
            repeated.append(owner["uid"])
        else:
            seen.append(owner)
    if not repeated:
        return []
    text = (
        f".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner "
        "references in 1.20+, and may reject such requests as early as 1.24; please fix your "
        f"requests; duplicate UID(s) observed: {', '.join(repeated)}"
    )
    return [text]


def initialize(state: State, metadata: dict[str, Any], *, is_leaving: bool = False) -> None:
    """Give a new object what makes it one: UID, time, name.

    With `is_leaving` it may be one that is being deleted.
    """
    for name in ("selfLink",) if is_leaving else (*_DELETION, "selfLink"):
        metadata.pop(name, None)
    metadata["uid"] = state.new_uid()
    metadata["creationTimestamp"] = state.now()
    if metadata.get("generateName") and not metadata.get("name"):
        metadata["name"] = state.new_name(metadata["generateName"])


def carry_over(metadata: dict[str, Any], old: Mapping[str, Any]) -> None:
    """Keep of the stored metadata what an update leaves as it is, whatever was sent.

    The rest must be as it was; see `validating`.
    """
    metadata.setdefault("uid", old["uid"])
    metadata["creationTimestamp"] = old["creationTimestamp"]
    metadata.pop("generation", None)
    for name in ("generation", "deletionTimestamp"):
        if name in old:
            metadata[name] = old[name]
    if "deletionGracePeriodSeconds" in old:
        metadata.setdefault("deletionGracePeriodSeconds", old["deletionGracePeriodSeconds"])


def versioned(obj: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The object at a version."""
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": version}}
