"""CustomResourceDefinitions, written from the API document that the package carries."""

from __future__ import annotations

import json
from pkgutil import get_data
from typing import Any, cast

__all__ = ["crd_manifests"]

_REFERENCE = "#/components/schemas/"

# What `JSONSchemaProps` of apiextensions.k8s.io/v1 has; the rest is for readers of the document.
_KEPT = frozenset(
    {
        "additionalProperties",
        "allOf",
        "anyOf",
        "default",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "nullable",
        "oneOf",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
        "uniqueItems",
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    }
)


def crd_manifests(*, descriptions: bool = True) -> list[dict[str, Any]]:
    """The CustomResourceDefinitions of all kinds (apiextensions.k8s.io/v1), sorted by name.

    For test clusters and tools; a platform's own installation brings its own. Without
    `descriptions` they are a tenth of the size; with them `kubectl explain` has something to say.
    """
    schemas = _document()["components"]["schemas"]
    expand = _Expansion(schemas, descriptions=descriptions)
    kinds = [schema for schema in schemas.values() if "x-kubernetes-custom-resource" in schema]
    return sorted((_definition(kind, expand) for kind in kinds), key=_name)


def _document() -> dict[str, Any]:
    # As a resource and not as a file: the package may be imported from an archive.
    text = get_data("matrixinfer_client.api", "openapi.json")
    if text is None:
        raise FileNotFoundError("matrixinfer_client/api/openapi.json is missing")
    return cast("dict[str, Any]", json.loads(text))


def _name(manifest: dict[str, Any]) -> str:
    return cast("str", manifest["metadata"]["name"])


def _definition(kind: dict[str, Any], expand: _Expansion) -> dict[str, Any]:
    identity = kind["x-kubernetes-group-version-kind"][0]
    resource = kind["x-kubernetes-custom-resource"]
    names = {key: resource[key] for key in _NAMES if key in resource}
    version: dict[str, Any] = {
        "name": identity["version"],
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": expand.kind(kind)},
    }
    if resource.get("subresources"):
        version["subresources"] = {name: {} for name in resource["subresources"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource['plural']}.{identity['group']}"},
        "spec": {
            "group": identity["group"],
            "names": {"kind": identity["kind"], **names},
            "scope": resource["scope"],
            "versions": [version],
        },
    }


_NAMES = ("listKind", "plural", "singular", "shortNames", "categories")


class _Expansion:
    """Makes schemas structural: no references, and only what a definition may say."""

    def __init__(self, schemas: dict[str, Any], *, descriptions: bool) -> None:
        self.schemas = schemas
        self.dropped = {"description"} if not descriptions else set[str]()

    def kind(self, schema: dict[str, Any]) -> dict[str, Any]:
        expanded = self.schema(
            {**schema, "properties": {**schema["properties"], "metadata": {"type": "object"}}}
        )
        # The server has its own schema for metadata and accepts no other.
        expanded["properties"]["metadata"] = {"type": "object"}
        return expanded

    def schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        flat = self.resolved(schema)
        return {
            key: self.value(key, value)
            for key, value in flat.items()
            if key in _KEPT and key not in self.dropped
        }

    def value(self, key: str, value: Any) -> Any:
        if key == "properties":
            return {name: self.schema(each) for name, each in value.items()}
        if key in ("items", "not") or (key == "additionalProperties" and isinstance(value, dict)):
            return self.schema(cast("dict[str, Any]", value))
        if key in ("allOf", "anyOf", "oneOf"):
            return [self.schema(each) for each in value]
        return json.loads(json.dumps(value))

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema with what it refers to, `$ref` or `allOf` of one, merged into it."""
        parts = schema.get("allOf", [])
        if len(parts) == 1 and "$ref" in parts[0]:
            rest = {key: value for key, value in schema.items() if key != "allOf"}
            return {**self.resolved(parts[0]), **rest}
        reference = schema.get("$ref")
        if reference is None:
            return schema
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return {**self.resolved(self.schemas[reference.removeprefix(_REFERENCE)]), **rest}
