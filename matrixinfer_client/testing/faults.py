"""What can go wrong between a client and an API server, for `FakeCluster.inject`.

Each function makes a fault, which acts on the calls that `inject` picks:

```python
cluster.inject(error(429, retry_after=1), verb="create", times=2)
cluster.inject(cut(after_events=3), resource="models")
cluster.inject(one_of(lost(), error(500)), probability=0.1, times=None)
```
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

import attrs
from msgspec import json

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.testing.altering import Countdown, alter, without_bookmarks
from matrixinfer_client.testing.amounts import is_number, is_whole
from matrixinfer_client.testing.apiserver import refusals
from matrixinfer_client.testing.apiserver.refusals import Refusal
from matrixinfer_client.testing.exchange import Reply, Stream
from matrixinfer_client.testing.matching import Subject

__all__ = [
    "Fault",
    "Occasion",
    "check_faults",
    "conflict",
    "cut",
    "delay",
    "error",
    "expired",
    "expired_event",
    "lost",
    "no_bookmarks",
    "one_of",
    "stall",
    "too_many_requests",
]

_WRITES: Final = frozenset({"create", "update", "patch", "apply", "delete"})
_READS: Final = frozenset({"list", "watch"})
_WATCH: Final = frozenset({"watch"})


@attrs.frozen(kw_only=True)
class Occasion:
    """A call that a fault acts on."""

    subject: Subject
    answer: Callable[[], Reply]
    """Has the server answer; the faults that were injected later have their turn before."""
    random: Random


@attrs.frozen
class Fault:
    """Something that goes wrong; made by the functions of this module."""

    text: str
    """The call that makes it, as a person would write it."""
    act: Callable[[Occasion], Reply] = attrs.field(repr=False)
    verbs: frozenset[str] | None = attrs.field(default=None, repr=False)
    """The verbs that it can happen to; None for all."""

    def __repr__(self) -> str:
        return self.text


def check_faults(given: Sequence[object]) -> None:
    """Raise `InvalidArgumentError` if one of them is no fault."""
    for each in given:
        if isinstance(each, Fault):
            continue
        if callable(each) and getattr(each, "__module__", "") == __name__:
            name = getattr(each, "__name__", "")
            raise InvalidArgumentError(
                f"{name} is a function that makes a fault; call it: {name}()"
            )
        raise InvalidArgumentError(
            f"{each!r} is no fault; functions of matrixinfer_client.testing make them, such as "
            "error(500) or conflict(), and verb= and resource= say what they happen to"
        )


def error(
    status: int,
    *,
    reason: str | None = None,
    message: str | None = None,
    retry_after: int | None = None,
) -> Fault:
    """The server answers with a failure, and does nothing.

    Args:
        status: The HTTP code, 400 to 599.
        reason: The reason, such as `NotFound`. Default: the one that Kubernetes has for the code.
        message: The text. Default: one that says that it was injected.
        retry_after: Seconds that the client is to wait, as header and in the details.
    """
    if not is_whole(status, 400, 599):
        raise InvalidArgumentError(f"an error has a status of 400 to 599, not {status!r}")
    if retry_after is not None:
        _check_retry_after(retry_after)
    why = _REASONS.get(status, "") if reason is None else reason
    text = message or f"this failure was injected into the FakeCluster: {why or status}"
    details = None if retry_after is None else {"retryAfterSeconds": retry_after}
    refusal = Refusal(status, text, reason=why, details=details)
    options = _shown(reason=reason, message=message, retry_after=retry_after)
    return Fault(f"error({status}{options})", lambda _: _refused(refusal))


_REASONS: Final[Mapping[int, str]] = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Gone",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


def conflict() -> Fault:
    """A write fails as when somebody else has changed the object since it was read (409)."""

    def act(occasion: Occasion) -> Reply:
        subject = occasion.subject
        group, plural = ("", "") if subject.type is None else subject.type.key
        return _refused(refusals.conflict(group, plural, subject.name))

    return Fault("conflict()", act, _WRITES)


def too_many_requests(*, retry_after: int = 1) -> Fault:
    """The server has too much to do and says when to come back (429), in its own words."""
    _check_retry_after(retry_after)
    refusal = refusals.too_many_requests(retry_after=retry_after)
    text = f"too_many_requests(retry_after={retry_after})"
    return Fault(text, lambda _: _refused(refusal))


def expired() -> Fault:
    """A list or watch fails because the version or the continue token is too old (410)."""

    def act(occasion: Occasion) -> Reply:
        call = occasion.subject.call
        if occasion.subject.verb == "watch":
            message = f"too old resource version: {call.option('resourceVersion') or 0}"
        else:
            message = _PAGE_TOO_OLD if call.option("continue") else _LIST_TOO_OLD
        return _refused(refusals.expired(message))

    return Fault("expired()", act, _READS)


_LIST_TOO_OLD: Final = "The resourceVersion for the provided list is too old."
_PAGE_TOO_OLD: Final = (
    "The provided continue parameter is too old to display a consistent list result. You must "
    "start a new list without the continue parameter."
)


def expired_event(*, after_events: int = 0) -> Fault:
    """A watch that was opened brings an ERROR event with 410 after some events, and ends."""

    def end(stream: Stream) -> bytes:
        stream.close()
        status = refusals.expired("too old resource version: 1").body()
        return json.encode({"type": "ERROR", "object": status}) + b"\n"

    act = _after(after_events, end)
    return Fault(_counted("expired_event", after_events), act, _WATCH)


def cut(*, after_events: int = 0) -> Fault:
    """The connection breaks: a watch after some events, any other answer in its middle.

    What was asked for has been carried out. Bookmarks do not count as events.
    """

    def end(stream: Stream) -> bytes:
        stream.end(broken=True)
        return b""

    streamed = _after(after_events, end)

    def act(occasion: Occasion) -> Reply:
        reply = streamed(occasion)
        return _halved(reply) if reply.stream is None else reply

    return Fault(_counted("cut", after_events), act)


def stall(*, after_events: int = 0) -> Fault:
    """The connection stays open and nothing more comes, as when a firewall has forgotten it.

    A watch brings some events before that; another request gets no answer and is not carried
    out. Clients notice by their time limits alone.
    """

    def silence(stream: Stream) -> bytes:
        stream.stall()
        return b""

    streamed = _after(after_events, silence)

    def act(occasion: Occasion) -> Reply:
        if occasion.subject.verb == "watch":
            return streamed(occasion)
        return Reply(status=503, delay=math.inf)

    return Fault(_counted("stall", after_events), act)


def delay(seconds: float, *, jitter: float = 0.0) -> Fault:
    """The answer comes late, by `seconds` and up to `jitter` more; it is carried out in time."""
    if not (is_number(seconds) and is_number(jitter)):
        raise InvalidArgumentError(
            f"an answer is late by seconds of 0 and more, not {seconds!r} and jitter {jitter!r}"
        )

    def act(occasion: Occasion) -> Reply:
        reply = occasion.answer()
        reply.delay += seconds + (occasion.random.uniform(0, jitter) if jitter else 0)
        return reply

    return Fault(f"delay({seconds}{f', jitter={jitter}' if jitter else ''})", act)


def lost(*, carried_out: bool = False) -> Fault:
    """The connection breaks before there is an answer.

    With `carried_out`, the server has done what was asked, which the client cannot know.
    """

    def act(occasion: Occasion) -> Reply:
        if carried_out:
            reply = occasion.answer()
            if reply.stream is not None:
                reply.stream.close()
        return Reply(status=503, lost=True)

    return Fault(f"lost({'carried_out=True' if carried_out else ''})", act)


def no_bookmarks() -> Fault:
    """A watch never brings a bookmark but the one that ends its initial events."""

    def act(occasion: Occasion) -> Reply:
        reply = occasion.answer()
        if reply.stream is not None:
            alter(reply.stream, without_bookmarks)
        return reply

    return Fault("no_bookmarks()", act, _WATCH)


def one_of(*faults: Fault) -> Fault:
    """Any of these, drawn anew for each call, with the cluster's `seed`."""
    if not faults:
        raise InvalidArgumentError("one_of needs at least one fault to draw from")
    check_faults(faults)
    text = f"one_of({', '.join(map(repr, faults))})"

    def act(occasion: Occasion) -> Reply:
        verb = occasion.subject.verb
        fitting = [each for each in faults if each.verbs is None or verb in each.verbs]
        return occasion.random.choice(fitting).act(occasion)

    if any(each.verbs is None for each in faults):
        return Fault(text, act)
    return Fault(text, act, frozenset[str]().union(*(each.verbs or () for each in faults)))


