"""What the SDK may need to be allowed, as roles and as questions to the server.

The documented roles of the platform leave out what a client needs (`watch`, the bindings, the
status subresources, pods and events), so there is a complete one per feature beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias, cast, get_args

import attrs

from matrixinfer_client import codec
from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.flows import Flow, Request, call
from matrixinfer_client.names import AllNamespaces, NamespaceArg, namespace_segment
from matrixinfer_client.targets import Options

__all__ = ["Decision", "Feature", "Permission", "can_i", "missing_permissions", "rbac_manifests"]

Feature: TypeAlias = Literal[
    "read", "watch", "write", "apply", "delete", "status", "wait", "diagnose", "all"
]

_REGISTRY = "registry.matrixinfer.ai"
_WORKLOAD = "workload.matrixinfer.ai"
_NETWORKING = "networking.matrixinfer.ai"
_PLURALS = {
    _REGISTRY: ("models", "autoscalingpolicies", "autoscalingpolicybindings"),
    _WORKLOAD: ("modelinfers",),
    _NETWORKING: ("modelservers", "modelroutes"),
}
_GROUPS = {plural: group for group, plurals in _PLURALS.items() for plural in plurals}

# What is called for the six kinds, feature by feature.
_VERBS: dict[str, tuple[str, ...]] = {
    "read": ("get", "list"),
    "watch": ("get", "list", "watch"),
    "write": ("get", "list", "create", "update", "patch"),
    "apply": ("get", "create", "patch"),
    "delete": ("get", "list", "delete", "deletecollection"),
    "status": ("get",),
    "wait": ("get", "list", "watch"),
    "diagnose": ("get", "list"),
}
_STATUS_VERBS = ("get", "update", "patch")
# The tree below an object and the reasons for its state; a wait that ends badly shows it.
_SURROUNDINGS = (("pods", ("get", "list")), ("services", ("get", "list")), ("events", ("list",)))
_LOGS = (("pods/log", ("get",)),)


@attrs.frozen
class Permission:
    """One verb on one resource; `resource` has the subresource in it (`models/status`)."""

    verb: str
    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.verb} {'.'.join(filter(None, (self.resource, self.group)))}"


@attrs.frozen
class Decision:
    """The server's answer to `can_i`; true when it is allowed.

    `reason` says why, as far as the authorizer tells; `denied` is True when one says no rather than
    none yes; `evaluation_error` is trouble on the way. `namespace` is None for all namespaces.
    """

    allowed: bool
    permission: Permission
    namespace: str | None
    name: str | None = None
    denied: bool = False
    reason: str = ""
    evaluation_error: str = ""

    def __bool__(self) -> bool:
        return self.allowed


def rbac_manifests(
    *features: Feature, namespace: str | None = None, documented: bool = True
) -> list[dict[str, Any]]:
    """Roles as plain manifests: the platform's documented ones and a complete one per feature.

    Args:
        features: Which features to make a role for, each named `matrixinfer-client-<feature>`.
            Default: every one.
        namespace: Make Roles in this namespace. Default: ClusterRoles, which a RoleBinding gives in
            one namespace and a ClusterRoleBinding in all.
        documented: Have the documented roles `model-registry-user`, `inference-operator` and
            `model-manager` in it, as documented. They lack what most features need. Default: True.

    Raises:
        InvalidArgumentError: There is no such feature.
    """
    if namespace is not None:
        namespace_segment(namespace)
    roles = list(_documented()) if documented else []
    for feature in features or get_args(Feature):
        rules = _rules(permissions(feature))
        roles.append((f"matrixinfer-client-{feature}", rules))
    return [_role(name, rules, namespace) for name, rules in roles]


def permissions(feature: str) -> list[Permission]:
    """What a feature calls, in the order of the groups."""
    if feature == "all":
        every = [each for name in _VERBS for each in permissions(name)]
        return list(dict.fromkeys(every))
    if feature not in _VERBS:
        known = ", ".join(get_args(Feature))
        raise InvalidArgumentError(f"there is no feature {feature!r}; there are {known}")
    found = [
        Permission(verb, group, plural)
        for plural, group in _GROUPS.items()
        for verb in _VERBS[feature]
    ]
    if feature == "status":
        found += [
            Permission(verb, group, f"{plural}/status")
            for plural, group in _GROUPS.items()
            for verb in _STATUS_VERBS
        ]
    extra = {"wait": _SURROUNDINGS, "diagnose": _SURROUNDINGS + _LOGS}.get(feature, ())
    return found + [Permission(verb, "", resource) for resource, verbs in extra for verb in verbs]


def _rules(wanted: Iterable[Permission]) -> list[dict[str, list[str]]]:
    """As few rules as there are different lists of verbs in a group."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for each in wanted:
        verbs.setdefault((each.group, each.resource), []).append(each.verb)
    rules: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), allowed in verbs.items():
        rules.setdefault((group, tuple(allowed)), []).append(resource)
    return [_rule(group, resources, allowed) for (group, allowed), resources in rules.items()]


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> dict[str, list[str]]:
    return {"apiGroups": [group], "resources": [*resources], "verbs": [*verbs]}


