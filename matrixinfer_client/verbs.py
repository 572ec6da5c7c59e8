"""The verbs as flows: request, answer, typed result. Written once for both modes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import attrs

from matrixinfer_client import codec, requests
from matrixinfer_client.errors import (
    AlreadyExistsError,
    ConflictError,
    DecodeError,
    ExpiredError,
    InvalidArgumentError,
    NotFoundError,
)
from matrixinfer_client.flows import (
    Emit,
    Flow,
    Request,
    Response,
    Sleep,
    TimeoutArg,
    call,
    invoke,
)
from matrixinfer_client.models import ApiList, ApiObject
from matrixinfer_client.names import AllNamespaces
from matrixinfer_client.targets import (
    Body,
    ListOptions,
    Subresource,
    Target,
    WriteOptions,
)

T = TypeVar("T", bound=ApiObject)
L = TypeVar("L", bound=ApiList[Any])
R = TypeVar("R")

# client-go's `retry.DefaultRetry` gives up after five tries; more only hides a fight.
_CONFLICT_ATTEMPTS = 5
# In a row. A token that was just replaced expires only when its use takes longer than the server
# keeps history; a server that always refuses its own tokens would be asked for ever.
_TOKEN_ATTEMPTS = 5


def one(target: Target[T, Any], request: Request) -> Flow[T]:
    """Send and decode one object."""
    response = yield from call(request, target.options.retries)
    return _decoded(response, lambda body: codec.decode(target.cls, body))


def nothing(target: Target[Any, Any], request: Request, *, ignore_not_found: bool) -> Flow[None]:
    """Send; the answer says no more than that it was done."""
    try:
        response = yield from call(request, target.options.retries)
    except NotFoundError:
        if not ignore_not_found:
            raise
    else:
        _decoded(response, codec.decode_json)


def exists(target: Target[Any, Any], name: str, *, timeout: TimeoutArg) -> Flow[bool]:
    """Whether an object of that name is there. Only NotFound means no."""
    try:
        yield from one(target, requests.get(target, name, timeout=timeout))
    except NotFoundError:
        return False
    return True


def page(target: Target[Any, L], options: ListOptions, *, timeout: TimeoutArg) -> Flow[L]:
    """One list request."""
    request = requests.list_(target, options, timeout=timeout)
    response = yield from call(request, target.options.retries)
    return _decoded(response, lambda body: codec.decode_list(target.list_cls, body))


def iterate(target: Target[Any, Any], options: ListOptions, *, timeout: TimeoutArg) -> Flow[None]:
    """All objects, page by page; the next page is asked for when the last one is used up.

    A token that expires between two pages (a listing that takes longer than the server keeps
    history) is replaced by the one that the server sends with the refusal: the listing goes on
    after the last key, at a newer version, and repeats nothing.
    """
    expired = 0
    while True:
        try:
            result: Any = yield from page(target, options, timeout=timeout)
        except ExpiredError as error:
            expired += 1
            fresh = error.continue_token
            if options.continue_token is None or fresh is None or expired >= _TOKEN_ATTEMPTS:
                raise
            options = attrs.evolve(options, continue_token=fresh)
            continue
        expired = 0
        for item in result.items or ():
            yield Emit(item)
        if not result.continue_token:
            return
        # The token carries the version; the server refuses both together.
        options = attrs.evolve(
            options,
            continue_token=result.continue_token,
            resource_version=None,
            resource_version_match=None,
        )


def create_or_update(target: Target[T, L], body: Body[T], options: WriteOptions) -> Flow[T]:
    """Create, or replace what is there; again when somebody is faster, in either direction."""
    if isinstance(body, ApiObject):
        # Its wire form is what goes on from here, and in that no type is wrong any more.
        codec.check(body)
    wanted = codec.to_dict(body)
    creation = requests.create(target, _without_version(wanted), options)
    name = wanted.get("metadata", {}).get("name")
    if not name:
        raise InvalidArgumentError("create_or_update needs metadata.name, to find the object again")
    for attempt in range(1, _CONFLICT_ATTEMPTS + 1):
        try:
            return (yield from one(target, creation))
        except AlreadyExistsError:
            pass
        try:
            current = yield from _read(target, wanted, options.timeout)
            merged = _replaced(current, wanted)
            return (yield from one(target, requests.update(target, merged, options)))
        except (ConflictError, NotFoundError):
            if attempt == _CONFLICT_ATTEMPTS:
                raise
        yield Sleep(_conflict_pause(attempt))
    raise AssertionError("unreachable: the last attempt returns or raises")


def _read(
    target: Target[T, L], wanted: Mapping[str, Any], timeout: TimeoutArg
) -> Flow[dict[str, Any]]:
    metadata = wanted["metadata"]
    request = requests.get(
        target, metadata["name"], namespace=metadata.get("namespace"), timeout=timeout
    )
    return codec.to_dict((yield from one(target, request)))


def _without_version(wire: dict[str, Any]) -> dict[str, Any]:
    metadata = wire.get("metadata")
    if not isinstance(metadata, dict) or "resourceVersion" not in metadata:
        return wire
    kept = cast("dict[str, Any]", metadata).copy()
    del kept["resourceVersion"]
    return {**wire, "metadata": kept}


def _replaced(current: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What to send: the wanted spec, and the current metadata where nothing else is wanted."""
    metadata = {**current["metadata"], **wanted["metadata"]}
    for key in ("labels", "annotations"):
        both: dict[str, str] = {
            **(current["metadata"].get(key) or {}),
            **(wanted["metadata"].get(key) or {}),
        }
        if both:
            metadata[key] = both
    # Whatever the caller once read, this write is about the object just read: another version, or
    # another object altogether when it was deleted and made anew.
    for key in ("uid", "resourceVersion"):
        metadata[key] = current["metadata"][key]
    metadata.pop("managedFields", None)
    return {**wanted, "metadata": metadata}


