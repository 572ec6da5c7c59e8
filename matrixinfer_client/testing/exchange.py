"""A request to the fake API server and its answer, as all of its doors pass them.

The server itself does no I/O and never waits: it answers a `Call` with a `Reply` at once. Where an
answer takes time (a watch, an injected delay) the reply says so, and the door waits in the manner
of its mode.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

__all__ = ["ADMIN", "ANONYMOUS", "Call", "Caller", "Reply", "Stream"]


@attrs.frozen
class Caller:
    """Who sends a request, as authentication found it."""

    name: str
    groups: tuple[str, ...] = ()


ADMIN: Final = Caller("admin", ("system:masters", "system:authenticated"))
"""May do everything."""

ANONYMOUS: Final = Caller("system:anonymous", ("system:unauthenticated",))
"""Who sends no credential."""


@attrs.frozen(kw_only=True)
class Call:
    """A request, read to its end."""

    method: str
    path: str
    """As it was sent: percent-encoded, without the query."""
    query: Mapping[str, Sequence[str]] = attrs.field(factory=dict[str, "Sequence[str]"])
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """By lower-case name."""
    body: bytes = attrs.field(default=b"", repr=False)
    caller: Caller = ADMIN

    def option(self, name: str) -> str:
        """The first value of a query parameter, empty without one."""
        values = self.query.get(name)
        return values[0] if values else ""

    def flag(self, name: str) -> bool:
        """Whether a query parameter is true, in the spellings that Go takes."""
        return self.option(name) in ("1", "t", "T", "true", "TRUE", "True")


class Stream:
    """A body that comes over time. Producers feed it, one consumer takes from it.

    It is safe between threads. `heartbeat` is called every `heartbeat_seconds`, from the consumer's
    thread, and may feed. `listen` gives the function that is called, from whatever thread,
    when there is something to take; it must not block.
    """

    def __init__(
        self,
        *,
        seconds: float | None = None,
        heartbeat: Callable[[], None] | None = None,
        heartbeat_seconds: float = 60.0,
    ) -> None:
        self._lock = threading.Lock()
        self._chunks: deque[bytes] = deque()
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._heartbeat = heartbeat
        self._heartbeat_seconds = heartbeat_seconds
        self._next_heartbeat = time.monotonic() + heartbeat_seconds
        self._ready: Callable[[], None] = _ignore
        self._over = False
        self._stalled = False
        self.broken = False
        """Whether the connection is to be cut instead of being ended in order."""
        self.on_close: Callable[[], None] = _ignore
        """What to call when the consumer is gone or the stream is over; once."""
        self.alter: Callable[[bytes], bytes] = _unaltered
        """What is made of the bytes that are taken: whole lines, or nothing. It may end this."""

    @property
    def ended(self) -> bool:
        """Whether nothing will ever be taken from it any more."""
        with self._lock:
            return self._over and not self._chunks

    def feed(self, chunk: bytes) -> None:
        """Add bytes; ignored after the end."""
        with self._lock:
            if self._over:
                return
            self._chunks.append(chunk)
        self._ready()

    def end(self, *, broken: bool = False) -> None:
        """Let nothing more come. `broken` cuts the connection, and what was not taken is lost."""
        with self._lock:
            if broken:
                self._chunks.clear()
                self.broken = True
            self._stalled = False
        self._finish()

    def stall(self) -> None:
        """Keep the connection open and say nothing more, as behind a half-open connection."""
        with self._lock:
            self._stalled = True

    def close(self) -> None:
        """Say that the consumer is gone."""
        with self._lock:
            self._chunks.clear()
        self._finish()

    def listen(self, ready: Callable[[], None]) -> None:
        """Set the function to call when there is something to take."""
        self._ready = ready

    def take(self) -> bytes:
        """What is there; empty when nothing is. Ends the stream when its time is over."""
        now = time.monotonic()
        beat = self._due_heartbeat(now)
        if beat is not None:
            # It feeds, so that what it says comes behind all that was said before.
            beat()
        with self._lock:
            if self._stalled:
                return b""
            taken = b"".join(self._chunks)
            self._chunks.clear()
            expired = self._deadline is not None and now >= self._deadline
        if expired:
            self._finish()
        return self.alter(taken)

    def _due_heartbeat(self, now: float) -> Callable[[], None] | None:
        with self._lock:
            if self._heartbeat is None or self._over or now < self._next_heartbeat:
                return None
            self._next_heartbeat = now + self._heartbeat_seconds
            return self._heartbeat

    @property
    def wait_seconds(self) -> float | None:
        """In how many seconds to `take` again though nobody fed anything; None for never."""
        times = [] if self._deadline is None else [self._deadline]
        if self._heartbeat is not None and not self._over:
            times.append(self._next_heartbeat)
        if self._stalled or not times:
            return None
        return max(0.0, min(times) - time.monotonic())

    def _finish(self) -> None:
        with self._lock:
            first, self._over = not self._over, True
        if first:
            self.on_close()
        self._ready()


def _ignore() -> None:
    """Stand in for a function that nobody gave."""


def _unaltered(taken: bytes) -> bytes:
    return taken


@attrs.define(kw_only=True)
class Reply:
    """An answer. Its body is `body`, or what comes from `stream`."""

    status: int
    body: bytes = attrs.field(default=b"", repr=False)
    headers: list[tuple[str, str]] = attrs.field(factory=list[tuple[str, str]])
    """Without Content-Length; a name may come more than once (`Warning`)."""
    stream: Stream | None = None
    delay: float = 0.0
    """Seconds that the door waits before it answers."""
    lost: bool = False
    """Whether the connection is cut before anything is answered."""
