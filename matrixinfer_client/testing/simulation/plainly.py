"""Small questions that are asked of objects as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from matrixinfer_client.looks import mapping, rows, text

__all__ = [
    "Key",
    "Plain",
    "has_condition",
    "key_of",
    "labels_of",
    "metadata_of",
    "micro_time",
    "now",
    "owner_reference",
    "owner_uids",
    "version_of",
    "with_condition",
]

Plain: TypeAlias = "Mapping[str, Any]"
Key: TypeAlias = "tuple[str, str]"
"""Namespace and name."""


def metadata_of(obj: Plain) -> Plain:
    """`metadata`."""
    return mapping(obj.get("metadata"))


def labels_of(obj: Plain) -> Mapping[str, str]:
    """`metadata.labels`."""
    return mapping(metadata_of(obj).get("labels"))


def key_of(obj: Plain) -> Key:
    """Namespace and name of an object."""
    metadata = metadata_of(obj)
    return text(metadata.get("namespace")), text(metadata.get("name"))


def version_of(obj: Plain) -> tuple[str, str]:
    """The uid and the resource version, which together tell states of objects apart."""
    metadata = metadata_of(obj)
    return text(metadata.get("uid")), text(metadata.get("resourceVersion"))


def owner_uids(obj: Plain) -> Sequence[str]:
    """The uids of all owners."""
    return [text(row.get("uid")) for row in rows(metadata_of(obj).get("ownerReferences"))]


def owner_reference(owner: Plain, *, controller: bool) -> dict[str, Any]:
    """The reference to an owner; `controller` also makes its deletion wait for the child's."""
    metadata = metadata_of(owner)
    reference: dict[str, Any] = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    if controller:
        reference |= {"controller": True, "blockOwnerDeletion": True}
    return reference


def has_condition(obj: Plain, kind: str, status: str = "True") -> bool:
    """Whether a condition has a status."""
    conditions = rows(mapping(obj.get("status")).get("conditions"))
    return any(row.get("type") == kind and row.get("status") == status for row in conditions)


def with_condition(
    conditions: Sequence[Plain], kind: str, status: str, reason: str, message: str
) -> list[Plain]:
    """The conditions with one of them set; its time changes with its status only."""
    new: dict[str, Any] = {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": now(),
    }
    result: list[Plain] = list(conditions)
    for index, row in enumerate(result):
        if row.get("type") == kind:
            if row.get("status") == status:
                new["lastTransitionTime"] = row.get("lastTransitionTime")
            result[index] = {**row, **new}
            return result
    return [*result, new]


def now() -> str:
    """The time as Kubernetes writes it, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_time() -> str:
    """The time as Kubernetes writes it, to the microsecond."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
