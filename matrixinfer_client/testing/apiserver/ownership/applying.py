"""Server-side apply: a manager says all that it wants, and owns that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, cast

import attrs

from matrixinfer_client.testing.apiserver.ownership.atoms import Atom, root_atom
from matrixinfer_client.testing.apiserver.ownership.changing import (
    changes,
    give_up,
    reconciled,
    stripped,
    take,
    without_reset,
)
from matrixinfer_client.testing.apiserver.ownership.comparing import is_equal
from matrixinfer_client.testing.apiserver.ownership.conflicts import (
    ApplyConflictError,
    Conflict,
    TypedError,
)
from matrixinfer_client.testing.apiserver.ownership.entries import (
    keep_times,
    managed_fields,
    with_managers,
)
from matrixinfer_client.testing.apiserver.ownership.fieldsets import FieldSet, Path, render_path
from matrixinfer_client.testing.apiserver.ownership.lastapplied import (
    KUBECTL,
    applied_fields,
    renewed,
)
from matrixinfer_client.testing.apiserver.ownership.managers import (
    Entry,
    Identity,
    Managers,
    decode,
    identify,
)
from matrixinfer_client.testing.apiserver.ownership.merging import merge
from matrixinfer_client.testing.apiserver.ownership.pruning import prune
from matrixinfer_client.testing.apiserver.ownership.typechecks import check_types
from matrixinfer_client.testing.apiserver.ownership.walking import field_set
from matrixinfer_client.validation.schemas import Schema

__all__ = ["apply"]

_BEFORE = "before-first-apply"

_Rows: TypeAlias = list[tuple[Identity, Path]]
"""Fields in conflict, each with its owner."""


def apply(
    schema: Schema | None,
    live: Mapping[str, Any] | None,
    config: Mapping[str, Any],
    *,
    manager: str,
    force: bool,
    api_version: str,
    kind: str | None = None,
    subresource: str = "",
    now: str,
) -> dict[str, Any]:
    """The object of a server-side apply, merged and with the `managedFields` that it gets.

    What this manager applied before and does not apply any more is removed, unless another one
    owns it too. `config` comes as it was sent, without pruning and defaults. The server does what
    follows with the result: it fills in defaults, sets what may not be written to what is stored,
    and checks the object, in which a null stays a null until it is stored (`spec.owner: null` is
    not valid, and a list whose items are all removed but which somebody owns is null). Then comes
    `keep_times`, and at last the nulls go that stand for absence.

    The result is a new object that shares parts with `live` and `config`. An apply that changes
    nothing returns an object which is equal to `live`, times included.

    Args:
        schema: The root of the kind's schema; None for a kind without one.
        live: The stored object with its `managedFields`; None to create one.
        config: What the manager wants.
        manager: The field manager.
        force: Whether fields of other managers are taken over.
        api_version: `group/version` of the request.
        kind: The kind of the resource; None if it is known to be that of `config`.
        subresource: `status`, `scale`, or empty.
        now: The time in RFC 3339, in UTC and to the second (`2025-08-01T10:00:00Z`).

    Raises:
        ApplyConflictError: Others own what would change, and `force` is not set.
        TypedError: `config` does not fit the schema, or is no object of this kind.
    """
    _check_identity(config, api_version, kind or str(config.get("kind") or ""))
    atom = root_atom(schema)
    stored = _bare(live, config)
    managers = decode(managed_fields(live)) or {}
    if not managers:
        before = identify(_BEFORE, "Update", api_version, subresource)
        managers = take(atom, {}, stored, {}, identity=before, api_version=api_version, now=now)
    _check_config(atom, config)
    request = _Request(
        atom=atom,
        stored=stored,
        config=config,
        managers=reconciled(atom, managers),
        identity=identify(manager, "Apply", api_version, subresource),
        api_version=api_version,
        now=now,
    )
    return keep_times(live, request.carried_out(force=force))


@attrs.frozen(kw_only=True)
class _Request:
    """One apply, with all that it depends on."""

    atom: Atom
    stored: Mapping[str, Any]
    config: Mapping[str, Any]
    managers: Managers
    identity: Identity
    api_version: str
    now: str

    def carried_out(self, *, force: bool) -> dict[str, Any]:
        """The new object."""
        wanted = without_reset(field_set(self.atom, self.config), self.identity.subresource)
        last = self.managers.get(self.identity)
        time = None if last is None else last.time
        claimed = {**self.managers, self.identity: Entry(wanted, self.api_version, time)}
        merged = self._merged(claimed, FieldSet() if last is None else last.fields)
        changed = changes(self.atom, self.stored, merged, self.identity.subresource)
        taken = changed.added.union(changed.modified)
        self._refuse(_conflicts(self._others(claimed), taken), force=force)
        result = give_up(self._others(claimed), taken.union(changed.removed))
        own = stripped(wanted)
        if own:
            is_changed = not is_equal(self.stored, merged)
            result[self.identity] = Entry(own, self.api_version, self.now if is_changed else time)
        if self.identity.manager == KUBECTL:
            merged = renewed(merged, self.config)
        return with_managers(merged, result)

    def _merged(self, claimed: Managers, last: FieldSet) -> dict[str, Any]:
        merged = merge(self.atom, self.stored, self.config)
        owned = FieldSet()
        for entry in claimed.values():
            owned = owned.union(entry.fields)
        return cast("dict[str, Any]", prune(self.atom, merged, last, owned))

    def _others(self, managers: Managers) -> Managers:
        return {
            identity: entry for identity, entry in managers.items() if identity != self.identity
        }

    def _refuse(self, rows: _Rows, *, force: bool) -> None:
        if rows and self.identity.manager == KUBECTL:
            forgiven = applied_fields(self.atom, self.stored, self.api_version)
            rows = [(identity, path) for identity, path in rows if path not in forgiven]
        if rows and not force:
            raise ApplyConflictError(_told(self.managers, rows))


def _conflicts(managers: Managers, taken: FieldSet) -> _Rows:
    return [
        (identity, path)
        for identity in sorted(managers, key=lambda identity: identity.rank)
        for path in managers[identity].fields.intersection(taken)
    ]


def _told(managers: Managers, rows: _Rows) -> Iterable[Conflict]:
    for identity, path in rows:
        yield Conflict(
            manager=identity.manager,
            path=render_path(path),
            operation=identity.operation,
            api_version=managers[identity].api_version,
            subresource=identity.subresource,
            time=managers[identity].time,
        )


def _bare(live: Mapping[str, Any] | None, config: Mapping[str, Any]) -> dict[str, Any]:
    if live is None:
        return {name: config[name] for name in ("apiVersion", "kind")}
    return with_managers(live, {})


def _check_identity(config: Mapping[str, Any], api_version: str, kind: str) -> None:
    if (config.get("apiVersion"), config.get("kind")) != (api_version, kind):
        message = f"invalid object type: {_type_of(config)}"
        raise TypedError(message, status=400, reason="BadRequest")


def _type_of(config: Mapping[str, Any]) -> str:
    version, kind = str(config.get("apiVersion") or ""), str(config.get("kind") or "")
    if version.count("/") > 1:
        return "/, Kind="
    return f"{version if '/' in version else '/' + version}, Kind={kind}"


def _check_config(atom: Atom, config: Mapping[str, Any]) -> None:
    if managed_fields(config) is not None:
        message = "metadata.managedFields must be nil"
        raise TypedError(message, status=400, reason="BadRequest")
    try:
        check_types(atom, config)
    except TypedError as error:
        where = f"{_text(config, 'namespace')}/{_text(config, 'name')}; {_type_of(config)}"
        message = f"failed to create typed patch object ({where}): {error.message}"
        raise TypedError(message) from None


def _text(config: Mapping[str, Any], name: str) -> str:
    metadata = config.get("metadata")
    found = cast("dict[str, Any]", metadata).get(name) if isinstance(metadata, dict) else ""
    return found if isinstance(found, str) else ""
