"""What a server tells of itself: its groups, resources, schemas and version."""

from __future__ import annotations

from typing import Any

import pytest

from tests.behaviour.backends import Backend
from tests.behaviour.samples import MODEL, SAMPLES, Sample

GROUPS = sorted({sample.cls.KIND.group for sample in SAMPLES})
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def get(backend: Backend, path: str, accept: str = "application/json") -> Any:
    answer = backend.ask("GET", path, headers={"Accept": accept})
    assert answer.status == 200, answer.body
    return answer.body


def test_the_groups_of_the_platform_are_listed_with_their_version(backend: Backend) -> None:
    groups = {group["name"]: group for group in get(backend, "/apis")["groups"]}
    for name in GROUPS:
        version = {"groupVersion": f"{name}/v1alpha1", "version": "v1alpha1"}
        assert groups[name]["preferredVersion"] == version
        assert groups[name]["versions"] == [version]
        assert get(backend, f"/apis/{name}") == {
            "kind": "APIGroup",
            "apiVersion": "v1",
            **groups[name],
        }
    assert get(backend, "/api")["versions"] == ["v1"]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
def test_a_resource_says_its_names_and_verbs(backend: Backend, sample: Sample) -> None:
    kind = sample.cls.KIND
    listed = get(backend, f"/apis/{kind.api_version}")
    assert listed["groupVersion"] == kind.api_version
    resources = {resource["name"]: resource for resource in listed["resources"]}
    found = resources[kind.plural]
    assert found["kind"] == kind.kind
    assert found["singularName"] == kind.singular
    assert found["namespaced"] is True
    assert sorted(found["verbs"]) == [
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    ]
    status = resources[f"{kind.plural}/status"]
    assert sorted(status["verbs"]) == ["get", "patch", "update"]


def test_all_resources_can_be_had_with_one_request(backend: Backend) -> None:
    found = get(backend, "/apis", AGGREGATED)
    assert found["kind"] == "APIGroupDiscoveryList"
    groups = {group["metadata"]["name"]: group for group in found["items"]}
    (version,) = groups[MODEL.cls.KIND.group]["versions"]
    resources = {each["resource"]: each for each in version["resources"]}
    model = resources["models"]
    assert model["responseKind"]["kind"] == "Model"
    assert model["scope"] == "Namespaced"
    assert [each["subresource"] for each in model["subresources"]] == ["status"]


@pytest.mark.parametrize("name", GROUPS)
def test_the_schemas_of_a_group_are_published(backend: Backend, name: str) -> None:
    paths = get(backend, "/openapi/v3")["paths"]
    url = paths[f"apis/{name}/v1alpha1"]["serverRelativeURL"]
    document = get(backend, url)
    assert document["openapi"].startswith("3.0")
    schemas = document["components"]["schemas"]
    for sample in SAMPLES:
        kind = sample.cls.KIND
        if kind.group != name:
            continue
        prefix = ".".join(reversed(name.split(".")))
        schema = schemas[f"{prefix}.v1alpha1.{kind.kind}"]
        assert {"apiVersion", "kind", "metadata", "spec"} <= set(schema["properties"])
        gvk = {"group": name, "kind": kind.kind, "version": "v1alpha1"}
        assert gvk in schema["x-kubernetes-group-version-kind"]
        path = f"/apis/{kind.api_version}/namespaces/{{namespace}}/{kind.plural}"
        assert {"get", "post", "delete"} <= set(document["paths"][path])
        one = document["paths"][f"{path}/{{name}}"]
        assert {"get", "put", "patch", "delete"} <= set(one)


def test_the_version_is_that_of_a_kubernetes_of_today(backend: Backend) -> None:
    version = get(backend, "/version")
    assert (version["major"], version["minor"]) == ("1", "34")
    assert version["gitVersion"].startswith("v1.34.")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_it_is_well(backend: Backend, path: str) -> None:
    answer = backend.ask("GET", path, headers={"Accept": "*/*"})
    assert (answer.status, answer.body) == (200, "ok")


@pytest.mark.parametrize(
    "path",
    [
        "/apis/nothing.test",
        "/apis/nothing.test/v1",
        "/apis/registry.matrixinfer.ai/v2",
        "/apis/registry.matrixinfer.ai/v1alpha1/namespaces/default/nothings",
        "/apis/registry.matrixinfer.ai/v2/namespaces/default/models",
        "/nothing",
    ],
)
def test_what_is_not_served_is_not_found(backend: Backend, path: str) -> None:
    answer = backend.ask("GET", path, headers={"Accept": "application/json"})
    assert answer.status == 404


def test_the_definitions_of_the_kinds_are_objects_themselves(backend: Backend) -> None:
    listed = get(backend, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
    names = {item["metadata"]["name"]: item for item in listed["items"]}
    for sample in SAMPLES:
        kind = sample.cls.KIND
        found = names[f"{kind.plural}.{kind.group}"]
        assert found["spec"]["names"]["kind"] == kind.kind
        conditions = {row["type"]: row["status"] for row in found["status"]["conditions"]}
        assert conditions == {"NamesAccepted": "True", "Established": "True"}
