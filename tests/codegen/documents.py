"""Small documents made in code, for tests of one detail or one mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from codegen.document import Document, read
from codegen.ir import Api, Type
from codegen.understand import understand

GROUP = "gadgets.example.com"
PREFIX = "com.example.gadgets.v1"
META = "io.example.meta.v1"


def ref(component: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{component}"}


def document(
    schemas: dict[str, Any], paths: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A document with these schemas and paths."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "Test", "version": "v1"},
        "paths": paths or {},
        "components": {"schemas": schemas},
        **more,
    }


def kind_schemas(kind: str, **properties: Any) -> dict[str, Any]:
    """The components of a kind, of its list and of their metadata."""
    named = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}

    def component(name: str, rest: dict[str, Any]) -> dict[str, Any]:
        own = {"group": GROUP, "version": "v1", "kind": name}
        return {
            "type": "object",
            "properties": {**named, **rest},
            "x-kubernetes-group-version-kind": [own],
        }

    items = {"type": "array", "items": ref(f"{PREFIX}.{kind}")}
    return {
        f"{PREFIX}.{kind}": component(kind, {"metadata": ref(f"{META}.ObjectMeta"), **properties}),
        f"{PREFIX}.{kind}List": component(
            f"{kind}List", {"metadata": ref(f"{META}.ListMeta"), "items": items}
        ),
        f"{META}.ObjectMeta": {"type": "object", "properties": {"name": {"type": "string"}}},
        f"{META}.ListMeta": {"type": "object", "properties": {"continue": {"type": "string"}}},
    }


def kind_paths(kind: str, plural: str, namespaced: bool = True) -> dict[str, Any]:
    """The paths on which a kind is listed and read."""
    scope = "/namespaces/{namespace}" if namespaced else ""
    base = f"/apis/{GROUP}/v1{scope}/{plural}"
    parameters = [_parameter("namespace")] if namespaced else []

    def operation(action: str) -> dict[str, Any]:
        return {
            "operationId": f"{action}{kind}",
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": {"group": GROUP, "version": "v1", "kind": kind},
        }

    return {
        base: {"parameters": parameters, "get": operation("list")},
        f"{base}/{{name}}": {
            "parameters": [*parameters, _parameter("name")],
            "get": operation("get"),
        },
    }


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def saved(raw: dict[str, Any], directory: Path) -> Path:
    """The document as a file; JSON is YAML."""
    path = directory / "openapi.yaml"
    path.write_text(json.dumps(raw), encoding="utf-8")
    return path


def loaded(raw: dict[str, Any], directory: Path) -> Document:
    """The document, read and validated."""
    return read(saved(raw, directory))


def understood(raw: dict[str, Any], directory: Path) -> Api:
    """What the generator understands of a document."""
    return understand(loaded(raw, directory))


def types_of(api: Api) -> dict[str, Type]:
    """The classes of all packages by name."""
    return {
        type_.name: type_
        for package in api.packages
        for module in package.modules
        for type_ in module.types
    }
