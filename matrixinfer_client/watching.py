"""Watching as a flow: from the bytes of a stream to typed events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

import attrs

from matrixinfer_client import codec, requests
from matrixinfer_client.errors import error_from_status
from matrixinfer_client.flows import NO_TIMEOUT, Emit, Flow, Read, open_stream
from matrixinfer_client.models import ApiObject

if TYPE_CHECKING:
    from matrixinfer_client.targets import ListOptions, Target

__all__ = ["Event", "EventType", "watch"]

T = TypeVar("T", bound=ApiObject)

EventType = Literal["ADDED", "MODIFIED", "DELETED"]


@attrs.frozen
class Event(Generic[T]):
    """One change: what happened, and the object after it (of a deletion: its last state)."""

    type: EventType
    object: T


def watch(
    target: Target[T, Any], options: ListOptions, *, timeout_seconds: int | None = None
) -> Flow[None]:
    """One watch request: emits an `Event` per change, ends when the server closes the stream.

    Raises `ExpiredError` when the resource version is older than the server's history.
    """
    extra = [("watch", "true"), ("allowWatchBookmarks", "true")]
    if timeout_seconds is not None:
        extra.append(("timeoutSeconds", str(timeout_seconds)))
    request = requests.list_(target, options, timeout=NO_TIMEOUT, extra=extra)
    stream = yield from open_stream(request, target.options.retries)
    rest = b""
    while True:
        chunk = cast("bytes", (yield Read(stream)))
        if not chunk:
            return
        # Only at "\n": other characters that end a line in some notations may stand in a string.
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            event = _event(target, line) if line else None
            if event is not None:
                yield Emit(event)


def _event(target: Target[T, Any], line: bytes) -> Event[T] | None:
    kind, raw = codec.decode_event(line)
    if kind == "ERROR":
        raise error_from_status(cast("dict[str, Any]", codec.decode_json(raw)))
    if kind == "ADDED" or kind == "MODIFIED" or kind == "DELETED":  # noqa: PLR1714 - narrows
        return Event(kind, codec.decode(target.cls, raw))
    return None
