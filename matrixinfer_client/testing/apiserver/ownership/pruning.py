"""The removal of what a manager applied before and does not apply any more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from matrixinfer_client.testing.apiserver.ownership.atoms import Atom, ListAtom, MapAtom, deduce
from matrixinfer_client.testing.apiserver.ownership.elements import field
from matrixinfer_client.testing.apiserver.ownership.fieldsets import FieldSet, Path
from matrixinfer_client.testing.apiserver.ownership.walking import field_set, item_element

__all__ = ["prune", "reconcile"]

_NOTHING = Atom()


def prune(atom: Atom, merged: Any, before: FieldSet, owned: FieldSet) -> Any:
    """The merged object without the fields that were applied and are not wanted any more.

    Args:
        atom: The type of the object.
        merged: The object with the new configuration in it.
        before: What the manager applied last.
        owned: What all managers own now, this one with its new configuration.
    """
    if not before:
        return merged
    last = _with_named(atom, before)
    everything = _with_named(atom, field_set(atom, merged))
    kept = _fields_left(atom, merged, last)
    # Back comes what anybody owns, with what is around it …
    kept = _fields_left(atom, merged, everything.difference(kept.union(_with_named(atom, owned))))
    # … and what this manager never owned, although nobody else does.
    return _remove(atom, merged, everything.difference(kept).intersection(last))


def _fields_left(atom: Atom, merged: Any, gone: FieldSet) -> FieldSet:
    return _with_named(atom, field_set(atom, _remove(atom, merged, gone)))


def _with_named(atom: Atom | None, fields: FieldSet) -> FieldSet:
    """The set with all fields of the schema that have members below them."""
    atom = atom or _NOTHING
    declared = {} if atom.map is None else atom.map.fields
    named = {element for element in fields.children if element[2:] in declared}
    children = {
        element: _with_named(_below(atom, element), child)
        for element, child in fields.children.items()
    }
    return FieldSet(fields.members | named, children)


def _below(atom: Atom, element: str) -> Atom | None:
    if element[0] == "f" and atom.map is not None:
        return atom.map.below(element[2:])
    return atom.list.items if element[0] == "k" and atom.list is not None else None


def _remove(atom: Atom, value: Any, gone: FieldSet) -> Any:
    """The value without some fields; null when nothing is left."""
    if not gone:
        return value
    atom = deduce(atom, value)
    if atom.map is not None:
        if atom.map.atomic or not isinstance(value, dict):
            return None
        return _remove_fields(atom.map, cast("dict[str, Any]", value), gone) or None
    if atom.scalar:
        return value
    if atom.list is None or atom.list.atomic or not isinstance(value, list):
        return None
    return _remove_items(atom.list, cast("Sequence[Any]", value), gone) or None


def _remove_fields(atom: MapAtom, value: dict[str, Any], gone: FieldSet) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, child in value.items():
        element = field(name)
        if element in gone.members:
            continue
        below, known = gone.children.get(element), atom.below(name)
        result[name] = child if below is None or known is None else _remove(known, child, below)
    return result


def _remove_items(atom: ListAtom, items: Sequence[Any], gone: FieldSet) -> list[Any]:
    result: list[Any] = []
    for item in items:
        element = item_element(atom, item)
        if element in gone.members:
            continue
        below = gone.children.get(element)
        result.append(item if below is None else _remove(atom.items, item, below))
    return result


def reconcile(atom: Atom, fields: FieldSet) -> FieldSet:
    """The set with nothing below what is atomic; a client may have said otherwise."""
    whole: list[Path] = []
    _find_atomic(atom, fields, (), whole)
    if not whole:
        return fields
    paths = FieldSet()
    for path in whole:
        paths.insert(path)
    return fields.without(paths).union(paths)


def _find_atomic(atom: Atom, fields: FieldSet, path: Path, whole: list[Path]) -> None:
    if atom.map is not None:
        if _is_open(atom.map):
            # What no schema describes is never atomic for the server.
            return
        if atom.map.atomic:
            whole.append(path)
            return
    elif atom.scalar or atom.list is None:
        return
    elif atom.list.atomic:
        whole.append(path)
        return
    for element, child in fields.children.items():
        below = _below(atom, element)
        if below is not None:
            _find_atomic(below, child, (*path, element), whole)


def _is_open(atom: MapAtom) -> bool:
    others = atom.others
    if atom.fields or others is None or others.scalar != "untyped":
        return False
    return others.map is None or not others.map.atomic
