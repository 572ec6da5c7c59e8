"""Who may do what, by RBAC: asked, refused, explained and mended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
import yaml

from matrixinfer_client import AccessDeniedError, AsyncClient, ForbiddenError, rbac_manifests
from matrixinfer_client.names import ALL_NAMESPACES
from matrixinfer_client.rbac import Permission
from tests.behaviour.backends import Backend
from tests.behaviour.conftest import OpenClient
from tests.behaviour.samples import MODEL

_RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
def plain(open_client: OpenClient, namespace: str) -> AsyncClient:
    """Open a client whose user may do nothing but log in."""
    return open_client(user="plain", namespace=namespace)


def grant(backend: Backend, namespace: str, name: str, rules: Iterable[Any]) -> None:
    """Give the rules to `plain`, in one namespace."""
    path = f"{_RBAC}/namespaces/{namespace}"
    role = {"metadata": {"name": name}, "rules": list(rules)}
    binding = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "plain"}],
    }
    for plural, body in (("roles", role), ("rolebindings", binding)):
        status, answer = backend.request("POST", f"{path}/{plural}", body)
        assert status == 201, answer


async def allowed(client: AsyncClient, verb: str, resource: str) -> bool:
    """Whether it is, after the moment that the authorizer takes to learn of a role."""
    for _ in range(50):
        if await client.can_i(verb, resource):
            return True
        await asyncio.sleep(0.1)
    return False


async def test_the_printed_rule_is_the_one_that_is_missing(
    plain: AsyncClient, backend: Backend, namespace: str
) -> None:
    models = plain.registry_v1alpha1.models()
    with pytest.raises(AccessDeniedError) as caught:
        await models.create(MODEL.mapping("demo"))
    error = caught.value
    assert isinstance(error, ForbiddenError)
    assert (error.user, error.verb) == ("plain", "create")
    assert (error.group, error.resource) == ("registry.matrixinfer.ai", "models")
    assert error.namespace == namespace
    lines = str(error).splitlines()
    assert lines[-1] == (
        f"Check with: kubectl auth can-i create models.registry.matrixinfer.ai -n {namespace}"
    )
    printed = "\n".join(str(error.resolution).splitlines()[1:-1])
    grant(backend, namespace, "printed", yaml.safe_load(printed))
    assert await allowed(plain, "create", "models")
    created = await models.create(MODEL.mapping("demo"))
    assert created.name == "demo"
    # That and no more.
    with pytest.raises(AccessDeniedError, match='cannot list resource "models"'):
        await models.list()


async def test_a_rule_for_a_subresource_is_printed_as_such(
    plain: AsyncClient, client: AsyncClient, backend: Backend, namespace: str
) -> None:
    await client.registry_v1alpha1.models(namespace).create(MODEL.mapping("demo"))
    models = plain.registry_v1alpha1.models()
    status = {"status": {"observedGeneration": 1}}
    with pytest.raises(AccessDeniedError) as caught:
        await models.patch("demo", status, subresource="status")
    assert caught.value.resource == "models/status"
    grant(backend, namespace, "status", [caught.value.rule])
    assert await allowed(plain, "patch", "models/status")
    await models.patch("demo", status, subresource="status")


async def test_all_namespaces_need_a_cluster_role(plain: AsyncClient) -> None:
    with pytest.raises(AccessDeniedError) as caught:
        await plain.registry_v1alpha1.models(ALL_NAMESPACES).list()
    assert caught.value.namespace is None
    assert "plain needs a ClusterRole with this rule" in str(caught.value.resolution)


async def test_questions_are_answered_by_the_server(
    plain: AsyncClient, client: AsyncClient, backend: Backend, namespace: str
) -> None:
    assert not await plain.can_i("list", "models")
    yes = await client.can_i("list", "models", namespace=ALL_NAMESPACES)
    assert yes
    assert yes.namespace is None
    grant(
        backend,
        namespace,
        "one",
        [
            {
                "apiGroups": ["registry.matrixinfer.ai"],
                "resources": ["models"],
                "resourceNames": ["demo"],
                "verbs": ["get"],
            }
        ],
    )
    for _ in range(50):
        if await plain.can_i("get", "models", name="demo"):
            break
        await asyncio.sleep(0.1)
    decision = await plain.can_i("get", "models", name="demo")
    assert decision
    assert "one" in decision.reason
    assert not await plain.can_i("get", "models")
    assert not await plain.can_i("get", "models", name="demo", namespace="default")


async def test_what_is_missing_for_a_feature_is_listed_until_its_role_is_given(
    plain: AsyncClient, client: AsyncClient, backend: Backend, namespace: str
) -> None:
    assert await client.missing_permissions("wait", namespace=namespace) == []
    missing = await plain.missing_permissions("wait")
    assert Permission("watch", "registry.matrixinfer.ai", "models") in missing
    assert Permission("list", "", "events") in missing
    (role,) = rbac_manifests("wait", namespace=namespace, documented=False)
    grant(backend, namespace, "wait", role["rules"])
    assert await allowed(plain, "list", "events")
    assert await plain.missing_permissions("wait") == []
    assert await plain.missing_permissions("read") == []
    left = await plain.missing_permissions("status")
    assert {each.resource for each in left} == {
        f"{plural}/status"
        for plural in (
            "models",
            "autoscalingpolicies",
            "autoscalingpolicybindings",
            "modelinfers",
            "modelservers",
            "modelroutes",
        )
    }


async def test_the_documented_role_of_a_registry_user_can_neither_watch_nor_delete(
    plain: AsyncClient, backend: Backend, namespace: str
) -> None:
    role = rbac_manifests("read", namespace=namespace)[0]
    assert role["metadata"]["name"] == "model-registry-user"
    grant(backend, namespace, "user", role["rules"])
    assert await allowed(plain, "create", "models")
    registry = "registry.matrixinfer.ai"
    assert Permission("watch", registry, "models") in await plain.missing_permissions("watch")
    assert Permission("delete", registry, "models") in await plain.missing_permissions("delete")


def test_the_roles_are_taken_by_a_server(backend: Backend, namespace: str) -> None:
    for scope in (namespace, None):
        for role in rbac_manifests(namespace=scope):
            plural = f"{role['kind'].lower()}s"
            place = f"namespaces/{namespace}/{plural}" if scope else plural
            status, answer = backend.request("POST", f"{_RBAC}/{place}?dryRun=All", role)
            assert status == 201, answer
