"""What the fake API server keeps: objects, their versions, and how they came to be.

Stored objects are never changed, only replaced, so they may be handed around freely as long as
nobody writes into them. One counter gives every change a version, as etcd's revision does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, overload

import attrs

__all__ = ["Change", "ChangeType", "Key", "Storage", "TypeKey", "VersionGoneError", "list_order"]

TypeKey: TypeAlias = tuple[str, str]
"""API group and plural."""

Key: TypeAlias = tuple[str, str]
"""Namespace (empty for what is in none) and name."""

ChangeType: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED"]

_FIRST_VERSION: Final = 100
# As many changes as a real API server's watch cache keeps of a busy resource.
_MOST_CHANGES: Final = 100_000


def list_order(key: Key) -> str:
    """By what lists are sorted: the path in etcd, in which a dash comes before the slash."""
    return f"{key[0]}/{key[1]}"


class VersionGoneError(Exception):
    """The history does not reach back to a version any more."""


@attrs.frozen
class Change:
    """One change: the object before and after it. `after` of a deletion has its version."""

    version: int
    type: ChangeType
    key: Key
    before: dict[str, Any] | None
    after: dict[str, Any]


@attrs.frozen
class _Order:
    """Keys, sorted by path."""

    keys: Sequence[Key]
    paths: Sequence[str]

    @classmethod
    def of(cls, keys: Iterable[Key]) -> _Order:
        """Sort keys."""
        pairs = sorted((list_order(key), key) for key in keys)
        return cls([key for _, key in pairs], [path for path, _ in pairs])

    def within(self, namespace: str, start: str) -> Sequence[Key]:
        """Those in a namespace, or in all, whose paths are not before `start`."""
        first = bisect_left(self.paths, max(start, f"{namespace}/" if namespace else ""))
        # The character after the slash is the first that no path in the namespace has there.
        last = bisect_left(self.paths, f"{namespace}0") if namespace else len(self.paths)
        return self.keys[first:last]


class _Chosen(Sequence[dict[str, Any]]):
    """Objects by their keys, looked up as they are used."""

    def __init__(self, objects: Mapping[Key, dict[str, Any]], keys: Sequence[Key]) -> None:
        self._objects = objects
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | Sequence[dict[str, Any]]:
        if isinstance(index, slice):
            return _Chosen(self._objects, self._keys[index])
        return self._objects[self._keys[index]]


@attrs.define
class _Table:
    """The objects of one resource, and its recent changes, oldest first."""

    objects: dict[Key, dict[str, Any]] = attrs.field(factory=dict[Key, "dict[str, Any]"])
    order: _Order | None = None
    changes: deque[Change] = attrs.field(factory=deque[Change])
    watchers: list[Callable[[Change], None]] = attrs.field(factory=list[Callable[[Change], None]])
    oldest: int = 0
    """The oldest version from which all changes are still known."""


class Storage:
    """Objects by resource and key. Not locked: its owner lets in one thread at a time."""

    def __init__(self, *, history: int = _MOST_CHANGES) -> None:
        self.version: int = _FIRST_VERSION
        """The version of the newest change."""
        self.places: dict[str, tuple[TypeKey, Key]] = {}
        """Where each object is, by its UID."""
        self._dependents: dict[str, set[tuple[TypeKey, Key]]] = {}
        self.observer: Callable[[TypeKey, Change], None] = _ignore
        """Called with every change, before the watchers are."""
        self._history = history
        self._tables: dict[TypeKey, _Table] = {}
        self._forgotten = 0

    def get(self, table: TypeKey, key: Key) -> dict[str, Any] | None:
        """The object, or None."""
        found = self._tables.get(table)
        return None if found is None else found.objects.get(key)

    def objects(self, table: TypeKey, namespace: str = "") -> Iterator[dict[str, Any]]:
        """The objects of a resource, in a namespace or in all, sorted by key."""
        found = self._tables.get(table)
        if found is not None:
            yield from _Chosen(found.objects, self._order(found).within(namespace, ""))

    def objects_at(
        self, table: TypeKey, version: int, namespace: str = "", start: str = ""
    ) -> Sequence[dict[str, Any]]:
        """The objects as they were at a version, from a path on. Raises `VersionGoneError`.

        The sequence is good until the next change.
        """
        found = self._table(table)
        if version < max(found.oldest, self._forgotten):
            raise VersionGoneError
        if not found.changes or found.changes[-1].version <= version:
            return _Chosen(found.objects, self._order(found).within(namespace, start))
        state = dict(found.objects)
        for change in reversed(found.changes):
            if change.version <= version:
                break
            if change.before is None:
                state.pop(change.key, None)
            else:
                state[change.key] = change.before
        return _Chosen(state, _Order.of(state).within(namespace, start))

    def tables(self) -> Iterator[tuple[TypeKey, int]]:
        """The resources that have objects, with their number."""
        for key, table in self._tables.items():
            if table.objects:
                yield key, len(table.objects)

    def dependents(self, uid: str) -> Sequence[tuple[TypeKey, Key]]:
        """Where the objects are that name this UID as an owner, in a stable order."""
        return sorted(self._dependents.get(uid, ()))

    def next_version(self) -> str:
        """The version that the next change gets, as `metadata.resourceVersion` has it."""
        return str(self.version + 1)

    def put(self, table: TypeKey, key: Key, obj: dict[str, Any]) -> None:
        """Add or replace an object, which has the `next_version` in its metadata."""
        found = self._table(table)
        before = found.objects.get(key)
        if before is None:
            found.order = None
        found.objects[key] = obj
        self._index((table, key), before, obj)
        kind: ChangeType = "ADDED" if before is None else "MODIFIED"
        self._note(table, found, Change(self.version + 1, kind, key, before, obj))

    def remove(self, table: TypeKey, key: Key, last: dict[str, Any]) -> None:
        """Remove an object; `last` is its last state, with the `next_version`."""
        found = self._table(table)
        before = found.objects.pop(key)
        found.order = None
        self._index((table, key), before, None)
        self._note(table, found, Change(self.version + 1, "DELETED", key, before, last))

    def changes_since(self, table: TypeKey, version: int) -> Sequence[Change]:
        """The changes after a version, oldest first. Raises `VersionGoneError`."""
        found = self._table(table)
        if version < max(found.oldest, self._forgotten):
            raise VersionGoneError
        newer: list[Change] = []
        for change in reversed(found.changes):
            if change.version <= version:
                break
            newer.append(change)
        return newer[::-1]

    def watch(self, table: TypeKey, watcher: Callable[[Change], None]) -> Callable[[], None]:
        """Have a function called with every change from now on; returns what ends that."""
        watchers = self._table(table).watchers
        watchers.append(watcher)

        def end() -> None:
            if watcher in watchers:
                watchers.remove(watcher)

        return end

    def forget(self) -> None:
        """Forget all history: only the present version is known from now on."""
        for table in self._tables.values():
            table.changes.clear()
        self._forgotten = self.version

    def _table(self, key: TypeKey) -> _Table:
        found = self._tables.get(key)
        if found is None:
            found = self._tables[key] = _Table()
        return found

    def _index(
        self,
        place: tuple[TypeKey, Key],
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
    ) -> None:
        if before is None and after is not None:
            self.places[after["metadata"]["uid"]] = place
        elif before is not None and after is None:
            del self.places[before["metadata"]["uid"]]
        was, now = _owner_uids(before), _owner_uids(after)
        for uid in was - now:
            self._dependents[uid].discard(place)
        for uid in now - was:
            self._dependents.setdefault(uid, set()).add(place)

    @staticmethod
    def _order(table: _Table) -> _Order:
        if table.order is None:
            table.order = _Order.of(table.objects)
        return table.order

    def _note(self, name: TypeKey, table: _Table, change: Change) -> None:
        self.version = change.version
        table.changes.append(change)
        if len(table.changes) > self._history:
            table.oldest = table.changes.popleft().version
        self.observer(name, change)
        for watcher in tuple(table.watchers):
            watcher(change)


def _ignore(table: TypeKey, change: Change) -> None:
    """Stand in for an observer."""


def _owner_uids(obj: dict[str, Any] | None) -> set[str]:
    owners = () if obj is None else obj["metadata"].get("ownerReferences", ())
    return {owner["uid"] for owner in owners}
