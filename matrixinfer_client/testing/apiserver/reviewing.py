"""The reviews by which users ask what they may do and who they are, answered as the server does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matrixinfer_client.statuses import mapping
from matrixinfer_client.testing.apiserver.access import AccessRules, Identity, Verdict
from matrixinfer_client.testing.apiserver.refusals import bad_request, invalid
from matrixinfer_client.validation.results import FieldError
from matrixinfer_client.validation.results import invalid as field_error

__all__ = ["access_review", "rules_review", "subject_review"]

_AUTHORIZATION = "authorization.k8s.io"
_ATTRIBUTES = ("resourceAttributes", "nonResourceAttributes")


def access_review(
    review: Mapping[str, Any], *, rules: AccessRules, identity: Identity
) -> dict[str, Any]:
    """The answer to a SelfSubjectAccessReview.

    Args:
        review: The object that was sent.
        rules: The roles and bindings.
        identity: Who asks.

    Raises:
        Refusal: 422 when it asks for nothing, for two things, or has metadata.
    """
    spec = mapping(review.get("spec"))
    asked = {key: mapping(spec[key]) for key in _ATTRIBUTES if spec.get(key) is not None}
    errors = _spec_errors(asked) + _metadata_errors(mapping(review.get("metadata")))
    if errors:
        # The server forgets the kind here.
        raise invalid(_AUTHORIZATION, "", "", errors)
    is_allowed, reason = _verdict(asked, rules, identity)
    status: dict[str, Any] = {"allowed": is_allowed} | ({"reason": reason} if reason else {})
    shown = {
        key: {field: value for field, value in fields.items() if value}
        for key, fields in asked.items()
    }
    return _answer("SelfSubjectAccessReview", _AUTHORIZATION, spec=shown, status=status)


def rules_review(
    review: Mapping[str, Any], *, rules: AccessRules, identity: Identity
) -> dict[str, Any]:
    """The answer to a SelfSubjectRulesReview; raises `Refusal` with 400 without a namespace."""
    namespace = str(mapping(review.get("spec")).get("namespace") or "")
    if not namespace:
        raise bad_request("no namespace on request")
    found, problem = rules.rules_for(identity.name, identity.groups, namespace)
    resource = ("verbs", "apiGroups", "resources", "resourceNames")
    status: dict[str, Any] = {
        "resourceRules": [_picked(rule, *resource) for rule in found if rule.get("resources")],
        "nonResourceRules": [
            _picked(rule, "verbs", "nonResourceURLs")
            for rule in found
            if rule.get("nonResourceURLs")
        ],
        "incomplete": False,
    }
    if problem:
        status["evaluationError"] = problem
    return _answer("SelfSubjectRulesReview", _AUTHORIZATION, spec={}, status=status)


def subject_review(identity: Identity, *, now: str) -> dict[str, Any]:
    """The answer to a SelfSubjectReview; `now` is the time of the answer, as in metadata."""
    user: dict[str, Any] = {
        "username": identity.name,
        "uid": identity.uid,
        "groups": list(identity.groups),
        "extra": {key: list(values) for key, values in identity.extra.items()},
    }
    status = {"userInfo": {key: value for key, value in user.items() if value}}
    answer = _answer("SelfSubjectReview", "authentication.k8s.io", status=status)
    answer["metadata"]["creationTimestamp"] = now
    return answer


def _answer(kind: str, group: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "apiVersion": f"{group}/v1", "metadata": {}, **fields}


def _picked(rule: Mapping[str, Any], *fields: str) -> dict[str, Any]:
    return {field: list(rule[field]) for field in fields if rule.get(field)}


def _verdict(asked: Mapping[str, Mapping[str, Any]], rules: AccessRules, user: Identity) -> Verdict:
    if "resourceAttributes" not in asked:
        path = asked["nonResourceAttributes"]
        verb, target = str(path.get("verb") or ""), str(path.get("path") or "")
        return rules.allows_path(user.name, user.groups, verb, target)
    resource = asked["resourceAttributes"]
    fields = ("group", "resource", "subresource", "namespace", "name")
    target_fields = {field: str(resource.get(field) or "") for field in fields}
    return rules.allows(user.name, user.groups, str(resource.get("verb") or ""), **target_fields)


def _spec_errors(asked: Mapping[str, Mapping[str, Any]]) -> list[FieldError]:
    if len(asked) > 1:
        path = asked["nonResourceAttributes"]
        # As Go prints the structure: in its own order, with its own names.
        shown = {"Path": path.get("path") or "", "Verb": path.get("verb") or ""}
        detail = "cannot be specified in combination with resourceAttributes"
        return [_spec_error("nonResourceAttributes", shown, detail)]
    if not asked:
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [_spec_error("resourceAttributes", None, detail)]
    return []


def _spec_error(name: str, value: Any, detail: str) -> FieldError:
    return field_error(("spec", name), f"spec.{name}", value, detail, source="schema")


def _metadata_errors(metadata: Mapping[str, Any]) -> list[FieldError]:
    given = {key: value for key, value in metadata.items() if value and key != "managedFields"}
    if not given:
        return []
    return [field_error(("metadata",), "metadata", given, "must be empty", source="name")]
