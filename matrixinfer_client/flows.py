"""What to send and when to send it again, without sending anything.

A flow is a generator. It yields steps (`Send`, `Open`, `Read`, `Sleep`, `Emit`, ...) and is
resumed with the step's reply, or with the `TransportError` that the step ended in. A driver
(`drivers`) performs the steps, blocking or awaiting, so that every rule about retries, paging and
watching is written once and tested without I/O.

Two rules follow from that. A flow that is being closed cannot yield, so the driver owns every
stream that a flow opened and closes it. And a flow never sleeps or reads a clock by itself.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import attrs
from msgspec import Struct

from matrixinfer_client.errors import (
    ApiError,
    InvalidArgumentError,
    RequestInfo,
    TransportError,
    TransportTimeout,
    error_from_response,
)

if TYPE_CHECKING:
    from matrixinfer_client.config import Credential

__all__ = [
    "NO_TIMEOUT",
    "Alarm",
    "Close",
    "Emit",
    "Flow",
    "Invoke",
    "Now",
    "Open",
    "Read",
    "Reauthorize",
    "Request",
    "Response",
    "Retries",
    "Send",
    "Sleep",
    "Step",
    "Stream",
    "TimeIsUp",
    "TimeoutArg",
    "alarm",
    "call",
    "invoke",
    "is_success",
    "now",
    "sleep",
]

T = TypeVar("T")


class _NoTimeout:
    """The type of `NO_TIMEOUT`."""

    def __repr__(self) -> str:
        return "NO_TIMEOUT"

    def __reduce__(self) -> str:
        return "NO_TIMEOUT"


NO_TIMEOUT = _NoTimeout()
"""Wait without a limit. (`None` means the client's default, which is finite.)"""

TimeoutArg: TypeAlias = "float | _NoTimeout | None"


@attrs.frozen
class Retries:
    """When a failed request is sent again, and how long the pauses are.

    A request is repeated when it provably never arrived, when the server answered 429 or 503 with
    `Retry-After` (which says that it did nothing), and, for reads and server-side apply only,
    after a lost connection or a 429, 502, 503 or 504. A create or an update whose answer was
    lost is never repeated blindly.
    """

    attempts: int = 5
    """How often a request is sent at the most, the first time included. 1 switches retries off."""
    backoff: float = 0.1
    """Upper bound in seconds of the first pause; the bound doubles each time (full jitter)."""
    max_backoff: float = 5.0
    """Upper bound in seconds of any pause that the server did not ask for."""
    budget: float = 60.0
    """Seconds that all pauses of one call may take together; a longer `Retry-After` is an error."""

    def __attrs_post_init__(self) -> None:
        if self.attempts < 1:
            raise InvalidArgumentError("Retries.attempts must be 1 or more; 1 means no retry")
        if min(self.backoff, self.max_backoff, self.budget) < 0:
            raise InvalidArgumentError(
                "Retries: backoff, max_backoff and budget cannot be negative"
            )


# Structs of msgspec, here and below: attrs takes longer to make these classes than they live in
# a program that does one thing.
class Request(Struct):
    """One HTTP request, ready but for the credential."""

    method: str
    path: str
    """Percent-encoded path below the server's URL, with a leading slash."""
    query: str = ""
    """Encoded query without the question mark."""
    body: bytes | None = None
    content_type: str = "application/json"
    timeout: TimeoutArg = None
    repeatable: bool = False
    """True when sending it twice does the same as sending it once."""


class Response(Struct):
    """An answer, read to the end."""

    status_code: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    request: RequestInfo
    credential: Credential | None = None
    """What the request was sent with, so that a 401 can name what was refused."""

    @property
    def retry_after(self) -> float | None:
        """Seconds of the `Retry-After` header; None without one or with one that is not a number.

        The API server sends whole seconds; the header's date form is for caches.
        """
        text = self.headers.get("retry-after")
        try:
            seconds = float(text) if text else None
        except ValueError:
            return None
        return seconds if seconds is not None and 0 <= seconds < float("inf") else None

    def error(self) -> ApiError:
        """This answer as the exception to raise."""
        if self.status_code < 400:
            return ApiError(_astray(self), status_code=self.status_code, request=self.request)
        return error_from_response(
            self.status_code,
            content_type=self.headers.get("content-type", ""),
            body=self.body,
            retry_after=self.retry_after,
            request=self.request,
        )


def is_success(status_code: int) -> bool:
    """Whether an answer means that it was done. A redirect, which is never followed, does not."""
    return 200 <= status_code < 300


def _astray(response: Response) -> str:
    location = response.headers.get("location")
    if not location:
        return "the answer is neither a success nor an error, so it may not come from an API server"
    # Without what may be a secret: a user, and the parameters of a login.
    target = re.sub(r"//[^/]*@", "//", re.split("[?#]", location, maxsplit=1)[0])
    return (
        f"the server redirects to {target}, which is not followed, since the credential is for "
        "this server only; give the API server's own address"
    )


class Stream(Struct):
    """An open answer whose body is read in pieces. The driver holds what is behind `handle`."""

    response: Response
    handle: object


class Send(Struct):
    """Send a request, read the whole answer. Reply: `Response`."""

    request: Request


class Reauthorize(Struct):
    """Replace the credential that was refused. Reply: True when there is a new one."""

    refused: Credential | None


class Open(Struct):
    """Send a request, leave the body unread. Reply: `Stream`."""

    request: Request


class Read(Struct):
    """The next bytes of a stream, b"" at its end. Reply: `bytes`."""

    stream: Stream


class Close(Struct):
    """Close a stream before the flow ends, so that one that opens many keeps one. Reply: None."""

    stream: Stream


class Now(Struct):
    """The time in seconds, of a clock that only goes forward. Reply: `float`."""


class Sleep(Struct):
    """Do nothing for a number of seconds. Reply: None."""

    seconds: float


class TimeIsUp(TransportTimeout):
    """What a step ends in when the alarm rings."""

    def __init__(self) -> None:
        super().__init__("the time set for this is up")


class Alarm(Struct):
    """Have the step that is under way after so many seconds end in `TimeIsUp`.

    None switches the alarm off. Reply: None. After it rang, every stream is dead and every step
    ends like that until the alarm is set anew. Only for flows that run by a driver's `timed`.
    """

    seconds: float | None


class Invoke(Struct):
    """Call a function of the user's, awaiting it where it is awaitable. Reply: its result."""

    function: Callable[..., Any]
    argument: Any


class Emit(Struct):
    """Hand a value to whoever iterates. Reply: None."""

    value: Any


Step: TypeAlias = "Send | Reauthorize | Open | Read | Close | Now | Sleep | Alarm | Invoke | Emit"
Flow: TypeAlias = Generator[Step, Any, T]


def sleep(seconds: float) -> Flow[None]:
    """Pause, as a flow."""
    yield Sleep(seconds)


def alarm(seconds: float | None) -> Flow[None]:
    """Set the alarm, as a flow."""
    yield Alarm(seconds)


def now() -> Flow[float]:
    """The time of a clock that only goes forward, as a flow."""
    return cast("float", (yield Now()))


def invoke(function: Callable[[Any], Any], argument: object) -> Flow[Any]:
    """Call a function of the user's, as a flow."""
    return (yield Invoke(function, argument))


def send(request: Request) -> Flow[Response]:
    """One request, one answer, whatever its status."""
    return cast("Response", (yield Send(request)))


def call(request: Request, retries: Retries) -> Flow[Response]:
    """Send with retries; return the first success or raise the last failure.

    Raises `ApiError` for an answer with a status other than 2xx and `TransportError` for none.
    """
    return cast("Response", (yield from _attempt(Send(request), retries)))


def open_stream(request: Request, retries: Retries) -> Flow[Stream]:
    """Like `call`, for an answer whose body is read in pieces."""
    return cast("Stream", (yield from _attempt(Open(request), retries)))


def _attempt(step: Send | Open, retries: Retries) -> Flow[Response | Stream]:
    request, attempt, spent, reauthorized = step.request, 0, 0.0, False
    while True:
        attempt += 1
        try:
            reply = cast("Response | Stream", (yield step))
            response = reply.response if isinstance(reply, Stream) else reply
            if is_success(response.status_code):
                return reply
            if response.status_code == 401 and not reauthorized:
                # Once: a second refusal is an answer. The credential may just have been rotated.
                reauthorized = True
                if (yield Reauthorize(response.credential)):
                    attempt -= 1
                    continue
            error: ApiError | TransportError = response.error()
            pause = _pause_after(response, request.repeatable, attempt, retries)
        except TransportError as failure:
            error = failure
            pause = _pause_after_failure(failure, request.repeatable, attempt, retries)
        if pause is None or attempt >= retries.attempts or spent + pause > retries.budget:
            raise error
        spent += pause
        yield Sleep(pause)


def _pause_after(
    response: Response, repeatable: bool, attempt: int, retries: Retries
) -> float | None:
    asked = response.retry_after
    if response.status_code in (429, 503) and asked is not None:
        # A little more than asked, so that many clients do not come back in the same instant.
        return asked + random.uniform(0, min(1.0, asked / 4))  # noqa: S311
    if repeatable and response.status_code in (429, 502, 503, 504):
        return _jitter(attempt, retries)
    return None


def _pause_after_failure(
    failure: TransportError, repeatable: bool, attempt: int, retries: Retries
) -> float | None:
    if isinstance(failure, TransportTimeout):
        # The caller's limit has been waited for in full once; do not multiply it.
        return None
    if not failure.transient or (failure.sent and not repeatable):
        return None
    return _jitter(attempt, retries)


def _jitter(attempt: int, retries: Retries) -> float:
    # Bounded, since a float overflows after a thousand doublings.
    bound = min(retries.max_backoff, retries.backoff * 2 ** min(attempt - 1, 64))
    return random.uniform(0, bound)  # noqa: S311