def mutate(
    target: Target[T, L],
    name: str,
    change: Callable[[T], Any],
    options: WriteOptions,
    *,
    subresource: Subresource | None,
    attempts: int | None,
) -> Flow[T]:
    """Read, change, update; from the start again when somebody else was faster."""
    limit = _CONFLICT_ATTEMPTS if attempts is None else attempts
    if limit < 1:
        raise InvalidArgumentError(f"attempts must be 1 or more, got {limit}")
    attempt = 0
    while True:
        attempt += 1
        request = requests.get(target, name, timeout=options.timeout)
        current = yield from one(target, request)
        before = codec.to_dict(current)
        result = yield from invoke(change, current)
        changed = current if result is None else cast("T", result)
        if not isinstance(cast("object", changed), target.cls):
            raise InvalidArgumentError(
                f"the function given to mutate must change the {target.cls.KIND.kind} in place or "
                f"return one; it returned a {type(changed).__name__}"
            )
        if codec.to_dict(changed) == before:
            return changed
        try:
            return (yield from one(target, requests.update(target, changed, options, subresource)))
        except ConflictError:
            if attempt >= limit:
                raise
        yield Sleep(_conflict_pause(attempt))


def _conflict_pause(attempt: int) -> float:
    # Short: a conflict means that the other writer is done, not that the server is busy.
    return 0.01 * 2.0 ** (attempt - 1)


def delete_collection(
    target: Target[Any, Any],
    delete_options: Mapping[str, Any],
    options: ListOptions,
    *,
    timeout: TimeoutArg,
) -> Flow[None]:
    """Delete what a list would show; with `ALL_NAMESPACES` one request per namespace.

    The API server has no cluster-wide delete for namespaced resources, so the namespaces are
    listed first. An object created meanwhile in another namespace is not deleted.
    """
    namespaces: list[str | None] = [None]
    if isinstance(target.namespace, AllNamespaces):
        found: Any = yield from page(target, options, timeout=timeout)
        namespaces = sorted({item.namespace for item in found.items or ()})
    for namespace in namespaces:
        request = requests.delete_collection(
            target, delete_options, options, namespace=namespace, timeout=timeout
        )
        yield from nothing(target, request, ignore_not_found=False)


def _decoded(response: Response, decode: Callable[[bytes], R]) -> R:
    """The body, read; without one that can be read, a success is not to be believed."""
    try:
        return decode(response.body)
    except DecodeError as error:
        kind = response.headers.get("content-type") or "no content type"
        raise DecodeError(
            f"{error}; the answer ({response.status_code}, {kind}) may not come from an API server "
            f"[{response.request}]"
        ) from error