def _documented() -> Iterable[tuple[str, list[dict[str, list[str]]]]]:
    serving = ("modelservers", "modelroutes")
    managed = ("get", "list", "watch", "create", "update", "patch", "delete")
    yield (
        "model-registry-user",
        [
            _rule(_REGISTRY, ["models"], ("get", "list", "create", "update", "patch")),
            _rule(_REGISTRY, ["autoscalingpolicies"], ("get", "list")),
        ],
    )
    yield (
        "inference-operator",
        [_rule(_WORKLOAD, ["modelinfers"], ["*"]), _rule(_NETWORKING, serving, ["*"])],
    )
    yield (
        "model-manager",
        [
            _rule(_REGISTRY, ["models"], managed),
            _rule(_WORKLOAD, ["modelinfers"], managed),
            _rule(_NETWORKING, serving, managed),
        ],
    )


def _role(name: str, rules: list[dict[str, list[str]]], namespace: str | None) -> dict[str, Any]:
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole" if namespace is None else "Role",
        "metadata": metadata,
        "rules": rules,
    }


def can_i(
    options: Options,
    verb: str,
    resource: str,
    *,
    group: str | None,
    namespace: NamespaceArg,
    name: str | None,
) -> Flow[Decision]:
    """Ask by a SelfSubjectAccessReview, which everybody who is logged in may create."""
    wanted = _permission(verb, resource, group)
    return (yield from _review(options, wanted, _scope(options, namespace), name))


def missing_permissions(
    options: Options, feature: str, namespace: NamespaceArg
) -> Flow[list[Permission]]:
    """What of a feature is not allowed; one review for each of its permissions."""
    scope = _scope(options, namespace)
    missing: list[Permission] = []
    for each in permissions(feature):
        decision = yield from _review(options, each, scope, None)
        if not decision:
            missing.append(each)
    return missing


def _scope(options: Options, namespace: NamespaceArg) -> str | None:
    if isinstance(namespace, AllNamespaces):
        return None
    scope = options.namespace if namespace is None else namespace
    namespace_segment(scope)
    return scope


def _permission(verb: str, resource: str, group: str | None) -> Permission:
    whole, _, subresource = resource.partition("/")
    plural, _, given = whole.partition(".")
    if given and group not in (None, given):
        raise InvalidArgumentError(f"resource={resource!r} and group={group!r} contradict")
    known = given if given else group
    if not verb or not plural:
        raise InvalidArgumentError("can_i needs a verb and a resource, such as 'list', 'models'")
    whole = f"{plural}/{subresource}" if subresource else plural
    return Permission(verb, _GROUPS.get(plural, "") if known is None else known, whole)


def _review(
    options: Options, wanted: Permission, namespace: str | None, name: str | None
) -> Flow[Decision]:
    resource, _, subresource = wanted.resource.partition("/")
    attributes = {
        "verb": wanted.verb,
        "group": wanted.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": namespace,
        "name": name,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: each for key, each in attributes.items() if each}},
    }
    request = Request(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body=codec.encode(body),
        timeout=options.timeout,
        # A question: nothing is stored.
        repeatable=True,
    )
    response = yield from call(request, options.retries)
    answer = cast("dict[str, Any]", codec.decode_json(response.body))
    status = cast("dict[str, Any]", answer.get("status") or {})
    return Decision(
        allowed=status.get("allowed") is True,
        permission=wanted,
        namespace=namespace,
        name=name,
        denied=status.get("denied") is True,
        reason=status.get("reason") or "",
        evaluation_error=status.get("evaluationError") or "",
    )
