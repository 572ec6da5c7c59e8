"""Answers that say no, word for word as kube-apiserver 1.34 gives them.

Each function makes one refusal. `group` is the API group (empty for core), `plural` the resource
(`models`), `kind` the kind (`Model`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from matrixinfer_client.testing.apiserver.refusal import Refusal, details_of, qualified
from matrixinfer_client.validation.rendering import quote
from matrixinfer_client.validation.results import FieldError
from matrixinfer_client.validation.results import invalid as field_error

__all__ = [
    "CHANGED",
    "Refusal",
    "already_exists",
    "apply_conflict",
    "bad_request",
    "broken_request",
    "conflict",
    "delete_resource_version_conflict",
    "delete_uid_conflict",
    "dry_run_unsupported",
    "expired",
    "forbidden",
    "forbidden_because",
    "forbidden_path",
    "generate_name_conflict",
    "gone",
    "internal_error",
    "invalid",
    "invalid_patch",
    "media_type_not_served",
    "method_not_allowed",
    "method_not_served",
    "namespace_terminating",
    "not_acceptable",
    "not_found",
    "path_not_found",
    "request_too_large",
    "resource_not_served",
    "resource_version_required",
    "resource_version_too_large",
    "server_timeout",
    "service_unavailable",
    "timeout",
    "too_many_requests",
    "unauthorized",
    "unclassified",
    "unprocessable",
    "unsupported_media_type",
    "update_uid_conflict",
    "webhook_denial",
    "webhook_failure",
]

CHANGED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)
"""What a conflict says when the resourceVersion that was sent is not the newest."""


def not_found(group: str, plural: str, name: str) -> Refusal:
    """404: no object of this name; also of a subresource that the resource does not have."""
    message = f"{qualified(group, plural)} {quote(name)} not found"
    return Refusal(404, message, reason="NotFound", details=details_of(group, plural, name))


def path_not_found() -> Refusal:
    """404: a path that nothing is served at; the body is text."""
    text = "404 page not found"
    return Refusal(404, text, reason="NotFound", headers=_NO_SNIFF, plain=f"{text}\n")


def resource_not_served() -> Refusal:
    """404: a resource or subresource that a group of Kubernetes itself does not have."""
    return _generic(404, "NotFound", "the server could not find the requested resource")


def already_exists(group: str, plural: str, name: str, *, leaving: bool = False) -> Refusal:
    """409: the name is taken; `leaving` by an object that is being deleted."""
    message = f"{qualified(group, plural)} {quote(name)} already exists"
    if leaving:
        message = f"object is being deleted: {message}"
    return Refusal(409, message, reason="AlreadyExists", details=details_of(group, plural, name))


def generate_name_conflict(group: str, plural: str, name: str) -> Refusal:
    """409: none of the names that were made from `generateName` was free."""
    message = (
        f"{qualified(group, plural)} {quote(name)} already exists, the server was not able to "
        "generate a unique name for the object"
    )
    details = details_of(group, plural, name, retry_after=1)
    return Refusal(409, message, reason="AlreadyExists", details=details)


def conflict(group: str, plural: str, name: str, text: str = CHANGED) -> Refusal:
    """409: the object is not as the request expects it; by default, it has changed."""
    message = f"Operation cannot be fulfilled on {qualified(group, plural)} {quote(name)}: {text}"
    return Refusal(409, message, reason="Conflict", details=details_of(group, plural, name))


def delete_uid_conflict(group: str, kind: str, name: str, given: str, actual: str) -> Refusal:
    """409: `preconditions.uid` of a delete names another object.

    The server has the kind here where every other conflict has the plural.
    """
    text = (
        f"the UID in the precondition ({given}) does not match the UID in record ({actual}). "
        "The object might have been deleted and then recreated"
    )
    return conflict(group, kind, name, text)


def delete_resource_version_conflict(
    group: str, kind: str, name: str, given: str, actual: str
) -> Refusal:
    """409: `preconditions.resourceVersion` of a delete is not the newest; with the kind, too."""
    text = (
        f"the ResourceVersion in the precondition ({given}) does not match the ResourceVersion in "
        f"record ({actual}). The object might have been modified"
    )
    return conflict(group, kind, name, text)


def update_uid_conflict(
    group: str, plural: str, name: str, given: str, actual: str, *, key: str
) -> Refusal:
    """409: `metadata.uid` of an update names another object; `key` is the one in the store."""
    text = (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, "
        f"AdditionalErrorMsg: Precondition failed: UID in precondition: {given}, "
        f"UID in object meta: {actual}"
    )
    return conflict(group, plural, name, text)


def resource_version_required(group: str, plural: str, name: str) -> Refusal:
    """422: an update of a custom object without a version, again with the plural for the kind."""
    path = "metadata.resourceVersion"
    parts = ("metadata", "resourceVersion")
    error = field_error(parts, path, 0, "must be specified for an update", source="document")
    return invalid(group, plural, name, [error])


def apply_conflict(message: str, causes: Sequence[Mapping[str, str]]) -> Refusal:
    """409: other managers own fields that an apply would change; one cause for each field."""
    return Refusal(409, message, reason="Conflict", details={"causes": list(map(dict, causes))})


def invalid(group: str, kind: str, name: str, errors: Iterable[FieldError]) -> Refusal:
    """422: the object breaks rules; the message says each once, the causes have them all."""
    causes: list[dict[str, str]] = []
    texts: list[str] = []
    for error in errors:
        path = error.webhook_path or error.path
        causes.append({"reason": error.type, "message": error.message, "field": path})
        texts.append(f"{path}: {error.message}")
    message = f"{qualified(group, kind)} {quote(name)} is invalid"
    if texts:
        message += f": {_aggregate(texts)}"
    details = details_of(group, kind, name) | ({"causes": causes} if causes else {})
    return Refusal(422, message, reason="Invalid", details=details)


def unprocessable() -> Refusal:
    """422: a JSON patch that does not fit the object; the server does not say where."""
    text = "the server rejected our request due to an error in our request"
    return _generic(422, "Invalid", text)


def invalid_patch(document: str, problem: str) -> Refusal:
    """422: what a patch makes of the object cannot be decoded.

    `document` is the patched object as JSON; neither kind nor name is told, as in the server.
    """
    parts = ("patch",)
    return invalid("", "", "", [field_error(parts, "patch", document, problem, source="document")])


def bad_request(message: str) -> Refusal:
    """400: the server cannot use the request."""
    return Refusal(400, message, reason="BadRequest")


def forbidden(
    user: str,
    verb: str,
    *,
    group: str,
    plural: str,
    namespace: str = "",
    name: str = "",
    subresource: str = "",
    because: str = "",
) -> Refusal:
    """403: no role allows it; an empty namespace is the cluster scope."""
    resource = f"{plural}/{subresource}" if subresource else plural
    where = f"in the namespace {quote(namespace)}" if namespace else "at the cluster scope"
    text = (
        f"User {quote(user)} cannot {verb} resource {quote(resource)} in API group {quote(group)} "
        f"{where}"
    )
    reason = f"{_escaped(text)}: {because}" if because else _escaped(text)
    refusal = forbidden_because(group, plural, name, reason)
    refusal.headers.update(_NO_SNIFF)
    return refusal


def forbidden_path(user: str, verb: str, path: str, *, because: str = "") -> Refusal:
    """403: no role allows the verb (`get`) on a path that is no resource."""
    text = _escaped(f"User {quote(user)} cannot {verb} path {quote(path)}")
    message = f"forbidden: {text}" + (f": {because}" if because else "")
    return Refusal(403, message, reason="Forbidden", details={}, headers=_NO_SNIFF)


def forbidden_because(group: str, plural: str, name: str, text: str) -> Refusal:
    """403: admission says no, in its own words: a quota, a rule about namespaces."""
    subject = qualified(group, plural) + (f" {quote(name)}" if name else "")
    details = details_of(group, plural, name)
    return Refusal(403, f"{subject} is forbidden: {text}", reason="Forbidden", details=details)


def namespace_terminating(group: str, plural: str, name: str, namespace: str) -> Refusal:
    """403: nothing can be created in a namespace that is being deleted."""
    text = f"unable to create new content in namespace {namespace} because it is being terminated"
    refusal = forbidden_because(group, plural, name, text)
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    refusal.details = {**(refusal.details or {}), "causes": [cause]}
    return refusal


def unauthorized() -> Refusal:
    """401: nobody is known by this credential."""
    return Refusal(401, "Unauthorized", reason="Unauthorized")


def method_not_allowed(group: str, plural: str, verb: str) -> Refusal:
    """405: the resource, or its subresource, does not have the verb."""
    subject = qualified(group, plural)
    message = f"{verb} is not supported on resources of kind {quote(subject)}"
    details = details_of(group, plural, "")
    return Refusal(405, message, reason="MethodNotAllowed", details=details)


def method_not_served() -> Refusal:
    """405 of Kubernetes' own resources, which do not say more."""
    text = "the server does not allow this method on the requested resource"
    return _generic(405, "MethodNotAllowed", text)


