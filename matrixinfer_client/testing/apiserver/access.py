"""RBAC as the API server evaluates it, the reviews that ask about it, and impersonation.

Roles and bindings are plain objects. What no rule allows is forbidden; members of `system:masters`
may do everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import attrs

from matrixinfer_client.testing.apiserver.refusals import broken_request, forbidden
from matrixinfer_client.validation.rendering import quote

__all__ = [
    "AUTHENTICATED",
    "MASTERS",
    "UNAUTHENTICATED",
    "AccessRules",
    "Identity",
    "Verdict",
    "default_bindings",
    "default_roles",
    "impersonation",
]

MASTERS: Final = "system:masters"
AUTHENTICATED: Final = "system:authenticated"
UNAUTHENTICATED: Final = "system:unauthenticated"

Verdict: TypeAlias = tuple[bool, str]
"""Whether something is allowed, and the reason; often there is none when it is not."""

_Object: TypeAlias = Mapping[str, Any]
_API: Final = "rbac.authorization.k8s.io"
_ANONYMOUS: Final = "system:anonymous"
_ACCOUNT: Final = "system:serviceaccount:"


@attrs.frozen(kw_only=True)
class AccessRules:
    """The roles and bindings of a server, as the objects that are stored."""

    cluster_roles: Sequence[_Object] = ()
    cluster_role_bindings: Sequence[_Object] = ()
    roles: Sequence[_Object] = ()
    role_bindings: Sequence[_Object] = ()

    def allows(
        self,
        user: str,
        groups: Sequence[str],
        verb: str,
        *,
        group: str,
        resource: str,
        subresource: str = "",
        namespace: str = "",
        name: str = "",
    ) -> Verdict:
        """Whether a user may do something with a resource.

        Args:
            user: The user's name.
            groups: All groups of the user, `system:authenticated` among them.
            verb: A Kubernetes verb; `impersonate` too.
            group: The API group; empty for core.
            resource: A plural, without its group.
            subresource: Such as `status`; empty for the object itself.
            namespace: Empty for the cluster, that is for all namespaces or none.
            name: Empty for a request that names no object, such as a list.
        """
        if MASTERS in groups:
            return True, ""
        target = f"{resource}/{subresource}" if subresource else resource

        def covers(rule: _Object) -> bool:
            return (
                _has(rule, "verbs", verb)
                and _has(rule, "apiGroups", group)
                and _covers_resource(rule, target, subresource)
                and (not rule.get("resourceNames") or name in rule["resourceNames"])
            )

        return self._decide(user, groups, namespace, covers)

    def allows_path(self, user: str, groups: Sequence[str], verb: str, path: str) -> Verdict:
        """Whether a user may do something (`get`) with a path that is no resource."""
        if MASTERS in groups:
            return True, ""

        def covers(rule: _Object) -> bool:
            return _has(rule, "verbs", verb) and _covers_path(rule, path)

        return self._decide(user, groups, "", covers)

    def rules_for(
        self, user: str, groups: Sequence[str], namespace: str
    ) -> tuple[list[_Object], str]:
        """All rules that hold for a user in a namespace, and which roles are missing."""
        rules: list[_Object] = []
        missing: list[str] = []
        for _, found, problem in self._visit(user, groups, namespace):
            rules += found
            missing += [problem] if problem else []
        return rules, _aggregate(missing)

    def _decide(
        self,
        user: str,
        groups: Sequence[str],
        namespace: str,
        covers: Callable[[_Object], bool],
    ) -> Verdict:
        missing: list[str] = []
        for source, rules, problem in self._visit(user, groups, namespace):
            if any(map(covers, rules)):
                return True, f"RBAC: allowed by {source}"
            missing += [problem] if problem else []
        return False, f"RBAC: {_aggregate(missing)}" if missing else ""

    def _visit(
        self, user: str, groups: Sequence[str], namespace: str
    ) -> Iterator[tuple[str, Sequence[_Object], str]]:
        """For each binding of the user: what it is, its rules, and what is wrong with it."""
        here = [each for each in self.role_bindings if _namespace(each) == namespace]
        for binding in [*self.cluster_role_bindings, *(here if namespace else ())]:
            place = _namespace(binding)
            subjects = [each for each in binding.get("subjects") or () if each]
            subject = next((s for s in subjects if _is_about(s, user, groups, place)), None)
            if subject is not None:
                rules, problem = self._rules(binding["roleRef"], place)
                yield _described(binding, subject, place), rules, problem

    def _rules(self, reference: _Object, namespace: str) -> tuple[Sequence[_Object], str]:
        kind, name = reference["kind"], reference["name"]
        if kind == "ClusterRole":
            found = [role for role in self.cluster_roles if _name(role) == name]
        else:
            found = [
                role for role in self.roles if (_name(role), _namespace(role)) == (name, namespace)
            ]
        if not found:
            return (), f"{kind.lower()}.{_API} {quote(name)} not found"
        return found[0].get("rules") or (), ""


@attrs.frozen(kw_only=True)
class Identity:
    """A user as whom a request acts: by its credential, or by impersonation."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, Sequence[str]] = attrs.field(factory=dict[str, Sequence[str]])


def impersonation(
    headers: Iterable[tuple[str, str]],
    *,
    user: str,
    uri: str,
    allows: Callable[..., Verdict],
) -> Identity | None:
    """Whom the headers ask to act as; None when they ask for nobody.

    Args:
        headers: All headers with their values; `Impersonate-Group` may come several times.
        user: Who asks.
        uri: Path and query of the request, for the one answer that has them.
        allows: Says whether the asking user has a right: called as `AccessRules.allows`, without
            the user and the groups.

    Raises:
        Refusal: 403 without the right to impersonate one of them; 500 when the headers have groups
            but no user, as from the server.
    """
    asked = _asked(headers)
    if not asked:
        return None
    if asked[0].kind not in ("User", "ServiceAccount"):
        told = " ".join(map(str, asked))
        raise broken_request(uri, f"requested [{told}] without impersonating a user")
    for each in asked:
        target = each.target
        is_allowed, reason = allows("impersonate", **target)
        if not is_allowed:
            where = {**target, "plural": target["resource"]}
            del where["resource"]
            raise forbidden(user, "impersonate", **where, because=reason)
    return _acting_as(asked)


@attrs.frozen
class _Asked:
    """One thing that the headers ask for."""

    kind: str
    name: str
    namespace: str = ""
    key: str = ""

    @property
    def target(self) -> dict[str, str]:
        """The resource that one needs the right to impersonate."""
        group = "authentication.k8s.io" if self.kind in ("UserExtra", "UID") else ""
        return {
            "group": group,
            "resource": f"{self.kind.lower()}s",
            "subresource": self.key,
            "namespace": self.namespace,
            "name": self.name,
        }

    def __str__(self) -> str:
        version = "authentication.k8s.io/v1" if self.target["group"] else ""
        return f"{{{self.kind} {self.namespace} {self.name}  {version}  {self.key}}}"


def _asked(headers: Iterable[tuple[str, str]]) -> list[_Asked]:
    """In the order in which the server looks at them."""
    pairs = [(name.lower(), value) for name, value in headers]
    prefix = "impersonate-extra-"
    users = [value for name, value in pairs if name == "impersonate-user" and value]
    uids = [value for name, value in pairs if name == "impersonate-uid" and value]
    return [
        *(_user(value) for value in users[:1]),
        *(_Asked("Group", value) for name, value in pairs if name == "impersonate-group"),
        *(
            _Asked("UserExtra", value, key=unquote(name.removeprefix(prefix)))
            for name, value in pairs
            if name.startswith(prefix)
        ),
        *(_Asked("UID", value) for value in uids[:1]),
    ]


def _user(name: str) -> _Asked:
    namespace, _, account = name.removeprefix(_ACCOUNT).partition(":")
    if name.startswith(_ACCOUNT) and namespace and account and ":" not in account:
        return _Asked("ServiceAccount", account, namespace)
    return _Asked("User", name)


def _acting_as(asked: Sequence[_Asked]) -> Identity:
    first = asked[0]
    groups = [each.name for each in asked if each.kind == "Group"]
    name = first.name
    if first.kind == "ServiceAccount":
        name = f"{_ACCOUNT}{first.namespace}:{first.name}"
        # The groups of a service account are known, unless the headers give others.
        own = ["system:serviceaccounts", f"system:serviceaccounts:{first.namespace}"]
        groups = groups or own
    if name == _ANONYMOUS:
        groups += [] if UNAUTHENTICATED in groups else [UNAUTHENTICATED]
    elif not {AUTHENTICATED, UNAUTHENTICATED} & set(groups):
        groups.append(AUTHENTICATED)
    extra: dict[str, list[str]] = {}
    for each in asked:
        if each.kind == "UserExtra":
            extra.setdefault(each.key, []).append(each.name)
    uid = next((each.name for each in asked if each.kind == "UID"), "")
    return Identity(name=name, groups=tuple(groups), uid=uid, extra=extra)


def default_roles() -> list[dict[str, Any]]:
    """The cluster roles by which every cluster lets users ask about themselves and the server."""
    health = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
    discovery = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"]
    reviews = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
    return [
        _role(
            "cluster-admin",
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
            {"verbs": ["*"], "nonResourceURLs": ["*"]},
        ),
        _role(
            "system:basic-user",
            {"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": reviews},
            {
                "verbs": ["create"],
                "apiGroups": ["authentication.k8s.io"],
                "resources": ["selfsubjectreviews"],
            },
        ),
        _role(
            "system:discovery",
            {"verbs": ["get"], "nonResourceURLs": sorted([*discovery, *health])},
        ),
        _role("system:public-info-viewer", {"verbs": ["get"], "nonResourceURLs": health}),
    ]


def default_bindings() -> list[dict[str, Any]]:
    """The bindings of `default_roles`."""
    return [
        _binding("cluster-admin", MASTERS),
        _binding("system:basic-user", AUTHENTICATED),
        _binding("system:discovery", AUTHENTICATED),
        _binding("system:public-info-viewer", AUTHENTICATED, UNAUTHENTICATED),
    ]


def _role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return _bootstrapped("ClusterRole", name, rules=list(rules))


def _binding(name: str, *groups: str) -> dict[str, Any]:
    subjects = [{"kind": "Group", "apiGroup": _API, "name": group} for group in groups]
    role = {"apiGroup": _API, "kind": "ClusterRole", "name": name}
    return _bootstrapped("ClusterRoleBinding", name, subjects=subjects, roleRef=role)


def _bootstrapped(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    metadata = {
        "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    }
    return {"kind": kind, "apiVersion": f"{_API}/v1", "metadata": metadata, **fields}


def _has(rule: _Object, field: str, wanted: str) -> bool:
    values = rule.get(field) or ()
    return "*" in values or wanted in values


def _covers_resource(rule: _Object, target: str, subresource: str) -> bool:
    resources = rule.get("resources") or ()
    if "*" in resources or target in resources:
        return True
    return bool(subresource) and f"*/{subresource}" in resources


def _covers_path(rule: _Object, path: str) -> bool:
    for pattern in rule.get("nonResourceURLs") or ():
        if pattern in ("*", path):
            return True
        if pattern.endswith("*") and path.startswith(pattern.rstrip("*")):
            return True
    return False


def _is_about(subject: _Object, user: str, groups: Sequence[str], namespace: str) -> bool:
    kind, name = subject.get("kind"), subject.get("name")
    if kind == "User":
        return name == user
    if kind == "Group":
        return name in groups
    # A binding in a namespace means that namespace's accounts where it names none.
    place = subject.get("namespace") or namespace
    return kind == "ServiceAccount" and bool(place) and user == f"{_ACCOUNT}{place}:{name}"


def _described(binding: _Object, subject: _Object, namespace: str) -> str:
    """`ClusterRoleBinding "x" of ClusterRole "y" to User "z"`."""
    role = binding["roleRef"]
    who = subject["name"]
    if subject["kind"] == "ServiceAccount":
        who += f"/{subject.get('namespace') or namespace}"
    kind, name = ("RoleBinding", f"{_name(binding)}/{namespace}")
    if not namespace:
        kind, name = "ClusterRoleBinding", _name(binding)
    return (
        f"{kind} {quote(name)} of {role['kind']} {quote(role['name'])} to {subject['kind']} "
        f"{quote(who)}"
    )


def _name(obj: _Object) -> str:
    return str(obj["metadata"]["name"])


def _namespace(obj: _Object) -> str:
    return str(obj["metadata"].get("namespace") or "")


def _aggregate(texts: Iterable[str]) -> str:
    once = list(dict.fromkeys(texts))
    return f"[{', '.join(once)}]" if len(once) > 1 else "".join(once)
