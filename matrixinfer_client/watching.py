"""Watching as nested flows, each with one duty, none with I/O.

`watch` never ends and sets the pace; `_round` comes to a state and follows one stream from there;
`_streamed` and `_listed` read a state, `_compared` hands out what it changes; `_followed` reads a
stream. What is known between them is in the `View`.

A watch goes on from the last version after a closed stream, a lost or dead connection, bytes that
are no events, 429 and 5xx. It compares with a new state only when there is no other way: after 410,
or when the server has gone back. It raises what no repetition mends: 401 after the credential was
renewed, 403, 404, 422, an untrusted certificate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

import attrs

from matrixinfer_client import codec, requests
from matrixinfer_client.errors import (
    ApiError,
    BadRequestError,
    CredentialError,
    DecodeError,
    ForbiddenError,
    GoneError,
    InvalidError,
    TransportError,
    TransportTimeout,
    error_from_status,
)
from matrixinfer_client.flows import (
    Close,
    Emit,
    Flow,
    Read,
    Retries,
    Stream,
    now,
    open_stream,
    sleep,
)
from matrixinfer_client.models import ApiObject
from matrixinfer_client.pacing import Pace, is_too_new, is_transient
from matrixinfer_client.stream import Bookmark, Key, Lines, Record, fresh
from matrixinfer_client.views import Change, EventType, HistoryGapError, View

__all__ = ["Event", "EventType", "Setback", "Settled", "event_of", "watch"]

T = TypeVar("T", bound=ApiObject)
R = TypeVar("R")

# The flows here repeat requests themselves, with pauses that know how long a stream has lasted.
_ONCE = Retries(attempts=1)
_WATCH = (("watch", "true"), ("allowWatchBookmarks", "true"))
_STREAMING_LIST = (
    *_WATCH,
    ("sendInitialEvents", "true"),
    # Without a version: the newest state, at the time of the request.
    ("resourceVersionMatch", "NotOlderThan"),
)
_CHANGES: Mapping[str, EventType] = {
    "ADDED": "ADDED",
    "MODIFIED": "MODIFIED",
    "DELETED": "DELETED",
}
# So often in a row a server may say nothing at all, or that it is behind, until it is asked whether
# it has gone back: another of several servers, or the next minute, mends both.
_DOUBTS = 2


@attrs.frozen
class Event(Generic[T]):
    """One change: what happened, and the object after it (of a deletion: its last state).

    `synthetic` is True for what was found by comparing states and not sent as an event: the
    objects that exist when a watch begins, and the difference after the history was lost.
    """

    type: EventType
    object: T
    synthetic: bool = False


def event_of(change: Change[T]) -> Event[T]:
    """A change as it is handed out."""
    return Event(change.type, fresh(change.record), change.synthetic)


@attrs.frozen
class Setback:
    """Emitted when a round ended: what it ended with, and the pause that follows.

    `error` is None when the server closed the stream as it does from time to time.
    """

    error: Exception | None
    pause: float
    is_fatal: bool = False


@attrs.frozen
class Settled:
    """Emitted when the view has become a state that the server had at one time."""


def watch(view: View[T], *, persistent: bool = False) -> Flow[None]:
    """Emit a `Change` per change, a `Settled` per list and a `Setback` per interruption, for ever.

    Until the server has answered once, failures are repeated as often as for any other verb
    (`Retries.attempts`) and then raised: a watch that never worked is a mistake to be told.

    Args:
        view: What is known, and becomes known.
        persistent: Go on after every failure, also after those that only a person can mend.

    Raises:
        ApiError: The server refuses, and asking again will not help.
        ExpiredError: The history is gone and the view has no memory to compare with.
        TransportError: It cannot be reached, and never could.
    """
    pace = Pace(view.policy)
    course = _Course(view, persistent=persistent)
    while True:
        error = yield from _round(course)
        lasted = 0.0
        if course.opened_at is not None:
            lasted = (yield from now()) - course.opened_at
        is_fatal = error is not None and not course.survives(error, pace.failures)
        if error is not None and is_fatal and not (persistent and _may_be_mended(error)):
            raise error
        pause = pace.after(error, lasted)
        course.note(error, pause)
        yield Emit(Setback(error, pause, is_fatal))
        # Its traceback holds the frame of this flow, which would hold it until the next one.
        error = None
        yield from sleep(pause)


class _Course(Generic[T]):
    """What one run of `watch` keeps from round to round."""

    def __init__(self, view: View[T], *, persistent: bool) -> None:
        self.view = view
        self.opened_at: float | None = None
        self.contacted = persistent
        self.doubts = 0
        self._unreadable_at: object = None

    def survives(self, error: Exception, failures: int) -> bool:
        """Whether to go on after an error; notes when the state has to be read anew."""
        if isinstance(error, GoneError | HistoryGapError):
            mends = self.view.expire()
        elif isinstance(error, DecodeError):
            mends = not self._is_unreadable() or self.view.expire()
        else:
            mends = is_transient(error)
        return mends and (
            self.contacted or failures + 1 < self.view.target.options.retries.attempts
        )

    def note(self, error: Exception | None, pause: float) -> None:
        """Count how a round ended."""
        statistics = self.view.statistics
        statistics.backoff_seconds += pause
        if error is None:
            return
        statistics.errors += 1
        statistics.last_error = error
        if isinstance(error, TransportTimeout) and self.opened_at is not None:
            statistics.dead_connections += 1
            # Perhaps nothing happens and no bookmarks are sent, perhaps the server waits for a
            # version that it will never reach again.
            self.doubts += 1
        elif is_too_new(error):
            self.doubts += 1

    def _is_unreadable(self) -> bool:
        """Whether bytes that are no events came again at the same version.

        Something between the server and here may break a line once. What breaks the same line
        each time can only be stepped over.
        """
        before, self._unreadable_at = self._unreadable_at, self.view.resource_version
        return self._unreadable_at is not None and before == self._unreadable_at


def _may_be_mended(error: Exception) -> bool:
    # All else is a closed client, a bad argument or a defect, and the same the next time.
    return isinstance(error, ApiError | TransportError | CredentialError | DecodeError)


def _round(course: _Course[Any]) -> Flow[Exception | None]:
    """Come to a state if there is none, then follow one stream; the result is what ended it."""
    course.opened_at = None
    view = course.view
    try:
        if course.doubts >= _DOUBTS and not view.stale:
            yield from _checked(course)
        if view.stale and view.streaming and (yield from _streamed(course)):
            return None
        if view.stale:
            yield from _listed(course)
        query, patience = list(_WATCH), view.policy.idle_timeout
        if view.resource_version is not None:
            query.append(("resourceVersion", view.resource_version))
        stream = yield from _opened(course, query, patience)
        yield from _closing(stream, _followed(course, _Reader(stream, patience), []))
    except Exception as error:  # noqa: BLE001 - `watch` decides which of them end it
        return error
    return None


def _checked(course: _Course[Any]) -> Flow[None]:
    """Ask the server how far it is; raises when that is less than what is known.

    A server that was restored from a backup does not say so: it is silent until it comes to the
    version that a watch starts from, and what it writes until then would be missed.
    """
    course.doubts = 0
    view = course.view
    request = requests.list_(view.target, attrs.evolve(view.options, limit=1))
    try:
        stream = yield from open_stream(request, _ONCE)
    except ForbiddenError:
        # Who may watch need not be allowed to list.
        return
    body = yield from _closing(stream, _whole(stream))
    view.check(codec.decode_list(view.target.list_cls, body).resource_version)


def _listed(course: _Course[Any]) -> Flow[None]:
    """Read the state with a list request."""
    view = course.view
    request = requests.list_(view.target, view.options)
    # As a stream, which another thread can stop.
    stream = yield from open_stream(request, _ONCE)
    body = yield from _closing(stream, _whole(stream))
    course.contacted = True
    found = codec.decode_list(view.target.list_cls, body)
    del body
    state = dict(view.noted(item) for item in found.items or ())
    yield from _compared(view, state, found.resource_version)


def _whole(stream: Stream) -> Flow[bytes]:
    chunks: list[bytes] = []
    while chunk := cast("bytes", (yield Read(stream))):
        chunks.append(chunk)
    return b"".join(chunks)


def _streamed(course: _Course[Any]) -> Flow[bool]:
    """Read the state from a streaming list, and follow it to the end; False without success.

    A server that does not know streaming lists refuses them (the API server, as a bad request or
    as invalid) or takes them for a plain watch, which never says that the state is complete.
    """
    view, patience = course.view, course.view.policy.marker_timeout
    try:
        stream = yield from _opened(course, _STREAMING_LIST, patience)
    except (BadRequestError, InvalidError):
        view.streaming = False
        return False
    return (yield from _closing(stream, _streamed_from(course, _Reader(stream, patience))))


def _streamed_from(course: _Course[Any], reader: _Reader) -> Flow[bool]:
    try:
        rest = yield from _initial(course.view, reader)
    except TransportTimeout:
        rest = None
    if rest is None:
        course.view.streaming = False
        course.opened_at = None
        return False
    try:
        yield from _followed(course, reader, rest)
    except TransportTimeout:
        # Its patience was for the marker; for what follows a stream with the usual one is opened.
        return False
    return True


def _initial(view: View[Any], reader: _Reader) -> Flow[list[bytes] | None]:
    """Read up to the end of the initial events; the result is what was read of what follows."""
    state: dict[Key, Record[Any]] = {}
    while batch := (yield from reader.lines()):
        for index, line in enumerate(batch):
            kind, body = codec.decode_event(line)
            if kind == "BOOKMARK":
                bookmark = Bookmark.of(body)
                if not bookmark.ends_initial_events:
                    return None
                yield from _compared(view, state, bookmark.version)
                return batch[index + 1 :]
            if kind == "ERROR":
                raise _failure(body)
            key, record = view.noted(codec.decode(view.target.cls, body))
            # Changes may come before the marker, when the server's cache was a little behind.
            if kind == "DELETED":
                state.pop(key, None)
            else:
                state[key] = record
    return None


def _compared(view: View[Any], state: dict[Key, Record[Any]], version: str | None) -> Flow[None]:
    for change in view.differences(state, version):
        yield Emit(change)
    view.settle(version)
    yield Emit(Settled())


def _opened(
    course: _Course[Any], query: Sequence[tuple[str, str]], patience: float
) -> Flow[Stream]:
    """Open a watch."""
    view = course.view
    request = requests.list_(view.target, view.options, timeout=patience, extra=query)
    stream = yield from open_stream(request, _ONCE)
    course.opened_at = yield from now()
    course.contacted = True
    view.statistics.reconnects += view.statistics.connections > 0
    view.statistics.connections += 1
    return stream


def _followed(course: _Course[Any], reader: _Reader, batch: list[bytes]) -> Flow[None]:
    """Emit what one stream brings, until it ends."""
    view, cls = course.view, course.view.target.cls
    while True:
        for line in batch:
            kind, body = codec.decode_event(line)
            changed = _CHANGES.get(kind)
            if changed is not None:
                change = view.take(changed, codec.decode(cls, body))
                if change is not None:
                    yield Emit(change)
            elif kind == "BOOKMARK":
                view.bookmark(Bookmark.of(body).version)
            elif kind == "ERROR":
                raise _failure(body)
        batch = yield from reader.lines()
        if not batch:
            return
        course.doubts = 0


class _Reader:
    """The lines of one stream."""

    def __init__(self, stream: Stream, patience: float) -> None:
        self._stream = stream
        self._patience = patience
        self._lines = Lines()

    def lines(self) -> Flow[list[bytes]]:
        """The next lines, at least one; none at the end."""
        blank_since: float | None = None
        while chunk := cast("bytes", (yield Read(self._stream))):
            lines = self._lines.feed(chunk)
            if lines:
                return lines
            if not chunk.isspace():
                # Part of a large object: slow is not dead.
                blank_since = None
                continue
            # Some proxies keep a connection alive with line ends while the server is gone.
            time = yield from now()
            blank_since = time if blank_since is None else blank_since
            if time - blank_since > self._patience:
                raise TransportTimeout(f"only blank lines for {self._patience:g} seconds")
        return []


def _closing(stream: Stream, flow: Flow[R]) -> Flow[R]:
    """Run a flow over a stream and close that; a flow that is cut off leaves it to the driver."""
    try:
        result = yield from flow
    except Exception:
        yield Close(stream)
        raise
    yield Close(stream)
    return result


def _failure(body: bytes) -> ApiError:
    """The error of an ERROR event."""
    status: object = codec.decode_json(body)
    return error_from_status(cast("dict[str, Any]", status) if isinstance(status, dict) else {})
