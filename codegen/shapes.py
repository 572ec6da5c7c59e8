"""Schemas to types: which class, alias or built-in type a property has in Python.

Maps and open objects become dictionaries, components without properties become what they stand
for, and objects and enums that have no name of their own get one from where they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from codegen import names
from codegen.document import DocumentError
from codegen.facts import described
from codegen.ir import Choice, Field, ListOf, MapOf, Named, Scalar, Type
from codegen.schemas import fold, type_names
from codegen.text import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from codegen.document import Json
    from codegen.ir import Annotation

__all__ = ["Shapes"]

_ANY = Scalar(("Any",))
_SCALARS = {
    "boolean": Scalar(("bool",)),
    "integer": Scalar(("int",)),
    "number": Scalar(("float",)),
    "string": Scalar(("str",)),
}


@attrs.define
class Shapes:
    """Every type of a document. `add` makes a component's class and all that it needs.

    `members` are the names that a component's base class needs for itself, where the base is
    another than that of most types.
    """

    schemas: Mapping[str, Json]
    members: Mapping[str, Collection[str]] = attrs.field(factory=dict)
    types: dict[Named, Type] = attrs.field(factory=dict)
    choices: dict[Named, Choice] = attrs.field(factory=dict)
    _components: dict[Named, str] = attrs.field(factory=dict)
    _following: list[str] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        # All of them, before any inline object could take a component's name.
        for component in self.schemas:
            self.name(component)

    def name(self, component: str) -> Named | None:
        """The class of a component, or None if it stands for something else or has no version."""
        parts = names.split_component(component)
        if parts is None or not self._is_class(component):
            return None
        named = Named(names.package_name(*parts[:2]), names.class_name(parts[2]))
        other = self._components.setdefault(named, component)
        if other != component:
            raise names.NamingError(f"{other!r} and {component!r} would both be {named.name!r}")
        return named

    def add(self, component: str) -> Named | None:
        """Make the class of a component, unless it has none."""
        named = self.name(component)
        if named is not None and named not in self.types:
            taken = self.members.get(component, names.BASE_MEMBERS)
            self._add_type(named, self._whole(component), taken)
        return named

    def _is_class(self, component: str) -> bool:
        return bool(self._whole(component).get("properties"))

    def _whole(self, component: str) -> Json:
        """A component with all that it refers to folded in."""
        if component not in self.schemas:
            raise DocumentError(f"there is no schema {component!r}")
        refs, schema = fold(self.schemas[component])
        return self._expanded(refs, schema)

    def _expanded(self, refs: tuple[str, ...], schema: Json) -> Json:
        if not refs:
            return schema
        self._following.append(refs[0])
        if len(self._following) > len(self.schemas):
            raise DocumentError(f"{refs[0]!r} refers to itself")
        try:
            parts = [self._whole(ref) for ref in refs]
        finally:
            self._following.pop()
        return fold({**schema, "allOf": parts})[1]

    def _add_type(self, named: Named, schema: Json, taken: Collection[str]) -> None:
        # Entered before its fields are known: a type may contain itself.
        self.types[named] = Type(named.name, described(schema), ())
        required = set(schema.get("required", ()))
        fields = [
            self._field(named, wire, part, wire in required, taken)
            for wire, part in schema.get("properties", {}).items()
        ]
        names.unclashed(((field.wire.raw, field.name) for field in fields), named.name)
        self.types[named] = attrs.evolve(self.types[named], fields=tuple(fields))

    def _field(
        self, owner: Named, wire: str, schema: Json, required: bool, taken: Collection[str]
    ) -> Field:
        inline = Named(owner.package, names.class_name(f"{owner.name} {wire}"))
        refs, said = fold(schema)
        fallback = ""
        if len(refs) == 1 and self.name(refs[0]) is None:
            fallback = self.schemas[refs[0]].get("description", "")
        return Field(
            name=names.field_name(wire, taken),
            wire=Text(wire),
            annotation=self._annotation(schema, inline),
            # The server fills in what has a default, so nobody needs to say it.
            required=required and "default" not in said,
            doc=described(said, fallback),
        )

    def _annotation(self, schema: Json, inline: Named) -> Annotation:
        refs, said = fold(schema)
        if len(refs) == 1 and "properties" not in said:
            return self._reference(refs[0], inline)
        said = self._expanded(refs, said)
        if said.get("x-kubernetes-int-or-string") or said.get("format") == "int-or-string":
            return Scalar(("int", "str"))
        if "enum" in said:
            return self._choice(said, inline)
        kinds = type_names(said)
        if len(kinds) != 1:
            return self._union(said, kinds, inline)
        if kinds[0] == "object":
            return self._object(said, inline)
        if kinds[0] == "array":
            item = Named(inline.package, f"{inline.name}Item")
            return ListOf(self._annotation(said.get("items") or {}, item))
        if said.get("format") == "date-time":
            return Scalar(("datetime",))
        return _SCALARS[kinds[0]]

    def _reference(self, component: str, inline: Named) -> Annotation:
        named = self.add(component)
        if named is not None:
            return named
        whole = self._whole(component)
        if whole.get("properties"):
            raise DocumentError(f"{component!r} has properties, but its name says no version")
        parts = names.split_component(component)
        if parts is not None:
            inline = Named(names.package_name(*parts[:2]), names.class_name(parts[2]))
        return self._annotation(whole, inline)

    def _choice(self, schema: Json, inline: Named) -> Annotation:
        values = tuple(value for value in schema["enum"] if value is not None)
        if not values or not all(isinstance(value, str | int) for value in values):
            return self._annotation(_without(schema, "enum"), inline)
        title = schema.get("title")
        named = Named(inline.package, names.class_name(title)) if title else inline
        choice = self.choices.setdefault(named, Choice(named.name, values))
        if choice.values != values:
            raise names.NamingError(f"two enums with different values would be {named.name!r}")
        return named

    def _object(self, schema: Json, inline: Named) -> Annotation:
        if schema.get("properties"):
            if inline in self._components or inline in self.choices:
                raise names.NamingError(f"an inline object would be {inline.name!r}, which exists")
            if inline not in self.types:
                self._add_type(inline, schema, names.BASE_MEMBERS)
            return inline
        values = schema.get("additionalProperties")
        if isinstance(values, dict) and values:
            return MapOf(self._annotation(values, Named(inline.package, f"{inline.name}Value")))
        return MapOf(_ANY)

    def _union(self, schema: Json, kinds: tuple[str, ...], inline: Named) -> Annotation:
        parts: list[Json] = [{"type": kind} for kind in kinds]
        parts = parts or schema.get("anyOf") or schema.get("oneOf") or []
        found = [self._annotation(part, inline) for part in parts]
        scalars = [part for part in found if isinstance(part, Scalar)]
        # Whoever reads a mixture of classes must look at the value first: it stays as it came.
        if not found or len(scalars) < len(found) or _ANY in scalars:
            return _ANY
        return Scalar(tuple(dict.fromkeys(name for part in scalars for name in part.names)))


def _without(schema: Mapping[str, Any], key: str) -> Json:
    return {name: value for name, value in schema.items() if name != key}
