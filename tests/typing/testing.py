"""Tests of a user's: what `FakeCluster` and the fixtures hand out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import assert_type

import pytest

from matrixinfer_client import AsyncClient, Client, Retries
from matrixinfer_client.api.registry_v1alpha1 import Model
from matrixinfer_client.testing import (
    Action,
    FakeCluster,
    Fault,
    Injection,
    Served,
    Simulation,
    conflict,
    cut,
    error,
    lost,
    one_of,
)


def clients(cluster: FakeCluster) -> None:
    assert_type(cluster.client(), Client)
    assert_type(cluster.client(user="ann", groups=["dev"], namespace="research"), Client)
    assert_type(cluster.async_client(retries=Retries(attempts=1), timeout=3), AsyncClient)
    assert_type(Client(server="https://x", transport=cluster.transport()), Client)
    cluster.client(token="x")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


def clusters(model: Model) -> None:
    with FakeCluster(model, {"apiVersion": "v1", "kind": "Node"}, simulate=True) as cluster:
        assert_type(cluster, FakeCluster)
        assert_type(cluster.simulation, Simulation)
    FakeCluster(simulate={"speed": 10})
    FakeCluster(simulate=partial(Simulation, speed=10))
    FakeCluster(simulated=True)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


async def asynchronously() -> None:
    async with FakeCluster() as cluster:
        assert_type(cluster, FakeCluster)


def faults(cluster: FakeCluster) -> None:
    assert_type(error(429, retry_after=1), Fault)
    assert_type(cluster.inject(conflict(), verb="update", times=2), Injection)
    cluster.inject(cut(after_events=1), resource=Model, times=None, probability=0.5)
    cluster.inject(one_of(lost(), error(500)), when=lambda call: call.path == "/version")
    cluster.inject(500)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def actions(cluster: FakeCluster) -> None:
    assert_type(cluster.actions, Sequence[Action])
    assert_type(cluster.actions_of(verb=["create", "update"], resource="models"), Sequence[Action])
    assert_type(cluster.actions[0].status_code, int | None)


def served(cluster: FakeCluster) -> None:
    with cluster.serve(tls=True, users={"ann": ["dev"]}) as server:
        assert_type(server, Served)
        assert_type(server.kubeconfig, Path)
        assert_type(server.token("ann"), str | None)


@pytest.mark.fake_cluster(simulate=True)
def test_of_a_user(fake_cluster: FakeCluster, fake_client: Client) -> None:
    fake_client.registry_v1alpha1.models().list()
    assert fake_cluster.actions
