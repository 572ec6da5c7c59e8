"""What a watch knows: how far it has come, and which state it has handed out.

A view outlives the connections that fill it. Whatever interrupts a watch, everything up to
`resource_version` has been handed out and nothing after it, and `memory` is the state that was
handed out; so a new connection, or a new list, can tell exactly what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import attrs

from matrixinfer_client.errors import ExpiredError
from matrixinfer_client.models import ApiObject
from matrixinfer_client.pacing import WatchPolicy, WatchStatistics
from matrixinfer_client.requests import list_query
from matrixinfer_client.stream import Key, Record, noted, number

if TYPE_CHECKING:
    from matrixinfer_client.targets import ListOptions, Target

__all__ = ["Change", "EventType", "HistoryGapError", "Memory", "Remembered", "View"]

T = TypeVar("T", bound=ApiObject)

EventType: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED"]


class HistoryGapError(Exception):
    """What the server sends does not follow from what is known; only a list can mend that."""


@attrs.define(slots=True, eq=False)
class Change(Generic[T]):
    """One change. `record` is the object after it, of a deletion its last state."""

    type: EventType
    record: Record[T]
    synthetic: bool
    """True when it was found by comparing, not sent as an event."""


class Memory(Protocol[T]):
    """Where a view keeps the objects it has handed out."""

    def get(self, key: Key, /) -> Record[T] | None:
        """The record of an object that exists."""
        ...

    def keys(self) -> Iterable[Key]:
        """The keys of all objects that exist."""
        ...

    def put(self, key: Key, record: Record[T]) -> Record[T]:
        """Remember an object; the result is what is remembered, and handed out."""
        ...

    def drop(self, key: Key, last: Record[T]) -> None:
        """Forget an object, which was last seen as `last`."""
        ...


class Remembered(dict[Key, Record[T]]):
    """The memory of a plain watch."""

    def put(self, key: Key, record: Record[T]) -> Record[T]:
        """Remember an object."""
        self[key] = record
        return record

    def drop(self, key: Key, last: Record[T]) -> None:
        """Forget an object."""
        del last, self[key]


class View(Generic[T]):
    """The state of one watch between, during and after its connections."""

    def __init__(
        self,
        target: Target[T, Any],
        options: ListOptions,
        policy: WatchPolicy,
        memory: Memory[T] | None,
    ) -> None:
        # A bad selector is the caller's mistake and is reported where it was made.
        list_query(options)
        target.collection_path()
        # Both mean what leaving the version out means: start with all objects there are.
        start = options.resource_version
        start = None if start in ("", "0") else start
        self.target = target
        self.options = attrs.evolve(options, resource_version=None)
        self.policy = policy
        # Of what was before `resource_version` nothing is known, so there is nothing to compare.
        self.memory = memory if start is None else None
        self.statistics = WatchStatistics()
        self.resource_version = start
        self.stale = start is None
        self.streaming = policy.streaming_lists
        self._position = number(start)
        self._listed = False

    def take(self, kind: EventType, obj: T) -> Change[T] | None:
        """Accept an event of the stream; None when it has been handed out before.

        Raises `HistoryGapError` when an event before it must have been lost.
        """
        key, record = noted(obj)
        version = number(record.version)
        old = None if self.memory is None else self.memory.get(key)
        if kind == "DELETED":
            if self._is_repeated_deletion(record, version, old):
                self.statistics.duplicates += 1
                return None
            if self.memory is not None:
                self.memory.drop(key, record)
        elif self._is_past(version) or (old is not None and old.version == record.version):
            self.statistics.duplicates += 1
            return None
        elif self.memory is not None:
            if old is not None and old.uid != record.uid:
                raise HistoryGapError("an object was created anew without having been deleted")
            # Against what was handed out, not by the server's word: a selector's view differs.
            kind = "ADDED" if old is None else "MODIFIED"
            record = self.memory.put(key, record)
        self._advance(record.version, version)
        self.statistics.events += 1
        return Change(kind, record, synthetic=False)

    def bookmark(self, version: str | None) -> None:
        """Accept a bookmark; raises like `check`."""
        self.statistics.bookmarks += 1
        self.check(version)
        self._advance(version, number(version))

    def check(self, version: str | None) -> None:
        """Raise `HistoryGapError` when the server is not as far as what is known.

        It then has another history than the one seen so far, such as that of a restored backup.
        Without memory that is the end of the watch: `ExpiredError`.
        """
        reached = number(version)
        if reached is not None and self._position is not None and reached < self._position:
            text = f"the server went back from version {self.resource_version} to {version}"
            if self.memory is None:
                raise ExpiredError(text, status_code=410, reason="Expired")
            raise HistoryGapError(text)

    def expire(self) -> bool:
        """Note that the history is gone; False when there is nothing to compare a list with."""
        if self.memory is None:
            return False
        self.stale = True
        return True

    def noted(self, obj: T) -> tuple[Key, Record[T]]:
        """Key and record of an object of a new state; the record that is known if it is the same.

        So that comparing two large states does not need memory for both.
        """
        key, record = noted(obj)
        known = None if self.memory is None else self.memory.get(key)
        if known is not None and (known.uid, known.version) == (record.uid, record.version):
            return key, known
        return key, record

    def differences(
        self, state: Mapping[Key, Record[T]], version: str | None
    ) -> Iterable[Change[T]]:
        """What leads from what is known to the state of a version.

        Deletions come first, with the last known state; then the rest in order of versions.

        Each is noted as handed out when it is taken, so that a comparison that is interrupted can
        be repeated.
        """
        memory = self.memory
        if memory is None:
            raise AssertionError("a view without memory never compares")
        if self._listed:
            self.statistics.relists += 1
            self.statistics.gaps.append((self.resource_version, version))
        for key in list(memory.keys()):
            old, new = memory.get(key), state.get(key)
            if old is not None and (new is None or new.uid != old.uid):
                memory.drop(key, old)
                yield self._found("DELETED", old)
        for key, record in sorted(state.items(), key=lambda item: number(item[1].version) or 0):
            old = memory.get(key)
            if old is None or old.version != record.version:
                kind: EventType = "ADDED" if old is None else "MODIFIED"
                yield self._found(kind, memory.put(key, record))

    def settle(self, version: str | None) -> None:
        """Note that what is known is the state of `version`."""
        self.resource_version, self._position = version, number(version)
        self.stale, self._listed = False, True

    def _found(self, kind: EventType, record: Record[T]) -> Change[T]:
        self.statistics.events += 1
        self.statistics.coalesced += self._listed
        return Change(kind, record, synthetic=True)

    def _is_past(self, version: int | None) -> bool:
        return version is not None and self._position is not None and version <= self._position

    def _is_repeated_deletion(
        self, record: Record[T], version: int | None, old: Record[T] | None
    ) -> bool:
        if self.memory is None:
            return self._is_past(version)
        if old is None or old.uid != record.uid:
            return True
        # Some servers send a deletion with the version of the change before it, so that only an
        # older one is a repetition (of an object that left a selector's view and came back).
        known = number(old.version)
        return version is not None and known is not None and version < known

    def _advance(self, version: str | None, position: int | None) -> None:
        if version is None or (position is not None and self._is_past(position)):
            return
        self.resource_version, self._position = version, position
