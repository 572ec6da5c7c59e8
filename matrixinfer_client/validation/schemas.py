"""The schemas of the API document as a graph of nodes, and the kinds it defines.

The document (`api/openapi.json`) says of every type what the CustomResourceDefinitions say.
References are resolved; a reference wrapped into `allOf` so that it can carry a description is
the reference with those siblings. Any other `allOf` holds more constraints on the same value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast

import attrs

__all__ = ["CelRule", "KindSchema", "Schema", "document", "kind_schema", "kinds", "resolve"]

_PREFIX = "#/components/schemas/"


@attrs.frozen(kw_only=True)
class CelRule:
    """One entry of `x-kubernetes-validations`."""

    rule: str
    message: str = ""
    message_expression: str = ""
    reason: str = "FieldValueInvalid"
    field_path: str = ""
    optional_old_self: bool = False


@attrs.define(eq=False, slots=True, kw_only=True)
class Schema:
    """One node: the constraints on one value."""

    component: str = ""
    type: str = ""
    properties: dict[str, Schema] = attrs.field(factory=dict[str, "Schema"])
    required: tuple[str, ...] = ()
    additional: Schema | None = None
    items: Schema | None = None
    all_of: tuple[Schema, ...] = ()
    rules: tuple[CelRule, ...] = ()
    raw: Mapping[str, Any] = attrs.field(factory=dict[str, Any])

    @property
    def open(self) -> bool:
        """Whether fields that are not declared are kept."""
        return bool(self.raw.get("x-kubernetes-preserve-unknown-fields"))

    @property
    def int_or_string(self) -> bool:
        """Whether integers and strings are both allowed."""
        return bool(self.raw.get("x-kubernetes-int-or-string"))

    @property
    def nullable(self) -> bool:
        """Whether null is a value and not the absence of one."""
        return bool(self.raw.get("nullable"))

    @property
    def has_default(self) -> bool:
        """Whether the server fills the field in."""
        return self.raw.get("default") is not None

    @property
    def list_type(self) -> str:
        """`atomic`, `set` or `map`."""
        return str(self.raw.get("x-kubernetes-list-type", "atomic"))

    @property
    def map_keys(self) -> tuple[str, ...]:
        """The fields that identify an item of a list of type `map`."""
        return tuple(self.raw.get("x-kubernetes-list-map-keys", ()))

    def with_siblings(self, siblings: Mapping[str, Any]) -> Schema:
        """The same type where it is used with a default or a constraint of its own."""
        rules = self.rules + _rules(siblings)
        return attrs.evolve(self, raw={**self.raw, **siblings}, rules=rules)


@attrs.frozen(kw_only=True)
class KindSchema:
    """A kind of the document with its root schema."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    root: Schema

    @property
    def api_version(self) -> str:
        """`group/version`."""
        return f"{self.group}/{self.version}"


@cache
def document() -> Mapping[str, Any]:
    """The API document that the package ships."""
    text = files("matrixinfer_client").joinpath("api", "openapi.json").read_bytes()
    return cast("Mapping[str, Any]", json.loads(text))


@cache
def kinds() -> Mapping[str, str]:
    """The names of the custom resources' kinds, each with the name of its component."""
    components = document()["components"]["schemas"]
    return {
        node["x-kubernetes-group-version-kind"][0]["kind"]: name
        for name, node in components.items()
        if "x-kubernetes-custom-resource" in node
    }


@cache
def kind_schema(kind: str) -> KindSchema:
    """The schema of a kind; `KeyError` for one that the document does not define."""
    name = kinds()[kind]
    node = document()["components"]["schemas"][name]
    identity = node["x-kubernetes-group-version-kind"][0]
    resource = node["x-kubernetes-custom-resource"]
    return KindSchema(
        group=identity["group"],
        version=identity["version"],
        kind=kind,
        plural=resource["plural"],
        namespaced=resource["scope"] == "Namespaced",
        root=resolve(name),
    )


@cache
def resolve(component: str) -> Schema:
    """The node of a component, with all references below it resolved."""
    return attrs.evolve(_node(document()["components"]["schemas"][component]), component=component)


def _node(raw: Mapping[str, Any]) -> Schema:
    reference = raw.get("$ref")
    if reference is not None:
        return resolve(reference.removeprefix(_PREFIX))
    parts = raw.get("allOf", ())
    if len(parts) == 1 and "$ref" in parts[0]:
        siblings = {key: value for key, value in raw.items() if key != "allOf"}
        base = _node(parts[0])
        return base.with_siblings(siblings) if siblings.keys() - {"description"} else base
    additional = raw.get("additionalProperties")
    return Schema(
        type=raw.get("type", ""),
        properties={name: _node(value) for name, value in raw.get("properties", {}).items()},
        required=tuple(raw.get("required", ())),
        additional=_node(cast("Mapping[str, Any]", additional))
        if isinstance(additional, Mapping)
        else None,
        items=_node(raw["items"]) if "items" in raw else None,
        all_of=tuple(_node(part) for part in parts),
        rules=_rules(raw),
        raw=raw,
    )


def _rules(raw: Mapping[str, Any]) -> tuple[CelRule, ...]:
    return tuple(
        CelRule(
            rule=entry["rule"],
            message=entry.get("message", ""),
            message_expression=entry.get("messageExpression", ""),
            reason=entry.get("reason", "FieldValueInvalid"),
            field_path=entry.get("fieldPath", ""),
            optional_old_self=bool(entry.get("optionalOldSelf")),
        )
        for entry in raw.get("x-kubernetes-validations", ())
    )
