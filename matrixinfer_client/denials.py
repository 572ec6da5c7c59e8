"""The platform's error codes, and refusals that can be explained.

Each class is what the answer says in the platform's terms and, at the same time, the Kubernetes
class that the answer arrived as: a webhook's denial is a `ValidationFailedError` and a
`BadRequestError`. `explained` picks the class; the sentences are taken apart in `phrases`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from matrixinfer_client import phrases
from matrixinfer_client.apierrors import (
    ApiError,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    InternalServerError,
    InvalidError,
    InvalidObjectError,
    MatrixInferError,
    NotFoundError,
    Problem,
)
from matrixinfer_client.statuses import Cause, causes_of, mapping, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "AccessDeniedError",
    "InsufficientResourcesError",
    "InvalidFieldsError",
    "ModelNotFoundError",
    "NetworkPolicyDeniedError",
    "NetworkPolicyForbiddenError",
    "NetworkPolicyInvalidError",
    "NetworkPolicyViolationError",
    "OwnershipConflictError",
    "PlatformError",
    "QuotaExceededError",
    "RejectedObjectError",
    "UndeclaredFieldsError",
    "UnknownFieldsError",
    "UnreadableObjectError",
    "ValidationFailedError",
    "WebhookDeniedError",
    "WebhookFailedError",
    "explained",
]

# Where the charts install the platform unless told otherwise.
_INSTALLED_IN = "matrixinfer-system"


class PlatformError(MatrixInferError):
    """Something that has one of the documented error codes of the platform.

    `code` is that code, `resolution` what to do.
    """

    code: ClassVar[str] = ""
    resolution: str | None = None


class ModelNotFoundError(PlatformError, NotFoundError):
    """404 about a Model: there is none of that name in that namespace."""

    code: ClassVar[str] = "ModelNotFound"


class InsufficientResourcesError(PlatformError):
    """The cluster has too little of something: a quota is used up, or no node has room."""

    code: ClassVar[str] = "InsufficientResources"


class QuotaExceededError(InsufficientResourcesError, ForbiddenError):
    """403: a ResourceQuota would be exceeded."""

    @property
    def quota(self) -> str:
        """The name of the ResourceQuota."""
        found = phrases.exceeded_quota(self.message)
        return found.name if found else ""

    @property
    def shortages(self) -> tuple[phrases.Shortage, ...]:
        """What there is too little of: `resource`, `requested`, `used` and `limited`."""
        found = phrases.exceeded_quota(self.message)
        return found.shortages if found else ()


class ValidationFailedError(PlatformError):
    """The object is wrong; `causes` has each field. It comes in several Kubernetes classes."""

    code: ClassVar[str] = "ValidationFailed"
    causes: tuple[Cause, ...]

    @property
    def immutable_fields(self) -> tuple[str, ...]:
        """The fields among the causes that cannot be changed once the object exists."""
        return tuple(cause.field for cause in self.causes if "immutable" in cause.message)


class InvalidFieldsError(ValidationFailedError, InvalidError):
    """422: the schema or a CEL rule refuses fields."""


class UnknownFieldsError(ValidationFailedError, BadRequestError):
    """400: strict validation found fields that do not exist, or that are given twice."""


class UndeclaredFieldsError(ValidationFailedError, InternalServerError):
    """500 of an apply with fields that the schema does not have."""


class WebhookDeniedError(ValidationFailedError, BadRequestError):
    """400: an admission webhook refuses the object."""

    @property
    def webhook(self) -> str:
        """The name of the webhook."""
        found = phrases.webhook_denial(self.message)
        return found.webhook if found else ""


class WebhookFailedError(InternalServerError):
    """500: an admission webhook could not be called, so nothing was stored."""

    @property
    def webhook(self) -> str:
        """The name of the webhook."""
        found = phrases.failed_webhook(self.message)
        return found.webhook if found else ""


class UnreadableObjectError(ValidationFailedError, WebhookFailedError):
    """500: a webhook of the platform could not read the object, such as a bad duration in it."""


class RejectedObjectError(ValidationFailedError, InvalidObjectError):
    """Validation before sending found what the cluster would refuse. Nothing was sent."""

    def __init__(self, causes: Sequence[Cause], *, subject: str = "object") -> None:
        self.causes = tuple(causes)
        self.resolution = "Correct the fields above; nothing was sent."
        InvalidObjectError.__init__(
            self, [Problem(cause.field, cause.message) for cause in causes], subject=subject
        )
        self.args = (f"{self.args[0]}\n{self.resolution}",)


class NetworkPolicyViolationError(PlatformError):
    """A policy of the cluster about networks refuses the object."""

    code: ClassVar[str] = "NetworkPolicyViolation"


class NetworkPolicyForbiddenError(NetworkPolicyViolationError, ForbiddenError):
    """403: an admission plugin refuses it."""


class NetworkPolicyInvalidError(NetworkPolicyViolationError, InvalidError):
    """422: a ValidatingAdmissionPolicy refuses it."""


class NetworkPolicyDeniedError(NetworkPolicyViolationError, BadRequestError):
    """400: a webhook of the cluster, not of the platform, refuses it."""


class AccessDeniedError(ForbiddenError):
    """403 of RBAC: a rule is missing."""

    @property
    def access(self) -> phrases.Access:
        """What was refused: `user`, `verb`, `group`, `resource`, `subresource`, `namespace`."""
        found = phrases.denied_access(self.message)
        return found or phrases.Access("", "", "", "", "", None)

    @property
    def user(self) -> str:
        """Who was refused, as the server knows them."""
        return self.access.user

    @property
    def verb(self) -> str:
        """The Kubernetes verb, such as `list`."""
        return self.access.verb

    @property
    def group(self) -> str:
        """The API group, empty for the core group."""
        return self.access.group

    @property
    def resource(self) -> str:
        """The plural of the resource, with its subresource: `models`, `models/status`."""
        access = self.access
        return "/".join(filter(None, (access.resource, access.subresource)))

    @property
    def namespace(self) -> str | None:
        """The namespace; None for the whole cluster."""
        return self.access.namespace

    @property
    def rule(self) -> dict[str, list[str]]:
        """The rule that a Role (or ClusterRole) of the user lacks."""
        return {"apiGroups": [self.group], "resources": [self.resource], "verbs": [self.verb]}


class OwnershipConflictError(ConflictError):
    """409 of an apply: other managers own fields."""

    @property
    def conflicts(self) -> tuple[phrases.Ownership, ...]:
        """Each contested field with its `manager` and that one's `operation`."""
        return phrases.field_conflicts(causes_of(self.details))

    @property
    def managers(self) -> tuple[str, ...]:
        """The other managers, each once."""
        return tuple(dict.fromkeys(conflict.manager for conflict in self.conflicts))

    @property
    def fields(self) -> tuple[str, ...]:
        """The paths of the contested fields, each once."""
        return tuple(dict.fromkeys(conflict.field for conflict in self.conflicts))


