"""The rules of the platform's admission webhooks, as pure functions.

A cluster may run without the webhooks; then none of this is filled in or checked there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import attrs

from matrixinfer_client.validation.access import block
from matrixinfer_client.validation.checks import compile_check
from matrixinfer_client.validation.faults import Fault, to_error
from matrixinfer_client.validation.results import FieldError
from matrixinfer_client.validation.schemas import kind_schema
from matrixinfer_client.validation.webhooks.decoding import compile_decode
from matrixinfer_client.validation.webhooks.infer import validate_infer
from matrixinfer_client.validation.webhooks.model import mutate_model, validate_model
from matrixinfer_client.validation.webhooks.policy import (
    mutate_policy,
    validate_binding,
    validate_policy,
)
from matrixinfer_client.validation.webhooks.problems import Problems
from matrixinfer_client.validation.webhooks.route import validate_route

__all__ = [
    "WEBHOOKS",
    "Webhook",
    "decode_errors",
    "decoding_errors",
    "denial",
    "mutate",
    "mutate_in_place",
    "webhook_errors",
]


@attrs.frozen
class Webhook:
    """One entry of the platform's webhook configurations."""

    name: str
    kind: str
    configuration: str
    service: str
    path: str
    mutating: bool = False


def _registry(verb: str, resource: str, kind: str) -> Webhook:
    name = f"{verb}-registry-matrixinfer-ai-v1alpha1-{resource}"
    mutating = verb == "mutate"
    configuration = f"registry-{'mutating' if mutating else 'validating'}-webhook"
    return Webhook(
        f"{name}.matrixinfer.ai", kind, configuration, "registry-webhook", f"/{name}", mutating
    )


def _networking(kind: str) -> Webhook:
    resource = kind.lower()
    return Webhook(
        f"validate-networking-matrixinfer-ai-v1alpha1-{resource}.matrixinfer.ai",
        kind,
        "networking-infer-gateway-validating-webhook",
        "networking-webhook",
        f"/validate-{resource}",
    )


WEBHOOKS = (
    _registry("mutate", "model", "Model"),
    _registry("mutate", "autoscalingpolicy", "AutoscalingPolicy"),
    _registry("validate", "model", "Model"),
    _registry("validate", "autoscalingpolicy", "AutoscalingPolicy"),
    _registry("validate", "autoscalingpolicybinding", "AutoscalingPolicyBinding"),
    # The name says model and means ModelInfer; the platform's charts have it so.
    Webhook(
        "validate-workload-matrixinfer-ai-v1alpha1-model.matrixinfer.ai",
        "ModelInfer",
        "workload-workload-validating-webhook",
        "workload-webhook",
        "/validate-workload-ai-v1alpha1-modelinfer",
    ),
    _networking("ModelRoute"),
    _networking("ModelServer"),
)
"""All webhooks of the platform, in the order of its charts."""

_MUTATORS: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "Model": mutate_model,
    "AutoscalingPolicy": mutate_policy,
}
_VALIDATORS: Mapping[str, Callable[[str, dict[str, Any]], Problems]] = {
    "Model": validate_model,
    "AutoscalingPolicy": validate_policy,
    "ModelInfer": validate_infer,
    "ModelRoute": validate_route,
}
# How many random characters the server appends to `generateName`.
_GENERATED = "xxxxx"


def decode_errors(kind: str, obj: Mapping[str, Any]) -> list[FieldError]:
    """What keeps a webhook from reading the object: it answers 400 in plain text, for any of it.

    Mutating webhooks see objects that no schema has checked, so wrong types are among it.
    """
    root = kind_schema(kind).root.properties["spec"]
    spec = obj.get("spec")
    if spec is None:
        return []
    check = compile_check(root)
    faults = [] if check is None else check(spec) or []
    wrong = [fault for fault in faults if fault.type == "FieldValueTypeInvalid"]
    return _errors(wrong) or decoding_errors(kind, spec)


def decoding_errors(kind: str, spec: Any) -> list[FieldError]:
    """As `decode_errors`, for a spec that has passed the schema."""
    decode = compile_decode(kind_schema(kind).root.properties["spec"])
    return [] if decode is None else _errors(decode(spec) or [])


def mutate(kind: str, obj: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the object with what the kind's mutating webhook adds.

    The object has the server's defaults; it can be read (`decode_errors` is empty) and may
    otherwise be invalid.
    """
    changed = copy.deepcopy(dict(obj))
    mutate_in_place(kind, changed)
    return changed


def mutate_in_place(kind: str, obj: dict[str, Any]) -> None:
    """As `mutate`, for an object that belongs to the caller."""
    mutator = _MUTATORS.get(kind)
    if mutator is not None and isinstance(obj.get("spec"), dict):
        mutator(obj["spec"])


def webhook_errors(
    kind: str,
    obj: Mapping[str, Any],
    old: Mapping[str, Any] | None = None,  # noqa: ARG001 - no rule of today compares with it
    *,
    policy_exists: Callable[[str], bool] | None = None,
) -> list[FieldError]:
    """What the kind's validating webhook objects to, in its order and words.

    The object has passed the schema, with defaults. `path` of an error is that of the real field;
    `said` is how the webhook prints the whole error. `policy_exists` tells whether a policy of
    that name is in the namespace; without it no policy counts as missing.
    """
    spec = cast("dict[str, Any] | None", obj.get("spec"))
    if spec is None:
        return []
    if kind == "AutoscalingPolicyBinding":
        return validate_binding(spec, policy_exists)
    validator = _VALIDATORS.get(kind)
    if validator is None:
        return []
    metadata = block(obj, "metadata")
    prefix = metadata.get("generateName")
    return validator(metadata.get("name") or (f"{prefix}{_GENERATED}" if prefix else ""), spec)


def denial(kind: str, errors: Iterable[FieldError]) -> str:
    """The message with which the kind's webhook denies a request."""
    lines = [f"  - {error.said}" for error in errors]
    separator = "" if kind == "ModelRoute" else "\n"
    return separator.join(["validation failed:" + (" " if kind == "ModelRoute" else ""), *lines])


def _errors(faults: Iterable[Fault]) -> list[FieldError]:
    errors: list[FieldError] = []
    for fault in faults:
        fault.parts.append("spec")
        errors.append(attrs.evolve(to_error(fault), source="webhook"))
    return errors
