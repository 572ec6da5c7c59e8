"""Refusals of the API server, as the platform's codes with their parts and a way out."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from typing import Any

import pytest

from matrixinfer_client import (
    AsyncClient,
    ForbiddenError,
    InsufficientResourcesError,
    InvalidError,
    ModelNotFoundError,
    NetworkPolicyViolationError,
    NotFoundError,
    OwnershipConflictError,
    PlatformError,
    QuotaExceededError,
    UndeclaredFieldsError,
    UnknownFieldsError,
    ValidationFailedError,
)
from matrixinfer_client.phrases import Ownership, Shortage
from tests.behaviour.backends import only_on
from tests.behaviour.samples import MODEL, MODEL_ROUTE, MODEL_SERVER
from tests.behaviour.test_quota import one_model_only
from tests.cluster.server import ApiServer

__all__ = ["one_model_only"]


async def test_a_model_that_is_not_there(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    with pytest.raises(ModelNotFoundError) as caught:
        await models.get("nobody")
    assert isinstance(caught.value, NotFoundError)
    assert (caught.value.code, caught.value.status_code) == ("ModelNotFound", 404)
    assert "kubectl get models -A" in str(caught.value)
    with pytest.raises(ModelNotFoundError):
        await models.patch("nobody", {"spec": {"owner": "anna"}})
    assert not await models.exists("nobody")
    with pytest.raises(NotFoundError) as route:
        await client.networking_v1alpha1.model_routes(namespace).get("nobody")
    assert not isinstance(route.value, PlatformError)


async def test_a_namespace_that_is_not_there_is_no_missing_model(client: AsyncClient) -> None:
    with pytest.raises(NotFoundError) as caught:
        await client.registry_v1alpha1.models("no-such-place").create(MODEL.mapping("demo"))
    assert not isinstance(caught.value, ModelNotFoundError)


async def test_a_quota_with_its_amounts(client: AsyncClient, one_model_only: str) -> None:
    models = client.registry_v1alpha1.models(one_model_only)
    await models.create(MODEL.mapping("first"))
    with pytest.raises(InsufficientResourcesError) as caught:
        await models.create(MODEL.mapping("second"))
    error = caught.value
    assert isinstance(error, QuotaExceededError)
    assert isinstance(error, ForbiddenError)
    assert (error.code, error.quota) == ("InsufficientResources", "few")
    assert error.shortages == (Shortage("count/models.registry.matrixinfer.ai", "1", "1", "1"),)
    assert "ResourceQuota 'few'" in str(error.resolution)


async def test_a_schema_error_is_typed_and_travels(client: AsyncClient, namespace: str) -> None:
    body = MODEL.mapping("demo")
    body["spec"]["backends"][0].update(type="vllm", minReplicas=-1)
    with pytest.raises(ValidationFailedError) as caught:
        await client.registry_v1alpha1.models(namespace).create(body)
    error = caught.value
    assert isinstance(error, InvalidError)
    assert {(cause.field, cause.type) for cause in error.causes} == {
        ("spec.backends[0].type", "FieldValueNotSupported"),
        ("spec.backends[0].minReplicas", "FieldValueInvalid"),
    }
    other = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(other), other.causes, str(other)) == (type(error), error.causes, str(error))


async def test_a_field_that_cannot_be_changed(client: AsyncClient, namespace: str) -> None:
    routes = client.networking_v1alpha1.model_routes(namespace)
    await routes.create(MODEL_ROUTE.mapping("demo"))
    with pytest.raises(ValidationFailedError) as caught:
        await routes.patch("demo", {"spec": {"modelName": "other"}})
    assert caught.value.immutable_fields == ("spec.modelName",)
    assert "spec.modelName cannot be changed" in str(caught.value)


async def test_unknown_fields_of_every_kind_of_write(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    body = MODEL.mapping("demo")
    body["spec"].update(ownr="anna", backnds=[])
    with pytest.raises(UnknownFieldsError) as created:
        await models.create(body)
    with pytest.raises(UndeclaredFieldsError) as applied:
        await models.apply(body)
    await models.create(MODEL.mapping("demo"))
    with pytest.raises(ValidationFailedError) as patched:
        await models.patch("demo", {"spec": {"ownr": "anna", "backnds": []}})
    for caught in (created, patched):
        assert {cause.field for cause in caught.value.causes} == {"spec.ownr", "spec.backnds"}
        assert {cause.type for cause in caught.value.causes} == {"UnknownField"}
    # Of an apply the server reports one of the two.
    (cause,) = applied.value.causes
    assert cause.field in ("spec.ownr", "spec.backnds")
    assert cause.type == "UnknownField"


async def test_fields_that_another_manager_owns(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.apply(MODEL.mapping("demo"), field_manager="one")
    await models.patch("demo", {"spec": {"owner": "anna"}}, field_manager="two")
    body = MODEL.mapping("demo")
    body["spec"]["owner"] = "bert"
    body["spec"]["backends"][0]["cacheURI"] = "pvc://cache"
    with pytest.raises(OwnershipConflictError) as caught:
        await models.apply(body, field_manager="three")
    error = caught.value
    assert {*error.conflicts} == {
        Ownership("one", 'spec.backends[name="b1"].cacheURI', "Apply"),
        Ownership("two", "spec.owner", "Update"),
    }
    assert {*error.managers} == {"one", "two"}
    taken = await models.apply(body, field_manager="three", force=True)
    assert taken.spec.owner == "bert"


@pytest.fixture
def closed_port(cluster: ApiServer, namespace: str) -> Iterator[str]:
    """Have an admission policy of the cluster that no ModelServer of the namespace uses port 22."""
    root = "/apis/admissionregistration.k8s.io/v1"
    rule = {
        "apiGroups": ["networking.matrixinfer.ai"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["modelservers"],
    }
    policy = {
        "metadata": {"name": namespace},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "resourceRules": [rule],
            },
            "validations": [
                {
                    "expression": "object.spec.workloadPort.port != 22",
                    "message": "port 22 is closed",
                }
            ],
        },
    }
    binding = {
        "metadata": {"name": namespace},
        "spec": {"policyName": namespace, "validationActions": ["Deny"]},
    }
    objects: list[tuple[str, Any]] = [
        ("validatingadmissionpolicies", policy),
        ("validatingadmissionpolicybindings", binding),
    ]
    for plural, body in objects:
        assert cluster.request("POST", f"{root}/{plural}", body)[0] == 201
    for _ in range(100):
        if cluster.request("POST", f"{MODEL_SERVER.path(namespace)}?dryRun=All", ssh())[0] != 201:
            break
        time.sleep(0.1)
    yield namespace
    for plural, _ in objects:
        cluster.request("DELETE", f"{root}/{plural}/{namespace}")


def ssh() -> dict[str, Any]:
    body = MODEL_SERVER.mapping("demo")
    body["spec"]["workloadPort"] = {"port": 22}
    return body


@only_on("cluster", because="the admission policies of clusters are no part of a FakeCluster")
async def test_a_policy_of_the_cluster_about_networks(
    client: AsyncClient, closed_port: str
) -> None:
    servers = client.networking_v1alpha1.model_servers(closed_port)
    with pytest.raises(NetworkPolicyViolationError) as caught:
        await servers.create(ssh())
    assert isinstance(caught.value, InvalidError)
    assert caught.value.code == "NetworkPolicyViolation"
    assert str(caught.value).splitlines()[0].startswith("modelservers.networking.matrixinfer.ai")
    assert "port 22 is closed" in str(caught.value)
    await servers.create(MODEL_SERVER.mapping("demo"))
