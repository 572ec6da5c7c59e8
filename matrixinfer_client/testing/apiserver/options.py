"""The options of a request, out of its query, checked as the API server checks them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, cast

import attrs

from matrixinfer_client.testing.apiserver.refusals import Refusal, bad_request, invalid
from matrixinfer_client.testing.apiserver.selecting import check_syntax
from matrixinfer_client.testing.exchange import Call
from matrixinfer_client.validation.rendering import quote, render_value
from matrixinfer_client.validation.results import FieldError
from matrixinfer_client.validation.results import forbidden as forbidden_field
from matrixinfer_client.validation.results import required as required_field

__all__ = [
    "FieldValidation",
    "ListOptions",
    "WriteOptions",
    "boolean",
    "dry_run_errors",
    "integer",
    "list_options",
    "option_error",
    "refuse",
    "unsupported",
    "write_options",
]

FieldValidation = Literal["Strict", "Warn", "Ignore"]

_MOST_MANAGER_BYTES: Final = 128


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


def write_options(call: Call, kind: str, *, apply: bool = False) -> WriteOptions:
    """The options of a write; `kind` is `CreateOptions`, `UpdateOptions` or `PatchOptions`."""
    manager, validation = call.option("fieldManager"), call.option("fieldValidation")
    errors: list[FieldError] = []
    force = boolean(call, "force")
    if kind == "PatchOptions":
        if apply and not manager:
            text = "is required for apply patch"
            errors.append(required_field(("fieldManager",), "fieldManager", text, source="schema"))
        if not apply and force is not None:
            text = "may not be specified for non-apply patch"
            errors.append(forbidden_field(("force",), "force", text, source="schema"))
    errors += _manager_errors(manager)
    errors += dry_run_errors(call.query.get("dryRun", ()))
    if validation not in ("", "Strict", "Warn", "Ignore"):
        known = ("", "Ignore", "Strict", "Warn")
        errors.append(unsupported("fieldValidation", validation, known))
    refuse(kind, errors)
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
        limit=integer(call, "limit") or 0,
        continue_token=call.option("continue"),
        resource_version=call.option("resourceVersion"),
        match=call.option("resourceVersionMatch"),
        watch=bool(boolean(call, "watch")),
        bookmarks=bool(boolean(call, "allowWatchBookmarks")),
        send_initial_events=boolean(call, "sendInitialEvents"),
        timeout_seconds=integer(call, "timeoutSeconds"),
    )
    check_syntax(options.label_selector, options.field_selector)
    refuse("ListOptions", _watch_errors(options) if options.watch else _list_errors(options))
    return options


def _list_errors(options: ListOptions) -> Iterable[FieldError]:
    match, version = options.match, options.resource_version
    if match:
        name = "resourceVersionMatch"
        if not version:
            yield _forbidden(name, f"{name} is forbidden unless resourceVersion is provided")
        if options.continue_token:
            yield _forbidden(name, f"{name} is forbidden when continue is provided")
        if match not in ("Exact", "NotOlderThan"):
            yield unsupported(name, match, ("Exact", "NotOlderThan", ""))
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
            yield unsupported(name, match, ("NotOlderThan",))
        if options.continue_token:
            yield _forbidden(name, f"{name} is forbidden when continue is provided")


def _manager_errors(manager: str) -> Iterable[FieldError]:
    if len(manager.encode()) > _MOST_MANAGER_BYTES:
        message = f"Too long: may not be more than {_MOST_MANAGER_BYTES} bytes"
        yield option_error("fieldManager", "FieldValueTooLong", message)
    at = 0
    for letter in manager:
        if not letter.isprintable():
            text = f"invalid character U+{ord(letter):04X} (at position {at})"
            message = f"Invalid value: {render_value(manager)}: {text}"
            yield option_error("fieldManager", "FieldValueInvalid", message)
        at += len(letter.encode())


def dry_run_errors(values: Sequence[str]) -> Iterable[FieldError]:
    """What is wrong with `dryRun`."""
    if any(value != "All" for value in values):
        shown = render_value(list(values))
        message = f'Unsupported value: {shown}: supported values: "All"'
        yield option_error("dryRun", "FieldValueNotSupported", message)


def unsupported(name: str, value: str, known: Sequence[str]) -> FieldError:
    """An option with a value that there is not."""
    choices = ", ".join(map(render_value, known))
    message = f"Unsupported value: {render_value(value)}: supported values: {choices}"
    return option_error(name, "FieldValueNotSupported", message)


def _forbidden(name: str, text: str) -> FieldError:
    return forbidden_field((name,), name, text, source="schema")


def option_error(name: str, kind: str, message: str) -> FieldError:
    """An error of an option."""
    return FieldError(path=name, parts=(name,), type=kind, message=message, source="schema")


def refuse(kind: str, errors: Iterable[FieldError]) -> None:
    """Raise the 422 of options of this kind, if there are errors."""
    found = list(errors)
    if found:
        raise invalid("meta.k8s.io", kind, "", found)


def integer(call: Call, name: str) -> int | None:
    """A parameter that is a number; raises 400 for what is none."""
    text = call.option(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise _unreadable("ParseInt", text) from None


def boolean(call: Call, name: str) -> bool | None:
    """A parameter that is true or false."""
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
