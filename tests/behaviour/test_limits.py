"""How large things may be, and what they may be called."""

from __future__ import annotations

import json
from typing import Any

import pytest

from matrixinfer_client import (
    ApiWarning,
    AsyncClient,
    BadRequestError,
    InvalidError,
)
from tests.behaviour.backends import Backend
from tests.behaviour.samples import MODEL

LIMIT = 3 << 20


def filled(size: int) -> bytes:
    """A Model whose JSON has exactly this size."""
    body = MODEL.mapping("big")
    body["spec"]["backends"][0]["workers"][0]["config"] = {"text": ""}
    empty = len(json.dumps(body).encode())
    body["spec"]["backends"][0]["workers"][0]["config"] = {"text": "x" * (size - empty)}
    return json.dumps(body).encode()


def test_a_body_of_more_than_three_mebibytes_is_not_read(backend: Backend, namespace: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = backend.ask("POST", MODEL.path(namespace), filled(LIMIT + 1), headers)
    assert (answer.status, answer.body["reason"]) == (413, "RequestEntityTooLarge")
    assert "limit is 3145728" in answer.body["message"]


def test_a_patch_has_the_same_limit(backend: Backend, namespace: str) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    body = json.dumps({"metadata": {"annotations": {"a": "x" * LIMIT}}}).encode()
    answer = backend.ask("PATCH", MODEL.path(namespace, "one"), body, headers)
    assert (answer.status, answer.body["reason"]) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    "name",
    ["Demo", "a_b", "-a", "a..b", "a" * 254, "a b", "é"],
)
def test_a_name_is_a_lower_case_dns_name(backend: Backend, namespace: str, name: str) -> None:
    status, answer = backend.request("POST", MODEL.path(namespace), MODEL.mapping(name))
    assert (status, answer["reason"]) == (422, "Invalid")
    assert {cause["field"] for cause in answer["details"]["causes"]} == {"metadata.name"}


@pytest.mark.parametrize("name", ["a", "a.b-c", "1", "a" * 253])
def test_a_name_may_have_dots_and_be_long(backend: Backend, namespace: str, name: str) -> None:
    status, answer = backend.request("POST", MODEL.path(namespace), MODEL.mapping(name))
    assert status == 201, answer


async def test_a_generated_name_is_cut_before_its_end(client: AsyncClient, namespace: str) -> None:
    body = MODEL.mapping("x")
    body["metadata"] = {"generateName": "a" * 70}
    made = await client.registry_v1alpha1.models(namespace).create(body)
    assert made.name[:58] == "a" * 58
    assert len(made.name) == 63


async def test_a_name_that_is_given_wins_over_one_to_generate(
    client: AsyncClient, namespace: str
) -> None:
    body = MODEL.mapping("given", generateName="made-")
    made = await client.registry_v1alpha1.models(namespace).create(body)
    assert (made.name, made.metadata.generate_name) == ("given", "made-")


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"labels": {"a": "x" * 64}}, "metadata.labels"),
        ({"labels": {"bad key": "x"}}, "metadata.labels"),
        ({"labels": {"a": "b c"}}, "metadata.labels"),
        ({"annotations": {"bad key": "x"}}, "metadata.annotations"),
        ({"annotations": {"a": "x" * (256 << 10)}}, "metadata.annotations"),
        ({"finalizers": ["bad name"]}, "metadata.finalizers"),
        ({"finalizers": ["orphan", "foregroundDeletion"]}, "metadata.finalizers"),
        (
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": ""}]},
            "metadata.ownerReferences.uid",
        ),
    ],
)
async def test_metadata_keeps_to_its_rules(
    client: AsyncClient, namespace: str, metadata: Any, field: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    with pytest.raises(InvalidError) as created:
        await models.create(MODEL.mapping("one", **metadata))
    await models.create(MODEL.mapping("one"))
    with pytest.raises(InvalidError) as patched:
        await models.patch("one", {"metadata": metadata})
    for caught in (created, patched):
        assert {cause.field for cause in caught.value.causes} == {field}


async def test_metadata_of_a_wrong_type_is_not_understood(backend: Backend, namespace: str) -> None:
    for metadata in ({"labels": {"a": 1}}, {"finalizers": "x"}, {"generation": "1"}):
        body = MODEL.mapping("one", **metadata)
        status, answer = backend.request("POST", MODEL.path(namespace), body)
        assert (status, answer["reason"]) == (400, "BadRequest")
        assert "json: cannot unmarshal" in answer["message"]


async def test_an_owner_that_is_named_twice_is_kept_once_and_warned_of(
    client: AsyncClient, namespace: str
) -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}
    models = client.registry_v1alpha1.models(namespace)
    with pytest.warns(ApiWarning, match="contains duplicate entries"):
        made = await models.create(MODEL.mapping("one", ownerReferences=[owner, owner]))
    assert len(made.metadata.owner_references or []) == 1


@pytest.mark.parametrize(
    ("finalizer", "message"),
    [
        ("hold", "prefer a domain-qualified finalizer name to avoid"),
        ("example.test", "finalizer name including a path"),
    ],
)
async def test_a_finalizer_that_names_nobody_is_warned_of(
    client: AsyncClient, namespace: str, finalizer: str, message: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    with pytest.warns(ApiWarning, match=message):
        await models.create(MODEL.mapping("one", finalizers=[finalizer]))
    # It is told of once, when it comes.
    await models.patch("one", {"metadata": {"labels": {"a": "b"}}})
    await models.patch("one", {"metadata": {"finalizers": None}})


async def test_text_that_is_no_json_is_not_understood(
    client: AsyncClient, backend: Backend, namespace: str
) -> None:
    headers = {"Content-Type": "application/json"}
    for text in (b"", b"{", b"[]", b"kind: Model", b'{"kind": "Model"'):
        answer = backend.ask("POST", MODEL.path(namespace), text, headers)
        assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    with pytest.raises(BadRequestError):
        await client.registry_v1alpha1.models(namespace).list(label_selector="a in")
