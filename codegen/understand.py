"""The document to the vocabulary of `ir`: kinds, their classes, and the module of each class.

A class that only one kind reaches is in that kind's module; what several kinds share, also from
other groups, is in `common`. A group without kinds has a module for each class: its classes are
used from everywhere, a few at a time, and an import should pay for those only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from codegen import names
from codegen.document import DocumentError
from codegen.ir import (
    Api,
    Constant,
    Field,
    Group,
    ListOf,
    MapOf,
    Module,
    Named,
    Package,
    Resource,
)
from codegen.kinds import find_kinds
from codegen.shapes import Shapes
from codegen.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.document import Document
    from codegen.ir import Annotation, Type
    from codegen.kinds import Served

__all__ = ["annotated", "understand"]

_COMMON = "common"
_FIRST, _LAST = ("apiVersion", "kind", "metadata", "spec"), ("status",)


def understand(document: Document) -> Api:
    """Everything that is to be generated for a document."""
    served = find_kinds(document)
    members = {entry.component: names.KIND_MEMBERS for entry in served}
    members |= {entry.list_component: names.LIST_MEMBERS for entry in served}
    shapes = Shapes(document.schemas, members)
    for component in document.schemas:
        shapes.add(component)
    for both in shapes.types.keys() & shapes.choices.keys():
        raise names.NamingError(f"an object and an enum would both be {both.name!r}")
    kinds = {_class(shapes, entry.component): entry for entry in served}
    for entry in served:
        _finish(shapes, entry)
    places = _places(shapes, kinds)
    packages = sorted({named.package for named in places})
    return Api(
        packages=tuple(_package(name, document, shapes, kinds, places) for name in packages),
        groups=tuple(_groups(shapes, kinds)),
    )


def annotated(annotation: Annotation) -> Iterator[Named]:
    """The generated names in an annotation."""
    match annotation:
        case Named():
            yield annotation
        case ListOf(inner) | MapOf(inner):
            yield from annotated(inner)


def _class(shapes: Shapes, component: str) -> Named:
    named = shapes.name(component)
    if named is None:
        raise DocumentError(f"{component!r} has no properties, or no group and version in its name")
    return named


def _finish(shapes: Shapes, served: Served) -> None:
    """Give the classes of a kind and of its list what a kind and a list have."""
    kind = served.kind
    api_version = f"{kind.group}/{kind.version}" if kind.group else kind.version
    object_class, list_class = (
        _class(shapes, component) for component in (served.component, served.list_component)
    )
    for named, kind_name in ((object_class, kind.kind), (list_class, kind.list_kind)):
        type_ = shapes.types[named]
        constants = {"apiVersion": Constant(api_version), "kind": Constant(kind_name)}
        is_list = named == list_class
        fields = [_finished(field, constants, is_list=is_list) for field in type_.fields]
        shapes.types[named] = attrs.evolve(
            type_,
            fields=tuple(sorted(fields, key=_rank)),
            kind=kind,
            item=object_class.name if is_list else None,
        )
    _check_kind(shapes.types[object_class], served.component, "metadata", "ObjectMeta")
    _check_kind(shapes.types[list_class], served.list_component, "items", object_class.name)


def _finished(field: Field, constants: dict[str, Constant], *, is_list: bool) -> Field:
    wire = field.wire.raw
    if wire in constants:
        return attrs.evolve(field, default=constants[wire], required=False, doc=Text(""))
    # An object without metadata cannot be sent, one without spec has nothing to say, even where the
    # server would take it. Status, and the metadata of a list, are the server's to say.
    needed, theirs = ({"items"}, {"metadata"}) if is_list else ({"metadata", "spec"}, {"status"})
    return attrs.evolve(field, required=wire in needed or (field.required and wire not in theirs))


def _named(field: Field) -> str | None:
    return next((named.name for named in annotated(field.annotation)), None)


def _rank(field: Field) -> int:
    order = {wire: rank - len(_FIRST) for rank, wire in enumerate(_FIRST)} | {_LAST[0]: 1}
    return order.get(field.wire.raw, 0)


def _check_kind(type_: Type, component: str, wire: str, wanted: str) -> None:
    fields = {field.wire.raw: field for field in type_.fields}
    missing = {"apiVersion", "kind", "metadata"} - fields.keys()
    if missing:
        raise DocumentError(f"{component!r} has no {' and no '.join(sorted(missing))}")
    if wire not in fields or _named(fields[wire]) != wanted:
        raise DocumentError(f"{component!r}: {wire} must refer to the component of {wanted}")


def _reach(shapes: Shapes, start: Named) -> list[Named]:
    """What a class needs, itself first, in the order in which a reader meets it."""
    reached: dict[Named, None] = {}
    ahead = [start]
    while ahead:
        named = ahead.pop()
        if named not in reached:
            reached[named] = None
            fields = shapes.types[named].fields if named in shapes.types else ()
            needed = [other for field in fields for other in annotated(field.annotation)]
            ahead += reversed(needed)
    return [*reached]


def _places(shapes: Shapes, kinds: dict[Named, Served]) -> dict[Named, str]:
    """The module of every class and alias. The order is that in which modules show them."""
    with_kinds = {named.package for named in kinds}
    owners: dict[Named, list[Named]] = {}
    for kind in kinds:
        for named in _reach(shapes, kind):
            owners.setdefault(named, []).append(kind)
    places: dict[Named, str] = {}
    for kind, served in kinds.items():
        places[kind] = places[_class(shapes, served.list_component)] = names.module_name(kind.name)
    for named, users in owners.items():
        alone = len(users) == 1 and users[0].package == named.package
        if named.package in with_kinds and named not in places:
            places[named] = names.module_name(users[0].name) if alone else _COMMON
    homes = _homes(shapes)
    for named in sorted([*shapes.types, *shapes.choices], key=lambda named: named.name):
        if named not in places:
            alone = named.package not in with_kinds
            places[named] = names.module_name(homes[named].name) if alone else _COMMON
    return places


def _homes(shapes: Shapes) -> dict[Named, Named]:
    """Which class shares its module with which enum: a class of its group that alone uses it."""
    users: dict[Named, set[Named]] = {}
    for user, type_ in shapes.types.items():
        for field in type_.fields:
            for named in annotated(field.annotation):
                users.setdefault(named, set()).add(user)
    homes = {named: named for named in [*shapes.types, *shapes.choices]}
    for choice in shapes.choices:
        alone = [user for user in users[choice] if user.package == choice.package]
        if len(users[choice]) == len(alone) == 1:
            homes[choice] = alone[0]
    return homes


def _package(
    name: str,
    document: Document,
    shapes: Shapes,
    kinds: dict[Named, Served],
    places: dict[Named, str],
) -> Package:
    members = [named for named in places if named.package == name]
    of_kinds = {named.name: places[named] for named in members if named in kinds}
    singles = {
        named.name: places[named] for named in members if named in shapes.types and not of_kinds
    }
    names.unclashed([*(of_kinds or singles).items(), ("shared types", _COMMON)], name)
    modules = sorted({places[named] for named in members})
    return Package(
        name=name,
        doc=Text(f"Types of {_title(name, document)}, each imported when it is first used."),
        modules=tuple(
            _module(module, [named for named in members if places[named] == module], shapes)
            for module in modules
        ),
    )


def _title(package: str, document: Document) -> str:
    for component in document.schemas:
        parts = names.split_component(component)
        if parts is not None and names.package_name(*parts[:2]) == package:
            return "/".join(parts[:2])
    return package


def _module(name: str, members: list[Named], shapes: Shapes) -> Module:
    types = [shapes.types[named] for named in members if named in shapes.types]
    choices = [shapes.choices[named] for named in members if named in shapes.choices]
    kind = next((type_.name for type_ in types if type_.kind), None)
    if kind is not None:
        doc = f"{kind}, its list, and the types that only it uses."
    elif name == _COMMON:
        doc = "Types that several kinds use, or none."
        types.sort(key=lambda type_: type_.name)
        choices.sort(key=lambda choice: choice.name)
    else:
        doc = f"{(types or choices)[0].name}."
    return Module(name=name, doc=Text(doc), choices=tuple(choices), types=tuple(types))


def _groups(shapes: Shapes, kinds: dict[Named, Served]) -> Iterator[Group]:
    for package in sorted({named.package for named in kinds}):
        served = {named: entry for named, entry in kinds.items() if named.package == package}
        versions = {(entry.kind.group, entry.kind.version) for entry in served.values()}
        if len(versions) > 1:
            raise names.NamingError(f"{sorted(versions)} would both be the package {package!r}")
        resources = [
            Resource(
                method=names.method_name(entry.kind.kind, entry.kind.plural),
                kind=entry.kind,
                object_class=named.name,
                list_class=_class(shapes, entry.list_component).name,
                doc=shapes.types[named].doc,
            )
            for named, entry in served.items()
        ]
        names.unclashed(((one.kind.kind, one.method) for one in resources), package)
        group, version = versions.pop()
        yield Group(
            package=package,
            client=names.client_name(package),
            api_version=f"{group}/{version}" if group else version,
            resources=tuple(sorted(resources, key=lambda resource: resource.method)),
        )
