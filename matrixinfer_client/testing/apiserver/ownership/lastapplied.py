"""The annotation in which `kubectl apply` remembers what it applied, before it let servers do it.

For objects that carry it and the manager `kubectl`, the server makes the change to server-side
apply without conflicts, and keeps the annotation up to date for the way back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from matrixinfer_client.testing.apiserver.ownership.atoms import Atom
from matrixinfer_client.testing.apiserver.ownership.comparing import compare
from matrixinfer_client.testing.apiserver.ownership.conflicts import TypedError
from matrixinfer_client.testing.apiserver.ownership.elements import json_text
from matrixinfer_client.testing.apiserver.ownership.fieldsets import FieldSet
from matrixinfer_client.testing.apiserver.ownership.typechecks import check_types
from matrixinfer_client.testing.apiserver.ownership.walking import field_set

__all__ = ["KUBECTL", "applied_fields", "renewed"]

KUBECTL = "kubectl"
"""The manager for whom all this is done."""

_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_MOST_ANNOTATION_BYTES = 262_144


def applied_fields(atom: Atom, live: Mapping[str, Any], api_version: str) -> FieldSet:
    """The fields that still are as the annotation has them: their conflicts do not count."""
    text = _annotations(live).get(_ANNOTATION)
    if not text:
        return FieldSet()
    try:
        last: object = json.loads(text)
        if not isinstance(last, dict):
            return FieldSet()
        applied = cast("dict[str, Any]", last)
        if applied.get("apiVersion") != api_version or not applied.get("kind"):
            return FieldSet()
        check_types(atom, applied)
    except (ValueError, TypedError):
        return FieldSet()
    changed = compare(atom, applied, live)
    differing = changed.modified.union(changed.added).union(changed.removed)
    return field_set(atom, applied).difference(differing)


def renewed(obj: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The object with the new configuration in its annotation, if it has that annotation."""
    annotations = dict(_annotations(obj))
    if not annotations.get(_ANNOTATION):
        return dict(obj)
    annotations[_ANNOTATION] = _encoded(config)
    size = sum(len(name.encode()) + len(str(text).encode()) for name, text in annotations.items())
    if size > _MOST_ANNOTATION_BYTES:
        del annotations[_ANNOTATION]
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _encoded(config: Mapping[str, Any]) -> str:
    found = _annotations(config)
    plain = dict(config)
    if found:
        others = {name: text for name, text in found.items() if name != _ANNOTATION}
        plain["metadata"] = {**config["metadata"], "annotations": others}
    # The server's encoder ends with a line end.
    return json_text(plain) + "\n"


def _annotations(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        return {}
    found = cast("dict[str, Any]", metadata).get("annotations")
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