def not_acceptable(accepted: Sequence[str]) -> Refusal:
    """406: the server cannot answer in what `Accept` asks for."""
    message = f"only the following media types are accepted: {', '.join(accepted)}"
    return Refusal(406, message, reason="NotAcceptable")


def unsupported_media_type(accepted: Sequence[str]) -> Refusal:
    """415: a body or a patch of a type that the server does not read."""
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        f"{', '.join(accepted)}"
    )
    return Refusal(415, message, reason="UnsupportedMediaType")


def media_type_not_served() -> Refusal:
    """415 for a patch of one of Kubernetes' own resources, in the router's words."""
    return _generic(415, "UnsupportedMediaType", "415: Unsupported Media Type")


def request_too_large(text: str) -> Refusal:
    """413: more than the server reads; `limit is 3145728` of a body."""
    return Refusal(413, f"Request entity too large: {text}", reason="RequestEntityTooLarge")


def expired(message: str, *, continue_token: str | None = None) -> Refusal:
    """410: the version is no longer known; the token, if any, lists on at a newer version."""
    metadata = {"continue": continue_token} if continue_token else None
    return Refusal(410, message, reason="Expired", metadata=metadata)


def gone(message: str) -> Refusal:
    """410 with the older reason."""
    return Refusal(410, message, reason="Gone")


