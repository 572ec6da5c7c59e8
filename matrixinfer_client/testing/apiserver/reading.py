"""Reading: one object, and lists in pages that are all of the same moment."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final, cast

import attrs

from matrixinfer_client.testing.apiserver.jsontext import JsonError, read_json
from matrixinfer_client.testing.apiserver.options import ListOptions
from matrixinfer_client.testing.apiserver.refusals import (
    bad_request,
    expired,
    resource_version_too_large,
    unclassified,
)
from matrixinfer_client.testing.apiserver.routing import Ask
from matrixinfer_client.testing.apiserver.selecting import selection
from matrixinfer_client.testing.apiserver.state import State
from matrixinfer_client.testing.apiserver.storage import VersionGoneError, list_order
from matrixinfer_client.validation.rendering import quote

__all__ = ["parse_version", "read_list", "read_one"]

_TOKEN_VERSION: Final = "meta.k8s.io/v1"  # noqa: S105 - the version of a format
_TYPE_FIELDS: Final = ("apiVersion", "kind")
_BASE64: Final = frozenset(f"{string.ascii_letters}{string.digits}-_")
_TOO_OLD: Final = "The resourceVersion for the provided list is too old."
_PAGE_TOO_OLD: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without the continue parameter, or use the continue token in this response to "
    "retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)
# The version in a token that lists on at whatever is the present moment.
_PRESENT: Final = -1


def read_one(state: State, ask: Ask) -> dict[str, Any]:
    """The object; raises the server's refusal when there is none."""
    asked = parse_version(ask.call.option("resourceVersion"))
    if asked > state.storage.version:
        raise resource_version_too_large(asked, state.storage.version)
    found = state.storage.get(ask.table, ask.key)
    if found is None:
        raise ask.missing()
    return found


@attrs.frozen
class _Place:
    """Where a page begins: at a version, behind a key."""

    version: int
    start: str


def read_list(state: State, ask: Ask, options: ListOptions) -> dict[str, Any]:
    """The list object with the chosen items, and what it takes to get the next page."""
    chosen = selection(ask.kind, options.label_selector, options.field_selector)
    # One key is read and no range of them.
    by_name = bool(chosen.name) and not options.continue_token and not _spans_namespaces(ask)
    place = _place(state, options, by_name=by_name)
    objects = _objects(state, ask, place, options)
    found = (each for each in objects if chosen.matches(each))
    if options.limit <= 0:
        return _list(ask, place.version, list(found))
    page = list(islice(found, options.limit))
    listed = _list(ask, place.version, page)
    # Whether what comes behind the page would be chosen is not looked at.
    if len(page) == options.limit and page[-1] is not objects[-1] and not by_name:
        listed["metadata"]["continue"] = _token(ask, place.version, page[-1])
        if chosen.everything:
            remaining = len(objects) - options.limit
            listed["metadata"]["remainingItemCount"] = remaining
    return listed


def _spans_namespaces(ask: Ask) -> bool:
    return ask.kind.namespaced and not ask.namespace


def parse_version(text: str) -> int:
    """A resourceVersion; 0 for none."""
    problem = _version_problem(text)
    if problem:
        raise unclassified(problem)
    return int(text or 0)


def _version_problem(text: str) -> str:
    """What Go says of a text that is no version; nothing when it is one."""
    if not text or (text.isascii() and text.isdigit() and int(text) < 1 << 64):
        return ""
    problem = "value out of range" if text.isascii() and text.isdigit() else "invalid syntax"
    shown = quote(text)
    return f"resourceVersion: Invalid value: {shown}: strconv.ParseUint: parsing {shown}: {problem}"


def _place(state: State, options: ListOptions, *, by_name: bool) -> _Place:
    newest = state.storage.version
    if options.continue_token:
        place = _decode(options.continue_token)
        if options.resource_version not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        return _Place(newest, place.start) if place.version == _PRESENT else place
    problem = _version_problem(options.resource_version)
    if problem:
        raise bad_request(f"invalid resource version: {problem}")
    asked = parse_version(options.resource_version)
    if asked > newest:
        raise resource_version_too_large(asked, newest)
    # Without a match a page is of the very version, as it was before there was one.
    exact = options.match == "Exact" or (options.limit and not options.match and not by_name)
    return _Place(asked if asked and exact else newest, "")


def _objects(
    state: State, ask: Ask, place: _Place, options: ListOptions
) -> Sequence[dict[str, Any]]:
    try:
        # A place is relative to what is listed, as it is in the keys of etcd.
        start = place.start if _spans_namespaces(ask) else f"{ask.namespace}/{place.start}"
        return state.storage.objects_at(ask.table, place.version, ask.namespace, start)
    except VersionGoneError:
        if not options.continue_token:
            raise expired(_TOO_OLD) from None
        token = _encode(_PRESENT, place.start)
        raise expired(_PAGE_TOO_OLD, continue_token=token) from None


def _list(ask: Ask, version: int, items: list[dict[str, Any]]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if ask.type.custom:
        metadata["continue"] = ""
    else:
        # Of its own kinds the server leaves out what is empty, and what goes without saying.
        items = [{key: each[key] for key in each if key not in _TYPE_FIELDS} for each in items]
    return {
        "apiVersion": ask.kind.api_version,
        "kind": ask.kind.list_kind,
        "metadata": metadata,
        "items": items,
    }


def _path(ask: Ask, obj: dict[str, Any]) -> str:
    """The end of the object's path in etcd, behind what the list is limited to."""
    metadata = obj["metadata"]
    name = str(metadata["name"])
    if ask.namespace or not ask.kind.namespaced:
        return name
    return list_order((metadata["namespace"], name))


def _token(ask: Ask, version: int, last: dict[str, Any]) -> str:
    return _encode(version, f"{_path(ask, last)}\0")


def _encode(version: int, start: str) -> str:
    text = json.dumps({"v": _TOKEN_VERSION, "rv": version, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(token: str) -> _Place:
    if (place := _broken_base64(token)) is not None:
        raise _bad_token(f": illegal base64 data at input byte {place}")
    padded = token + "=" * (-len(token) % 4)
    content = base64.urlsafe_b64decode(padded)
    try:
        found, _ = read_json(content.decode())
    except UnicodeDecodeError:
        # Go tells of a byte as if it were a letter.
        shown = f"'{quote(chr(content[0]))[1:-1]}'"
        raise _bad_token(f": invalid character {shown} looking for beginning of value") from None
    except JsonError as error:
        raise _bad_token(f": {error}") from None
    fields = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    version, start = fields.get("rv"), fields.get("start")
    if fields.get("v") != _TOKEN_VERSION:
        text = ": server does not recognize this encoded version"
        raise _bad_token(f"{text} {fields.get('v') or ''}")
    if not isinstance(version, int) or not version:
        text = f": incorrect encoded start resourceVersion (version {_TOKEN_VERSION})"
        raise _bad_token(text)
    if not isinstance(start, str) or not start:
        raise _bad_token(f": encoded start key empty (version {_TOKEN_VERSION})")
    return _Place(version, start)


def _broken_base64(text: str) -> int | None:
    """Where Go's decoder stops; None when it does not."""
    for place, letter in enumerate(text):
        if letter not in _BASE64:
            return place
    return len(text) - 1 if len(text) % 4 == 1 else None


def _bad_token(text: str) -> Exception:
    return bad_request(f"invalid continue token: continue key is not valid{text}")