def _after(count: int, then: Callable[[Stream], bytes]) -> Callable[[Occasion], Reply]:
    """Let a watch bring so many events, and then do something to its stream."""
    if not is_whole(count, 0):
        raise InvalidArgumentError(f"after_events must be 0 or more, not {count!r}")

    def act(occasion: Occasion) -> Reply:
        reply = occasion.answer()
        if reply.stream is not None and occasion.subject.verb == "watch":
            alter(reply.stream, Countdown(reply.stream, count, then))
        return reply

    return act


def _halved(reply: Reply) -> Reply:
    """The answer with the first half of its body, and then the end of the connection."""
    stream = Stream()
    stream.feed(reply.body[: len(reply.body) // 2])

    def end(taken: bytes) -> bytes:
        stream.end(broken=True)
        return taken

    alter(stream, end)
    return attrs.evolve(reply, body=b"", stream=stream)


def _refused(refusal: Refusal) -> Reply:
    if refusal.plain is not None:
        kind, body = "text/plain; charset=utf-8", refusal.plain.encode()
    else:
        kind, body = "application/json", json.encode(refusal.body())
    headers = [("Content-Type", kind), *refusal.headers.items()]
    return Reply(status=refusal.status, body=body, headers=headers)


def _check_retry_after(seconds: int) -> None:
    if not is_whole(seconds, 0):
        # HTTP has no other: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
        raise InvalidArgumentError(f"retry_after must be whole seconds, 0 or more, not {seconds!r}")


def _shown(**options: Any) -> str:
    return "".join(f", {name}={value!r}" for name, value in options.items() if value is not None)


def _counted(name: str, after_events: int) -> str:
    return f"{name}({f'after_events={after_events}' if after_events else ''})"
