"""Writing: create, update, patch and apply, in the steps and the order of the API server."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from matrixinfer_client.looks import mapping
from matrixinfer_client.testing.apiserver.admitting import mutate, validate
from matrixinfer_client.testing.apiserver.authorizing import authorize
from matrixinfer_client.testing.apiserver.corekinds import prepare_core
from matrixinfer_client.testing.apiserver.decoding import check_size, check_target, invalid_object
from matrixinfer_client.testing.apiserver.deleting import finish
from matrixinfer_client.testing.apiserver.headers import (
    carry_over,
    drop_repeated_owners,
    initialize,
    versioned,
)
from matrixinfer_client.testing.apiserver.jsontext import as_stored, is_stored
from matrixinfer_client.testing.apiserver.options import WriteOptions, write_options
from matrixinfer_client.testing.apiserver.ownership import (
    ApplyConflictError,
    TypedError,
    apply,
    keep_times,
    track,
)
from matrixinfer_client.testing.apiserver.patching import (
    CUSTOM_PATCH_TYPES,
    JSON_PATCH,
    STRATEGIC_MERGE_PATCH,
    decode_patch,
    json_patch,
    merge_patch,
    patched_object,
    strategic_merge_patch,
)
from matrixinfer_client.testing.apiserver.preconditions import (
    check_uid,
    check_version,
    forget_version,
    refuse_uid,
)
from matrixinfer_client.testing.apiserver.quotas import charge
from matrixinfer_client.testing.apiserver.receiving import (
    completed,
    configured,
    received,
    repatched,
    schema_of,
)
from matrixinfer_client.testing.apiserver.refusals import (
    Refusal,
    already_exists,
    apply_conflict,
    bad_request,
    generate_name_conflict,
    media_type_not_served,
    unclassified,
    unsupported_media_type,
)
from matrixinfer_client.testing.apiserver.routing import Ask, check_place
from matrixinfer_client.testing.apiserver.state import State
from matrixinfer_client.testing.apiserver.validating import finalizer_warnings, object_errors
from matrixinfer_client.validation.correlation import is_same
from matrixinfer_client.validation.results import FieldError

__all__ = ["Outcome", "create", "patch", "update"]

_APPLY_PATCH: Final = "application/apply-patch+yaml"
_GIVEN: Final = ("creationTimestamp", "generation", "namespace", "resourceVersion", "uid")
_TRIES: Final = 8
_VERSION_GIVEN: Final = "resourceVersion should not be set on objects to be created"


@attrs.frozen
class Outcome:
    """What a write answers."""

    obj: Mapping[str, Any]
    status: int = 200


def create(state: State, ask: Ask) -> Outcome:
    """Store a new object."""
    options = write_options(ask.call, "CreateOptions")
    obj = received(ask, options, name=None)
    initialize(state, obj["metadata"])
    named = ask.named(obj["metadata"].get("name", ""))
    return _stored_new(state, named, _owned(state, ask, None, obj, options), options)


def update(state: State, ask: Ask) -> Outcome:
    """Replace an object, or its status."""
    check_place(ask)
    options = write_options(ask.call, "UpdateOptions")
    obj = received(ask, options, name=ask.name)
    if ask.kind.kind == "Event" and state.storage.get(ask.table, ask.key) is None:
        # Whoever reports an event need not know whether it was reported before.
        check_uid(ask, obj["metadata"], None, dry_run=options.dry_run)
        forget_version(obj["metadata"], dry_run=options.dry_run)
        initialize(state, obj["metadata"])
        return _stored_new(state, ask, _owned(state, ask, None, obj, options), options)
    old = _existing(state, ask)
    check_uid(ask, obj["metadata"], old, dry_run=options.dry_run)
    return _replaced(state, ask, _owned(state, ask, old, obj, options), old, options)


def patch(state: State, ask: Ask) -> Outcome:
    """Change an object by a patch of one of the four types."""
    kind = ask.call.headers.get("content-type", "").split(";")[0].strip()
    if ask.type.custom and kind not in CUSTOM_PATCH_TYPES:
        raise unsupported_media_type(CUSTOM_PATCH_TYPES)
    if kind not in (*CUSTOM_PATCH_TYPES, STRATEGIC_MERGE_PATCH):
        raise media_type_not_served()
    check_place(ask)
    check_size(ask.call.body)
    options = write_options(ask.call, "PatchOptions", apply=kind == _APPLY_PATCH)
    if kind == _APPLY_PATCH:
        return _applied(state, ask, options)
    old = _existing(state, ask)
    patched, twice = _patched(ask, kind, options, old)
    obj = _owned(state, ask, old, repatched(ask, options, patched, twice), options)
    # Unlike of what is sent as a whole, here the managers have been told of each.
    drop_repeated_owners(obj["metadata"])
    return _replaced(state, ask, obj, old, options)


def _patched(
    ask: Ask, kind: str, options: WriteOptions, old: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Sequence[str]]:
    """What a patch makes of the object, and the fields that come twice in the patch."""
    change, twice = decode_patch(ask.call.body, kind, strict=options.field_validation)
    if kind == STRATEGIC_MERGE_PATCH:
        return strategic_merge_patch(old, change), twice
    document = json_patch(old, change) if kind == JSON_PATCH else merge_patch(old, change)
    core_kind = "" if ask.type.custom else ask.kind.kind
    return patched_object(document, core_kind=core_kind), twice


def _applied(state: State, ask: Ask, options: WriteOptions) -> Outcome:
    config, twice = configured(ask, options)
    old = state.storage.get(ask.table, ask.key)
    if old is None and ask.subresource:
        raise ask.missing()
    obj = _claimed(state, ask, options, old, config)
    if twice and options.field_validation == "Strict":
        raise bad_request(f"error strict decoding YAML: {twice[0]}")
    # What is merged has been written and read before it is compared.
    applied = obj if is_stored(obj) else as_stored(obj)
    obj, unknown = completed(ask, applied, nulls=True)
    leftovers = _leftovers(ask, applied, unknown)
    ask.warn(twice)
    check_target(
        obj,
        api_version=ask.kind.api_version,
        kind=ask.kind.kind,
        namespace=ask.namespace,
        name=ask.name,
        custom=ask.type.custom,
    )
    if old is not None:
        return _replaced(state, ask, obj, old, options, leftovers=leftovers)
    authorize(state, attrs.evolve(ask, verb="create"))
    refuse_uid(ask, obj["metadata"])
    forget_version(obj["metadata"], dry_run=options.dry_run)
    initialize(state, obj["metadata"], is_leaving=True)
    if leftovers and not options.dry_run:
        state.leftovers[obj["metadata"]["uid"]] = leftovers
    return _stored_new(state, ask, obj, options)


def _leftovers(
    ask: Ask, applied: Mapping[str, Any], unknown: Sequence[FieldError]
) -> tuple[str, ...]:
    """What an apply stores and readers do not get: of that, the server tidies up other writes only.

    It shows in a later write that changes nothing else, and is a change all the same.
    """
    if not ask.type.custom:
        return ()
    in_status = ask.subresource == "status"
    paths = [error.path for error in unknown if (error.parts[0] == "status") == in_status]
    metadata: Mapping[str, Any] = {} if in_status else applied.get("metadata") or {}
    texts = {name: mapping(metadata.get(name)) for name in ("labels", "annotations")}
    return (
        *sorted(name for name, value in metadata.items() if _is_left(name, value)),
        *(f"{name}.{key}" for name in texts for key in texts[name] if texts[name][key] is None),
        *paths,
    )


def _is_left(name: str, value: Any) -> bool:
    return value in ({}, [], None) and name not in _GIVEN


def _claimed(
    state: State,
    ask: Ask,
    options: WriteOptions,
    old: Mapping[str, Any] | None,
    config: Mapping[str, Any],
) -> dict[str, Any]:
    """The object with a configuration merged into it, which then belongs to its manager."""
    try:
        return apply(
            schema_of(ask),
            old,
            config,
            manager=options.field_manager,
            force=options.force,
            api_version=ask.kind.api_version,
            kind=ask.kind.kind,
            subresource=ask.subresource,
            now=state.now(),
        )
    except ApplyConflictError as error:
        raise apply_conflict(error.message, error.causes()) from None
    except TypedError as error:
        raise Refusal(error.status, error.message, reason=error.reason) from None


def _stored_new(state: State, ask: Ask, obj: dict[str, Any], options: WriteOptions) -> Outcome:
    """The end of a create: admission, what a new object has, rules, the store."""
    metadata, kind = obj["metadata"], ask.kind
    mutate(state, ask, obj, "CREATE")
    if ask.type.custom:
        if "status" in kind.subresources:
            obj.pop("status", None)
    else:
        prepare_core(kind, obj, created=True)
    if ask.type.counts_generations:
        metadata["generation"] = 1
    _refuse_invalid(obj, object_errors(ask, obj, None))
    if ask.type.custom:
        ask.warn(finalizer_warnings(obj, None))
    validate(state, ask, obj)
    charge(state, ask, obj, dry_run=options.dry_run)
    version = metadata.get("resourceVersion", "")
    # What is no number is not looked at.
    if not options.dry_run and version.isascii() and version.isdigit() and int(version):
        raise unclassified(_VERSION_GIVEN)
    if state.storage.get(ask.table, ask.key) is not None:
        ask = _renamed(state, ask, obj)
    if not is_stored(obj):
        obj = as_stored(obj)
    if options.dry_run:
        return Outcome(obj, 201)
    stored = versioned(obj, state.storage.next_version())
    state.storage.put(ask.table, ask.key, stored)
    return Outcome(stored, 201)


def _renamed(state: State, ask: Ask, obj: dict[str, Any]) -> Ask:
    """Another generated name for one that is taken."""
    kind, prefix = ask.kind, obj["metadata"].get("generateName", "")
    if not prefix or not ask.name.startswith(prefix[: len(ask.name)]):
        there = state.storage.get(ask.table, ask.key) or {"metadata": {}}
        leaving = "deletionTimestamp" in there["metadata"]
        raise already_exists(kind.group, kind.plural, ask.name, leaving=leaving)
    for _ in range(_TRIES):
        ask = ask.named(state.new_name(prefix))
        if state.storage.get(ask.table, ask.key) is None:
            obj["metadata"]["name"] = ask.name
            return ask
    raise generate_name_conflict(kind.group, kind.plural, ask.name)


def _replaced(
    state: State,
    ask: Ask,
    obj: dict[str, Any],
    old: Mapping[str, Any],
    options: WriteOptions,
    *,
    leftovers: tuple[str, ...] = (),
) -> Outcome:
    """The end of an update: admission, version, what must stay, rules, the store."""
    kind = ask.kind
    mutate(state, ask, obj, "UPDATE")
    if not ask.type.custom:
        prepare_core(kind, obj, created=False)
    check_version(ask, obj["metadata"], old)
    obj["metadata"].pop("resourceVersion", None)
    carry_over(obj["metadata"], old["metadata"])
    obj = _kept(ask, obj, old)
    _refuse_invalid(obj, object_errors(ask, obj, old))
    if ask.type.custom and not ask.subresource:
        ask.warn(finalizer_warnings(obj, old))
    obj = versioned(obj, old["metadata"]["resourceVersion"])
    if not leftovers:
        obj = keep_times(old, obj)
    if not is_stored(obj):
        obj = as_stored(obj)
    validate(state, ask, obj)
    if _is_over(obj, old):
        # The last finalizer went from an object that was being deleted.
        if not options.dry_run:
            finish(state, ask.table, ask.key)
        return Outcome(obj)
    uid = old["metadata"]["uid"]
    if options.dry_run or (is_same(obj, old) and leftovers == state.leftovers.get(uid, ())):
        return Outcome(obj)
    if leftovers or uid in state.leftovers:
        state.leftovers[uid] = leftovers
    stored = versioned(obj, state.storage.next_version())
    state.storage.put(ask.table, ask.key, stored)
    return Outcome(stored)


def _kept(ask: Ask, obj: dict[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """The object with all that this endpoint may not change as it was."""
    if ask.subresource == "status" and not ask.type.custom:
        owners = old["metadata"].get("ownerReferences")
        obj["metadata"].pop("ownerReferences", None)
        if owners:
            obj["metadata"]["ownerReferences"] = owners
        return {**old, "metadata": obj["metadata"], "status": obj.get("status", {})}
    if ask.subresource == "status":
        changed: dict[str, Any] = {**copy.deepcopy(dict(old)), "status": obj.get("status")}
        changed["metadata"].pop("managedFields", None)
        if "managedFields" in obj["metadata"]:
            changed["metadata"]["managedFields"] = obj["metadata"]["managedFields"]
        changed["metadata"].pop("resourceVersion", None)
        if "status" not in obj:
            del changed["status"]
        return changed
    if "status" in ask.kind.subresources:
        if "status" in old:
            obj["status"] = old["status"]
        else:
            obj.pop("status", None)
    is_new = not is_same(_content(obj), _content(old))
    if ask.type.counts_generations and is_new:
        obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
    return obj


def _content(obj: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in obj.items() if key != "metadata"}


def _is_over(obj: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    metadata = obj["metadata"]
    return (
        "deletionTimestamp" in old["metadata"]
        and not metadata.get("finalizers")
        and not metadata.get("deletionGracePeriodSeconds")
    )


def _refuse_invalid(obj: Mapping[str, Any], errors: Sequence[FieldError]) -> None:
    if errors:
        raise invalid_object(obj, errors)


def _existing(state: State, ask: Ask) -> dict[str, Any]:
    found = state.storage.get(ask.table, ask.key)
    if found is None:
        raise ask.missing()
    return found


def _owned(
    state: State,
    ask: Ask,
    old: Mapping[str, Any] | None,
    obj: dict[str, Any],
    options: WriteOptions,
) -> dict[str, Any]:
    return track(
        schema_of(ask),
        old,
        obj,
        manager=options.field_manager,
        api_version=ask.kind.api_version,
        subresource=ask.subresource,
        now=state.now(),
    )
