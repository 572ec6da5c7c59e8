"""From typed values to sets of fields, and what is wrong with a value's types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from matrixinfer_client.testing.apiserver.ownership.atoms import Atom, ListAtom, MapAtom, deduce
from matrixinfer_client.testing.apiserver.ownership.conflicts import TypedError
from matrixinfer_client.testing.apiserver.ownership.elements import field, key, value
from matrixinfer_client.testing.apiserver.ownership.fieldsets import FieldSet

__all__ = ["field_set", "group_items", "item_element"]


def item_element(atom: ListAtom, item: Any) -> str:
    """The element of an item of a list that is not atomic; `TypedError` if it can have none."""
    if not atom.keys:
        return _value_element(item)
    if item is None:
        raise TypedError("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise TypedError("associative list with keys may not have non-map elements")
    fields = cast("dict[str, Any]", item)
    pairs = [(name, fields[name]) for name in atom.names if name in fields]
    if len(pairs) < len(atom.names) and atom.defaults:
        known = {**atom.defaults, **dict(pairs)}
        pairs = [(name, known[name]) for name in atom.names if name in known]
    if not pairs:
        listed = " ".join(f'"{name}"' for name in atom.keys)
        raise TypedError(
            f"associative list with keys has an element that omits all key fields [{listed}] "
            "(and doesn't have default values for any key fields)"
        )
    return key(pairs)


def _value_element(item: Any) -> str:
    if isinstance(item, dict):
        raise TypedError("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise TypedError("not supported: associative list with lists as elements")
    if item is None:
        raise TypedError("associative list without keys has an element that's an explicit null")
    return value(item)


def group_items(atom: ListAtom, items: Sequence[Any]) -> dict[str, list[Any]]:
    """The items by their element, in the order in which the elements come first."""
    groups: dict[str, list[Any]] = {}
    for item in items:
        groups.setdefault(item_element(atom, item), []).append(item)
    return groups


def field_set(atom: Atom, whole: Any) -> FieldSet:
    """The fields that a value sets: what its applier owns.

    A field of the schema that has others below it is none of them; an entry of a map or an item
    of a list is.
    """
    result = FieldSet()
    _fill(atom, whole, result)
    return result


def _fill(atom: Atom, given: Any, into: FieldSet) -> bool:
    """Add what is below a value; the result says whether the value is a leaf itself."""
    atom = deduce(atom, given)
    if atom.map is not None:
        if not atom.map.atomic and isinstance(given, dict):
            _fill_map(atom.map, cast("dict[str, Any]", given), into)
            return not given
        return atom.map.atomic or given is None
    if atom.scalar or atom.list is None or atom.list.atomic:
        return True
    if isinstance(given, list):
        _fill_list(atom.list, cast("Sequence[Any]", given), into)
    return given is None


def _fill_map(atom: MapAtom, given: dict[str, Any], into: FieldSet) -> None:
    declared, others = atom.fields, atom.others
    for name, child in given.items():
        known = declared.get(name)
        below = known or others
        element = field(name)
        if below is None:
            continue
        if below.is_scalar:
            into.members.add(element)
            continue
        node = FieldSet()
        if _fill(below, child, node) or known is None:
            into.members.add(element)
        if node:
            into.children[element] = node


def _fill_list(atom: ListAtom, given: Sequence[Any], into: FieldSet) -> None:
    for element, items in group_items(atom, given).items():
        into.members.add(element)
        if len(items) == 1:
            node = FieldSet()
            _fill(atom.items, items[0], node)
            if node:
                into.children[element] = node
