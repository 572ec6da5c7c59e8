"""What roles allow: by verb, resource, name, namespace and group; and reviews that say so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.behaviour.backends import Backend
from tests.behaviour.controllers import STATUS_PATCH
from tests.behaviour.samples import MODEL, MODEL_ROUTE

RBAC = "/apis/rbac.authorization.k8s.io/v1"
GROUP = "rbac.authorization.k8s.io"
PLAIN = {"apiGroup": GROUP, "kind": "User", "name": "plain"}
REGISTRY = "registry.matrixinfer.ai"


class Roles:
    """Gives roles in one namespace, and sends requests as the user who has them."""

    def __init__(self, backend: Backend, namespace: str) -> None:
        self.backend = backend
        self.namespace = namespace
        self.models = MODEL.path(namespace)
        self._cluster_wide: list[str] = []

    def give(self, *rules: dict[str, Any], subject: Any = PLAIN, name: str = "given") -> None:
        """Give a role in the namespace."""
        place = f"{RBAC}/namespaces/{self.namespace}"
        self._create(f"{place}/roles", {"metadata": {"name": name}, "rules": list(rules)})
        self.bind("Role", name, subject)

    def bind(self, kind: str, name: str, subject: Any = PLAIN) -> None:
        """Bind a role that there is, in the namespace."""
        body = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name},
            "subjects": [subject],
        }
        self._create(f"{RBAC}/namespaces/{self.namespace}/rolebindings", body)

    def define(self, *rules: dict[str, Any]) -> str:
        """Make a ClusterRole, and return its name."""
        path, name = f"{RBAC}/clusterroles", f"{self.namespace}-wide"
        self._create(path, {"metadata": {"name": name}, "rules": list(rules)})
        self._cluster_wide.append(f"{path}/{name}")
        return name

    def bind_everywhere(self, name: str) -> None:
        """Bind a ClusterRole in all namespaces."""
        path = f"{RBAC}/clusterrolebindings"
        body = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name},
            "subjects": [PLAIN],
        }
        self._create(path, body)
        self._cluster_wide.append(f"{path}/{name}")

    def clean(self) -> None:
        """Delete what is in no namespace."""
        for path in self._cluster_wide:
            assert self.backend.request("DELETE", path)[0] == 200

    def status(self, method: str, path: str, body: Any = None, kind: str = "") -> int:
        """What the user is answered."""
        kind = kind or "application/json"
        return self.backend.request(method, path, body, kind, user="plain")[0]

    def until(self, wanted: int, method: str, path: str) -> None:
        """Wait: a real authorizer learns of roles by a watch, a moment after they are there."""
        for _ in range(100):
            if self.status(method, path) == wanted:
                return
            time.sleep(0.05)
        assert self.status(method, path) == wanted

    def _create(self, path: str, body: Any) -> None:
        status, answer = self.backend.request("POST", path, body)
        assert status == 201, answer


@pytest.fixture
def roles(backend: Backend, namespace: str) -> Iterator[Roles]:
    made = Roles(backend, namespace)
    for name in ("one", "two"):
        assert backend.request("POST", MODEL.path(namespace), MODEL.mapping(name))[0] == 201
    yield made
    made.clean()


def rule(resource: str, *verbs: str, names: Any = None, group: str = REGISTRY) -> dict[str, Any]:
    found = {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
    return found if names is None else {**found, "resourceNames": names}


def test_each_verb_is_allowed_on_its_own(roles: Roles) -> None:
    roles.give(rule("models", "get"))
    roles.until(200, "GET", f"{roles.models}/one")
    assert roles.status("GET", roles.models) == 403
    assert roles.status("GET", f"{roles.models}?watch=true") == 403
    assert roles.status("POST", roles.models, MODEL.mapping("x")) == 403
    assert roles.status("DELETE", f"{roles.models}/one") == 403
    assert roles.status("DELETE", roles.models) == 403
    assert roles.status("GET", MODEL_ROUTE.path(roles.namespace)) == 403


def test_all_verbs_of_all_resources_may_be_allowed_with_stars(roles: Roles) -> None:
    roles.give(rule("*", "*", group="*"))
    roles.until(200, "GET", roles.models)
    assert roles.status("GET", MODEL_ROUTE.path(roles.namespace)) == 200
    change = {"status": {"observedGeneration": 1}}
    assert roles.status("PATCH", f"{roles.models}/one/status", change, STATUS_PATCH) == 200
    assert roles.status("DELETE", roles.models) == 200
    assert roles.status("GET", MODEL.path("default")) == 403


def test_a_rule_may_name_the_objects(roles: Roles) -> None:
    roles.give(rule("models", "get", "list", "delete", names=["one"]))
    roles.until(200, "GET", f"{roles.models}/one")
    assert roles.status("GET", f"{roles.models}/two") == 403
    assert roles.status("GET", roles.models) == 403
    # A list of that one object only is a request for it.
    assert roles.status("GET", f"{roles.models}?fieldSelector=metadata.name%3Done") == 200
    assert roles.status("GET", f"{roles.models}?fieldSelector=metadata.name%3Dtwo") == 403
    assert roles.status("DELETE", f"{roles.models}/two") == 403
    assert roles.status("DELETE", f"{roles.models}/one") == 200


def test_a_subresource_has_rules_of_its_own(roles: Roles) -> None:
    roles.give(rule("models/status", "get", "patch"))
    roles.until(200, "GET", f"{roles.models}/one/status")
    assert roles.status("GET", f"{roles.models}/one") == 403
    change = {"status": {"observedGeneration": 1}}
    assert roles.status("PATCH", f"{roles.models}/one/status", change, STATUS_PATCH) == 200
    assert roles.status("PATCH", f"{roles.models}/one", change, STATUS_PATCH) == 403


def test_a_cluster_role_is_bound_where_its_binding_is(roles: Roles) -> None:
    name = roles.define(rule("models", "list"))
    roles.bind("ClusterRole", name)
    roles.until(200, "GET", roles.models)
    assert roles.status("GET", MODEL.path("default")) == 403
    everywhere = f"/apis/{MODEL.cls.KIND.api_version}/models"
    assert roles.status("GET", everywhere) == 403
    roles.bind_everywhere(name)
    roles.until(200, "GET", everywhere)
    assert roles.status("GET", MODEL.path("default")) == 200


def test_a_role_may_be_that_of_a_group(roles: Roles) -> None:
    group = {"apiGroup": GROUP, "kind": "Group", "name": "system:authenticated"}
    roles.give(rule("models", "list"), subject=group)
    roles.until(200, "GET", roles.models)


def test_a_binding_without_its_role_allows_nothing(roles: Roles) -> None:
    roles.bind("Role", "nobody-made-it")
    roles.give(rule("models", "get"))
    roles.until(200, "GET", f"{roles.models}/one")
    assert roles.status("GET", roles.models) == 403


def test_an_apply_to_what_is_not_there_needs_the_right_to_create(roles: Roles) -> None:
    roles.give(rule("models", "get", "patch"))
    roles.until(200, "GET", f"{roles.models}/one")
    kind = "application/apply-patch+yaml"
    change = {**MODEL.mapping("one"), "metadata": {"name": "one", "labels": {"a": "b"}}}
    path = f"{roles.models}/one?fieldManager=me&force=true"
    assert roles.status("PATCH", path, change, kind) == 200
    new = f"{roles.models}/new?fieldManager=me"
    assert roles.status("PATCH", new, MODEL.mapping("new"), kind) == 403


def test_paths_that_are_no_resources_have_rules_too(roles: Roles) -> None:
    # Everybody who is logged in may look at the version, and few at anything else.
    assert roles.status("GET", "/version") == 200
    assert roles.status("GET", "/apis") == 200
    assert roles.status("GET", "/metrics") == 403


def review(roles: Roles, **attributes: Any) -> dict[str, Any]:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": roles.namespace, **attributes}},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    status, answer = roles.backend.request("POST", path, body, user="plain")
    assert status == 201, answer
    found: dict[str, Any] = answer["status"]
    return found


def test_a_review_says_what_is_allowed_and_by_which_role(roles: Roles) -> None:
    roles.give(rule("models", "get"))
    roles.until(200, "GET", f"{roles.models}/one")
    asked = {"group": REGISTRY, "resource": "models"}
    yes = review(roles, verb="get", **asked)
    assert yes["allowed"] is True
    assert 'RoleBinding "given/' in yes["reason"]
    no = review(roles, verb="delete", **asked)
    assert no == {"allowed": False}
    assert review(roles, verb="get", **asked, subresource="status") == {"allowed": False}


def test_a_review_lists_all_rules_of_a_namespace(roles: Roles) -> None:
    roles.give(rule("models", "get", names=["one"]))
    roles.until(200, "GET", f"{roles.models}/one")
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": roles.namespace},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    status, answer = roles.backend.request("POST", path, body, user="plain")
    assert status == 201, answer
    assert answer["status"]["incomplete"] is False
    wanted = {
        "verbs": ["get"],
        "apiGroups": [REGISTRY],
        "resources": ["models"],
        "resourceNames": ["one"],
    }
    assert wanted in answer["status"]["resourceRules"]


def test_a_user_can_ask_who_he_is(backend: Backend) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    status, answer = backend.request("POST", path, body, user="plain")
    assert status == 201, answer
    info = answer["status"]["userInfo"]
    assert info["username"] == "plain"
    assert "system:authenticated" in info["groups"]


def test_a_refusal_says_who_may_not_do_what(backend: Backend, namespace: str) -> None:
    status, answer = backend.request("GET", MODEL.path(namespace), user="plain")
    assert status == 403
    assert answer["reason"] == "Forbidden"
    assert answer["details"] == {"group": REGISTRY, "kind": "models"}
    assert answer["message"] == (
        'models.registry.matrixinfer.ai is forbidden: User "plain" cannot list resource "models" '
        f'in API group "{REGISTRY}" in the namespace "{namespace}"'
    )
