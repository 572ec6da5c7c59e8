"""The options of a request, out of its query, checked as the API server checks them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, cast

import attrs

from matrixinfer_client.testing.exchange import Call
from matrixinfer_client.testing.refusals import Refusal, bad_request, invalid
from matrixinfer_client.validation.rendering import quote, render_value
from matrixinfer_client.validation.results import FieldError
from matrixinfer_client.validation.results import forbidden as forbidden_field
from matrixinfer_client.validation.results import required as required_field

__all__ = [
    "DeleteOptions",
    "FieldValidation",
    "ListOptions",
    "WriteOptions",
    "delete_options",
    "list_options",
    "write_options",
]

FieldValidation = Literal["Strict", "Warn", "Ignore"]

_MOST_MANAGER_BYTES: Final = 128
_POLICIES: Final = ("Foreground", "Background", "Orphan")


@attrs.frozen(kw_only=True)
class WriteOptions:
    """Of a create, an update or a patch."""

    dry_run: bool
    field_manager: str
    """Who owns what is written: as asked for, else the name in the User-Agent."""
    field_validation: FieldValidation
    force: bool


@attrs.frozen(kw_only=True)
class ListOptions:
    """Of a list, a watch or a deletion of many."""

    label_selector: str
    field_selector: str
    limit: int
    continue_token: str
    resource_version: str
    match: str
    watch: bool
    bookmarks: bool
    send_initial_events: bool | None
    timeout_seconds: int | None


@attrs.frozen(kw_only=True)
class DeleteOptions:
    """Of a delete, out of its body or its query."""

    dry_run: bool = False
    grace_period_seconds: int | None = None
    propagation_policy: str | None = None
    orphan_dependents: bool | None = None
    uid: str | None = None
    resource_version: str | None = None


def write_options(call: Call, kind: str, *, apply: bool = False) -> WriteOptions:
    """The options of a write; `kind` is `CreateOptions`, `UpdateOptions` or `PatchOptions`."""
    manager, validation = call.option("fieldManager"), call.option("fieldValidation")
    errors: list[FieldError] = []
    force = _boolean(call, "force")
    if kind == "PatchOptions":
        if apply and not manager:
            text = "is required for apply patch"
            errors.append(required_field(("fieldManager",), "fieldManager", text, source="schema"))
        if not apply and force is not None:
            text = "may not be specified for non-apply patch"
            errors.append(forbidden_field(("force",), "force", text, source="schema"))
    errors += _manager_errors(manager)
    errors += _dry_run_errors(call.query.get("dryRun", ()))
    if validation not in ("", "Strict", "Warn", "Ignore"):
        known = ("", "Ignore", "Strict", "Warn")
        errors.append(_unsupported("fieldValidation", validation, known))
    _refuse(kind, errors)
    return WriteOptions(
        dry_run=bool(call.query.get("dryRun")),
        field_manager=manager or _from_user_agent(call.headers.get("user-agent", "")),
        field_validation=cast("FieldValidation", validation or "Warn"),
        force=bool(force),
    )


def list_options(call: Call) -> ListOptions:
    """The options of a list or watch."""
    options = ListOptions(
        label_selector=call.option("labelSelector"),
        field_selector=call.option("fieldSelector"),
        limit=_integer(call, "limit") or 0,
        continue_token=call.option("continue"),
        resource_version=call.option("resourceVersion"),
        match=call.option("resourceVersionMatch"),
        watch=bool(_boolean(call, "watch")),
        bookmarks=bool(_boolean(call, "allowWatchBookmarks")),
        send_initial_events=_boolean(call, "sendInitialEvents"),
        timeout_seconds=_integer(call, "timeoutSeconds"),
    )
    _refuse("ListOptions", _watch_errors(options) if options.watch else _list_errors(options))
    return options


def delete_options(call: Call) -> DeleteOptions:
    """The options of a delete: the body's, or the query's when there is no body."""
    if call.body:
        return _delete_options_of(_body(call))
    grace, policy = _integer(call, "gracePeriodSeconds"), call.option("propagationPolicy")
    given: dict[str, Any] = {"dryRun": list(call.query.get("dryRun", ()))}
    if grace is not None:
        given["gracePeriodSeconds"] = grace
    if policy:
        given["propagationPolicy"] = policy
    orphan = _boolean(call, "orphanDependents")
    if orphan is not None:
        given["orphanDependents"] = orphan
    return _delete_options_of(given)


def _body(call: Call) -> Mapping[str, Any]:
    try:
        found = json.loads(call.body)
    except ValueError as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from None
    if not isinstance(found, dict):
        raise bad_request("couldn't get version/kind; json parse error: not an object")
    given = cast("dict[str, Any]", found)
    if given.get("kind") not in (None, "", "DeleteOptions"):
        version, kind = given.get("apiVersion", ""), given["kind"]
        raise bad_request(f"no kind {kind!r} is registered for version {version!r}")
    return given


def _delete_options_of(given: Mapping[str, Any]) -> DeleteOptions:
    policy = given.get("propagationPolicy")
    orphan = given.get("orphanDependents")
    errors: list[FieldError] = []
    if orphan is not None and policy is not None:
        text = "orphanDependents and deletionPropagation cannot be both set"
        message = f"Invalid value: {render_value(policy)}: {text}"
        errors.append(_error("propagationPolicy", "FieldValueInvalid", message))
    if policy is not None and policy not in _POLICIES:
        errors.append(_unsupported("propagationPolicy", policy, (*_POLICIES, "nil")))
    dry_run = given.get("dryRun") or ()
    errors += _dry_run_errors(dry_run)
    _refuse("DeleteOptions", errors)
    preconditions = given.get("preconditions") or {}
    return DeleteOptions(
        dry_run=bool(dry_run),
        grace_period_seconds=given.get("gracePeriodSeconds"),
        propagation_policy=policy,
        orphan_dependents=orphan,
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
    )


def _list_errors(options: ListOptions) -> Iterable[FieldError]:
    match, version = options.match, options.resource_version
    if match:
        name = "resourceVersionMatch"
        if not version:
            yield _forbidden(name, f"{name} is forbidden unless resourceVersion is provided")
        if options.continue_token:
            yield _forbidden(name, f"{name} is forbidden when continue is provided")
        if match not in ("Exact", "NotOlderThan"):
            yield _unsupported(name, match, ("", "Exact", "NotOlderThan"))
        if match == "Exact" and version == "0":
            yield _forbidden(name, f'{name} "exact" is forbidden for resourceVersion "0"')
    if options.send_initial_events is not None:
        yield _forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")


def _watch_errors(options: ListOptions) -> Iterable[FieldError]:
    match, name = options.match, "resourceVersionMatch"
    if options.send_initial_events is not None and match != "NotOlderThan":
        yield _forbidden(name, f"sendInitialEvents requires setting {name} to NotOlderThan")
    if match:
        if options.send_initial_events is None:
            text = f"{name} is forbidden for watch unless sendInitialEvents is provided"
            yield _forbidden(name, text)
        if match != "NotOlderThan":
            yield _unsupported(name, match, ("NotOlderThan",))
        if options.continue_token:
            yield _forbidden(name, f"{name} is forbidden when continue is provided")


def _manager_errors(manager: str) -> Iterable[FieldError]:
    if len(manager.encode()) > _MOST_MANAGER_BYTES:
        message = f"Too long: may not be more than {_MOST_MANAGER_BYTES} bytes"
        yield _error("fieldManager", "FieldValueTooLong", message)
    at = 0
    for letter in manager:
        if not letter.isprintable():
            text = f"invalid character U+{ord(letter):04X} (at position {at})"
            message = f"Invalid value: {render_value(manager)}: {text}"
            yield _error("fieldManager", "FieldValueInvalid", message)
        at += len(letter.encode())


def _dry_run_errors(values: Sequence[str]) -> Iterable[FieldError]:
    if any(value != "All" for value in values):
        shown = render_value(list(values))
        message = f'Unsupported value: {shown}: supported values: "All"'
        yield _error("dryRun", "FieldValueNotSupported", message)


def _unsupported(name: str, value: str, known: Sequence[str]) -> FieldError:
    choices = ", ".join(render_value(each) for each in sorted(known))
    message = f"Unsupported value: {render_value(value)}: supported values: {choices}"
    return _error(name, "FieldValueNotSupported", message)


def _forbidden(name: str, text: str) -> FieldError:
    return forbidden_field((name,), name, text, source="schema")


def _error(name: str, kind: str, message: str) -> FieldError:
    return FieldError(path=name, parts=(name,), type=kind, message=message, source="schema")


def _refuse(kind: str, errors: Iterable[FieldError]) -> None:
    found = list(errors)
    if found:
        raise invalid("meta.k8s.io", kind, "", found)


def _integer(call: Call, name: str) -> int | None:
    text = call.option(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise _unreadable("ParseInt", text) from None


def _boolean(call: Call, name: str) -> bool | None:
    if name not in call.query:
        return None
    # Only these two are false; whatever else is there means yes.
    return call.option(name).lower() not in ("false", "0")


def _unreadable(function: str, text: str) -> Refusal:
    return bad_request(f"strconv.{function}: parsing {quote(text)}: invalid syntax")


def _from_user_agent(agent: str) -> str:
    """The name in a User-Agent: what stands before the first slash."""
    name = "".join(letter for letter in agent.split("/", maxsplit=1)[0] if letter.isprintable())
    while len(name.encode()) > _MOST_MANAGER_BYTES:
        name = name[:-1]
    return name
