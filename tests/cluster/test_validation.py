"""`validate` and a real API server, asked the same questions."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from matrixinfer_client.validation import validate
from tests.cluster.crds import platform_crds
from tests.cluster.server import ApiServer
from tests.validation.fuzz import answer_of, ask, compare, paths_of, seeds
from tests.validation.mutations import mutants
from tests.validation.samples import ALL, MODEL, ROUTE, changed

B0 = "spec.backends.0"
PATH = "/apis/registry.matrixinfer.ai/v1alpha1/namespaces/default/models"


def test_both_agree_on_mutated_manifests(api_server: ApiServer, namespace: str) -> None:
    """A small run of `python -m tests.validation.fuzz`, with other mutants than its default."""
    tally = compare(api_server, mutants(seeds(), 300, seed=20_240_601), namespace=namespace)
    assert tally.verdicts == []
    assert tally.path_agreement >= 0.99, "\n".join(tally.differences)
    assert tally.accepted > 60, "the mutations leave too little that is valid"
    assert tally.rejected > 60, "the mutations break too little"


@pytest.mark.parametrize("obj", ALL, ids=lambda obj: str(obj["kind"]))
def test_minimal_bodies_are_accepted(api_server: ApiServer, obj: dict[str, Any]) -> None:
    assert ask(api_server, obj, "default").accepted


STORED = changed(
    MODEL,
    {
        f"{B0}.scalingCost": -1,
        f"{B0}.env": [{"name": "A"}, {"name": "A"}],
        "spec.name": "Not_Good",
        "spec.backends.1": {**MODEL["spec"]["backends"][0], "name": "b2", "routeWeight": 500},
    },
)

TOUCHES: list[dict[str, Any]] = [
    {},
    {"spec.owner": "me"},
    {"metadata.labels": {"a": "b"}},
    {f"{B0}.scalingCost": -2},
    {f"{B0}.minReplicas": -1},
    {f"{B0}.env.0.value": "x"},
    {f"{B0}.env.2": {"name": "B"}},
    {f"{B0}.name": "b3"},
    {"spec.name": "Still_Bad"},
    {"spec.backends": STORED["spec"]["backends"][::-1]},
    {"spec.backends.1.routeWeight": 501},
    {"spec.backends.1.maxReplicas": 2},
    {"spec.backends.1.name": "b1"},
]


def loosened(crd: dict[str, Any]) -> dict[str, Any]:
    """The definition without what can be wrong with a value of the right type."""
    constraints = ("enum", "maximum", "minimum", "pattern", "x-kubernetes-validations")
    lists = ("x-kubernetes-list-map-keys", "x-kubernetes-list-type")

    def strip(node: Any) -> Any:
        if isinstance(node, list):
            return [strip(item) for item in node]
        if not isinstance(node, dict):
            return node
        return {key: strip(node[key]) for key in node if key not in (*constraints, *lists)}

    result = copy.deepcopy(crd)
    for version in result["spec"]["versions"]:
        version["schema"] = strip(version["schema"])
    return result


def test_what_was_wrong_before_is_forgiven_alike(assets: Any) -> None:
    """On a server of its own, whose definitions are loosened for a while."""
    crds = [crd for crd in platform_crds() if crd["spec"]["names"]["kind"] == "Model"]
    with ApiServer(assets) as server:
        server.install_crds(map(loosened, crds))
        status, stored = server.request("POST", PATH, STORED)
        assert status == 201, stored
        server.install_crds(crds)
        # The new definition reaches the handlers some time after it is established.
        while (
            server.request("POST", f"{PATH}?dryRun=All", {**STORED, "metadata": {"name": "x"}})[0]
            == 201
        ):
            pass
        for touch in TOUCHES:
            obj = changed(stored, touch)
            url = f"{PATH}/{stored['metadata']['name']}?dryRun=All&fieldValidation=Strict"
            answer = answer_of(*server.request("PUT", url, obj))
            report = validate(obj, old=stored, webhooks=False)
            assert paths_of(report, "schema") == answer.paths, (touch, answer.message)
            assert report.ok == answer.accepted


def test_the_name_of_a_route_is_immutable_for_both(api_server: ApiServer, namespace: str) -> None:
    path = f"/apis/networking.matrixinfer.ai/v1alpha1/namespaces/{namespace}/modelroutes"
    status, stored = api_server.request("POST", path, ROUTE)
    assert status == 201
    obj = changed(stored, {"spec.modelName": "other"})
    answer = answer_of(*api_server.request("PUT", f"{path}/r?dryRun=All", obj))
    report = validate(obj, old=stored)
    assert {error.said for error in report} == answer.said
