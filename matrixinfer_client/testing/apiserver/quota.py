"""ResourceQuotas: what they forbid, and what is in their status.

On a cluster a controller writes the status and admission counts on from there; `tracked` is the
one, `charged` the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from matrixinfer_client.statuses import mapping
from matrixinfer_client.testing.apiserver.decoding import undecodable
from matrixinfer_client.testing.apiserver.podusage import (
    Amounts,
    is_pod_resource,
    missing_requests,
    plus,
    pod_usage,
    service_usage,
)
from matrixinfer_client.testing.apiserver.refusal import qualified
from matrixinfer_client.testing.apiserver.refusals import forbidden_because
from matrixinfer_client.validation.quantities import Quantity, QuantityError, parse_quantity

__all__ = ["charged", "tracked"]

_Object: TypeAlias = Mapping[str, Any]

# Names from before there were counts of any resource.
_ALIASES = ("configmaps", "resourcequotas", "replicationcontrollers", "secrets")
_ZERO = parse_quantity(0)


def charged(
    quotas: Iterable[_Object], obj: _Object, *, group: str, plural: str, name: str
) -> dict[str, dict[str, str]]:
    """What a new object adds to the quotas of its namespace.

    Args:
        quotas: The ResourceQuotas of the namespace; one without `status.hard` limits nothing yet.
        obj: The object, when its defaults are filled in.
        group: The API group of the resource, empty for core.
        plural: The resource.
        name: The object's name, or what it has of one.

    Returns:
        The new `status.used` of each quota that counts the object, by the quota's name. Not to be
        written on a dry run.

    Raises:
        Refusal: 403 when the object would exceed a quota, or does not say what it needs although
            a quota limits that; 400 for an amount that is none.
    """
    counted = [quota for quota in quotas if _counts(quota, obj, group, plural)]
    for quota in counted:
        problem = _obstacle(quota, obj, group, plural)
        if problem:
            raise forbidden_because(group, plural, name, problem)
    usage = _usage(obj, group, plural) if counted else {}
    changes: dict[str, dict[str, str]] = {}
    for quota in counted:
        hard, used = _status(quota, "hard"), _status(quota, "used")
        asked = {key: value for key, value in usage.items() if key in hard and value.amount}
        total = {**used, **{key: plus(used.get(key, _ZERO), asked[key]) for key in asked}}
        over = [key for key in asked if total[key] > hard[key]]
        quota_name = str(quota["metadata"]["name"])
        if over:
            told = ", ".join(
                f"{word}: {_listed(amounts, over)}"
                for word, amounts in (("requested", asked), ("used", used), ("limited", hard))
            )
            text = f"exceeded quota: {quota_name}, {told}"
            raise forbidden_because(group, plural, name, text)
        if asked:
            changes[quota_name] = {key: str(value) for key, value in total.items()}
    return changes


def tracked(quota: _Object, objects: Iterable[tuple[str, str, _Object]]) -> dict[str, Any]:
    """The status of a quota as the quota controller writes it.

    Args:
        quota: The ResourceQuota; what its `spec.hard` does not name is not counted.
        objects: All objects of its namespace, each with its API group and plural.

    Returns:
        `hard` and `used`. A resource that no object can use has no entry in `used`.
    """
    hard = _amounts(mapping(quota.get("spec")).get("hard"))
    used = {key: _ZERO for key in hard if _is_countable(key)}
    for group, plural, obj in objects:
        if not _is_in_scope(quota, obj, group, plural):
            continue
        for key, value in _usage(obj, group, plural).items():
            if key in used:
                used[key] = plus(used[key], value)
    return {
        "hard": {key: str(value) for key, value in hard.items()},
        "used": {key: str(value) for key, value in used.items()},
    }


def _usage(obj: _Object, group: str, plural: str) -> Amounts:
    try:
        if (group, plural) == ("", "pods"):
            return pod_usage(obj)
    except QuantityError as error:
        raise undecodable(obj, "Pod", str(error)) from error
    if (group, plural) == ("", "services"):
        return service_usage(obj)
    return {key: parse_quantity(1) for key in _count_names(group, plural)}


def _count_names(group: str, plural: str) -> Sequence[str]:
    own = f"count/{qualified(group, plural)}"
    return (own, plural) if not group and plural in _ALIASES else (own,)


def _concerned(hard: Iterable[str], group: str, plural: str) -> list[str]:
    """The limited resources that objects of this sort can use."""
    if (group, plural) == ("", "pods"):
        return sorted(filter(is_pod_resource, hard))
    if (group, plural) == ("", "services"):
        return sorted(set(hard) & service_usage({}).keys())
    return sorted(set(hard) & set(_count_names(group, plural)))


def _is_countable(key: str) -> bool:
    known = key in _ALIASES or key in service_usage({}) or is_pod_resource(key)
    return known or key.startswith("count/")


def _counts(quota: _Object, obj: _Object, group: str, plural: str) -> bool:
    hard = mapping(mapping(quota.get("status")).get("hard"))
    return bool(_concerned(hard, group, plural)) and _is_in_scope(quota, obj, group, plural)


def _obstacle(quota: _Object, obj: _Object, group: str, plural: str) -> str:
    """Why nothing at all can be counted; empty when it can."""
    name = quota["metadata"]["name"]
    status = mapping(quota.get("status"))
    concerned = _concerned(mapping(status.get("hard")), group, plural)
    if (group, plural) == ("", "pods"):
        missing = _checked(obj, concerned)
        if missing:
            return f"failed quota: {name}: {missing}"
    if any(key not in mapping(status.get("used")) for key in concerned):
        return f"status unknown for quota: {name}, resources: {','.join(concerned)}"
    return ""


def _checked(pod: _Object, concerned: Iterable[str]) -> str:
    try:
        return missing_requests(pod, concerned)
    except QuantityError as error:
        raise undecodable(pod, "Pod", str(error)) from error


def _is_in_scope(quota: _Object, obj: _Object, group: str, plural: str) -> bool:
    spec = mapping(quota.get("spec"))
    selector = cast("list[Any]", mapping(spec.get("scopeSelector")).get("matchExpressions") or [])
    scopes = cast("list[str]", spec.get("scopes") or [])
    terms = [{"scopeName": scope, "operator": "Exists"} for scope in scopes]
    terms += map(mapping, selector)
    if (group, plural) != ("", "pods"):
        # Only pods have scopes, so a quota with scopes is about pods.
        return not terms
    return all(_matches_scope(term, mapping(obj.get("spec"))) for term in terms)


def _matches_scope(term: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    scope = term.get("scopeName")
    if scope in _SCOPES:
        test, wanted = _SCOPES[scope]
        return test(spec) is wanted
    if scope != "PriorityClass":
        return False
    given, operator = spec.get("priorityClassName"), term.get("operator")
    if operator in ("Exists", "DoesNotExist"):
        return bool(given) is (operator == "Exists")
    values = term.get("values") or ()
    return given in values if operator == "In" else given not in values


def _is_terminating(spec: Mapping[str, Any]) -> bool:
    return spec.get("activeDeadlineSeconds") is not None


def _is_best_effort(spec: Mapping[str, Any]) -> bool:
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    resources = [mapping(mapping(each).get("resources")) for each in containers]
    given = [mapping(each.get(key)) for each in resources for key in ("requests", "limits")]
    # Only these two make a class; a quantity of nought does not.
    amounts = [values[key] for values in given for key in ("cpu", "memory") if key in values]
    return not any(parse_quantity(amount).amount for amount in amounts)


_SCOPES: Mapping[Any, tuple[Callable[[Mapping[str, Any]], bool], bool]] = {
    "Terminating": (_is_terminating, True),
    "NotTerminating": (_is_terminating, False),
    "BestEffort": (_is_best_effort, True),
    "NotBestEffort": (_is_best_effort, False),
}


def _status(quota: _Object, field: str) -> Amounts:
    return _amounts(mapping(quota.get("status")).get(field))


def _amounts(values: Any) -> Amounts:
    return {key: parse_quantity(value) for key, value in mapping(values).items()}


def _listed(amounts: Mapping[str, Quantity], keys: Iterable[str]) -> str:
    return ",".join(f"{key}={amounts[key]}" for key in sorted(keys) if key in amounts)
