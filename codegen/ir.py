"""The generator's vocabulary: what there is to print, decided; frozen, and without logic.

Plain strings here are checked identifiers or names in the grammar of Kubernetes, safe to print.
Everything else that came from the document is `Text`.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from codegen.text import Text

__all__ = [
    "Annotation",
    "Api",
    "Choice",
    "Constant",
    "Field",
    "Group",
    "Kind",
    "ListOf",
    "MapOf",
    "Module",
    "Named",
    "Package",
    "Resource",
    "Scalar",
    "Type",
    "Verb",
]

Verb: TypeAlias = Literal[
    "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"
]


@attrs.frozen
class Scalar:
    """Built-in types, such as `str`, `Any`, or `int` and `str` for either of them."""

    names: tuple[str, ...]


@attrs.frozen
class Named:
    """A generated class or alias, and the package that has it."""

    package: str
    name: str


@attrs.frozen
class ListOf:
    """A list."""

    item: Annotation


@attrs.frozen
class MapOf:
    """A map from strings."""

    value: Annotation


Annotation: TypeAlias = Scalar | Named | ListOf | MapOf


@attrs.frozen
class Constant:
    """The value that a field has when nothing is said: `apiVersion` and `kind` of a kind."""

    value: str


@attrs.frozen
class Field:
    """One attribute of a class.

    `default` is a `Constant`, or None for a field that is absent unless it is given, unless it is
    `required`.
    """

    name: str
    wire: Text
    annotation: Annotation
    required: bool
    doc: Text
    default: Constant | None = None


@attrs.frozen
class Choice:
    """An alias for the values that a string may have, in the document's order."""

    name: str
    values: tuple[Any, ...]


@attrs.frozen
class Kind:
    """One resource: its names, its scope and what can be done with it."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    list_kind: str
    namespaced: bool
    subresources: tuple[str, ...]
    verbs: tuple[Verb, ...]


@attrs.frozen
class Type:
    """A class. `kind` is set for a kind and for its list, whose `item` names the kind's class."""

    name: str
    doc: Text
    fields: tuple[Field, ...]
    kind: Kind | None = None
    item: str | None = None


@attrs.frozen
class Module:
    """A module of a package."""

    name: str
    doc: Text
    choices: tuple[Choice, ...]
    types: tuple[Type, ...]


@attrs.frozen
class Package:
    """A package: one group and version."""

    name: str
    doc: Text
    modules: tuple[Module, ...]


@attrs.frozen
class Resource:
    """A method of a group client: its name, its kind, and the classes it deals in."""

    method: str
    kind: Kind
    object_class: str
    list_class: str
    doc: Text


@attrs.frozen
class Group:
    """A group client: one per package that has kinds."""

    package: str
    client: str
    api_version: str
    resources: tuple[Resource, ...]


@attrs.frozen
class Api:
    """Everything that is generated, sorted by name throughout."""

    packages: tuple[Package, ...]
    groups: tuple[Group, ...]