def too_many_requests(message: str | None = None, *, retry_after: int = 1) -> Refusal:
    """429: slow down. Without a message as the server's own limit says it, which is in text."""
    if message is None:
        text = "Too many requests, please try again later."
        headers = {**_NO_SNIFF, "Retry-After": str(retry_after)}
        return Refusal(429, text, reason="TooManyRequests", headers=headers, plain=f"{text}\n")
    details = {"retryAfterSeconds": retry_after}
    return Refusal(429, message, reason="TooManyRequests", details=details)


def timeout(message: str, *, retry_after: int = 0) -> Refusal:
    """504: the request was given up, and may still be carried out."""
    details = {"retryAfterSeconds": retry_after} if retry_after else {}
    return Refusal(504, f"Timeout: {message}", reason="Timeout", details=details)


def resource_version_too_large(asked: int, current: int) -> Refusal:
    """504: a resourceVersion that the server has not come to yet."""
    refusal = timeout(f"Too large resource version: {asked}, current: {current}", retry_after=1)
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    refusal.details = {"causes": [cause], **(refusal.details or {})}
    return refusal


def server_timeout(group: str, plural: str, verb: str, *, retry_after: int = 2) -> Refusal:
    """500 with reason ServerTimeout: the store did not answer."""
    message = (
        f"The {verb} operation against {qualified(group, plural)} could not be completed at this "
        "time, please try again."
    )
    details = details_of(group, plural, verb, retry_after=retry_after)
    return Refusal(500, message, reason="ServerTimeout", details=details)


def internal_error(text: str) -> Refusal:
    """500: something failed inside the server."""
    details = {"causes": [{"message": text}]}
    return Refusal(500, f"Internal error occurred: {text}", reason="InternalError", details=details)


def unclassified(message: str) -> Refusal:
    """500 without reason and details: an error that nobody in the server expected."""
    return Refusal(500, message)


def broken_request(uri: str, text: str) -> Refusal:
    """500 in text: a request whose headers contradict each other."""
    said = _escaped(f"Internal Server Error: {quote(uri)}: {text}")
    return Refusal(500, said, headers=_NO_SNIFF, plain=f"{said}\n")


def service_unavailable(message: str) -> Refusal:
    """503: the server cannot answer at present."""
    return Refusal(503, message, reason="ServiceUnavailable")


def webhook_denial(webhook: str, message: str, *, status: int = 400, reason: str = "") -> Refusal:
    """A webhook says no. MatrixInfer's give a message alone, which makes 400 without a reason."""
    said = message or reason
    denied = f"admission webhook {quote(webhook)} denied the request"
    text = f"{denied}: {said}" if said else f"{denied} without explanation"
    return Refusal(max(status, 400), text, reason=reason)


def webhook_failure(webhook: str, text: str) -> Refusal:
    """500: a webhook that must be asked could not be.

    `text` begins with `failed to call webhook: ` when there was no answer.
    """
    return internal_error(f"failed calling webhook {quote(webhook)}: {text}")


def dry_run_unsupported(webhook: str) -> Refusal:
    """400: a dry run would call a webhook that changes other things."""
    return bad_request(f"admission webhook {quote(webhook)} does not support dry run")


_NO_SNIFF = {"X-Content-Type-Options": "nosniff"}


def _generic(status: int, reason: str, text: str) -> Refusal:
    return Refusal(status, text, reason=reason, details={})


def _aggregate(texts: Iterable[str]) -> str:
    """One error as it is, several in brackets, each only once."""
    once = list(dict.fromkeys(texts))
    return once[0] if len(once) == 1 else f"[{', '.join(once)}]"


def _escaped(text: str) -> str:
    """Without what a browser might take for HTML; only answers about rights are escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
