"""What the controllers know of one resource, and how they write to it.

An informer says what happened, but a moment later. So that nobody acts on what he has changed
himself meanwhile, the answers to own writes count at once; whichever is newer is what is known.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from matrixinfer_client.errors import ConflictError, NotFoundError
from matrixinfer_client.stream import number
from matrixinfer_client.targets import Preconditions
from matrixinfer_client.testing.simulation.plainly import (
    Key,
    Plain,
    key_of,
    owner_uids,
    version_of,
)

if TYPE_CHECKING:
    from matrixinfer_client.models import ApiObject
    from matrixinfer_client.names import NamespaceArg
    from matrixinfer_client.resources import Resource

__all__ = ["Change", "Holdings", "Open"]

Open: TypeAlias = "Callable[[NamespaceArg], Resource[Any, Any]]"
Change: TypeAlias = "Callable[[Plain | None, Plain | None], None]"
"""Gets an object before and after a change; None before its creation and after its end."""


class Holdings:
    """The objects of one resource. For one thread, except for `informer`."""

    def __init__(self, open_: Open, scope: NamespaceArg) -> None:
        self.resource = open_(scope)
        self._open = open_
        self._places: dict[str, Resource[Any, Any]] = {}
        self._objects: dict[Key, Plain] = {}
        self._owned: dict[str, dict[Key, None]] = {}
        # Deleted by own hand, while events from before that may still come.
        self._gone: set[str] = set()
        self._listeners: list[Change] = []

    def listen(self, listener: Change) -> None:
        """Call a function with every change."""
        self._listeners.append(listener)

    def get(self, key: Key) -> Plain | None:
        """An object; not to be changed."""
        return self._objects.get(key)

    def all(self) -> Sequence[Plain]:
        """All objects by namespace and name."""
        return [self._objects[key] for key in sorted(self._objects)]

    def owned_by(self, uid: str) -> Sequence[Plain]:
        """The objects with an owner, by namespace and name."""
        return [self._objects[key] for key in sorted(self._owned.get(uid, ()))]

    # What comes from the informer.

    def hear(self, obj: ApiObject, *, deleted: bool) -> None:
        """Take notice of an event."""
        if deleted:
            self._gone.discard(obj.uid or "")
            self._drop((obj.namespace or "", obj.name), obj.uid or "")
            return
        known = self._objects.get((obj.namespace or "", obj.name))
        # Mostly the echo of an own write, which is not worth decoding.
        if known is None or version_of(known) != (obj.uid, obj.resource_version):
            self._keep(obj.to_dict())

    def knows_of(self, keys: Iterable[tuple[str | None, str]]) -> bool:
        """Whether objects of these keys have been heard of, or of their end."""
        return all((namespace or "", name) in self._objects for namespace, name in keys)

    def is_in_step(self) -> bool:
        """Whether what is known is what the server has; asks the server."""
        there = {
            (item.namespace or "", item.name): (item.uid or "", item.resource_version or "")
            for item in self.resource.iterate()
        }
        return there == {key: version_of(obj) for key, obj in self._objects.items()}

    # Writing.

    def create(self, body: Plain, manager: str) -> Plain:
        """Create an object."""
        place = self._place(key_of(body)[0])
        return self._keep(place.create(body, field_manager=manager).to_dict())

    def update(self, body: Plain, manager: str) -> Plain:
        """Replace an object."""
        with self._informed(body):
            place = self._place(key_of(body)[0])
            return self._keep(place.update(body, field_manager=manager).to_dict())

    def update_status(self, obj: Plain, status: Plain, manager: str) -> Plain:
        """Replace the status of an object as it is known."""
        body = {**obj, "status": status}
        with self._informed(obj):
            place = self._place(key_of(obj)[0])
            return self._keep(place.update_status(body, field_manager=manager).to_dict())

    def delete(self, obj: Plain, *, grace_period_seconds: int | None = None) -> None:
        """Delete an object, unless it is another one by now."""
        namespace, name = key_of(obj)
        uid = version_of(obj)[0]
        with contextlib.suppress(ConflictError):
            self._place(namespace).delete(
                name,
                grace_period_seconds=grace_period_seconds,
                preconditions=Preconditions(uid=uid),
                ignore_not_found=True,
            )
        self.refresh((namespace, name), uid)

    @contextlib.contextmanager
    def _informed(self, obj: Plain) -> Generator[None]:
        """Look, after a refusal, at what another writer did, before the next attempt."""
        try:
            yield
        except (ConflictError, NotFoundError):
            known = self.get(key_of(obj))
            if known is not None:
                self.refresh(key_of(obj), version_of(known)[0])
            raise

    def refresh(self, key: Key, uid: str) -> None:
        """Read an object again, which may be gone."""
        try:
            found: Any = self._place(key[0]).get(key[1])
        except NotFoundError:
            self._lose(key, uid)
            return
        if found.uid != uid:
            self._lose(key, uid)
        self._keep(found.to_dict())

    # What is known.

    def _keep(self, obj: Plain) -> Plain:
        key, uid = key_of(obj), version_of(obj)[0]
        old = self._objects.get(key)
        if uid in self._gone or (old is not None and not _is_newer(obj, old)):
            return obj
        if old is not None and version_of(old)[0] != uid:
            self._drop(key, version_of(old)[0])
            old = None
        self._objects[key] = obj
        _index(self._owned, old, obj, key)
        self._tell(old, obj)
        return obj

    def _lose(self, key: Key, uid: str) -> None:
        if key in self._objects:
            self._gone.add(uid)
            self._drop(key, uid)

    def _drop(self, key: Key, uid: str) -> None:
        old = self._objects.get(key)
        if old is not None and version_of(old)[0] == uid:
            del self._objects[key]
            _index(self._owned, old, None, key)
            self._tell(old, None)

    def _tell(self, old: Plain | None, new: Plain | None) -> None:
        for listener in self._listeners:
            listener(old, new)

    def _place(self, namespace: str) -> Resource[Any, Any]:
        place = self._places.get(namespace)
        if place is None:
            place = self._places[namespace] = self._open(namespace)
        return place


def _is_newer(obj: Plain, old: Plain) -> bool:
    new_version, old_version = number(version_of(obj)[1]), number(version_of(old)[1])
    if new_version is None or old_version is None:
        return version_of(obj) != version_of(old)
    return new_version > old_version


def _index(
    owned: dict[str, dict[Key, None]], old: Plain | None, new: Plain | None, key: Key
) -> None:
    before: Iterable[str] = () if old is None else owner_uids(old)
    after = () if new is None else owner_uids(new)
    for uid in before:
        if uid not in after and uid in owned:
            owned[uid].pop(key, None)
            if not owned[uid]:
                del owned[uid]
    for uid in after:
        owned.setdefault(uid, {})[key] = None
