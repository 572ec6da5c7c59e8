"""Sets of fields, as `metadata.managedFields` has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, cast

import attrs

from matrixinfer_client.testing.apiserver.ownership.elements import (
    MEMBER,
    ElementError,
    canonical,
    order,
    render,
)

__all__ = ["FieldSet", "Path", "render_path"]

Path: TypeAlias = tuple[str, ...]
"""The elements from the root to a field."""


@attrs.define(slots=True)
class FieldSet:
    """A set of field paths: one node of a tree, with the members directly below it.

    A field can be a member, have members below it, or both: who owns `spec.backends` owns that
    there is such a list, and perhaps none of its items. No operation changes its operands, and
    results share parts with them; only what was built with `insert` and belongs to nobody else yet
    may be changed. A child is never empty.

    Attributes: `members` and `children`, both by path element (`f:name`, `k:{"name":"a"}` …).
    """

    members: set[str] = attrs.field(factory=set[str])
    children: dict[str, FieldSet] = attrs.field(factory=dict[str, "FieldSet"])

    @classmethod
    def from_fields_v1(cls, fields: Any) -> FieldSet:
        """Read `fieldsV1`; elements of an unknown kind are left out, as in the server.

        Raises `ValueError` for what is no set of fields.
        """
        result = cls()
        for text, below in _mapping(fields).items():
            # Most elements are fields, which are written in one way only.
            element = text if text[:2] == "f:" else _element(text)
            if element is None:
                continue
            if below == {}:
                result.members.add(element)
                continue
            child = cls.from_fields_v1(below)
            if child:
                result.children[element] = child
            if not child or MEMBER in below:
                result.members.add(element)
        return result

    def to_fields_v1(self) -> dict[str, Any]:
        """The value of `fieldsV1`, its keys sorted as the server sends them."""
        result: dict[str, Any] = {}
        members, children = self.members, self.children
        for element in sorted(members | children.keys()) if children else sorted(members):
            child = children.get(element)
            if child is None:
                result[element] = {}
            elif element in members:
                result[element] = {MEMBER: {}, **child.to_fields_v1()}
            else:
                result[element] = child.to_fields_v1()
        return result

    def __bool__(self) -> bool:
        return bool(self.members or self.children)

    def __contains__(self, path: Path) -> bool:
        if not path:
            return False
        if len(path) == 1:
            return path[0] in self.members
        child = self.children.get(path[0])
        return child is not None and path[1:] in child

    def __len__(self) -> int:
        return len(self.members) + sum(map(len, self.children.values()))

    def __iter__(self) -> Iterator[Path]:
        """The paths, in the order in which the server tells conflicts."""
        return _paths(self, ())

    def insert(self, path: Path, below: FieldSet | None = None) -> None:
        """Add one path, with what is `below` it; the root is no member of any set."""
        if not path:
            return
        node = self
        for element in path[:-1]:
            found = node.children.get(element)
            if found is None:
                found = node.children[element] = FieldSet()
            node = found
        node.members.add(path[-1])
        if below:
            found = node.children.get(path[-1])
            node.children[path[-1]] = below if found is None else found.union(below)

    def union(self, other: FieldSet) -> FieldSet:
        """What is in one of the two."""
        if not other:
            return self
        if not self:
            return other
        children = {**self.children, **other.children}
        for element in self.children.keys() & other.children.keys():
            children[element] = self.children[element].union(other.children[element])
        return FieldSet(self.members | other.members, children)

    def intersection(self, other: FieldSet) -> FieldSet:
        """What is in both."""
        children: dict[str, FieldSet] = {}
        for element in self.children.keys() & other.children.keys():
            common = self.children[element].intersection(other.children[element])
            if common:
                children[element] = common
        return FieldSet(self.members & other.members, children)

    def difference(self, other: FieldSet) -> FieldSet:
        """What is in this one only; what is below a member of `other` stays."""
        children = dict(self.children)
        for element in self.children.keys() & other.children.keys():
            _put(children, element, self.children[element].difference(other.children[element]))
        return FieldSet(self.members - other.members, children)

    def without(self, other: FieldSet) -> FieldSet:
        """What is in this one only and is not below a member of `other` either."""
        children = {
            element: child
            for element, child in self.children.items()
            if element not in other.members
        }
        for element in children.keys() & other.children.keys():
            _put(children, element, children[element].without(other.children[element]))
        return FieldSet(self.members - other.members, children)


def render_path(path: Path) -> str:
    """A path of a stored set as the server prints it: `.spec.backends[name="b1"].type`."""
    return "".join(render(element, stored=True) for element in path)


def _element(text: str) -> str | None:
    return None if text == MEMBER else canonical(text)


def _paths(node: FieldSet, prefix: Path) -> Iterator[Path]:
    for element in sorted(node.members, key=order):
        yield (*prefix, element)
    for element in sorted(node.children, key=order):
        yield from _paths(node.children[element], (*prefix, element))


def _put(children: dict[str, FieldSet], element: str, child: FieldSet) -> None:
    if child:
        children[element] = child
    else:
        del children[element]


def _mapping(fields: Any) -> Mapping[str, Any]:
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise ElementError(f"fieldsV1 is made of objects only, and not of {type(fields).__name__}")
    return cast("Mapping[str, Any]", fields)
