"""A document, and the CustomResourceDefinition that says the same in other words."""

from __future__ import annotations

import copy
from typing import Any

from tests.codegen.documents import GROUP, PREFIX, document, kind_paths, kind_schemas, ref

WHERE = f"Hose.{GROUP}"

# The same schema, once with references and prose as a document has it, once plain as a cluster has.
HOSE = {
    "type": "object",
    "description": "A hose.",
    "required": ["ends", "color"],
    "properties": {
        "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
        "ends": {
            "type": "array",
            "minItems": 1,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": ref(f"{PREFIX}.End"),
        },
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "pressure": {
            "allOf": [ref("com.example.Quantity")],
            "default": "1Bar",
            "description": "How much it bears.",
        },
    },
    "x-kubernetes-validations": [{"rule": "size(self.ends) < 3", "message": "two ends"}],
}
END = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "bore": {"type": "integer", "minimum": 1}},
}
QUANTITY = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "pattern": "^[0-9]+.*$",
    "x-kubernetes-int-or-string": True,
}
PLAIN = {
    "type": "object",
    "required": ["color", "ends"],
    "properties": {
        "color": {"type": "string", "enum": ["blue", "red"], "default": "red"},
        "ends": {
            "description": "Worded otherwise.",
            "type": "array",
            "minItems": 1.0,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": END,
        },
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "pressure": {**QUANTITY, "default": "1Bar", "nullable": False},
    },
    "x-kubernetes-validations": [{"rule": "size(self.ends) < 3", "message": "two ends"}],
}


def our_document() -> dict[str, Any]:
    schemas = kind_schemas("Hose", spec=ref(f"{PREFIX}.HoseSpec"), status={"type": "object"})
    components = {
        f"{PREFIX}.HoseSpec": HOSE,
        f"{PREFIX}.End": END,
        "com.example.Quantity": QUANTITY,
    }
    return copy.deepcopy(document({**schemas, **components}, kind_paths("Hose", "hoses")))


def definition(kind: str = "Hose", group: str = GROUP) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    schema = {
        "type": "object",
        "description": "Worded otherwise.",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": PLAIN,
            "status": {"type": "object"},
        },
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    made = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "scope": "Namespaced",
            "versions": [version],
        },
    }
    return copy.deepcopy(made)


def schema_of(made: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def spec_of(made: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = schema_of(made)["properties"]["spec"]
    return spec