Explanation = tuple[type[ApiError], "tuple[Cause, ...] | None", str]
"""A class, its causes (None for those of the status), and what to do."""


def explained(
    cls: type[ApiError], message: str, status: Mapping[str, Any], url: str
) -> Explanation | None:
    """What an answer of the class `cls` means; None where the message says all there is."""
    for base, explain in _EXPLAINERS:
        if issubclass(cls, base):
            return explain(message, mapping(status.get("details")), url)
    return None


def _not_found(message: str, details: Mapping[str, Any], url: str) -> Explanation | None:  # noqa: ARG001
    group, kind, name = (text(details.get(key)) for key in ("group", "kind", "name"))
    if (group, kind) != ("registry.matrixinfer.ai", "models") or not name:
        return None
    return (
        ModelNotFoundError,
        None,
        f"Check the name and the namespace: kubectl get models -A | grep {name}",
    )


def _forbidden(message: str, details: Mapping[str, Any], url: str) -> Explanation | None:
    quota = phrases.exceeded_quota(message)
    if quota is not None:
        return QuotaExceededError, None, _quota_resolution(quota)
    access = phrases.denied_access(message)
    if access is not None:
        return AccessDeniedError, None, _access_resolution(access)
    if _is_about_networks(message, details, url):
        return NetworkPolicyForbiddenError, None, _NETWORK
    return None


def _quota_resolution(quota: phrases.Quota) -> str:
    parts = [
        f"{each.resource}: {each.requested} requested, {each.used} of {each.limited} used"
        for each in quota.shortages
    ]
    return (
        f"Ask for less, delete what is not needed, or have the ResourceQuota {quota.name!r} "
        f"raised ({'; '.join(parts)})."
    )


def _access_resolution(access: phrases.Access) -> str:
    whole = "/".join(filter(None, (access.resource, access.subresource)))
    qualified = ".".join(filter(None, (access.resource, access.group)))
    subresource = f" --subresource={access.subresource}" if access.subresource else ""
    scope = f"-n {access.namespace}" if access.namespace else "--all-namespaces"
    kind = "Role" if access.namespace else "ClusterRole"
    place = f" in namespace {access.namespace!r}" if access.namespace else ""
    return (
        f"{access.user} needs a {kind}{place} with this rule, and a binding to it:\n"
        f'- apiGroups: ["{access.group}"]\n'
        f'  resources: ["{whole}"]\n'
        f'  verbs: ["{access.verb}"]\n'
        f"Check with: kubectl auth can-i {access.verb} {qualified}{subresource} {scope}"
    )


