"""The `managedFields` of an object as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from matrixinfer_client.testing.apiserver.ownership.comparing import is_equal
from matrixinfer_client.testing.apiserver.ownership.managers import Managers, encode

__all__ = ["keep_times", "managed_fields", "with_managers"]


def managed_fields(obj: Mapping[str, Any] | None) -> Any:
    """What an object has as `managedFields`; None without any."""
    return None if obj is None else _metadata(obj).get("managedFields")


def with_managers(obj: Mapping[str, Any], managers: Managers) -> dict[str, Any]:
    """A copy of an object with other `managedFields`, or with none."""
    metadata = dict(_metadata(obj))
    metadata.pop("managedFields", None)
    if managers:
        metadata["managedFields"] = encode(managers)
    elif not isinstance(obj.get("metadata"), dict):
        return dict(obj)
    return {**obj, "metadata": metadata}


def keep_times(live: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """The object with the times of `live` in its `managedFields`, if it differs in nothing else.

    So a write that changes nothing leaves the object as it was. It belongs where the server has
    it: when defaults are filled in, and what may not be written is as it was stored.
    """
    result = dict(new)
    before, after = managed_fields(live), managed_fields(new)
    if live is None or not before or not after or len(before) != len(after):
        return result
    pairs = list(zip(before, after, strict=True))
    if all(old.get("time") == row.get("time") for old, row in pairs):
        return result
    if not all(is_equal(_timeless(old), _timeless(row)) for old, row in pairs):
        return result
    if is_equal(with_managers(live, {}), with_managers(new, {})):
        result["metadata"] = {**_metadata(new), "managedFields": before}
    return result


def _metadata(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    found = obj.get("metadata")
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _timeless(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "time"}
