"""What differs between two typed values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import attrs

from matrixinfer_client.testing.apiserver.ownership.atoms import (
    ABSENT,
    Atom,
    ListAtom,
    MapAtom,
    deduce,
)
from matrixinfer_client.testing.apiserver.ownership.elements import field
from matrixinfer_client.testing.apiserver.ownership.fieldsets import FieldSet, Path
from matrixinfer_client.testing.apiserver.ownership.walking import group_items

__all__ = ["Comparison", "compare", "is_equal"]


@attrs.define(slots=True)
class Comparison:
    """The fields that are new, changed and gone; none is in two of the sets."""

    added: FieldSet = attrs.field(factory=FieldSet)
    modified: FieldSet = attrs.field(factory=FieldSet)
    removed: FieldSet = attrs.field(factory=FieldSet)

    def without(self, fields: FieldSet) -> Comparison:
        """The same without some fields and all that is below them."""
        return Comparison(
            self.added.without(fields),
            self.modified.without(fields),
            self.removed.without(fields),
        )


def compare(atom: Atom, old: Any, new: Any) -> Comparison:
    """What became of `old`; both are there, and may be null.

    Unlike an applier, who sets a value owns it with all that is around it and new.
    """
    result = Comparison()
    _compare(atom, old, new, (), result)
    return result


def is_equal(old: Any, new: Any) -> bool:
    """Whether two JSON values are the same; 1 and 1.0 are, 1 and true are not."""
    if isinstance(old, dict):
        return isinstance(new, dict) and _are_fields_equal(
            cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        )
    if isinstance(old, list):
        items = cast("Sequence[Any]", old)
        others = cast("Sequence[Any]", new if isinstance(new, list) else ())
        return (
            isinstance(new, list)
            and len(items) == len(others)
            and all(map(is_equal, items, others))
        )
    return bool(old == new) and isinstance(old, bool) == isinstance(new, bool)


def _are_fields_equal(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return old.keys() == new.keys() and all(
        is_equal(child, new[name]) for name, child in old.items()
    )


def _compare(atom: Atom, old: Any, new: Any, path: Path, result: Comparison) -> None:
    if old is new:
        return
    before, after = deduce(atom, old), deduce(atom, new)
    if before is not after:
        _compare_as(before, old, new, path, result)
    _compare_as(after, old, new, path, result)


def _compare_as(atom: Atom, old: Any, new: Any, path: Path, result: Comparison) -> None:
    if atom.map is not None and not atom.map.atomic:
        before, after = _fields(old), _fields(new)
        if before or after:
            _compare_maps(atom.map, before, after, path, result)
            return
    elif atom.map is None and not atom.scalar and atom.list is not None and not atom.list.atomic:
        items, others = _items(old), _items(new)
        if items or others:
            _compare_lists(atom.list, items, others, path, result)
            return
    if not is_equal(old, new):
        result.modified.insert(path)


def _fields(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _items(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()


def _compare_maps(
    atom: MapAtom, old: dict[str, Any], new: dict[str, Any], path: Path, result: Comparison
) -> None:
    for name, child in new.items():
        below = atom.below(name)
        if below is None:
            continue
        before = old.get(name, ABSENT)
        if before is child:
            continue
        if before is ABSENT:
            result.added.insert((*path, field(name)), _whole(below, child))
        elif not below.is_scalar:
            _compare(below, before, child, (*path, field(name)), result)
        elif not is_equal(before, child):
            result.modified.insert((*path, field(name)))
    for name in old.keys() - new.keys():
        below = atom.below(name)
        if below is not None:
            result.removed.insert((*path, field(name)), _whole(below, old[name]))


def _compare_lists(
    atom: ListAtom, old: Sequence[Any], new: Sequence[Any], path: Path, result: Comparison
) -> None:
    before, after = group_items(atom, old), group_items(atom, new)
    for element in before | after:
        place = (*path, element)
        olds, news = before.get(element, []), after.get(element, [])
        if len(olds) == len(news) == 1:
            _compare(atom.items, olds[0], news[0], place, result)
            continue
        if len(olds) > 1 and len(news) > 1:
            if not is_equal(olds, news):
                result.modified.insert(place)
            continue
        # What comes twice has no fields of its own: it is told as a whole.
        if olds:
            result.removed.insert(place, _whole(atom.items, olds[0]) if len(olds) == 1 else None)
        if news:
            result.added.insert(place, _whole(atom.items, news[0]) if len(news) == 1 else None)


def _whole(atom: Atom, value: Any) -> FieldSet | None:
    """All that is below a value which only one side has; None below a leaf."""
    atom = deduce(atom, value)
    if atom.map is not None:
        if atom.map.atomic or not isinstance(value, dict) or not value:
            return None
        return _whole_map(atom.map, cast("dict[str, Any]", value))
    if atom.scalar or atom.list is None or atom.list.atomic or not isinstance(value, list):
        return None
    result = FieldSet()
    for element, items in group_items(atom.list, cast("Sequence[Any]", value)).items():
        result.members.add(element)
        below = _whole(atom.list.items, items[0]) if len(items) == 1 else None
        if below:
            result.children[element] = below
    return result


def _whole_map(atom: MapAtom, value: dict[str, Any]) -> FieldSet:
    result = FieldSet()
    for name, child in value.items():
        known = atom.below(name)
        if known is None:
            continue
        element = field(name)
        result.members.add(element)
        if not known.is_scalar:
            below = _whole(known, child)
            if below:
                result.children[element] = below
    return result
