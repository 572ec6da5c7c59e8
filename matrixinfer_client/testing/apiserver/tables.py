"""Objects as tables and as metadata alone, as the API server shows them to `kubectl get`.

Columns and cells are the server's; the descriptions of columns, which no client shows, are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

from matrixinfer_client.looks import mapping
from matrixinfer_client.testing.apiserver.catalog import ResourceType
from matrixinfer_client.testing.apiserver.cells import printer
from matrixinfer_client.testing.apiserver.podrows import pod_conditions
from matrixinfer_client.testing.apiserver.refusals import bad_request

__all__ = ["Include", "include_of", "partial", "partial_list", "table"]

Include: TypeAlias = Literal["Metadata", "Object", "None"]
"""What a row has besides its cells: `includeObject` of the query."""

_INCLUDES: Final[Mapping[str, Include]] = {
    "": "Metadata",
    "Metadata": "Metadata",
    "Object": "Object",
    "None": "None",
}
_LIST_META: Final = ("resourceVersion", "continue", "remainingItemCount")
_INITIAL_END: Final = "k8s.io/initial-events-end"


def table(
    resource: ResourceType,
    objects: Iterable[Mapping[str, Any]],
    *,
    metadata: Mapping[str, Any],
    include: Include = "Metadata",
    version: str = "v1",
    headers: bool = True,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Objects of one resource as a Table of meta.k8s.io.

    Args:
        resource: What the objects are.
        objects: The rows.
        metadata: Of the list, or of the one object: the version and the token of the next page.
        include: What each row has of its object.
        version: `v1` or `v1beta1`.
        headers: Whether it has the columns; in a watch only the first event does.
        now: When ages are counted from. Default: the present time.
    """
    moment = now or datetime.now(UTC)
    print_ = printer(resource)
    rows: list[dict[str, Any]] = []
    for obj in objects:
        row: dict[str, Any] = {"cells": print_.cells(obj, moment)}
        conditions = pod_conditions(obj) if resource.kind.kind == "Pod" else []
        if conditions:
            row["conditions"] = conditions
        rows.append({**row, "object": _included(obj, include, version)})
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": {name: metadata[name] for name in _LIST_META if metadata.get(name)},
        "columnDefinitions": [each.wire() for each in print_.columns] if headers else None,
        "rows": rows,
    }


def partial(obj: Mapping[str, Any], *, version: str = "v1") -> dict[str, Any]:
    """The metadata of an object, as PartialObjectMetadata."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": obj.get("metadata", {}),
    }


def partial_list(listed: Mapping[str, Any], *, version: str = "v1") -> dict[str, Any]:
    """The metadata of a list and of all in it, as PartialObjectMetadataList."""
    metadata = mapping(listed.get("metadata"))
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": {name: metadata[name] for name in _LIST_META if metadata.get(name)},
        # The server has null here for an empty list.
        "items": [partial(each, version=version) for each in listed.get("items") or ()] or None,
    }


def include_of(value: str) -> Include:
    """What `includeObject` of the query says; raises the server's 400 for another word."""
    found = _INCLUDES.get(value)
    if found is not None:
        return found
    raise bad_request(
        f'Unable to convert to Table as requested: includeObject: Invalid value: "{value}": '
        "must be 'Metadata', 'Object', 'None', or empty"
    )


def _included(obj: Mapping[str, Any], include: Include, version: str) -> Mapping[str, Any] | None:
    annotations = mapping(mapping(obj.get("metadata")).get("annotations"))
    # Clients look for the end of the initial events in the row, so it always shows.
    ends = annotations.get(_INITIAL_END) == "true"
    if include == "Object":
        return obj
    return partial(obj, version=version) if include == "Metadata" or ends else None
