"""Makes a sequence that shows a difference as short as possible."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs

from tests.fake.fuzz.operations import Operation

__all__ = ["shrunk"]

StillDiffers = Callable[[Sequence[Operation]], bool]
"""Whether the last of these operations still shows the difference."""


def shrunk(
    operations: Sequence[Operation], still_differs: StillDiffers, *, budget: int = 250
) -> list[Operation]:
    """The shortest sequence found with so many tries; its last operation is the same one."""
    search = _Search(still_differs, budget)
    last = operations[-1]
    # Mostly it takes the object alone, or its resource.
    for near in (_about(operations, last.path, 0), _about(operations, last.path, 1)):
        if search.holds(near):
            operations = near
            break
    kept = _fewer_operations(list(operations), search)
    return _smaller_bodies(kept, search)


def _about(operations: Sequence[Operation], path: str, levels: int) -> list[Operation]:
    """Those on the same object, or so many levels above it; POST is on the level above."""
    place = path.removesuffix("/status")
    for _ in range(levels):
        place = place.rpartition("/")[0]
    above = place.rpartition("/")[0]
    return [
        each
        for each in operations
        if each.path.startswith(place) or (each.method == "POST" and each.path == above)
    ]


@attrs.define
class _Search:
    still_differs: StillDiffers
    budget: int

    def holds(self, operations: Sequence[Operation]) -> bool:
        """Try, as long as there is budget."""
        if self.budget <= 0:
            return False
        self.budget -= 1
        return self.still_differs(operations)


def _fewer_operations(operations: list[Operation], search: _Search) -> list[Operation]:
    """Drop halves, quarters and so on, down to single ones, as long as the difference stays."""
    size = max(1, (len(operations) - 1) // 2)
    while True:
        start = 0
        while start < len(operations) - 1:
            end = min(start + size, len(operations) - 1)
            candidate = operations[:start] + operations[end:]
            if search.holds(candidate):
                operations = candidate
            else:
                start = end
        if size == 1:
            return operations
        size = max(1, size // 2)


def _smaller_bodies(operations: list[Operation], search: _Search) -> list[Operation]:
    for index in range(len(operations) - 1, -1, -1):
        for name in ("query", "headers"):
            value = getattr(operations[index], name)
            for part in list(value):
                less: Any = (
                    tuple(each for each in value if each != part)
                    if name == "query"
                    else {key: text for key, text in value.items() if key != part}
                )
                candidate = _with(operations, index, **{name: less})
                if search.holds(candidate):
                    operations, value = candidate, less
        body = _structure(operations[index].body)
        if body is None:
            continue
        operations = _smaller_body(operations, index, body, search)
    return operations


def _smaller_body(
    operations: list[Operation], index: int, body: Any, search: _Search
) -> list[Operation]:
    as_text = isinstance(operations[index].body, str)
    progress = True
    while progress:
        progress = False
        for less in _less(body):
            candidate = _with(operations, index, body=json.dumps(less) if as_text else less)
            if search.holds(candidate):
                operations, body, progress = candidate, less, True
                break
    return operations


def _with(operations: list[Operation], index: int, **changes: Any) -> list[Operation]:
    changed = attrs.evolve(operations[index], **changes)
    return [*operations[:index], changed, *operations[index + 1 :]]


def _structure(body: Any) -> Any:
    """The body as JSON, if it is that; also when it is sent as a text."""
    if isinstance(body, str) and re.match(r"\s*[\[{]", body):
        try:
            found = json.loads(body)
        except ValueError:
            return None
        # A key that comes twice would be lost.
        return found if json.dumps(found) == body else None
    return body if isinstance(body, dict | list) else None


def _less(body: Any) -> Iterator[Any]:
    """The body without one of its parts, the outer ones first."""
    places = sorted(_places(body, ()), key=len)
    for place in places:
        less = copy.deepcopy(body)
        container = less
        for key in place[:-1]:
            container = container[key]
        del container[place[-1]]
        yield less


def _places(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        items: Any = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for key, item in items:
        yield (*place, key)
        yield from _places(item, (*place, key))
