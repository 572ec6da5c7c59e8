"""The root of all errors, objects that cannot be sent, and answers that say no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from matrixinfer_client.statuses import Cause, causes_of, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "AlreadyExistsError",
    "ApiError",
    "BadRequestError",
    "ConflictError",
    "ExpiredError",
    "ForbiddenError",
    "GoneError",
    "InternalServerError",
    "InvalidError",
    "InvalidObjectError",
    "MatrixInferError",
    "MethodNotAllowedError",
    "NotFoundError",
    "Problem",
    "RequestInfo",
    "RequestTooLargeError",
    "ServerTimeoutError",
    "TooManyRequestsError",
    "UnauthorizedError",
    "UnavailableError",
    "UnsupportedMediaTypeError",
    "class_for",
]


@attrs.frozen
class RequestInfo:
    """The request that failed: its method and URL, without credentials."""

    method: str
    url: str

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


class MatrixInferError(Exception):
    """Root of all errors that this package raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The default rebuilds an exception by calling its class with `args`, which fails for every
        # class with keyword-only arguments; pools and task queues need errors that travel.
        return _revive, (type(self), self.args, self.__dict__)


def _revive(
    cls: type[MatrixInferError], args: tuple[Any, ...], state: dict[str, Any]
) -> MatrixInferError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


@attrs.frozen
class Problem:
    """One thing wrong with an object, found before it was sent."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidObjectError(MatrixInferError, ValueError):
    """An object that cannot be sent; `problems` names each field."""

    problems: tuple[Problem, ...]

    def __init__(self, problems: Sequence[Problem], *, subject: str = "object") -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            text = f"invalid {subject}: {self.problems[0]}"
        else:
            lines = "\n".join(f"  - {problem}" for problem in self.problems)
            text = f"invalid {subject}, {len(self.problems)} problems:\n{lines}"
        super().__init__(text)


_BY_CODE: dict[int, type[ApiError]] = {}
_BY_REASON: dict[str, type[ApiError]] = {}


class ApiError(MatrixInferError):
    """The server answered with a failure.

    Attributes: `status_code` (HTTP), `reason` (Kubernetes, such as `NotFound`; empty when the
    server gave none), `message` (the server's words), `details` (the raw `Status.details`),
    `causes` (typed), `retry_after` (seconds, None when not said), `request`, `status` (the whole
    decoded `Status`, empty when the body was something else), and `resolution` (what to do about
    it, None where nothing more is known than the message says).
    """

    def __init_subclass__(cls, *, code: int | None = None, reason: str | None = None) -> None:
        """Say which answers the class stands for: a reason decides before a code does."""
        if code is not None:
            _BY_CODE[code] = cls
        if reason is not None:
            _BY_REASON[reason] = cls

    status_code: int
    reason: str
    message: str
    details: dict[str, Any]
    causes: tuple[Cause, ...]
    retry_after: float | None
    request: RequestInfo | None
    status: dict[str, Any]
    resolution: str | None

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        reason: str = "",
        status: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        request: RequestInfo | None = None,
        causes: Sequence[Cause] | None = None,
        resolution: str | None = None,
    ) -> None:
        self.status_code = status_code
        self.reason = reason
        self.message = message
        self.status = dict(status or {})
        self.details = mapping(self.status.get("details"))
        self.causes = causes_of(self.details) if causes is None else tuple(causes)
        self.retry_after = retry_after
        self.request = request
        self.resolution = resolution
        super().__init__(_headline(self))


def _headline(error: ApiError) -> str:
    facts = [str(error.status_code)]
    if error.reason:
        facts.append(error.reason)
    text = f"{error.message or 'the server gave no message'} ({' '.join(facts)})"
    if error.request is not None:
        text += f" [{error.request}]"
    # One cause is already in the message; several are easier to read a line each.
    if len(error.causes) > 1 and "\n  - " not in error.message:
        text += "".join(f"\n  - {cause}" for cause in error.causes)
    return f"{text}\n{error.resolution}" if error.resolution else text


class BadRequestError(ApiError, code=400, reason="BadRequest"):
    """400: the server could not use the request, or a webhook denied the object."""


class UnauthorizedError(ApiError, code=401, reason="Unauthorized"):
    """401: the credential was refused, also after one refresh."""


class ForbiddenError(ApiError, code=403, reason="Forbidden"):
    """403: RBAC, a quota or an admission plugin says no."""


class NotFoundError(ApiError, code=404, reason="NotFound"):
    """404: no such object, or no such resource on this server."""


class MethodNotAllowedError(ApiError, code=405, reason="MethodNotAllowed"):
    """405: the resource does not support the verb."""


class ConflictError(ApiError, code=409, reason="Conflict"):
    """409: the object changed since it was read, or another manager owns a field."""


class AlreadyExistsError(ApiError, reason="AlreadyExists"):
    """409 with reason AlreadyExists: the name is taken."""


class GoneError(ApiError, code=410, reason="Gone"):
    """410: what was asked for is no longer there."""


class ExpiredError(GoneError, reason="Expired"):
    """410 with reason Expired: a resourceVersion or continue token is too old."""

    @property
    def continue_token(self) -> str | None:
        """The token with which a list can go on from the same key, at a newer version.

        The API server sends one with an expired continue token, so that a long listing need
        not begin again.
        """
        token = mapping(self.status.get("metadata")).get("continue")
        return token if isinstance(token, str) and token else None


class RequestTooLargeError(ApiError, code=413, reason="RequestEntityTooLarge"):
    """413: the object is larger than the server takes."""


class UnsupportedMediaTypeError(ApiError, code=415, reason="UnsupportedMediaType"):
    """415: a patch type the resource does not support."""


class InvalidError(ApiError, code=422, reason="Invalid"):
    """422: the object breaks the schema or a CEL rule; see `causes`."""


class TooManyRequestsError(ApiError, code=429, reason="TooManyRequests"):
    """429: the server asks to slow down; `retry_after` says for how long."""


class InternalServerError(ApiError, code=500, reason="InternalError"):
    """500: the server failed, or a webhook could not be called."""


class UnavailableError(ApiError, code=503, reason="ServiceUnavailable"):
    """502 or 503: no API server is behind the address right now."""


class ServerTimeoutError(ApiError, code=504, reason="Timeout"):
    """504, or reason Timeout or ServerTimeout: the server gave up; try again."""


# What a proxy answers for an API server that is not there, and the API server's other timeout.
_BY_CODE[502] = UnavailableError
_BY_REASON["ServerTimeout"] = ServerTimeoutError


def class_for(status_code: int, reason: str = "") -> type[ApiError]:
    """The class of an answer: its reason decides before its status code does."""
    return _BY_REASON.get(reason) or _BY_CODE.get(status_code, ApiError)
