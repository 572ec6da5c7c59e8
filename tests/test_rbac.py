"""The roles that the SDK prints, and what it asks the server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from matrixinfer_client import rbac
from matrixinfer_client.errors import InvalidArgumentError, RequestInfo
from matrixinfer_client.flows import Response, Send
from matrixinfer_client.manifests import crd_manifests
from matrixinfer_client.names import ALL_NAMESPACES
from matrixinfer_client.rbac import Decision, Permission, rbac_manifests
from matrixinfer_client.targets import Options

REGISTRY = "registry.matrixinfer.ai"
OPTIONS = Options(namespace="team")


def role(name: str, **options: Any) -> dict[str, Any]:
    (found,) = [each for each in rbac_manifests(**options) if each["metadata"]["name"] == name]
    return found


def allows(manifest: dict[str, Any], verb: str, group: str, resource: str) -> bool:
    return any(
        group in rule["apiGroups"]
        and resource in rule["resources"]
        and ({verb, "*"} & {*rule["verbs"]})
        for rule in manifest["rules"]
    )


def asked(flow: Any, status: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The one question of a flow, and its result."""
    step = next(flow)
    assert isinstance(step, Send)
    answer = Response(201, {}, json.dumps({"status": status}).encode(), RequestInfo("POST", "u"))
    assert step.request.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    try:
        flow.send(answer)
    except StopIteration as stop:
        spec = json.loads(step.request.body or b"")["spec"]
        return spec["resourceAttributes"], stop.value
    raise AssertionError("more than one question")


def test_the_documented_roles_are_as_documented() -> None:
    assert role("model-registry-user") == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "model-registry-user"},
        "rules": [
            {
                "apiGroups": ["registry.matrixinfer.ai"],
                "resources": ["models"],
                "verbs": ["get", "list", "create", "update", "patch"],
            },
            {
                "apiGroups": ["registry.matrixinfer.ai"],
                "resources": ["autoscalingpolicies"],
                "verbs": ["get", "list"],
            },
        ],
    }
    operator = role("inference-operator")["rules"]
    assert [rule["verbs"] for rule in operator] == [["*"], ["*"]]
    assert [rule["resources"] for rule in operator] == [
        ["modelinfers"],
        ["modelservers", "modelroutes"],
    ]
    assert not allows(role("model-manager"), "watch", REGISTRY, "autoscalingpolicies")


def test_in_a_namespace_they_are_roles_of_it() -> None:
    made = rbac_manifests("wait", namespace="team")
    assert {each["kind"] for each in made} == {"Role"}
    assert {each["metadata"]["namespace"] for each in made} == {"team"}


def test_only_what_is_asked_for_is_made() -> None:
    names = [each["metadata"]["name"] for each in rbac_manifests("read", documented=False)]
    assert names == ["matrixinfer-client-read"]


@pytest.mark.parametrize(
    ("feature", "needed"),
    [
        ("read", ["list autoscalingpolicybindings"]),
        ("watch", ["watch models", "list models"]),
        ("write", ["create models", "update models", "patch models", "get models"]),
        ("apply", ["patch models", "create models"]),
        ("delete", ["delete models", "deletecollection models"]),
        ("status", ["update models/status", "patch models/status", "get models/status"]),
        ("wait", ["watch models", "list models", "get models"]),
        ("all", ["watch models", "patch models/status", "deletecollection models"]),
    ],
)
def test_a_feature_has_all_that_it_calls(feature: Any, needed: list[str]) -> None:
    made = role(f"matrixinfer-client-{feature}")
    for each in needed:
        verb, resource = each.split()
        assert allows(made, verb, REGISTRY, resource), each


def test_diagnosis_reads_pods_events_services_and_logs_and_changes_nothing() -> None:
    made = role("matrixinfer-client-diagnose")
    for verb, resource in [
        ("list", "pods"),
        ("list", "services"),
        ("list", "events"),
        ("get", "pods/log"),
    ]:
        assert allows(made, verb, "", resource)
    verbs = {verb for rule in made["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list"}


def test_every_kind_of_the_platform_is_in_every_role() -> None:
    for feature in ("read", "watch", "write", "apply", "delete", "wait", "diagnose", "all"):
        made = role(f"matrixinfer-client-{feature}")
        for crd in crd_manifests():
            plural, group = crd["spec"]["names"]["plural"], crd["spec"]["group"]
            assert allows(made, "get", group, plural), (feature, plural)


def test_an_unknown_feature_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(InvalidArgumentError, match="no feature 'waiting'; there are read, watch"):
        rbac_manifests("waiting")  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("list", "models"),
            {"verb": "list", "group": REGISTRY, "resource": "models", "namespace": "team"},
        ),
        (("get", "pods"), {"verb": "get", "resource": "pods", "namespace": "team"}),
        (
            ("update", "models/status"),
            {
                "verb": "update",
                "group": REGISTRY,
                "resource": "models",
                "subresource": "status",
                "namespace": "team",
            },
        ),
        (
            ("get", "deployments.apps"),
            {"verb": "get", "group": "apps", "resource": "deployments", "namespace": "team"},
        ),
    ],
)
def test_a_question_names_group_resource_and_namespace(
    arguments: tuple[str, str], expected: dict[str, str]
) -> None:
    flow = rbac.can_i(OPTIONS, *arguments, group=None, namespace=None, name=None)
    assert asked(flow, {"allowed": True})[0] == expected


def test_all_namespaces_and_one_object_can_be_asked_for() -> None:
    flow = rbac.can_i(OPTIONS, "get", "models", group=None, namespace=ALL_NAMESPACES, name="demo")
    attributes, decision = asked(flow, {"allowed": False, "denied": True, "reason": "no"})
    assert attributes == {"verb": "get", "group": REGISTRY, "resource": "models", "name": "demo"}
    assert decision == Decision(
        allowed=False,
        permission=Permission("get", REGISTRY, "models"),
        namespace=None,
        name="demo",
        denied=True,
        reason="no",
    )
    assert not decision


@pytest.mark.parametrize(
    ("resource", "group", "namespace"),
    [("deployments.apps", "batch", None), ("", None, None), ("models", None, "No Such")],
)
def test_a_question_that_makes_no_sense_is_not_sent(
    resource: str, group: str | None, namespace: str | None
) -> None:
    flow = rbac.can_i(OPTIONS, "get", resource, group=group, namespace=namespace, name=None)
    with pytest.raises(InvalidArgumentError):
        next(flow)


def test_a_permission_reads_like_kubectl() -> None:
    assert str(Permission("list", REGISTRY, "models")) == "list models.registry.matrixinfer.ai"
    assert str(Permission("list", "", "pods")) == "list pods"
