"""On which calls faults act, and how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from matrixinfer_client.api.registry_v1alpha1 import Model
from matrixinfer_client.errors import (
    InvalidArgumentError,
)
from matrixinfer_client.testing.exchange import Call, Caller
from matrixinfer_client.testing.faults import (
    conflict,
    cut,
    delay,
    error,
    expired_event,
    one_of,
)
from tests.fake.faulty import CONFIGMAPS, MODELS, Cluster


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def answers(cluster: Cluster, *calls: tuple[str, str]) -> list[int]:
    return [cluster.status(method, path) for method, path in calls]


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({}, {0, 1, 2, 3, 4, 5}),
        ({"verb": "get"}, {0, 3}),
        ({"verb": ["list", "delete"]}, {1, 2, 4}),
        ({"resource": "configmaps"}, {0, 1, 2}),
        ({"resource": "ConfigMap"}, {0, 1, 2}),
        ({"resource": "cm", "verb": "list"}, {1}),
        ({"resource": "models.registry.matrixinfer.ai"}, {4}),
        ({"resource": Model}, {4}),
        ({"resource": "models/status"}, {3}),
        ({"resource": "models/*"}, {3, 4}),
        ({"namespace": "other"}, {2}),
        ({"name": "demo"}, {0, 2, 3}),
        ({"namespace": "default", "name": "demo"}, {0, 3}),
        ({"caller": "ann"}, set()),
        ({"when": lambda call: call.path == "/version"}, {5}),
    ],
)
def test_a_fault_acts_on_what_matches(
    cluster: Cluster, match: dict[str, Any], hit: set[int]
) -> None:
    cluster.inject(error(599), times=None, **match)
    calls = [
        ("GET", f"{CONFIGMAPS}/demo"),
        ("GET", CONFIGMAPS),
        ("DELETE", "/api/v1/namespaces/other/configmaps/demo"),
        ("GET", f"{MODELS}/demo/status"),
        ("GET", MODELS),
        ("GET", "/version"),
    ]
    found = answers(cluster, *calls)
    assert {number for number, status in enumerate(found) if status == 599} == hit


def test_an_apply_is_no_other_patch(cluster: Cluster) -> None:
    applies = cluster.inject(error(599), verb="apply", times=None)
    patches = cluster.inject(error(598), verb="patch", times=None)
    types = ["application/apply-patch+yaml", "application/merge-patch+json"]
    statuses = [
        cluster.status("PATCH", f"{MODELS}/demo", headers={"content-type": each}) for each in types
    ]
    assert statuses == [599, 598]
    assert (applies.hits, patches.hits) == (1, 1)


def test_the_name_of_a_create_is_in_its_body(cluster: Cluster) -> None:
    injection = cluster.inject(error(599), verb="create", name="demo", times=None)
    for body in (b'{"metadata":{"name":"demo"}}', b'{"metadata":{"name":"no"}}', b"{", b""):
        cluster.status("POST", CONFIGMAPS, body=body)
    assert injection.hits == 1


def test_the_name_of_a_watch_is_in_its_selector(cluster: Cluster) -> None:
    injection = cluster.inject(error(599), verb="watch", name="demo", times=None)
    for selector in ("metadata.name=demo", "metadata.name==demo", "metadata.name=no", ""):
        query = {"watch": ["true"], "fieldSelector": [selector]}
        cluster.status(path=CONFIGMAPS, query=query)
    assert injection.hits == 2


def test_a_caller_is_whom_a_request_acts_for(cluster: Cluster) -> None:
    injection = cluster.inject(error(599), caller="ann", times=None)
    cluster.status(caller=Caller("ann"))
    cluster.status(headers={"impersonate-user": "ann"})
    cluster.status(caller=Caller("ann"), headers={"impersonate-user": "bob"})
    assert injection.hits == 2


def test_the_simulation_only_meets_faults_that_name_it(cluster: Cluster) -> None:
    cluster.inject(error(599), times=None)
    controllers = Caller("simulation", ("system:masters",))
    assert cluster.status(caller=controllers) == 200
    cluster.inject(error(598), caller="simulation")
    assert cluster.status(caller=controllers) == 598


def test_a_fault_acts_as_often_as_it_is_told_to(cluster: Cluster) -> None:
    injection = cluster.inject(error(599), times=2, after=1)
    assert answers(cluster, *[("GET", CONFIGMAPS)] * 5) == [200, 599, 599, 200, 200]
    assert injection.hits == 2


def test_several_faults_act_in_turn(cluster: Cluster) -> None:
    injection = cluster.inject(error(597), error(598), error(599), times=2)
    found = answers(cluster, *[("GET", CONFIGMAPS)] * 7)
    assert found == [597, 598, 599, 597, 598, 599, 200]
    assert injection.hits == 6


def test_the_first_fault_wins_and_the_second_keeps_its_turn(cluster: Cluster) -> None:
    cluster.inject(error(598))
    second = cluster.inject(error(599))
    assert answers(cluster, *[("GET", CONFIGMAPS)] * 3) == [598, 599, 200]
    assert second.hits == 1


def test_faults_that_go_together_act_together(cluster: Cluster) -> None:
    cluster.inject(delay(5), times=None)
    cluster.inject(error(599))
    reply = cluster.handle(Call(method="GET", path=CONFIGMAPS))
    assert (reply.status, reply.delay) == (599, 5)


def test_chance_is_the_seeds() -> None:
    def hits(seed: int) -> list[bool]:
        cluster = Cluster(seed)
        cluster.inject(error(599), probability=0.3, times=None)
        return [cluster.status() == 599 for _ in range(200)]

    assert hits(1) == hits(1) != hits(2)
    assert 30 <= sum(hits(1)) <= 90


def test_one_of_several_faults_is_drawn(cluster: Cluster) -> None:
    cluster.inject(one_of(error(598), error(599), conflict()), times=None)
    assert {cluster.status() for _ in range(50)} == {598, 599}
    assert {cluster.status("DELETE", f"{CONFIGMAPS}/a") for _ in range(50)} == {409, 598, 599}


def test_an_injection_can_be_removed(cluster: Cluster) -> None:
    with cluster.inject(error(599), times=None) as injection:
        assert cluster.status() == 599
    assert cluster.status() == 200
    injection.remove()
    assert repr(injection) == "Injection(error(599), hits=1)"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda it: it.inject(error(500), verb="fetch"), "'fetch' is unknown; there are get, list"),
        (lambda it: it.inject(error(500), verb=["get", "put"]), "'put' is unknown"),
        (lambda it: it.inject(error(500), resource="modles"), "'modles' is not served .* models,"),
        (
            lambda it: it.inject(error(500), resource="models/log"),
            "models have no .* 'log'; .*status",
        ),
        (lambda it: it.inject(error(500), times=0), "times must be 1 or more, or None, not 0"),
        (lambda it: it.inject(error(500), after=-1), "after must be 0 or more"),
        (lambda it: it.inject(error(500), probability=0), "probability must be above 0"),
        (lambda it: it.inject(), "inject needs a fault"),
        (
            lambda it: it.inject(expired_event(), verb="get"),
            "expired_event.* to watch, never to get",
        ),
        (lambda it: it.inject(conflict(), verb=["list", "get"]), "conflict.* never to get or list"),
        (lambda _: error(200), "400 to 599, not 200"),
        (lambda _: delay(-1), "0 and more, not -1"),
        (lambda _: cut(after_events=-1), "after_events must be 0 or more"),
        (lambda _: one_of(), "at least one fault"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    cluster: Cluster, wrong: Callable[[Cluster], object], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        wrong(cluster)
