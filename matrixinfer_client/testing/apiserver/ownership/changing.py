"""Who owns what after a write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matrixinfer_client.testing.apiserver.ownership.atoms import Atom
from matrixinfer_client.testing.apiserver.ownership.comparing import Comparison, compare
from matrixinfer_client.testing.apiserver.ownership.conflicts import TypedError
from matrixinfer_client.testing.apiserver.ownership.fieldsets import FieldSet
from matrixinfer_client.testing.apiserver.ownership.managers import Entry, Identity, Managers, cap
from matrixinfer_client.testing.apiserver.ownership.pruning import reconcile

__all__ = ["changes", "give_up", "reconciled", "stripped", "take", "without_reset"]

# What every write sets and nobody owns.
_STRIPPED = FieldSet(
    {"f:apiVersion", "f:kind", "f:metadata"},
    {
        "f:metadata": FieldSet(
            {
                "f:clusterName",
                "f:creationTimestamp",
                "f:generation",
                "f:managedFields",
                "f:name",
                "f:namespace",
                "f:resourceVersion",
                "f:selfLink",
                "f:uid",
            }
        )
    },
)
# What a write to one part of an object cannot change. Labels and the like cannot be written
# through the status either, but the server counts them as owned nevertheless.
_RESET = {"": FieldSet({"f:status"}), "status": FieldSet({"f:spec"})}


def take(
    atom: Atom,
    live: Mapping[str, Any],
    new: Mapping[str, Any],
    managers: Managers,
    *,
    identity: Identity,
    api_version: str,
    now: str,
) -> Managers:
    """The managers after `identity` has written `new` over `live`.

    Raises `TypedError` when the two cannot be compared.
    """
    if any(entry.api_version != api_version for entry in managers.values()):
        raise TypedError(f"managedFields has an entry of another version than {api_version}")
    changed = changes(atom, live, new, identity.subresource)
    taken = changed.added.union(changed.modified)
    result = give_up(reconciled(atom, managers), taken.union(changed.removed))
    own = stripped(taken)
    if own:
        previous = result.get(identity)
        fields = own if previous is None else own.union(previous.fields)
        result[identity] = Entry(fields, api_version, now)
    cap(result)
    return result


def changes(
    atom: Atom, live: Mapping[str, Any], new: Mapping[str, Any], subresource: str
) -> Comparison:
    """What differs, without what cannot be written through the subresource."""
    found = compare(atom, live, new)
    reset = _RESET.get(subresource)
    return found if reset is None else found.without(reset)


def without_reset(fields: FieldSet, subresource: str) -> FieldSet:
    """The set without what cannot be written through the subresource."""
    reset = _RESET.get(subresource)
    return fields if reset is None else fields.without(reset)


def give_up(managers: Managers, lost: FieldSet) -> Managers:
    """The managers without some fields; entries without any go."""
    result: Managers = {}
    for identity, entry in managers.items():
        fields = entry.fields.difference(lost) if lost else entry.fields
        if fields:
            result[identity] = Entry(fields, entry.api_version, entry.time)
    return result


def reconciled(atom: Atom, managers: Managers) -> Managers:
    """The managers with sets that fit the schema."""
    return {
        identity: Entry(reconcile(atom, entry.fields), entry.api_version, entry.time)
        for identity, entry in managers.items()
    }


def stripped(fields: FieldSet) -> FieldSet:
    """The set without what nobody owns."""
    return fields.difference(_STRIPPED)
