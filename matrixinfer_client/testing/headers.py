"""The metadata of objects: what the server fills in, keeps and drops, whoever sends what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from matrixinfer_client.testing.state import State
from matrixinfer_client.validation.results import FieldError

__all__ = [
    "carry_over",
    "cleaned",
    "finalizer_errors",
    "initialize",
    "versioned",
]

_ALWAYS_WRITTEN: Final = ("apiVersion", "kind", "name", "uid")
# Nothing but the server says when and whether an object is being deleted.
_DELETION: Final = ("deletionTimestamp", "deletionGracePeriodSeconds")


def cleaned(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata as Go writes what it has read: without what is empty."""
    kept = {name: value for name, value in metadata.items() if _is_something(value)}
    for name in ("labels", "annotations"):
        if name in kept:
            kept[name] = {key: "" if text is None else text for key, text in kept[name].items()}
    if "ownerReferences" in kept:
        kept["ownerReferences"] = _owners(kept["ownerReferences"])
    kept.pop("selfLink", None)
    if metadata.get("managedFields") == []:
        # Not nothing: whoever sends it wants the tracking to begin anew.
        kept["managedFields"] = []
    return kept


def _is_something(value: Any) -> bool:
    return value is not None and value not in ("", [], {}, 0)


def _owners(references: Sequence[Any]) -> list[dict[str, Any]]:
    """The owners, each once, with the fields that are always written."""
    owners: list[dict[str, Any]] = []
    for given in references:
        reference = cast("dict[str, Any]", given or {})
        owner: dict[str, Any] = {name: reference.get(name) or "" for name in _ALWAYS_WRITTEN}
        owner |= {
            name: reference[name]
            for name in ("controller", "blockOwnerDeletion")
            if reference.get(name) is not None
        }
        if owner not in owners:
            owners.append(owner)
    return owners


def initialize(state: State, metadata: dict[str, Any]) -> None:
    """Give a new object what makes it one: UID, time, name."""
    for name in (*_DELETION, "selfLink"):
        metadata.pop(name, None)
    metadata["uid"] = state.new_uid()
    metadata["creationTimestamp"] = state.now()
    if metadata.get("generateName") and not metadata.get("name"):
        metadata["name"] = state.new_name(metadata["generateName"])


def carry_over(metadata: dict[str, Any], old: Mapping[str, Any]) -> None:
    """Keep of the stored metadata what an update cannot change."""
    metadata.setdefault("uid", old["uid"])
    metadata["creationTimestamp"] = old["creationTimestamp"]
    for name in ("generation", "deletionTimestamp"):
        if name in old:
            metadata[name] = old[name]
        else:
            metadata.pop(name, None)
    if "deletionGracePeriodSeconds" in old:
        metadata.setdefault("deletionGracePeriodSeconds", old["deletionGracePeriodSeconds"])
    else:
        metadata.pop("deletionGracePeriodSeconds", None)


def finalizer_errors(metadata: Mapping[str, Any], old: Mapping[str, Any]) -> list[FieldError]:
    """Nobody may ask to be waited for once an object is being deleted."""
    if "deletionTimestamp" not in old:
        return []
    known = old.get("finalizers", ())
    added = sorted({each for each in metadata.get("finalizers", ()) if each not in known})
    if not added:
        return []
    shown = ", ".join(f'"{each}"' for each in added)
    text = (
        "no new finalizers can be added if the object is being deleted, found new finalizers "
        f"[]string{{{shown}}}"
    )
    path = "metadata.finalizers"
    return [
        FieldError(
            path=path,
            parts=("metadata", "finalizers"),
            type="FieldValueForbidden",
            message=f"Forbidden: {text}",
            source="name",
        )
    ]


def versioned(obj: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The object at a version."""
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": version}}
