"""Everything that can go wrong, as one tree, and the one function from response to error.

```text
MatrixInferError
├── ConfigError                  where or as whom to connect is not known
│   └── CredentialError          a configured credential cannot be had (plugin, file, refresh)
├── InvalidArgumentError         a name, namespace or option that cannot be sent (ValueError)
├── InvalidObjectError           an object that cannot be sent; has `problems` (ValueError)
├── ManifestError                a file or text that is no manifest (ValueError)
├── DecodeError                  bytes from the server that are not JSON (ValueError)
├── NotSyncedError               an informer that is read before it has the server's state
├── SyncTimeout                  an informer that did not get it in time (TimeoutError)
├── TransportError               no answer: refused, reset, TLS, DNS, proxy
│   └── TransportTimeout         no answer in time (TimeoutError)
└── ApiError                     the server answered with a failure
    ├── BadRequestError          400
    ├── UnauthorizedError        401
    ├── ForbiddenError           403
    ├── NotFoundError            404
    ├── MethodNotAllowedError    405
    ├── ConflictError            409, somebody changed the object meanwhile
    ├── AlreadyExistsError       409 with reason AlreadyExists
    ├── GoneError                410
    │   └── ExpiredError         410, a resourceVersion or continue token too old
    ├── RequestTooLargeError     413
    ├── UnsupportedMediaTypeError 415
    ├── InvalidError             422, with typed `causes`
    ├── TooManyRequestsError     429, with `retry_after`
    ├── InternalServerError      500
    ├── UnavailableError         502 or 503
    └── ServerTimeoutError       504, or reason Timeout / ServerTimeout
```

Every error pickles, says what was wrong first, and never holds a credential. Class, `reason` and
`causes` follow the Kubernetes `Status` object (apimachinery `meta/v1` and `api/errors`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "AlreadyExistsError",
    "ApiError",
    "ApiWarning",
    "BadRequestError",
    "Cause",
    "ConfigError",
    "ConflictError",
    "CredentialError",
    "DecodeError",
    "ExpiredError",
    "ForbiddenError",
    "GoneError",
    "InternalServerError",
    "InvalidArgumentError",
    "InvalidError",
    "InvalidObjectError",
    "ManifestError",
    "MatrixInferError",
    "MethodNotAllowedError",
    "NotFoundError",
    "NotSyncedError",
    "Problem",
    "RequestInfo",
    "RequestTooLargeError",
    "ServerTimeoutError",
    "SyncTimeout",
    "TooManyRequestsError",
    "TransportError",
    "TransportTimeout",
    "UnauthorizedError",
    "UnavailableError",
    "UnsupportedMediaTypeError",
    "error_from_response",
    "error_from_status",
]

# Enough of a proxy's HTML page to recognise it, not enough to bury the message.
_FOREIGN_BODY_LIMIT = 256


class ApiWarning(UserWarning):
    """A `Warning` header of the API server, such as a deprecation or an unknown field."""


@attrs.frozen
class RequestInfo:
    """The request that failed: its method and URL, without credentials."""

    method: str
    url: str

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


@attrs.frozen
class Cause:
    """One reason out of `Status.details.causes`.

    `field` is the path of the field (`spec.backends[0].minReplicas`), empty when the cause has
    none; `type` is the Kubernetes cause type (`FieldValueInvalid`), empty when not given.
    """

    field: str
    type: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


@attrs.frozen
class Problem:
    """One thing wrong with an object, found before it was sent."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


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


class ConfigError(MatrixInferError):
    """It is not known where or as whom to connect; the message says what was tried."""


class CredentialError(ConfigError):
    """A credential is configured and cannot be had. Nothing is ever sent without it."""


class InvalidArgumentError(MatrixInferError, ValueError):
    """An argument that cannot become a request, such as a name with a slash."""


class ManifestError(MatrixInferError, ValueError):
    """A file or text that is not a manifest; the message has file, line and column."""


class DecodeError(MatrixInferError, ValueError):
    """The server's bytes are not the JSON they should be."""


class NotSyncedError(MatrixInferError):
    """An informer was read before it had the state of the server, or after it broke."""


class SyncTimeout(MatrixInferError, TimeoutError):
    """An informer did not get the state of the server in time; the cause says what was wrong."""


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


class TransportError(MatrixInferError):
    """No answer came.

    `sent` is False when the request provably never reached the server (refused, unresolved), so
    that even a create may be repeated; `transient` is False when trying again cannot help (a
    certificate that is not trusted).
    """

    request: RequestInfo | None
    sent: bool
    transient: bool

    def __init__(
        self,
        message: str,
        *,
        request: RequestInfo | None = None,
        sent: bool = True,
        transient: bool = True,
    ) -> None:
        super().__init__(message)
        self.request = request
        self.sent = sent
        self.transient = transient


