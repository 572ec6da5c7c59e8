"""When a broken watch goes on, when it gives up, and what it counts meanwhile."""

from __future__ import annotations

import random
from collections import deque

import attrs

from matrixinfer_client.errors import (
    ApiError,
    CredentialError,
    DecodeError,
    InvalidArgumentError,
    TransportError,
)

__all__ = ["Pace", "WatchPolicy", "WatchStatistics", "is_too_new", "is_transient"]


@attrs.frozen
class WatchPolicy:
    """How a watch or an informer treats its connection. The defaults fit a real API server."""

    idle_timeout: float = 70.0
    """Seconds without any event or bookmark after which a connection is dead.

    The API server sends a bookmark about once a minute (`bookmarkFrequency` of its watch cache)
    on every watch that asks for them, as all of ours do. Load balancers and NAT forget quiet
    connections without telling either side, and TCP alone would take hours to notice.
    """
    backoff: float = 0.8
    """Upper bound in seconds of the first pause after a failure; it doubles with each (client-go:
    the same). Every pause is a random part of its bound."""
    max_backoff: float = 30.0
    """Upper bound in seconds of any pause that the server did not ask for by `Retry-After`."""
    healthy_after: float = 10.0
    """Seconds that a stream must have lasted for the pauses to start again from `backoff`. A
    server that closes each stream at once is thereby not asked in a loop."""
    streaming_lists: bool = True
    """Get the existing objects through the watch itself (`sendInitialEvents`) where the server
    can, which spares its memory; list them where it cannot."""
    marker_timeout: float = 10.0
    """Seconds of silence in a streaming list after which the server is taken for one that ignores
    `sendInitialEvents`; the objects are listed then."""

    def __attrs_post_init__(self) -> None:
        if min(self.idle_timeout, self.marker_timeout) <= 0:
            raise InvalidArgumentError("WatchPolicy: timeouts must be above 0")
        if min(self.backoff, self.max_backoff, self.healthy_after) < 0:
            raise InvalidArgumentError("WatchPolicy: pauses and periods cannot be negative")


@attrs.define
class WatchStatistics:
    """What a watch or an informer has lived through so far."""

    events: int = 0
    """Changes handed out, those from lists included."""
    bookmarks: int = 0
    """Bookmarks received; they are never handed out."""
    connections: int = 0
    """Watch streams opened."""
    reconnects: int = 0
    """Watch streams opened to go on after an earlier one ended."""
    relists: int = 0
    """How often the history was gone and the state was read anew."""
    coalesced: int = 0
    """Changes handed out after such a relist. Each is a difference between what was known and
    what is now, and may stand for several changes."""
    duplicates: int = 0
    """Events that the server sent although they had been handed out; they were dropped."""
    dead_connections: int = 0
    """Connections given up because nothing came for `idle_timeout`."""
    errors: int = 0
    """Failures survived, refused connections and answers of the server alike."""
    backoff_seconds: float = 0.0
    """Seconds spent in pauses."""
    last_error: Exception | None = None
    """The newest failure survived; None when there was none since a stream was last healthy."""
    gaps: deque[tuple[str | None, str | None]] = attrs.field(
        factory=lambda: deque(maxlen=1000), repr=False
    )
    """The last 1,000 relists: the version that was known and the version that was read. Only
    between the two may several changes have become one, or an object have come and gone."""

    def __str__(self) -> str:
        return (
            f"events {self.events}, connections {self.connections}, relists {self.relists}, "
            f"errors survived {self.errors}"
        )


class Pace:
    """The pauses between the attempts of one watch."""

    def __init__(self, policy: WatchPolicy) -> None:
        self._policy = policy
        self.failures = 0

    def after(self, error: Exception | None, lasted: float) -> float:
        """Seconds to wait after a stream that lasted so long, and ended with or without an error.

        A stream that ended without an error but at once counts as a failure, too.
        """
        policy = self._policy
        self.failures = 1 if lasted >= policy.healthy_after else self.failures + 1
        asked = error.retry_after if isinstance(error, ApiError) else None
        if asked is not None:
            # A little more than asked, so that many clients do not come back in the same instant.
            return asked + random.uniform(0, min(1.0, asked / 4))  # noqa: S311
        # The exponent is bounded because a watch may fail for days.
        bound = policy.backoff * 2 ** min(self.failures - 1, 30)
        return random.uniform(0, min(policy.max_backoff, bound))  # noqa: S311


def is_transient(error: Exception) -> bool:
    """Whether trying again may help: no answer, one that says "later", or one that is broken.

    A refused credential has been renewed once by the time it gets here. Missing rights, a missing
    resource and a bad selector stay as they are until a person does something.
    """
    if isinstance(error, TransportError):
        return error.transient
    if isinstance(error, ApiError):
        return error.status_code in (408, 429) or error.status_code >= 500
    return isinstance(error, DecodeError | CredentialError)


def is_too_new(error: Exception) -> bool:
    """Whether a server says that it has not come as far as the version it was asked for."""
    return isinstance(error, ApiError) and any(
        cause.type == "ResourceVersionTooLarge" for cause in error.causes
    )
