"""Objects and requests of the tests of ownership, none of which needs a server."""

from __future__ import annotations

import copy
from typing import Any

from matrixinfer_client.testing.apiserver import ownership
from matrixinfer_client.validation.schemas import kind_schema
from tests.validation.samples import MODEL

__all__ = [
    "FIRST",
    "LATER",
    "ORDERS",
    "VERSION",
    "applied",
    "backends",
    "config",
    "entries",
    "model",
    "owned",
    "tracked",
]

FIRST = "2025-01-01T00:00:00Z"
LATER = "2025-01-01T00:00:09Z"
VERSION = "registry.matrixinfer.ai/v1alpha1"

_ROOT = kind_schema("Model").root


def model(**spec: Any) -> dict[str, Any]:
    """A Model as a client sends it."""
    result = copy.deepcopy(MODEL)
    result["spec"] |= spec
    return result


ORDERS = (
    ("db", "acdb"),
    ("xb", "axbcd"),
    ("bxa", "bcdxa"),
    ("c", "abcd"),
    ("dcba", "dcba"),
    ("x", "abcdx"),
    ("axyd", "abcxyd"),
)
"""Names of backends that are applied where `abcd` is stored, and the order that follows."""


def backends(names: str) -> list[dict[str, Any]]:
    """Backends with names of one letter."""
    return [{**copy.deepcopy(MODEL["spec"]["backends"][0]), "name": name} for name in names]


def config(*, metadata: Any = None, status: Any = None, **spec: Any) -> dict[str, Any]:
    """A configuration to be applied, with as little as possible in it."""
    result: dict[str, Any] = {
        "apiVersion": VERSION,
        "kind": "Model",
        "metadata": {"name": "demo", **(metadata or {})},
    }
    if spec:
        result["spec"] = spec
    if status is not None:
        result["status"] = status
    return result


def tracked(
    live: dict[str, Any] | None,
    new: dict[str, Any],
    manager: str = "first",
    subresource: str = "",
    now: str = FIRST,
) -> dict[str, Any]:
    """A create or an update of a Model."""
    before = copy.deepcopy((live, new))
    result = ownership.track(
        _ROOT,
        live,
        new,
        manager=manager,
        api_version=VERSION,
        subresource=subresource,
        now=now,
    )
    assert (live, new) == before, "the arguments were changed"
    return result


def applied(
    live: dict[str, Any] | None,
    wanted: dict[str, Any],
    manager: str = "first",
    subresource: str = "",
    now: str = FIRST,
    *,
    force: bool = False,
) -> dict[str, Any]:
    """A server-side apply of a Model."""
    before = copy.deepcopy((live, wanted))
    result = ownership.apply(
        _ROOT,
        live,
        wanted,
        manager=manager,
        force=force,
        api_version=VERSION,
        kind="Model",
        subresource=subresource,
        now=now,
    )
    assert (live, wanted) == before, "the arguments were changed"
    return result


def entries(obj: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Manager, operation and subresource of each entry."""
    rows = obj["metadata"].get("managedFields", [])
    return [(row["manager"], row["operation"], row.get("subresource", "")) for row in rows]


def owned(obj: dict[str, Any], manager: str = "first", subresource: str = "") -> Any:
    """The fields of a manager; None for one that owns nothing."""
    for row in obj["metadata"].get("managedFields", []):
        if (row["manager"], row.get("subresource", "")) == (manager, subresource):
            return row["fieldsV1"]
    return None
