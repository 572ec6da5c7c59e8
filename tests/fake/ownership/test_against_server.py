"""The functions and a real API server, given the same requests."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from matrixinfer_client.testing.apiserver.ownership import TypedError, track
from matrixinfer_client.validation.schemas import KindSchema, kind_schema
from tests.cluster.server import ApiServer
from tests.fake.ownership.mirror import Mirror
from tests.fake.ownership.recipes import INFER, MODEL, ROUTE, THING, Recipe
from tests.fake.ownership.refused import REFUSED, refused_config
from tests.fake.ownership.samples import ORDERS, applied, backends, model
from tests.fake.ownership.things import THING_KIND, thing_crd

_STEPS = 20


def _mirrored(
    server: ApiServer, namespace: str, kind: KindSchema, recipe: Recipe, seeds: int
) -> dict[int, int]:
    outcomes: dict[int, int] = {}
    for seed in range(seeds):
        mirror = Mirror(server, namespace, kind, recipe, Random(seed))  # noqa: S311 - no secrets
        for _ in range(_STEPS):
            mirror.step()
        for status, count in mirror.outcomes.items():
            outcomes[status] = outcomes.get(status, 0) + count
    return outcomes


@pytest.mark.parametrize(
    ("name", "recipe", "seeds"),
    [("Model", MODEL, 8), ("ModelInfer", INFER, 3), ("ModelRoute", ROUTE, 3)],
)
def test_random_writes_to_the_platforms_kinds_have_the_same_outcome(
    name: str, recipe: Recipe, seeds: int, api_server: ApiServer, namespace: str
) -> None:
    outcomes = _mirrored(api_server, namespace, kind_schema(name), recipe, seeds)
    assert outcomes[200] > seeds * _STEPS / 2, "most writes should be accepted"
    assert outcomes[409], "no write had a conflict"


def test_random_writes_to_a_kind_with_everything_have_the_same_outcome(
    api_server: ApiServer, namespace: str
) -> None:
    api_server.install_crds([thing_crd()])
    outcomes = _mirrored(api_server, namespace, THING_KIND, THING, 8)
    assert outcomes[200] > 8 * _STEPS / 2
    assert outcomes[409]


def test_both_refuse_the_same_configurations_in_the_same_words(
    api_server: ApiServer, namespace: str
) -> None:
    path = f"/apis/registry.matrixinfer.ai/v1alpha1/namespaces/{namespace}/models/demo"
    url = f"{path}?fieldManager=first"
    for part, _ in REFUSED:
        config = refused_config(part)
        with pytest.raises(TypedError) as caught:
            applied(None, config)
        status, answer = api_server.request("PATCH", url, config, "application/apply-patch+yaml")
        assert status == caught.value.status, config
        # The server goes through fields in no order.
        lines = sorted(caught.value.message.split("\n"))
        assert sorted(answer["message"].split("\n")) == lines, config
        assert answer.get("reason", "") == caught.value.reason


def test_both_put_the_items_of_a_list_into_the_same_order(
    api_server: ApiServer, namespace: str
) -> None:
    path = f"/apis/registry.matrixinfer.ai/v1alpha1/namespaces/{namespace}/models"
    for wanted, expected in ORDERS:
        stored = model(backends=backends("abcd"))
        stored["metadata"]["name"] = wanted
        assert api_server.request("POST", path, stored)[0] == 201
        url = f"{path}/{wanted}?fieldManager=first"
        body = model(backends=backends(wanted))
        body["metadata"]["name"] = wanted
        status, answer = api_server.request("PATCH", url, body, "application/apply-patch+yaml")
        assert status == 200, answer
        assert "".join(each["name"] for each in answer["spec"]["backends"]) == expected


def test_both_fold_the_same_updaters(api_server: ApiServer, namespace: str) -> None:
    path = f"/apis/registry.matrixinfer.ai/v1alpha1/namespaces/{namespace}/models"
    kind = kind_schema("Model")
    created: Any = {
        "apiVersion": kind.api_version,
        "kind": "Model",
        "metadata": {"name": "many", "labels": {"l0": "x"}},
    }
    status, live = api_server.request("POST", f"{path}?fieldManager=m00", created)
    assert status == 201, live
    for number in range(1, 13):
        manager = f"m{number:02}"
        labels = {f"l{number}": "x"}
        new = {**live, "metadata": {**live["metadata"]}}
        new["metadata"]["labels"] = live["metadata"]["labels"] | labels
        status, answer = api_server.request(
            "PATCH",
            f"{path}/many?fieldManager={manager}",
            {"metadata": {"labels": labels}},
            "application/merge-patch+json",
        )
        assert status == 200, answer
        rows = answer["metadata"]["managedFields"]
        now = next(row["time"] for row in rows if row["manager"] == manager)
        mine = track(kind.root, live, new, manager=manager, api_version=kind.api_version, now=now)
        assert mine["metadata"]["managedFields"] == rows
        live = answer
    assert live["metadata"]["managedFields"][0]["manager"] == "ancient-changes"


def test_core_objects_that_have_no_lists_are_tracked_alike(
    api_server: ApiServer, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    body = {"metadata": {"name": "c", "labels": {"a": "b"}}, "data": {"k": "v"}}
    status, answer = api_server.request("POST", f"{path}?fieldManager=first", body)
    assert status == 201, answer
    rows = answer["metadata"]["managedFields"]
    now = rows[0]["time"]
    mine = track(None, None, body, manager="first", api_version="v1", now=now)
    assert mine["metadata"]["managedFields"] == rows
