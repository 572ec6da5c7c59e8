"""What an informer keeps: the objects that exist, found by name, label and index.

What is handed out is always a copy whose sections are decoded when they are read, so that callers
may keep and change it, and an object nobody reads costs no more than its JSON.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast

import attrs

from matrixinfer_client import codec
from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.labels import matcher
from matrixinfer_client.models import ApiObject
from matrixinfer_client.sections import peek_section
from matrixinfer_client.stream import Key, Record, fresh
from matrixinfer_client.targets import Selector

__all__ = ["IndexFunction", "Notice", "Store", "Transform", "without_managed_fields"]

T = TypeVar("T", bound=ApiObject)

IndexFunction: TypeAlias = "Callable[[T], Iterable[str]]"
Transform: TypeAlias = "Callable[[T], T | None]"


def without_managed_fields(obj: T) -> T:
    """A transform that drops `metadata.managedFields`: often half of an object, rarely read."""
    metadata: Any = obj.metadata
    metadata.managed_fields = None
    return obj


@attrs.define(slots=True, eq=False)
class Notice(Generic[T]):
    """Something that handlers are to be told: `old` is None for an addition, `new` for an end."""

    kind: Literal["add", "update", "delete"]
    old: Record[T] | None
    new: Record[T] | None


class _Index(Generic[T]):
    """Which objects have which values."""

    def __init__(self, function: IndexFunction[T]) -> None:
        self._function = function
        self._keys: dict[str, dict[Key, None]] = {}
        self._values: dict[Key, Collection[str]] = {}

    def put(self, key: Key, record: Record[T]) -> None:
        self.drop(key)
        values = set(self._function(fresh(record)))
        self._values[key] = values
        for value in values:
            self._keys.setdefault(value, {})[key] = None

    def drop(self, key: Key) -> None:
        for value in self._values.pop(key, ()):
            keys = self._keys[value]
            del keys[key]
            if not keys:
                del self._keys[value]

    def keys(self, value: str) -> list[Key]:
        return list(self._keys.get(value, ()))

    def values(self) -> list[str]:
        return sorted(self._keys)


class Store(Generic[T]):
    """The objects of one resource by key, with indexes. Safe to use from any thread.

    `notify` is called with every change while the store is locked, so that no handler that joins
    meanwhile misses one or gets one twice. `report` gets the errors of transforms and indexes,
    which cost the object its transformation or its index entries, never its place in the store.
    """

    def __init__(
        self,
        indexers: Mapping[str, IndexFunction[T]],
        transform: Transform[T] | None,
        notify: Callable[[Notice[T]], None],
        report: Callable[[Exception], None],
    ) -> None:
        self.lock = threading.RLock()
        self._records: dict[Key, Record[T]] = {}
        self._indexes = {name: _Index(function) for name, function in indexers.items()}
        self._transform = transform
        self._notify = notify
        self._report = report

    def get(self, key: Key, /) -> Record[T] | None:
        """The record of an object."""
        return self._records.get(key)

    def keys(self) -> list[Key]:
        """The keys of all objects."""
        with self.lock:
            return list(self._records)

    def records(self) -> list[Record[T]]:
        """All records."""
        with self.lock:
            return list(self._records.values())

    def put(self, key: Key, record: Record[T]) -> Record[T]:
        """Add or replace an object."""
        record = self._transformed(record)
        with self.lock:
            old = self._records.get(key)
            self._records[key] = record
            for index in self._indexes.values():
                try:
                    index.put(key, record)
                except Exception as error:  # noqa: BLE001 - whatever the user's function raises
                    self._report(error)
            self._notify(Notice("add" if old is None else "update", old, record))
        return record

    def drop(self, key: Key, last: Record[T]) -> None:
        """Remove an object, which was last seen as `last`."""
        with self.lock:
            known = self._records.pop(key)
            for index in self._indexes.values():
                index.drop(key)
            last = known if last is known else self._transformed(last)
            self._notify(Notice("delete", last, None))

    def select(
        self, namespace: str | None = None, label_selector: Selector | None = None
    ) -> list[T]:
        """Copies of the objects in a namespace (None: in all) with certain labels."""
        matches = None if label_selector is None else matcher(label_selector)
        with self.lock:
            found = [
                record
                for key, record in self._records.items()
                if namespace is None or key[0] == namespace
            ]
        return [
            fresh(record) for record in found if matches is None or matches(_labels(record.object))
        ]

    def indexed(self, name: str, value: str) -> list[T]:
        """Copies of the objects with a value in an index."""
        with self.lock:
            keys = self._index(name).keys(value)
            found = [self._records[key] for key in keys]
        return [fresh(record) for record in found]

    def index_values(self, name: str) -> list[str]:
        """The values that an index has, sorted."""
        with self.lock:
            return self._index(name).values()

    def __len__(self) -> int:
        return len(self._records)

    def _index(self, name: str) -> _Index[T]:
        index = self._indexes.get(name)
        if index is None:
            known = ", ".join(map(repr, self._indexes)) or "none"
            raise InvalidArgumentError(f"the informer has no index {name!r} (it has: {known})")
        return index

    def _transformed(self, record: Record[T]) -> Record[T]:
        if self._transform is None:
            return record
        try:
            obj = fresh(record)
            changed = self._transform(obj) or obj
            # Through JSON, because the user's function may have kept what it returned.
            text = codec.encode(changed)
            return Record(codec.decode(type(record.object), text), record.uid, record.version)
        except Exception as error:  # noqa: BLE001 - whatever the user's function raises
            self._report(error)
            return record


def _labels(obj: ApiObject) -> Mapping[str, str]:
    # Without keeping what was decoded: looking through a store must not make it grow.
    metadata: Any = peek_section(obj, "metadata")
    labels: object = getattr(metadata, "labels", None)
    return cast("Mapping[str, str]", labels) if isinstance(labels, Mapping) else {}
