"""The types by which the server merges and compares: schemas, reduced to what matters for that.

An atom says what a value may be: a scalar, a list, a map, or several of these. Whatever a schema
leaves open is of the deduced type: maps whose fields have an owner each, lists as a whole.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import attrs

from matrixinfer_client.validation.metadata import OBJECT_META
from matrixinfer_client.validation.schemas import Schema, resolve

__all__ = ["ABSENT", "DEDUCED", "Atom", "ListAtom", "MapAtom", "deduce", "root_atom"]

ABSENT: Any = object()
"""No value at all; null is a value."""


@attrs.frozen(eq=False, kw_only=True)
class MapAtom:
    """An object: its declared fields, and the type of all other ones.

    `others` is None when there must not be any. `atomic` objects have one owner.
    """

    fields: dict[str, Atom]
    others: Atom | None
    atomic: bool = False

    def below(self, name: str) -> Atom | None:
        """The type of a field; None for one that is not declared."""
        return self.fields.get(name, self.others)


@attrs.frozen(eq=False, kw_only=True)
class ListAtom:
    """An array: `atomic`, or of items that are known by `keys` or, without any, by their value."""

    items: Atom
    atomic: bool = True
    keys: tuple[str, ...] = ()
    defaults: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """The defaults of those keys that have one."""
    names: tuple[str, ...] = attrs.field(init=False)
    """The keys, sorted."""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(sorted(self.keys)))


@attrs.define(eq=False, slots=True, kw_only=True)
class Atom:
    """What a value may be; at least one of the three.

    `scalar` is `numeric`, `string`, `boolean`, `untyped` (any of them), or empty for none.
    """

    scalar: str = ""
    list: ListAtom | None = None
    map: MapAtom | None = None
    parts: dict[type, Atom] = attrs.field(factory=dict[type, "Atom"], init=False)
    is_scalar: bool = attrs.field(default=False, init=False)
    """Whether it cannot be anything else."""

    def __attrs_post_init__(self) -> None:
        self.is_scalar = bool(self.scalar) and self.list is None and self.map is None

    def split(self) -> Atom:
        """Prepare `deduce`; the last step of making an atom that may be several things."""
        self.is_scalar = False
        if self.scalar:
            scalar = Atom(scalar=self.scalar)
            self.parts |= dict.fromkeys((str, bool, int, float), scalar)
        if self.list is not None:
            self.parts[list] = Atom(list=self.list)
        if self.map is not None:
            self.parts[dict] = Atom(map=self.map)
        return self


def deduce(atom: Atom, value: object) -> Atom:
    """The part of an atom that applies to a value; the whole atom if none does."""
    return atom.parts.get(type(value), atom) if atom.parts else atom


def _untyped() -> Atom:
    atom = Atom(scalar="untyped")
    atom.list = ListAtom(items=atom)
    atom.map = MapAtom(fields={}, others=atom, atomic=True)
    return atom.split()


def _deduced() -> Atom:
    atom = Atom(scalar="untyped", list=ListAtom(items=_UNTYPED))
    atom.map = MapAtom(fields={}, others=atom)
    return atom.split()


_UNTYPED = _untyped()
DEDUCED = _deduced()
"""The type of what no schema describes."""


# Of whom the server says that every text is empty by default.
_OWNER = "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference"
# What core objects have at the top; the server knows that these are fields and no map's entries.
_SECTIONS = ("spec", "status", "data", "binaryData", "stringData", "source")


@cache
def root_atom(schema: Schema | None) -> Atom:
    """The type of an object of a kind; None for a kind without a schema.

    The server's own schema of `metadata` applies to every kind.
    """
    known = {"metadata": _atom(resolve(OBJECT_META), keeps=False)}
    if schema is None:
        # A reference is one value.
        fields = {**dict.fromkeys(_SECTIONS, DEDUCED), "involvedObject": _UNTYPED, **known}
        return Atom(map=MapAtom(fields=fields, others=DEDUCED))
    text = Atom(scalar="string")
    declared = _map(schema, keeps=schema.open)
    fields = {**declared.fields, "apiVersion": text, "kind": text, **known}
    return Atom(map=attrs.evolve(declared, fields=fields))


@cache
def _atom(schema: Schema, *, keeps: bool) -> Atom:
    # What is said at one place holds for all below it.
    keeps = keeps or schema.open
    kind = "" if schema.int_or_string else schema.type
    if kind == "object":
        return Atom(map=_map(schema, keeps=keeps))
    if kind == "array":
        return Atom(list=_list(schema, keeps=keeps))
    if kind:
        return Atom(scalar=_scalar(kind, schema.raw.get("format", "")))
    return Atom(
        scalar="untyped", list=_list(schema, keeps=keeps), map=_map(schema, keeps=keeps)
    ).split()


def _scalar(kind: str, form: str) -> str:
    if kind == "boolean":
        return "boolean"
    if kind in ("integer", "number"):
        return "numeric"
    return "string" if form in ("", "byte") else "untyped"


def _map(schema: Schema, *, keeps: bool) -> MapAtom:
    fields = {name: _atom(child, keeps=keeps) for name, child in schema.properties.items()}
    return MapAtom(
        fields=fields,
        others=_others(schema, keeps=keeps),
        atomic=schema.raw.get("x-kubernetes-map-type") == "atomic",
    )


def _others(schema: Schema, *, keeps: bool) -> Atom | None:
    if schema.additional is not None:
        return _atom(schema.additional, keeps=keeps)
    allowed: object = schema.raw.get("additionalProperties")
    if allowed is None:
        return DEDUCED if keeps or not schema.properties else None
    return DEDUCED if allowed else None


def _list(schema: Schema, *, keeps: bool) -> ListAtom:
    if schema.items is None:
        return ListAtom(items=_UNTYPED)
    properties = schema.items.properties
    return ListAtom(
        items=_atom(schema.items, keeps=keeps),
        atomic=schema.list_type == "atomic",
        keys=schema.map_keys if schema.list_type == "map" else (),
        defaults=dict.fromkeys(schema.map_keys, "")
        if schema.items.component == _OWNER
        else {
            name: properties[name].raw["default"]
            for name in schema.map_keys
            if name in properties and properties[name].has_default
        },
    )
