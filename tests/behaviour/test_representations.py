"""One object in several forms: as a table, as its metadata alone, as YAML."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.behaviour.backends import Backend
from tests.behaviour.samples import MODEL, MODEL_SERVER, SAMPLES, Sample

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


def get(backend: Backend, path: str, accept: str) -> Any:
    answer = backend.ask("GET", path, headers={"Accept": accept})
    assert answer.status == 200, answer.body
    return answer.body


def create(backend: Backend, namespace: str, sample: Sample, name: str = "one") -> Any:
    status, made = backend.request("POST", sample.path(namespace), sample.mapping(name))
    assert status == 201, made
    return made


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
def test_a_list_as_a_table_has_names_and_ages(
    backend: Backend, namespace: str, sample: Sample
) -> None:
    for name in ("b", "a"):
        create(backend, namespace, sample, name)
    table = get(backend, sample.path(namespace), TABLE)
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert [(column["name"], column["type"]) for column in table["columnDefinitions"]] == [
        ("Name", "string"),
        ("Age", "date"),
    ]
    assert [row["cells"][0] for row in table["rows"]] == ["a", "b"]
    assert all(re.fullmatch(r"\d+s", row["cells"][1]) for row in table["rows"])
    assert table["metadata"]["resourceVersion"]


def test_a_row_has_the_metadata_of_its_object(backend: Backend, namespace: str) -> None:
    made = create(backend, namespace, MODEL)
    (row,) = get(backend, MODEL.path(namespace), TABLE)["rows"]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert row["object"]["metadata"] == made["metadata"]


def test_a_row_has_the_whole_object_or_none_of_it_where_asked_for(
    backend: Backend, namespace: str
) -> None:
    made = create(backend, namespace, MODEL)
    path = MODEL.path(namespace)
    (whole,) = get(backend, f"{path}?includeObject=Object", TABLE)["rows"]
    assert whole["object"] == made
    (bare,) = get(backend, f"{path}?includeObject=None", TABLE)["rows"]
    assert bare["object"] is None


def test_one_object_is_a_table_of_one_row(backend: Backend, namespace: str) -> None:
    made = create(backend, namespace, MODEL)
    table = get(backend, MODEL.path(namespace, "one"), TABLE)
    assert [row["cells"][0] for row in table["rows"]] == ["one"]
    assert table["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_pods_have_the_columns_of_kubectl(backend: Backend, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    assert backend.request("POST", path, pod)[0] == 201
    table = get(backend, path, TABLE)
    names = [column["name"] for column in table["columnDefinitions"] if not column["priority"]]
    assert names == ["Name", "Ready", "Status", "Restarts", "Age"]
    (row,) = table["rows"]
    assert row["cells"][:4] == ["p", "0/1", "Pending", "0"]


def test_metadata_can_be_had_alone(backend: Backend, namespace: str) -> None:
    made = create(backend, namespace, MODEL)
    alone = get(backend, MODEL.path(namespace, "one"), METADATA)
    assert alone == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": made["metadata"],
    }
    listed = get(backend, MODEL.path(namespace), METADATA_LIST)
    assert listed["kind"] == "PartialObjectMetadataList"
    assert listed["items"] == [alone]


def test_pages_of_metadata_go_on_like_pages_of_objects(backend: Backend, namespace: str) -> None:
    for name in ("a", "b", "c"):
        create(backend, namespace, MODEL_SERVER, name)
    path = f"{MODEL_SERVER.path(namespace)}?limit=2"
    first = get(backend, path, METADATA_LIST)
    assert first["metadata"]["remainingItemCount"] == 1
    token = first["metadata"]["continue"]
    second = get(backend, f"{path}&continue={token}", METADATA_LIST)
    names = [item["metadata"]["name"] for item in [*first["items"], *second["items"]]]
    assert names == ["a", "b", "c"]
    assert not second["metadata"].get("continue")


def test_an_object_can_be_read_as_yaml(backend: Backend, namespace: str) -> None:
    made = create(backend, namespace, MODEL)
    answer = backend.ask(
        "GET", MODEL.path(namespace, "one"), headers={"Accept": "application/yaml"}
    )
    assert answer.headers["content-type"] == ["application/yaml"]
    assert yaml.safe_load(answer.body) == made


def test_an_object_can_be_sent_as_yaml(backend: Backend, namespace: str) -> None:
    body = yaml.safe_dump(MODEL.mapping("one")).encode()
    headers = {"Content-Type": "application/yaml"}
    answer = backend.ask("POST", MODEL.path(namespace), body, headers)
    assert answer.status == 201
    assert answer.body["spec"]["backends"][0]["name"] == "b1"


def test_other_forms_are_refused(backend: Backend, namespace: str) -> None:
    path = MODEL.path(namespace)
    read = backend.ask("GET", path, headers={"Accept": "text/html"})
    assert (read.status, read.body["reason"]) == (406, "NotAcceptable")
    written = backend.ask("POST", path, b"x", {"Content-Type": "text/plain"})
    assert (written.status, written.body["reason"]) == (415, "UnsupportedMediaType")
    for answer in (read, written):
        assert "application/json" in answer.body["message"]


def test_a_table_that_cannot_be_had_falls_back_to_what_else_is_accepted(
    backend: Backend, namespace: str
) -> None:
    create(backend, namespace, MODEL)
    accept = "application/json;as=Table;v=v9;g=meta.k8s.io,application/json"
    assert get(backend, MODEL.path(namespace, "one"), accept)["kind"] == "Model"
