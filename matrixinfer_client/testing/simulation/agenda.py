"""What is to be done and when: a queue in which each piece of work stands once."""

from __future__ import annotations

import heapq
from typing import TypeAlias

from msgspec import Struct

__all__ = ["Agenda", "Entry", "Work"]

Work: TypeAlias = "tuple[str, str, str]"
"""The controller, and the namespace and name of the object that it is to look at."""


class Entry(Struct, frozen=True, order=True):
    """One piece of work. Those that are due at the same time keep their order."""

    due: float
    number: int
    work: Work
    background: bool
    """Whether it only repeats what failed before, so that nobody has to wait for it."""


class Agenda:
    """Work by the time at which it is due. Not safe to share between threads."""

    def __init__(self) -> None:
        self._heap: list[Entry] = []
        self._entries: dict[Work, Entry] = {}
        self._number = 0

    def put(self, work: Work, due: float, *, background: bool = False) -> None:
        """Add work; what is there already becomes due at the earlier of both times."""
        old = self._entries.get(work)
        if old is not None:
            background = background and old.background
            if old.due <= due:
                if old.background == background:
                    return
                due = old.due
        self._number += 1
        entry = Entry(due, self._number, work, background)
        self._entries[work] = entry
        heapq.heappush(self._heap, entry)

    def next(self) -> Entry | None:
        """What is due first."""
        while self._heap:
            entry = self._heap[0]
            if self._entries.get(entry.work) is entry:
                return entry
            # Replaced by one that is due earlier.
            heapq.heappop(self._heap)
        return None

    def take(self, entry: Entry) -> None:
        """Remove what `next` returned."""
        del self._entries[entry.work]

    def is_idle(self) -> bool:
        """Whether there is nothing but background work."""
        return all(entry.background for entry in self._entries.values())
