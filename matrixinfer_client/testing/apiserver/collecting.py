"""What a cluster's own controllers do after a change: garbage collection, namespaces, nodes.

In a cluster they need some time; here all is done before the next request is looked at, so that
tests need not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from matrixinfer_client.testing.apiserver.admitting import NAMESPACES
from matrixinfer_client.testing.apiserver.catalog import catalog
from matrixinfer_client.testing.apiserver.deleteoptions import DeleteOptions
from matrixinfer_client.testing.apiserver.deleting import FOREGROUND, ORPHAN, finish, remove
from matrixinfer_client.testing.apiserver.headers import versioned
from matrixinfer_client.testing.apiserver.quotas import recount
from matrixinfer_client.testing.apiserver.routing import Ask
from matrixinfer_client.testing.apiserver.state import State
from matrixinfer_client.testing.apiserver.storage import Change, Key, TypeKey
from matrixinfer_client.testing.exchange import Call

__all__ = ["Collector"]

_TYPES: Final = {each.key: each for each in catalog().types}


class Collector:
    """Notes what changed, and carries out what follows from it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._pending: list[tuple[TypeKey, Change]] = []
        self._counted: set[str] = set()
        self._busy = False
        state.storage.observer = self._note

    def _note(self, table: TypeKey, change: Change) -> None:
        metadata = change.after["metadata"]
        self._counted.add(change.key[0])
        if (
            change.type == "DELETED"
            or "deletionTimestamp" in metadata
            or "ownerReferences" in metadata
        ):
            self._pending.append((table, change))

    def run(self) -> None:
        """Do all that is due, and what follows from that."""
        if self._busy or not self._state.garbage_collection:
            self._pending.clear()
            self._counted.clear()
            return
        self._busy = True
        try:
            while self._pending:
                table, change = self._pending.pop(0)
                self._follow(table, change)
            for namespace in sorted(self._counted - {""}):
                recount(self._state, namespace)
            self._counted.clear()
        finally:
            self._busy = False

    def _follow(self, table: TypeKey, change: Change) -> None:
        uid = change.after["metadata"]["uid"]
        if change.type == "DELETED":
            for dependent in self._state.storage.dependents(uid):
                self._orphaned(dependent)
            self._recheck_owners(change.after)
            self._recheck_namespace(change.key[0])
            return
        place = self._state.storage.places.get(uid)
        if place is None:
            return
        if "deletionTimestamp" in change.after["metadata"]:
            self._deleting(table, change.key)
        elif change.type == "ADDED":
            self._orphaned(place)

    def _orphaned(self, place: tuple[TypeKey, Key]) -> None:
        """Delete an object none of whose owners exists; forget owners that do not."""
        obj = self._state.storage.get(*place)
        if obj is None:
            return
        owners = obj["metadata"].get("ownerReferences", ())
        alive = [owner for owner in owners if owner["uid"] in self._state.storage.places]
        if not alive:
            self._delete(place)
        elif len(alive) < len(owners):
            self._own(place, obj, alive)

    def _deleting(self, table: TypeKey, key: Key) -> None:
        obj = self._state.storage.get(table, key)
        if obj is None:
            return
        if table == NAMESPACES:
            self._empty_namespace(key[1])
            return
        finalizers = obj["metadata"].get("finalizers", ())
        if ORPHAN in finalizers:
            self._release(obj)
            self._without(table, key, ORPHAN)
        elif FOREGROUND in finalizers:
            self._delete_blocking(obj)
            if not any(self._blocking(obj)):
                self._without(table, key, FOREGROUND)
        elif table == ("", "pods") and not finalizers and not self._state.has_nodes:
            # Nobody plays the node, so the containers end at once.
            finish(self._state, table, key)

    def _release(self, owner: Mapping[str, Any]) -> None:
        uid = owner["metadata"]["uid"]
        for place in self._state.storage.dependents(uid):
            obj = self._state.storage.get(*place)
            if obj is not None:
                owners = obj["metadata"]["ownerReferences"]
                self._own(place, obj, [each for each in owners if each["uid"] != uid])

    def _delete_blocking(self, owner: Mapping[str, Any]) -> None:
        for place in list(self._blocking(owner)):
            obj = self._state.storage.get(*place)
            if obj is not None and "deletionTimestamp" not in obj["metadata"]:
                self._delete(place, "Foreground")

    def _blocking(self, owner: Mapping[str, Any]) -> Iterator[tuple[TypeKey, Key]]:
        uid = owner["metadata"]["uid"]
        for place in self._state.storage.dependents(uid):
            obj = self._state.storage.get(*place)
            owners = () if obj is None else obj["metadata"]["ownerReferences"]
            if any(each["uid"] == uid and each.get("blockOwnerDeletion") for each in owners):
                yield place

    def _recheck_owners(self, removed: Mapping[str, Any]) -> None:
        for owner in removed["metadata"].get("ownerReferences", ()):
            place = self._state.storage.places.get(owner["uid"])
            obj = None if place is None else self._state.storage.get(*place)
            if place is not None and obj is not None and "deletionTimestamp" in obj["metadata"]:
                self._deleting(*place)

    def _recheck_namespace(self, name: str) -> None:
        namespace = self._state.storage.get(NAMESPACES, ("", name)) if name else None
        if namespace is not None and "deletionTimestamp" in namespace["metadata"]:
            self._end_namespace(name)

    def _empty_namespace(self, name: str) -> None:
        for table, _ in list(self._state.storage.tables()):
            for obj in list(self._state.storage.objects(table, name)):
                self._delete((table, (name, obj["metadata"]["name"])))
        self._end_namespace(name)

    def _end_namespace(self, name: str) -> None:
        storage = self._state.storage
        namespace = storage.get(NAMESPACES, ("", name))
        if namespace is None or any(
            next(iter(storage.objects(table, name)), None) for table, _ in storage.tables()
        ):
            return
        others = [each for each in namespace["spec"].get("finalizers", ()) if each != "kubernetes"]
        if not others and not namespace["metadata"].get("finalizers"):
            finish(self._state, NAMESPACES, ("", name))

    def _without(self, table: TypeKey, key: Key, finalizer: str) -> None:
        """Take a finalizer away; the object goes with the last one."""
        obj = self._state.storage.get(table, key)
        if obj is None:
            return
        left = [each for each in obj["metadata"]["finalizers"] if each != finalizer]
        if not left:
            finish(self._state, table, key)
            return
        metadata = {**obj["metadata"], "finalizers": left}
        self._put((table, key), {**obj, "metadata": metadata})

    def _own(self, place: tuple[TypeKey, Key], obj: Mapping[str, Any], owners: list[Any]) -> None:
        metadata = {**obj["metadata"], "ownerReferences": owners}
        if not owners:
            del metadata["ownerReferences"]
        self._put(place, {**obj, "metadata": metadata})

    def _put(self, place: tuple[TypeKey, Key], obj: Mapping[str, Any]) -> None:
        self._state.storage.put(*place, versioned(obj, self._state.storage.next_version()))

    def _delete(self, place: tuple[TypeKey, Key], policy: str | None = None) -> None:
        table, (namespace, name) = place
        call = Call(method="DELETE", path="")
        kind = _TYPES[table]
        ask = Ask(call=call, type=kind, verb="delete", namespace=namespace, name=name)
        if self._state.storage.get(*place) is not None:
            remove(self._state, ask, DeleteOptions(propagation_policy=policy))
