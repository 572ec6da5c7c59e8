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
├── WaitError                    a wait that ended without success; has `diagnosis`
│   ├── WaitTimeout              not in time (TimeoutError)
│   │   └── InsufficientResourcesTimeout  also an InsufficientResourcesError
│   └── ConditionFailed          it cannot come true, or has failed for too long
│       └── InsufficientResourcesFailed   also an InsufficientResourcesError
├── TransportError               no answer: refused, reset, TLS, DNS, proxy
│   └── TransportTimeout         no answer in time (TimeoutError)
├── PlatformError                has a `code` of the platform and a `resolution`
│   ├── ModelNotFoundError       ModelNotFound; also a NotFoundError
│   ├── InsufficientResourcesError   InsufficientResources
│   │   └── QuotaExceededError   also a ForbiddenError: which quota, how much
│   ├── ValidationFailedError    ValidationFailed, with typed `causes`
│   │   ├── InvalidFieldsError   also an InvalidError: schema, CEL, immutable fields
│   │   ├── UnknownFieldsError   also a BadRequestError: strict field validation
│   │   ├── UndeclaredFieldsError    also an InternalServerError: the same for an apply
│   │   ├── WebhookDeniedError   also a BadRequestError: a webhook's rules
│   │   ├── UnreadableObjectError    also a WebhookFailedError: a webhook cannot read it
│   │   └── RejectedObjectError  also an InvalidObjectError: found before sending
│   └── NetworkPolicyViolationError  NetworkPolicyViolation
│       ├── NetworkPolicyForbiddenError  also a ForbiddenError
│       ├── NetworkPolicyInvalidError    also an InvalidError
│       └── NetworkPolicyDeniedError     also a BadRequestError
└── ApiError                     the server answered with a failure
    ├── BadRequestError          400
    ├── UnauthorizedError        401
    ├── ForbiddenError           403
    │   └── AccessDeniedError    RBAC: a rule is missing, and which one
    ├── NotFoundError            404
    ├── MethodNotAllowedError    405
    ├── ConflictError            409, somebody changed the object meanwhile
    │   └── OwnershipConflictError   another manager owns a field of an apply
    ├── AlreadyExistsError       409 with reason AlreadyExists
    ├── GoneError                410
    │   └── ExpiredError         410, a resourceVersion or continue token too old
    ├── RequestTooLargeError     413
    ├── UnsupportedMediaTypeError 415
    ├── InvalidError             422, with typed `causes`
    ├── TooManyRequestsError     429, with `retry_after`
    ├── InternalServerError      500
    │   └── WebhookFailedError   an admission webhook could not be called
    ├── UnavailableError         502 or 503
    └── ServerTimeoutError       504, or reason Timeout / ServerTimeout
```

Every error pickles, says what was wrong first, and never holds a credential. Class, `reason` and
`causes` follow the Kubernetes `Status` object (apimachinery `meta/v1` and `api/errors`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matrixinfer_client.apierrors import (
    AlreadyExistsError,
    ApiError,
    BadRequestError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    GoneError,
    InternalServerError,
    InvalidError,
    InvalidObjectError,
    MatrixInferError,
    MethodNotAllowedError,
    NotFoundError,
    Problem,
    RequestInfo,
    RequestTooLargeError,
    ServerTimeoutError,
    TooManyRequestsError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedMediaTypeError,
    class_for,
)
from matrixinfer_client.statuses import Cause, decode_status, foreign_message, mapping, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matrixinfer_client.denials import (
        AccessDeniedError,
        InsufficientResourcesError,
        InvalidFieldsError,
        ModelNotFoundError,
        NetworkPolicyDeniedError,
        NetworkPolicyForbiddenError,
        NetworkPolicyInvalidError,
        NetworkPolicyViolationError,
        OwnershipConflictError,
        PlatformError,
        QuotaExceededError,
        RejectedObjectError,
        UndeclaredFieldsError,
        UnknownFieldsError,
        UnreadableObjectError,
        ValidationFailedError,
        WebhookDeniedError,
        WebhookFailedError,
    )
    from matrixinfer_client.waiterrors import (
        ConditionFailed,
        InsufficientResourcesFailed,
        InsufficientResourcesTimeout,
        WaitError,
        WaitTimeout,
    )

__all__ = [
    "AccessDeniedError",
    "AlreadyExistsError",
    "ApiError",
    "ApiWarning",
    "BadRequestError",
    "Cause",
    "ConditionFailed",
    "ConfigError",
    "ConflictError",
    "CredentialError",
    "DecodeError",
    "ExpiredError",
    "ForbiddenError",
    "GoneError",
    "InsufficientResourcesError",
    "InsufficientResourcesFailed",
    "InsufficientResourcesTimeout",
    "InternalServerError",
    "InvalidArgumentError",
    "InvalidError",
    "InvalidFieldsError",
    "InvalidObjectError",
    "ManifestError",
    "MatrixInferError",
    "MethodNotAllowedError",
    "ModelNotFoundError",
    "NetworkPolicyDeniedError",
    "NetworkPolicyForbiddenError",
    "NetworkPolicyInvalidError",
    "NetworkPolicyViolationError",
    "NotFoundError",
    "NotSyncedError",
    "OwnershipConflictError",
    "PlatformError",
    "Problem",
    "QuotaExceededError",
    "RejectedObjectError",
    "RequestInfo",
    "RequestTooLargeError",
    "ServerTimeoutError",
    "SyncTimeout",
    "TooManyRequestsError",
    "TransportError",
    "TransportTimeout",
    "UnauthorizedError",
    "UnavailableError",
    "UndeclaredFieldsError",
    "UnknownFieldsError",
    "UnreadableObjectError",
    "UnsupportedMediaTypeError",
    "ValidationFailedError",
    "WaitError",
    "WaitTimeout",
    "WebhookDeniedError",
    "WebhookFailedError",
    "error_from_response",
    "error_from_status",
]


class ApiWarning(UserWarning):
    """A `Warning` header of the API server, such as a deprecation or an unknown field."""


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


def __getattr__(name: str) -> object:
    """The errors that are not needed until there is one: explained refusals, and of waits."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from matrixinfer_client import denials, waiterrors  # noqa: PLC0415

    return getattr(waiterrors if name in waiterrors.__all__ else denials, name)


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
    reason, message = text(status.get("reason")), text(status.get("message"))
    if retry_after is None:
        seconds = mapping(status.get("details")).get("retryAfterSeconds")
        retry_after = float(seconds) if isinstance(seconds, int) and seconds > 0 else None
    from matrixinfer_client.denials import explained  # noqa: PLC0415

    cls = class_for(number, reason)
    explanation = explained(cls, message, status, request.url if request else "")
    cls, causes, resolution = explanation or (cls, None, None)
    return cls(
        message,
        status_code=number,
        reason=reason,
        status=status,
        retry_after=retry_after,
        request=request,
        causes=causes,
        resolution=resolution,
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
    status = decode_status(body)
    if status is not None:
        return error_from_status(
            status, status_code=status_code, retry_after=retry_after, request=request
        )
    cls = class_for(status_code)
    return cls(
        foreign_message(content_type, body),
        status_code=status_code,
        retry_after=retry_after,
        request=request,
    )
