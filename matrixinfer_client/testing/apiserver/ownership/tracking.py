"""Creates, updates and patches: whoever changes a value owns it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matrixinfer_client.testing.apiserver.ownership.atoms import root_atom
from matrixinfer_client.testing.apiserver.ownership.changing import take
from matrixinfer_client.testing.apiserver.ownership.conflicts import TypedError
from matrixinfer_client.testing.apiserver.ownership.entries import (
    keep_times,
    managed_fields,
    with_managers,
)
from matrixinfer_client.testing.apiserver.ownership.managers import Managers, decode, identify
from matrixinfer_client.validation.schemas import Schema

__all__ = ["track"]


def track(
    schema: Schema | None,
    live: Mapping[str, Any] | None,
    new: Mapping[str, Any],
    *,
    manager: str,
    api_version: str,
    subresource: str = "",
    now: str,
) -> dict[str, Any]:
    """The object of a create, an update or a patch, with the `managedFields` that it gets.

    The server does this with the decoded object: after pruning and the defaults of the schema;
    before webhooks, before what may not be written is set to what is stored (the status, or
    everything but the status), and before the new `generation`. `keep_times` comes when all that
    is done; without it a write that only seemed to change something gets a new time.

    The result is a new object, whose parts but the metadata are those of `new`.

    Args:
        schema: The root of the kind's schema; None for a kind without one.
        live: The stored object, with its `managedFields`; None for a create.
        new: What is to be stored. Its own `managedFields` replace those of `live`, unless there
            are none, or one of them is not valid, or the write is to a subresource. `[{}]` ends
            the tracking, which then only an apply begins again; without a schema `[]` does so too.
        manager: The field manager; empty for one that says nothing of itself (`unknown`).
        api_version: `group/version` of the request.
        subresource: `status`, `scale`, or empty.
        now: The time in RFC 3339, in UTC and to the second (`2025-08-01T10:00:00Z`).
    """
    bare = with_managers(new, {})
    managers = {} if _is_reset(schema, new, subresource) else _given(live, new, subresource)
    if live is not None and not managers:
        return bare
    identity = identify(manager, "Update", api_version, subresource)
    try:
        updated = take(
            root_atom(schema),
            _before(schema, live, new),
            bare,
            managers,
            identity=identity,
            api_version=api_version,
            now=now,
        )
    except TypedError:
        # Whether an object of other types than the schema's is valid is decided elsewhere; nobody
        # can own what is in it.
        return bare
    return keep_times(live, with_managers(bare, updated))


def _before(
    schema: Schema | None, live: Mapping[str, Any] | None, new: Mapping[str, Any]
) -> dict[str, Any]:
    if live is not None:
        return with_managers(live, {})
    # A new object of a kind that is compiled into the server has its sections from the start.
    return {} if schema is not None else {name: {} for name in ("spec", "status") if name in new}


def _is_reset(schema: Schema | None, new: Mapping[str, Any], subresource: str) -> bool:
    given = managed_fields(new)
    # The empty list of a custom resource is lost when its metadata is decoded.
    return not subresource and (given == [{}] or (given == [] and schema is None))


def _given(live: Mapping[str, Any] | None, new: Mapping[str, Any], subresource: str) -> Managers:
    """The managers before the write, in which the client may have a say."""
    if not subresource:
        managers = decode(managed_fields(new))
        if managers:
            return managers
    return decode(managed_fields(live)) or {}
