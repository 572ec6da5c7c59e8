"""An applied configuration merged into what is stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, cast

from matrixinfer_client.testing.apiserver.ownership.atoms import (
    ABSENT,
    Atom,
    ListAtom,
    MapAtom,
    deduce,
)
from matrixinfer_client.testing.apiserver.ownership.walking import item_element

__all__ = ["merge"]


def merge(atom: Atom, old: Any, new: Any) -> Any:
    """The merged value: nothing is removed, and where both say something, `new` counts.

    One of the two may be `ABSENT`. The result shares parts with both.
    """
    if new is ABSENT:
        return old
    if old is ABSENT:
        return new
    # Of two different types the new one counts.
    atom = deduce(atom, new)
    if atom.map is not None and not atom.map.atomic:
        before, after = _fields(old), _fields(new)
        return _merge_fields(atom.map, before, after) if before or after else new
    if atom.map is None and not atom.scalar and atom.list is not None and not atom.list.atomic:
        items, others = _items(old), _items(new)
        return _Items(atom.list, items, others).merged() if items or others else new
    return new


def _fields(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _items(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()


def _merge_fields(atom: MapAtom, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for name, child in new.items():
        below = atom.below(name)
        if below is not None:
            result[name] = merge(below, old.get(name, ABSENT), child)
    return result


class _Items:
    """Two lists that become one, in the order of the applied list where that says something.

    Items which only the stored list has keep their place among their neighbours.
    """

    def __init__(self, atom: ListAtom, old: Sequence[Any], new: Sequence[Any]) -> None:
        self.atom = atom
        self.old = old
        self.old_elements = [item_element(atom, item) for item in old]
        self.new_elements = [item_element(atom, item) for item in new]
        self.before: dict[str, Any] = {}
        for element, item in zip(self.old_elements, old, strict=True):
            # What is stored twice is not merged with what is applied.
            self.before[element] = None if element in self.before else item
        self.after = dict(zip(self.new_elements, new, strict=True))
        self.shared = deque(element for element in self.new_elements if element in self.before)
        self.taken: set[str] = set()
        self.result: list[Any] = []

    def merged(self) -> list[Any]:
        """The merged list."""
        old, new = self.old_elements, self.new_elements
        i = j = 0
        while i < len(old) or j < len(new):
            if i < len(old) and j < len(new):
                if old[i] == new[j]:
                    self._take(new[j])
                    i, j = i + 1, j + 1
                    continue
                if self._comes_later(old[i]):
                    i += 1
                    continue
            if i < len(old):
                if old[i] not in self.after:
                    self.result.append(self.old[i])
                    i += 1
                    continue
                i += old[i] in self.taken
            if j < len(new):
                self._take(new[j])
                j += 1
        return self.result

    def _comes_later(self, element: str) -> bool:
        return element in self.after and bool(self.shared) and self.shared[0] != element

    def _take(self, element: str) -> None:
        self.taken.add(element)
        if self.shared and self.shared[0] == element:
            self.shared.popleft()
        old = self.before.get(element, ABSENT)
        self.result.append(merge(self.atom.items, old, self.after[element]))
