"""What a fault makes of the lines of a watch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct, json

from matrixinfer_client.testing.exchange import Stream

__all__ = ["Countdown", "alter", "without_bookmarks"]


class _EventMetadata(Struct):
    annotations: dict[str, str] | None = None


class _EventObject(Struct):
    metadata: _EventMetadata | None = None


class _Event(Struct):
    type: str = ""
    object: _EventObject | None = None


_EVENTS: Final = json.Decoder(_Event)
_INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"


def _lines(taken: bytes) -> list[bytes]:
    return [line + b"\n" for line in taken.split(b"\n")[:-1]]


def _is_event(line: bytes) -> bool:
    return _EVENTS.decode(line).type != "BOOKMARK"


def without_bookmarks(taken: bytes) -> bytes:
    """Leave out bookmarks, but for the one that ends the initial events."""
    return b"".join(line for line in _lines(taken) if _is_kept(line))


def _is_kept(line: bytes) -> bool:
    event = _EVENTS.decode(line)
    metadata = event.object.metadata if event.object else None
    ends_initial = metadata is not None and _INITIAL_EVENTS_END in (metadata.annotations or {})
    return event.type != "BOOKMARK" or ends_initial


class Countdown:
    """Passes lines on until there were enough events, then does what it is for."""

    def __init__(self, stream: Stream, count: int, then: Callable[[Stream], bytes]) -> None:
        self._stream = stream
        self._left = count
        self._then = then
        self._done = False

    def __call__(self, taken: bytes) -> bytes:
        """What is left of the lines; the last time with what `then` says."""
        if self._done:
            return b""
        passed: list[bytes] = []
        for line in _lines(taken):
            if not self._left:
                break
            passed.append(line)
            self._left -= _is_event(line)
        if not self._left:
            self._done = True
            passed.append(self._then(self._stream))
        return b"".join(passed)


def alter(stream: Stream, change: Callable[[bytes], bytes]) -> None:
    """Change what a stream brings, after what other faults have made of it."""
    before = stream.alter
    stream.alter = lambda taken: change(before(taken))
