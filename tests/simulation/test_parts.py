"""The parts of a simulation that decide without a server."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client.testing.simulation import Node
from matrixinfer_client.testing.simulation.agenda import Agenda, Work
from matrixinfer_client.testing.simulation.arguments import (
    BackendError,
    config_of,
    engine_arguments,
)
from matrixinfer_client.testing.simulation.children import route_of
from matrixinfer_client.testing.simulation.hashing import revision
from matrixinfer_client.testing.simulation.nodes import Usage, place

A: Work = ("pod", "default", "a")
B: Work = ("pod", "default", "b")
C: Work = ("pod", "default", "c")


def order(agenda: Agenda) -> list[str]:
    names: list[str] = []
    while (entry := agenda.next()) is not None:
        agenda.take(entry)
        names.append(entry.work[2])
    return names


def test_work_is_done_by_time_and_then_in_the_order_in_which_it_came() -> None:
    agenda = Agenda()
    agenda.put(C, 2.0)
    agenda.put(B, 1.0)
    agenda.put(A, 1.0)
    assert order(agenda) == ["b", "a", "c"]


def test_work_stands_once_and_is_done_at_the_earliest_time_it_was_put_for() -> None:
    agenda = Agenda()
    agenda.put(A, 3.0)
    agenda.put(B, 2.0)
    agenda.put(A, 1.0)
    agenda.put(A, 5.0)
    assert order(agenda) == ["a", "b"]


def test_work_is_in_the_background_only_while_nobody_needs_it() -> None:
    agenda = Agenda()
    agenda.put(A, 1.0, background=True)
    assert agenda.is_idle()
    agenda.put(A, 2.0)
    assert not agenda.is_idle()
    agenda.put(A, 0.5, background=True)
    assert not agenda.is_idle()
    assert order(agenda) == ["a"]
    assert agenda.is_idle()


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (1, "1"),
        (0, "0"),
        (999_999, "999999"),
        (1_000_000, "1e+06"),
        (1_234_567, "1.234567e+06"),
        (-2_000_000, "-2e+06"),
        (0.9, "0.9"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (True, "true"),
        ("1000000", "1000000"),
        (None, "<nil>"),
        ([1, "a", False], "[1 a false]"),
        ({"b": 1, "a": [2]}, "map[a:[2] b:1]"),
    ],
)
def test_a_value_of_a_config_is_printed_as_go_prints_it(value: Any, printed: str) -> None:
    assert engine_arguments({"some_key": value}) == ["--some-key", printed]


def test_arguments_are_sorted_and_an_empty_value_is_a_bare_flag() -> None:
    assert engine_arguments({"b": "", "a_b": "x", "maxLen": 1}) == [
        *["--a-b", "x", "--b", "--maxLen", "1"]
    ]


@pytest.mark.parametrize(
    ("config", "what"), [([], "array"), ("x", "string"), (1, "number"), (True, "bool")]
)
def test_a_config_that_is_no_object_is_refused_as_go_refuses_it(config: Any, what: str) -> None:
    message = f"json: cannot unmarshal {what} into Go value of type map"
    with pytest.raises(BackendError, match=message):
        config_of({"config": config})


def test_a_revision_depends_on_the_content_and_not_on_the_order_of_keys() -> None:
    assert revision({"a": 1, "b": [2]}) == revision({"b": [2], "a": 1})
    assert revision({"a": 1}) != revision({"a": 2})


def pod(node: str = "", affinity: Any = None, **resources: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [{"resources": {"requests": resources}}]}
    if affinity:
        term = {"nodeSelectorTerms": [{"matchExpressions": [affinity]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": term}
        spec["affinity"] = {"nodeAffinity": required}
    return {"spec": {**spec, **({"nodeName": node} if node else {})}}


def used(*pods: dict[str, Any]) -> Usage:
    usage = Usage()
    for number, each in enumerate(pods):
        usage.note(str(number), each)
    return usage


def test_a_pod_goes_to_the_node_with_the_fewest_pods_on_which_it_fits() -> None:
    nodes = [Node("a"), Node("b"), Node("c", cpu=1)]
    busy = used(pod("a"), pod("a"), pod("b"))
    found = place(pod(cpu="1500m"), nodes, busy)
    assert isinstance(found, Node)
    assert found.name == "b"


def test_what_keeps_a_pod_off_the_nodes_is_counted_and_sorted() -> None:
    nodes = [Node("a", cpu=1), Node("b", memory="1Gi"), Node("c", pods=1)]
    there = used(pod("c"), pod("b", memory="800Mi"))
    found = place(pod(cpu="2", memory="900Mi"), nodes, there)
    assert found == (
        "0/3 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 Too many pods. "
        "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No "
        "preemption victims found for incoming pod."
    )


@pytest.mark.parametrize(
    ("operator", "values", "fits"),
    [
        ("In", ["fast", "slow"], True),
        ("In", ["slow"], False),
        ("NotIn", ["slow"], True),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
        ("Equals", ["fast"], False),
    ],
)
def test_a_node_must_have_the_labels_that_a_pod_asks_for(
    operator: str, values: list[str], fits: bool
) -> None:
    wanted = {"key": "disk", "operator": operator, "values": values}
    found = place(pod(affinity=wanted), [Node("a", labels={"disk": "fast"})], Usage())
    assert isinstance(found, Node) is fits


def test_a_pod_that_is_finished_or_gone_takes_no_room() -> None:
    usage, nodes = used(pod("a", cpu="1")), [Node("a", cpu=1)]
    assert not isinstance(place(pod(cpu="1"), nodes, usage), Node)
    usage.note("0", {**pod("a", cpu="1"), "status": {"phase": "Succeeded"}})
    assert isinstance(place(pod(cpu="1"), nodes, usage), Node)
    usage.note("1", pod("a", cpu="1"))
    usage.note("1", None)
    assert isinstance(place(pod(cpu="1"), nodes, usage), Node)


def test_a_route_over_several_backends_has_a_rule_for_each_adapter() -> None:
    backends = [
        {"name": "b1", "loraAdapters": [{"name": "z"}, {"name": "a"}], "routeWeight": 80},
        {"name": "b2", "loraAdapters": [{"name": "a"}], "routeWeight": 20},
    ]
    model = {
        "apiVersion": "registry.matrixinfer.ai/v1alpha1",
        "kind": "Model",
        "metadata": {"name": "demo", "namespace": "default", "uid": "1"},
        "spec": {"backends": backends},
    }
    spec = route_of(model)["spec"]
    assert spec["loraAdapters"] == ["a", "z"]
    assert [(rule["name"], rule["modelMatch"]["body"]["model"]) for rule in spec["rules"]] == [
        *[("default", "demo"), ("a", "a"), ("z", "z")]
    ]
    targets = [
        {"modelServerName": "demo-b1", "weight": 80},
        {"modelServerName": "demo-b2", "weight": 20},
    ]
    assert [rule["targetModels"] for rule in spec["rules"]] == [targets, targets, targets[:1]]
