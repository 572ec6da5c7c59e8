"""A kind with everything that the platform's schemas do not have."""

from __future__ import annotations

from typing import Any

from matrixinfer_client.validation.schemas import KindSchema, Schema

__all__ = ["GROUP", "THING_KIND", "thing_crd"]

GROUP = "ownership.test"

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_OPEN: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _list(items: Any, **extensions: Any) -> dict[str, Any]:
    named = {f"x-kubernetes-{name.replace('_', '-')}": value for name, value in extensions.items()}
    return {"type": "array", "items": items, **named}


_PORT = {
    **_record(
        port=_NUMBER,
        protocol={**_TEXT, "default": "TCP"},
        name=_TEXT,
        options=_OPEN,
    ),
    "required": ["port"],
}
_NESTED = {
    **_record(
        name=_TEXT,
        sub=_list(_NUMBER, list_type="set"),
        inner=_record(deep=_record(a=_NUMBER, b=_TEXT)),
    ),
    "required": ["name"],
}
_SPEC = _record(
    tags=_list(_TEXT, list_type="set"),
    numbers=_list(_NUMBER, list_type="set"),
    ports=_list(_PORT, list_type="map", list_map_keys=["port", "protocol"]),
    selector={**_record(a=_TEXT, b=_TEXT), "x-kubernetes-map-type": "atomic"},
    limits={"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True}},
    open={
        **_record(known=_record(x=_NUMBER), list=_list(_OPEN | {"type": "object"})),
        "x-kubernetes-preserve-unknown-fields": True,
    },
    any={"x-kubernetes-preserve-unknown-fields": True},
    bag={"type": "object", "additionalProperties": {"x-kubernetes-preserve-unknown-fields": True}},
    count={**_NUMBER, "default": 3, "nullable": True},
    nested=_list(_NESTED, list_type="map", list_map_keys=["name"]),
)
_SPEC["properties"]["open"]["properties"].pop("list")
_CONDITION = _record(
    type=_TEXT, status=_TEXT, reason=_TEXT, message=_TEXT, lastTransitionTime=_TEXT
)
_STATUS = _record(
    observedGeneration=_NUMBER,
    conditions=_list({**_CONDITION, "required": ["type"]}, list_type="map", list_map_keys=["type"]),
)
_ROOT = _record(
    apiVersion=_TEXT, kind=_TEXT, metadata={"type": "object"}, spec=_SPEC, status=_STATUS
)


def _schema(raw: dict[str, Any]) -> Schema:
    additional = raw.get("additionalProperties")
    return Schema(
        type=raw.get("type", ""),
        properties={name: _schema(child) for name, child in raw.get("properties", {}).items()},
        required=tuple(raw.get("required", ())),
        additional=_schema(additional) if isinstance(additional, dict) else None,
        items=_schema(raw["items"]) if "items" in raw else None,
        raw=raw,
    )


THING_KIND = KindSchema(
    group=GROUP,
    version="v1",
    kind="Thing",
    plural="things",
    namespaced=True,
    root=_schema(_ROOT),
)


def thing_crd() -> dict[str, Any]:
    """The definition of the kind."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _ROOT},
        "subresources": {"status": {}},
    }
    names = {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }
