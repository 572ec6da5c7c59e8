"""Roles and bindings: what they allow, and the same verdicts and words from the real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from matrixinfer_client.testing.apiserver import refusals
from matrixinfer_client.testing.apiserver.access import (
    AccessRules,
    Identity,
    Verdict,
    default_bindings,
    default_roles,
    impersonation,
)
from matrixinfer_client.testing.apiserver.refusals import Refusal
from matrixinfer_client.testing.apiserver.reviewing import (
    access_review,
    rules_review,
    subject_review,
)
from tests.cluster.server import ApiServer
from tests.fake.asking import Answer, Asker

GROUP = "registry.matrixinfer.ai"
RBAC = "rbac.authorization.k8s.io"


def role(name: str, *rules: Mapping[str, Any], namespace: str = "") -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"metadata": metadata, "rules": list(rules)}


def rule(verbs: str, resources: str, *names: str, group: str = GROUP) -> dict[str, Any]:
    found: dict[str, Any] = {
        "verbs": verbs.split(),
        "apiGroups": [group],
        "resources": resources.split(),
    }
    return found | ({"resourceNames": list(names)} if names else {})


def paths(*urls: str) -> dict[str, Any]:
    return {"verbs": ["get"], "nonResourceURLs": list(urls)}


def binding(
    name: str, kind: str, of: str, *subjects: tuple[str, str], namespace: str = ""
) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": of},
        "subjects": [subject(kind, name) for kind, name in subjects],
    }


def subject(kind: str, name: str) -> dict[str, str]:
    if kind != "ServiceAccount":
        return {"kind": kind, "apiGroup": RBAC, "name": name}
    namespace, _, account = name.rpartition("/")
    found = {"kind": kind, "name": account}
    return found | ({"namespace": namespace} if namespace else {})


def rules_in(place: str) -> AccessRules:
    """One of each sort, for users whose names tell what they may do."""
    return AccessRules(
        cluster_roles=[
            *default_roles(),
            role("reader", rule("get list", "models models/status")),
            role("statuses", rule("update", "*/status")),
            role("one", rule("get", "models", "only")),
            role("all", rule("*", "*")),
            role("viewer", paths("/metrics", "/logs/*")),
            role("disguise", rule("impersonate", "users groups", group="")),
        ],
        cluster_role_bindings=[
            *default_bindings(),
            binding("reading", "ClusterRole", "reader", ("User", "reader"), ("Group", "readers")),
            binding("statuses", "ClusterRole", "statuses", ("User", "status")),
            binding("naming", "ClusterRole", "one", ("User", "one")),
            binding("everything", "ClusterRole", "all", ("User", "all")),
            binding("viewing", "ClusterRole", "viewer", ("User", "viewer")),
            binding("disguising", "ClusterRole", "disguise", ("User", "disguised")),
            binding("account", "ClusterRole", "reader", ("ServiceAccount", f"{place}/robot")),
            binding("broken", "ClusterRole", "nowhere", ("User", "broken")),
        ],
        roles=[role("local", rule("delete", "models"), namespace=place)],
        role_bindings=[
            binding("here", "Role", "local", ("User", "local"), namespace=place),
            binding("bot", "Role", "local", ("ServiceAccount", "bot"), namespace=place),
            binding("above", "ClusterRole", "reader", ("User", "local"), namespace=place),
            binding("lost", "Role", "nowhere", ("User", "broken"), namespace=place),
        ],
    )


def asking(place: str) -> list[tuple[str, dict[str, str]]]:
    """Users and what they ask for."""
    here = {"group": GROUP, "namespace": place}
    models = {**here, "resource": "models"}
    robot, bot = (f"system:serviceaccount:{place}:{name}" for name in ("robot", "bot"))
    return [
        ("reader", {**models, "verb": "list"}),
        ("reader", {"group": GROUP, "resource": "models", "verb": "get", "name": "m"}),
        ("reader", {**models, "verb": "get", "subresource": "status"}),
        ("reader", {**models, "verb": "get", "subresource": "scale"}),
        ("reader", {**models, "verb": "update"}),
        ("reader", {**models, "verb": "list", "group": ""}),
        ("reader", {**here, "resource": "modelinfers", "verb": "list"}),
        ("status", {**models, "verb": "update", "subresource": "status"}),
        ("status", {**models, "verb": "update"}),
        ("one", {**models, "verb": "get", "name": "only"}),
        ("one", {**models, "verb": "get", "name": "other"}),
        ("one", {**models, "verb": "get"}),
        ("all", {**models, "verb": "deletecollection"}),
        ("all", {**models, "verb": "list", "group": "workload.matrixinfer.ai"}),
        ("local", {**models, "verb": "delete", "name": "m"}),
        ("local", {**models, "verb": "get", "name": "m"}),
        ("local", {"group": GROUP, "resource": "models", "verb": "delete"}),
        ("local", {**models, "verb": "delete", "namespace": "default"}),
        (robot, {**models, "verb": "list"}),
        (bot, {**models, "verb": "delete"}),
        ("system:serviceaccount:default:bot", {**models, "verb": "delete"}),
        ("broken", {**models, "verb": "list"}),
        ("broken", {"group": GROUP, "resource": "models", "verb": "list"}),
        ("nobody", {}),
    ]


def identity_of(user: str) -> Identity:
    """A user as impersonation makes it."""
    found = impersonation(
        [("Impersonate-User", user)], user="admin", uri="", allows=lambda *_, **__: (True, "")
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("user", "verb", "source"),
    [
        ("reader", "list", 'ClusterRoleBinding "reading" of ClusterRole "reader" to User "reader"'),
        ("local", "delete", 'RoleBinding "here/here" of Role "local" to User "local"'),
        (
            "system:serviceaccount:here:bot",
            "delete",
            'RoleBinding "bot/here" of Role "local" to ServiceAccount "bot/here"',
        ),
        ("nobody", "list", ""),
    ],
)
def test_a_verdict_names_the_binding(user: str, verb: str, source: str) -> None:
    identity = identity_of(user)
    verdict = rules_in("here").allows(
        identity.name, identity.groups, verb, group=GROUP, resource="models", namespace="here"
    )
    assert verdict == (bool(source), f"RBAC: allowed by {source}" if source else "")


def test_masters_may_do_everything_without_a_rule() -> None:
    masters = ["system:masters"]
    empty = AccessRules()
    assert empty.allows("x", masters, "delete", group="", resource="pods") == (True, "")
    assert empty.allows_path("x", masters, "get", "/metrics") == (True, "")
    assert empty.allows("x", [], "delete", group="", resource="pods") == (False, "")


def test_groups_bind_all_their_members() -> None:
    verdict = rules_in("here").allows("x", ["readers"], "get", group=GROUP, resource="models")
    assert verdict[0]
    assert verdict[1].endswith('to Group "readers"')


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/metrics", True), ("/metrics/x", False), ("/logs/", True), ("/logs/x/y", True)],
)
def test_paths_are_allowed_exactly_or_by_their_beginning(path: str, allowed: bool) -> None:
    assert rules_in("here").allows_path("viewer", [], "get", path)[0] is allowed
    assert not rules_in("here").allows_path("viewer", [], "post", path)[0]


def allow_nothing(*_: Any, **__: Any) -> Verdict:
    return False, ""


def test_nobody_is_impersonated_without_a_header() -> None:
    assert impersonation([("Accept", "x")], user="x", uri="/", allows=allow_nothing) is None


def test_impersonation_needs_a_right_for_each_part() -> None:
    asked: list[dict[str, str]] = []

    def allows(verb: str, **target: str) -> Verdict:
        asked.append({"verb": verb, **target})
        return target["resource"] != "userextras", "RBAC: because"

    headers = [
        ("impersonate-extra-scopes%2Fa", "write"),
        ("Impersonate-Group", "g"),
        ("Impersonate-User", "bob"),
    ]
    with pytest.raises(Refusal) as caught:
        impersonation(headers, user="plain", uri="/", allows=allows)
    assert [each["resource"] for each in asked] == ["users", "groups", "userextras"]
    assert caught.value.message == (
        'userextras.authentication.k8s.io "write" is forbidden: User "plain" cannot impersonate '
        'resource "userextras/scopes/a" in API group "authentication.k8s.io" at the cluster scope: '
        "RBAC: because"
    )


@pytest.fixture(scope="module")
def rules(ask: Asker, place: str) -> Iterator[AccessRules]:
    """The rules, stored on the real server under names of their own, and gone afterwards."""
    found = rules_in(place)
    stored = [
        *((f"/apis/{RBAC}/v1/clusterroles", each) for each in found.cluster_roles),
        *((f"/apis/{RBAC}/v1/clusterrolebindings", each) for each in found.cluster_role_bindings),
        *((f"/apis/{RBAC}/v1/namespaces/{place}/roles", each) for each in found.roles),
        *(
            (f"/apis/{RBAC}/v1/namespaces/{place}/rolebindings", each)
            for each in found.role_bindings
        ),
    ]
    own = [(path, each) for path, each in stored if "labels" not in each["metadata"]]
    for path, each in own:
        answer = ask("POST", path, each)
        assert answer.status == 201, answer
    yield found
    for path, each in own:
        ask("DELETE", f"{path}/{each['metadata']['name']}")


Send = Callable[..., Answer]


def as_user(ask: Asker, user: str) -> Send:
    def send(method: str, path: str, body: Any = None) -> Answer:
        return ask(method, path, body, headers={"Impersonate-User": user})

    return send


def without_managers(answer: Answer) -> Any:
    answer.body.get("metadata", {}).pop("managedFields", None)
    return answer.body


def test_the_server_decides_alike_and_for_the_same_reason(
    ask: Asker, rules: AccessRules, place: str
) -> None:
    for user, attributes in asking(place):
        review = {"spec": {"resourceAttributes": attributes}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = as_user(ask, user)("POST", path, review)
        ours = access_review(review, rules=rules, identity=identity_of(user))
        assert without_managers(answer) == ours, (user, attributes)


def test_the_server_decides_on_paths_alike(ask: Asker, rules: AccessRules) -> None:
    for user in ("viewer", "nobody", "broken"):
        for url in ("/metrics", "/logs/x", "/logs", "/version", "/apis/x", "/api"):
            review = {"spec": {"nonResourceAttributes": {"path": url, "verb": "get"}}}
            path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            answer = as_user(ask, user)("POST", path, review).body["status"]
            ours = access_review(review, rules=rules, identity=identity_of(user))["status"]
            # Two bindings allow some of the paths, and the server looks at them in any order.
            assert answer["allowed"] is ours["allowed"], (user, url)


def test_the_server_lists_the_same_rules(ask: Asker, rules: AccessRules, place: str) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    review = {"spec": {"namespace": place}}
    for user in ("local", "reader", "viewer", "one", "broken", "nobody"):
        answer = as_user(ask, user)("POST", path, review).body
        ours = rules_review(review, rules=rules, identity=identity_of(user))
        for each in (answer, ours):
            for field in ("resourceRules", "nonResourceRules"):
                # The server goes through the bindings in any order.
                each["status"][field].sort(key=str)
        assert answer == ours, user


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"resourceAttributes": {}, "nonResourceAttributes": {"path": "/x"}},
    ],
    ids=str,
)
def test_a_review_of_nothing_is_refused_in_the_same_words(spec: Any, ask: Asker) -> None:
    answer = ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": spec})
    with pytest.raises(Refusal) as caught:
        access_review({"spec": spec}, rules=AccessRules(), identity=Identity(name="x"))
    assert (answer.status, answer.body) == (caught.value.status, caught.value.body())


def test_a_rules_review_needs_a_namespace_in_the_same_words(ask: Asker) -> None:
    answer = ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {"spec": {}})
    with pytest.raises(Refusal) as caught:
        rules_review({}, rules=AccessRules(), identity=Identity(name="x"))
    assert (answer.status, answer.body) == (400, caught.value.body())


REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
HEADERS: list[dict[str, str]] = [
    {"Impersonate-User": "bob"},
    {"Impersonate-User": "bob", "Impersonate-Group": "g"},
    {"Impersonate-User": "bob", "Impersonate-Group": "system:masters"},
    {"Impersonate-User": "bob", "Impersonate-Group": "system:authenticated"},
    {"Impersonate-User": "system:serviceaccount:a:b"},
    {"Impersonate-User": "system:serviceaccount:a:b:c"},
    {"Impersonate-User": "system:serviceaccount:a:b", "Impersonate-Group": "g"},
    {"Impersonate-User": "bob", "Impersonate-Uid": "7", "Impersonate-Extra-A%2FB": "v"},
    {"Impersonate-Group": "g"},
    {"Impersonate-Uid": "7"},
    {"Impersonate-Extra-x": "v"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=str)
def test_the_server_makes_the_same_user_of_the_headers(headers: dict[str, str], ask: Asker) -> None:
    answer = ask("POST", REVIEW, {}, headers=headers)

    def ours() -> Identity | None:
        return impersonation(
            headers.items(), user="admin", uri=REVIEW, allows=lambda *_, **__: (True, "")
        )

    if "Impersonate-User" not in headers:
        with pytest.raises(Refusal) as caught:
            ours()
        assert (answer.status, answer.body) == (caught.value.status, caught.value.plain)
        return
    identity = ours()
    assert identity is not None
    now = answer.body["metadata"]["creationTimestamp"]
    assert answer.body == subject_review(identity, now=now)


def test_the_server_refuses_to_impersonate_in_the_same_words(
    api_server: ApiServer, ask: Asker, rules: AccessRules
) -> None:
    plain = api_server.token("plain")
    for headers in HEADERS[:-3]:
        answer = ask("POST", REVIEW, {}, token=plain, headers=headers)

        def allows(verb: str, **target: str) -> Verdict:
            return rules.allows("plain", ["system:authenticated"], verb, **target)

        with pytest.raises(Refusal) as caught:
            impersonation(headers.items(), user="plain", uri=REVIEW, allows=allows)
        assert (answer.status, answer.body) == (403, caught.value.body())


def test_a_missing_role_is_told_to_who_is_refused(
    ask: Asker, rules: AccessRules, place: str
) -> None:
    answer = as_user(ask, "broken")("GET", f"/apis/{GROUP}/v1alpha1/namespaces/{place}/models")
    verdict = rules.allows("broken", [], "list", group=GROUP, resource="models", namespace=place)
    refusal = refusals.forbidden(
        "broken", "list", group=GROUP, plural="models", namespace=place, because=verdict[1]
    )
    assert (answer.status, answer.body) == (403, refusal.body())
    nowhere = as_user(ask, "broken")("GET", "/nowhere")
    reason = rules.allows_path("broken", [], "get", "/nowhere")[1]
    expected = refusals.forbidden_path("broken", "get", "/nowhere", because=reason)
    assert (nowhere.status, nowhere.body) == (403, expected.body())