_NETWORK = "Adjust the network settings of the object, or have the policy of the cluster changed."


def _is_about_networks(message: str, details: Mapping[str, Any], url: str) -> bool:
    if re.search(r"network[ -]?polic", message, re.IGNORECASE):
        return True
    group = "networking.matrixinfer.ai"
    about = text(details.get("group")) == group or f"/apis/{group}/" in url
    return about and "ValidatingAdmissionPolicy " in message


def _invalid(message: str, details: Mapping[str, Any], url: str) -> Explanation | None:
    causes = causes_of(details)
    if "ValidatingAdmissionPolicy " in message and _is_about_networks(message, details, url):
        return NetworkPolicyInvalidError, None, _NETWORK
    strict = phrases.strict_causes(message)
    if strict:
        return InvalidFieldsError, strict, _STRICT
    if not causes:
        return None
    immutable = [cause.field for cause in causes if "immutable" in cause.message]
    if immutable:
        fields = ", ".join(immutable)
        fix = f"{fields} cannot be changed: delete the object and create it anew, or keep the value"
        return InvalidFieldsError, None, f"{fix}."
    return InvalidFieldsError, None, "Correct the fields above; nothing was stored."


_STRICT = (
    "Correct the spelling, or pass field_validation='Warn' to have unknown fields dropped with a "
    "warning."
)


def _bad_request(message: str, details: Mapping[str, Any], url: str) -> Explanation | None:
    strict = phrases.strict_causes(message)
    if strict:
        return UnknownFieldsError, strict, _STRICT
    denial = phrases.webhook_denial(message)
    if denial is None:
        return None
    ours = denial.webhook.endswith(".matrixinfer.ai")
    if not ours and _is_about_networks(message, details, url):
        return NetworkPolicyDeniedError, denial.causes, _NETWORK
    misnamed = [
        f"{cause.webhook_path} is the field {cause.field}"
        for cause in denial.causes
        if cause.webhook_path
    ]
    fix = "Correct the fields above; nothing was stored."
    if misnamed:
        fix += f" ({'; '.join(dict.fromkeys(misnamed))}.)"
    return WebhookDeniedError, denial.causes, fix


def _conflict(message: str, details: Mapping[str, Any], url: str) -> Explanation | None:  # noqa: ARG001
    conflicts = phrases.field_conflicts(causes_of(details))
    if not conflicts:
        return None
    owners = ", ".join(dict.fromkeys(repr(each.manager) for each in conflicts))
    fix = (
        f"Leave these fields out so that {owners} keeps them, give them the same values to own "
        "them together, or pass force=True to take them over."
    )
    return OwnershipConflictError, None, fix


def _internal(message: str, details: Mapping[str, Any], url: str) -> Explanation | None:  # noqa: ARG001
    failure = phrases.failed_webhook(message)
    if failure is None:
        undeclared = phrases.strict_causes(message)
        fix = "Correct the spelling; an apply never takes unknown fields."
        return (UndeclaredFieldsError, undeclared, fix) if undeclared else None
    logs = _webhook_logs(failure.webhook)
    # The API server has no words of its own for the plain-text 400 of a webhook.
    if "the server rejected our request" in failure.text:
        return UnreadableObjectError, (), f"{_UNREADABLE}{logs}"
    fix = f"The webhook did not answer, so nothing was stored. See whether it runs{logs}"
    return WebhookFailedError, None, fix


_UNREADABLE = (
    "The webhook could not read the object. Look for a bad duration or quantity, a negative number "
    "or a fraction where neither can be, or a text in place of a number; validate() names the "
    "field, and so does the webhook's log"
)


def _webhook_logs(webhook: str) -> str:
    """How to read the log of a webhook of the platform."""
    found = re.search(r"-(registry|workload|networking)-.*\.matrixinfer\.ai$", webhook)
    return f": kubectl logs -n {_INSTALLED_IN} deployment/{found[1]}-webhook" if found else "."


_EXPLAINERS = (
    (NotFoundError, _not_found),
    (ForbiddenError, _forbidden),
    (InvalidError, _invalid),
    (BadRequestError, _bad_request),
    (ConflictError, _conflict),
    (InternalServerError, _internal),
)