class TransportTimeout(TransportError, TimeoutError):
    """No answer came in time."""


_BY_CODE: dict[int, type[ApiError]] = {}
_BY_REASON: dict[str, type[ApiError]] = {}


class ApiError(MatrixInferError):
    """The server answered with a failure.

    Attributes: `status_code` (HTTP), `reason` (Kubernetes, such as `NotFound`; empty when the
    server gave none), `message` (the server's words), `details` (the raw `Status.details`),
    `causes` (typed), `retry_after` (seconds, None when not said), `request`, and `status`
    (the whole decoded `Status`, empty when the body was something else).
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

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        reason: str = "",
        status: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        request: RequestInfo | None = None,
    ) -> None:
        self.status_code = status_code
        self.reason = reason
        self.message = message
        self.status = dict(status or {})
        self.details = _mapping(self.status.get("details"))
        self.causes = _causes(self.details)
        self.retry_after = retry_after
        self.request = request
        super().__init__(_headline(self))


def _headline(error: ApiError) -> str:
    facts = [str(error.status_code)]
    if error.reason:
        facts.append(error.reason)
    text = f"{error.message or 'the server gave no message'} ({' '.join(facts)})"
    if error.request is not None:
        text += f" [{error.request}]"
    # One cause is already in the message; several are easier to read a line each.
    if len(error.causes) > 1:
        text += "".join(f"\n  - {cause}" for cause in error.causes)
    return text


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
        token = _mapping(self.status.get("metadata")).get("continue")
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


def error_from_status(
    status: Mapping[str, Any],
    *,
    status_code: int | None = None,
    retry_after: float | None = None,
    request: RequestInfo | None = None,
) -> ApiError:
    """The error for a decoded `Status` object, such as the one inside an ERROR watch event."""
    code = status.get("code")
    number = status_code or (code if isinstance(code, int) else 500)
    reason = _text(status.get("reason"))
    if retry_after is None:
        seconds = _mapping(status.get("details")).get("retryAfterSeconds")
        retry_after = float(seconds) if isinstance(seconds, int) and seconds > 0 else None
    cls = _BY_REASON.get(reason) or _BY_CODE.get(number, ApiError)
    return cls(
        _text(status.get("message")),
        status_code=number,
        reason=reason,
        status=status,
        retry_after=retry_after,
        request=request,
    )


def error_from_response(
    status_code: int,
    *,
    content_type: str,
    body: bytes,
    retry_after: float | None = None,
    request: RequestInfo | None = None,
) -> ApiError:
    """The error for a response whose status code says that it failed.

    A body that is no `Status` (a proxy's HTML page, plain text) is quoted, cut at 256 characters.
    """
    status = _decode_status(body)
    if status is not None:
        return error_from_status(
            status, status_code=status_code, retry_after=retry_after, request=request
        )
    cls = _BY_CODE.get(status_code, ApiError)
    return cls(
        _foreign_message(content_type, body),
        status_code=status_code,
        retry_after=retry_after,
        request=request,
    )


def _decode_status(body: bytes) -> dict[str, Any] | None:
    if not body.lstrip().startswith(b"{"):
        return None
    # Here and not above: errors are imported by everything, JSON is needed when one happens.
    import json  # noqa: PLC0415

    try:
        value = json.loads(body)
    except ValueError:
        return None
    if isinstance(value, dict) and cast("dict[str, Any]", value).get("kind") == "Status":
        return cast("dict[str, Any]", value)
    return None


def _foreign_message(content_type: str, body: bytes) -> str:
    text = body[: 16 * _FOREIGN_BODY_LIMIT].decode("utf-8", "replace")
    if "html" in content_type or text.lstrip().lower().startswith(("<!doctype", "<html")):
        text = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]*>", " ", text)
    text = " ".join(text.split())
    if len(text) > _FOREIGN_BODY_LIMIT:
        text = text[:_FOREIGN_BODY_LIMIT] + "…"
    kind = content_type.split(";", maxsplit=1)[0].strip() or "no content type"
    if not text:
        return f"the answer has no body ({kind}), so it may not come from an API server"
    return f"the answer is no Kubernetes Status but {kind}: {text}"


def _mapping(value: object) -> dict[str, Any]:
    return dict(cast("dict[str, Any]", value)) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _causes(details: Mapping[str, Any]) -> tuple[Cause, ...]:
    causes = details.get("causes")
    if not isinstance(causes, list):
        return ()
    rows = [_mapping(cause) for cause in cast("list[object]", causes)]
    return tuple(
        Cause(
            field=_text(row.get("field")),
            type=_text(row.get("reason")),
            message=_text(row.get("message")),
        )
        for row in rows
    )
