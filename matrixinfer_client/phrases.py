"""What the API server and the webhooks say, taken apart.

Kubernetes puts what a program wants to know into sentences: who may not do what, which quota is
used up, which fields a webhook objects to. Each function here takes one kind of message and
returns its parts, or nothing when the message is another one. None of them ever fails.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from matrixinfer_client.statuses import Cause

__all__ = [
    "Access",
    "Ownership",
    "Quota",
    "Shortage",
    "WebhookText",
    "denied_access",
    "exceeded_quota",
    "failed_webhook",
    "field_conflicts",
    "strict_causes",
    "webhook_denial",
]


class Shortage(NamedTuple):
    """One resource of which a quota has too little left; amounts as Kubernetes writes them."""

    resource: str
    requested: str
    used: str
    limited: str


class Quota(NamedTuple):
    """A quota that a request would exceed."""

    name: str
    shortages: tuple[Shortage, ...]


class Access(NamedTuple):
    """What somebody may not do. `namespace` is None for the whole cluster."""

    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str | None


class Ownership(NamedTuple):
    """A field that another manager owns; `operation` is `Apply` or `Update`."""

    manager: str
    field: str
    operation: str


class WebhookText(NamedTuple):
    """What a webhook answered, or how calling it failed."""

    webhook: str
    text: str
    causes: tuple[Cause, ...] = ()


_PAIR = re.compile(r"\s*([^=,\s]+)=([^,]*)")


def exceeded_quota(message: str) -> Quota | None:
    """`exceeded quota: Q, requested: r=1, used: r=1, limited: r=1`."""
    found = re.search(
        r"exceeded quota: ([^,]*), requested: (.*?), used: (.*?), limited: (.*)", message
    )
    if found is None:
        return None
    requested, used, limited = (dict(_PAIR.findall(found[part])) for part in (2, 3, 4))
    return Quota(
        found[1],
        tuple(
            Shortage(name, amount, used.get(name, ""), limited.get(name, ""))
            for name, amount in requested.items()
        ),
    )


def denied_access(message: str) -> Access | None:
    """`User "u" cannot list resource "models" in API group "g" in the namespace "n"`."""
    found = re.search(
        r'User "([^"]*)" cannot (\S+) resource "([^"]*)" in API group "([^"]*)"'
        r'(?: in the namespace "([^"]*)")?',
        message,
    )
    if found is None:
        return None
    user, verb, whole, group, namespace = found.groups()
    resource, _, subresource = whole.partition("/")
    return Access(user, verb, group, resource, subresource, namespace)


def field_conflicts(causes: tuple[Cause, ...]) -> tuple[Ownership, ...]:
    """The managers in the causes of a refused apply: `conflict with "m" using v1 at T`."""
    conflicts: list[Ownership] = []
    for cause in causes:
        found = re.match(r'conflict with "((?:[^"\\]|\\.)*)"(.*)', cause.message, re.DOTALL)
        if cause.type == "FieldManagerConflict" and found is not None:
            # Only what was written by other means than an apply has a version and a time.
            operation = "Update" if " using " in found[2] else "Apply"
            conflicts.append(Ownership(found[1], cause.field.lstrip("."), operation))
    return tuple(conflicts)


_STRICT = re.compile(
    r'(unknown|duplicate) field "(.*?)"(?=, (?:unknown|duplicate) field "|\s*$|\])', re.DOTALL
)


def strict_causes(message: str) -> tuple[Cause, ...]:
    """The fields that strict validation refuses, and those that an apply has no schema for."""
    _, marker, rest = message.rpartition("strict decoding error: ")
    if marker:
        return tuple(
            Cause(
                path,
                "UnknownField" if kind == "unknown" else "DuplicateField",
                f'{kind} field "{path}"',
            )
            for kind, path in _STRICT.findall(rest)
        )
    undeclared = re.findall(r"(?:^|\s)\.(\S+): field not declared in schema", message)
    return tuple(Cause(path, "UnknownField", f'unknown field "{path}"') for path in undeclared)


_PATH = re.compile(r"([A-Za-z_][\w-]*(?:\.[\w-]+|\[[^\]]*\])*): ", re.ASCII)

_TYPES = {
    "Required value": "FieldValueRequired",
    "Forbidden": "FieldValueForbidden",
    "Invalid value": "FieldValueInvalid",
    "Internal error": "InternalError",
    "Unsupported value": "FieldValueNotSupported",
    "Duplicate value": "FieldValueDuplicate",
    "Not found": "FieldValueNotFound",
    "Too long": "FieldValueTooLong",
    "Too many": "FieldValueTooMany",
}

# Paths that the platform's webhooks print, and the fields that they mean.
_REAL_FIELDS = (
    (re.compile(r"(spec\.backends\[\d+\])\.cost"), r"\1.scalingCost"),
    (re.compile(r"spec\.autoscalingPolicyRef"), "spec.autoscalingPolicy"),
    (re.compile(r"spec\.PolicyRef"), "spec.policyRef"),
    (re.compile(r"spec\.ScalingConfiguration"), "spec.scalingConfiguration"),
    (re.compile(r"spec\.OptimizerConfiguration"), "spec.optimizerConfiguration"),
)


def webhook_denial(message: str) -> WebhookText | None:
    """`admission webhook "W" denied the request: validation failed: ...`, in both list forms."""
    found = re.match(
        r'admission webhook "([^"]*)" denied the request(?: without explanation)?:?\s?(.*)',
        message,
        re.DOTALL,
    )
    if found is None:
        return None
    text = found[2].strip()
    _, marker, listed = text.partition("validation failed:")
    # With lines, a separator inside of a value is none; on one line nobody can tell.
    separator = "\n  - " if "\n  - " in listed else "  - "
    entries = listed.split(separator) if marker else [text]
    ours = found[1].endswith(".matrixinfer.ai")
    return WebhookText(
        found[1], text, tuple(_cause(entry, ours) for entry in entries if entry.strip())
    )


def _cause(entry: str, ours: bool) -> Cause:
    entry = entry.strip()
    found = _PATH.match(entry)
    path, body = (found[1], entry[found.end() :]) if found else ("", entry)
    prefix = re.match(r"[A-Z][a-z]+(?: [a-z]+)?(?=:|$)", body)
    type_ = _TYPES.get(prefix[0], "") if prefix else ""
    for wrong, right in _REAL_FIELDS if ours else ():
        real = wrong.fullmatch(path)
        if real is not None:
            return Cause(real.expand(right), type_, body, webhook_path=path)
    return Cause(path, type_, body)


def failed_webhook(message: str) -> WebhookText | None:
    """`failed calling webhook "W": ...`: it could not be called, or could not read the object."""
    found = re.search(r'failed calling webhook "([^"]*)": (.*)', message, re.DOTALL)
    return None if found is None else WebhookText(found[1], found[2].strip())
