"""The entries of `metadata.managedFields`: who owns which fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import attrs

from matrixinfer_client.testing.apiserver.ownership.elements import json_text
from matrixinfer_client.testing.apiserver.ownership.fieldsets import FieldSet
from matrixinfer_client.times import parse

__all__ = ["Entry", "Identity", "Managers", "Operation", "cap", "decode", "encode", "identify"]

Operation: TypeAlias = Literal["Apply", "Update"]

_MOST_UPDATERS = 10
_ANCIENT = "ancient-changes"
_OPERATIONS = ("Apply", "Update")
_EPOCH = "1970-01-01T00:00:00Z"


@attrs.frozen
class Identity:
    """What makes two entries one.

    `api_version` is empty for appliers, which stay the same when they go to another version.
    """

    manager: str
    operation: Operation
    api_version: str
    subresource: str

    @property
    def rank(self) -> str:
        """What the server sorts by where it knows only the identity."""
        parts = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "subresource": self.subresource,
        }
        inner = (f'"{name}":{json_text(part)}' for name, part in parts.items() if part)
        return "{" + ",".join(inner) + "}"


@attrs.frozen
class Entry:
    """What one manager owns, in which version it said so, and when it last changed something."""

    fields: FieldSet
    api_version: str
    time: str | None


Managers: TypeAlias = dict[Identity, Entry]


def identify(manager: str, operation: Operation, api_version: str, subresource: str) -> Identity:
    """The identity of whoever sends a request."""
    version = "" if operation == "Apply" else api_version
    return Identity(manager or "unknown", operation, version, subresource)


def decode(managed: Any) -> Managers | None:
    """Read `managedFields`; None when an entry is not valid, with which the server ignores all."""
    result: Managers = {}
    for row in managed or ():
        found = _decode_entry(row)
        if found is None:
            return None
        identity, entry = found
        result[identity] = entry
    return result


def _decode_entry(row: Mapping[str, Any]) -> tuple[Identity, Entry] | None:
    operation, version = row.get("operation"), row.get("apiVersion")
    if operation not in _OPERATIONS or not version or row.get("fieldsType") != "FieldsV1":
        return None
    try:
        fields = FieldSet.from_fields_v1(row.get("fieldsV1"))
    except ValueError:
        return None
    known: Operation = operation
    identity = Identity(
        row.get("manager") or "",
        known,
        "" if known == "Apply" else version,
        row.get("subresource") or "",
    )
    return identity, Entry(fields, version, _in_utc(row.get("time")))


def _in_utc(time: str | None) -> str | None:
    """A time as the server writes it: in UTC, to the second."""
    if time is None or (len(time) == len(_EPOCH) and time[-1] == "Z"):
        return time
    moment = parse(time)
    if not isinstance(moment, datetime):
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def encode(managers: Managers) -> list[dict[str, Any]]:
    """The value of `managedFields`, sorted as the server does: appliers first, then by time."""
    rows = sorted(managers.items(), key=_row_rank)
    return [_encode_entry(identity, entry) for identity, entry in rows]


def _row_rank(row: tuple[Identity, Entry]) -> tuple[str, ...]:
    identity, entry = row
    return (
        identity.operation,
        entry.time or _EPOCH,
        identity.manager,
        entry.api_version,
        identity.subresource,
    )


def _encode_entry(identity: Identity, entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {
        "apiVersion": entry.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": entry.fields.to_fields_v1(),
    }
    if identity.manager:
        row["manager"] = identity.manager
    row["operation"] = identity.operation
    if identity.subresource:
        row["subresource"] = identity.subresource
    if entry.time is not None:
        row["time"] = entry.time
    return row


def cap(managers: Managers) -> None:
    """Fold the oldest updaters of each version into one entry until not more than ten are left."""
    updaters = [identity for identity in managers if identity.operation == "Update"]
    excess = len(updaters) - _MOST_UPDATERS
    if excess <= 0:
        return
    updaters.sort(key=lambda identity: (managers[identity].time or _EPOCH, identity.rank))
    firsts: dict[str, Identity] = {}
    for identity in updaters:
        if excess <= 0:
            return
        entry = managers[identity]
        first = firsts.setdefault(entry.api_version, identity)
        if first == identity:
            continue
        bucket = Identity(_ANCIENT, "Update", entry.api_version, "")
        if bucket not in managers:
            managers[bucket] = managers.pop(first)
        merged = entry.fields.union(managers[bucket].fields)
        # The time of the newer of the two.
        managers[bucket] = Entry(merged, entry.api_version, entry.time)
        if identity != bucket:
            del managers[identity]
        excess -= 1
