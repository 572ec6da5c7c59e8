"""Twenty tests of fleet.py on the fixtures of `matrixinfer_client.testing`.

    pytest examples/test_fleet.py

There is no cluster. `fake_cluster` is an API server inside the test, new for each one;
`fake_client` and `async_fake_client` are connected to it.
"""

from __future__ import annotations

import asyncio

import pytest

from examples import fleet
from matrixinfer_client import AsyncClient, Client, ForbiddenError, InvalidError, NotFoundError
from matrixinfer_client.testing import FakeCluster, conflict, error, lost, too_many_requests

URI = "hf://Qwen/Qwen2.5-0.5B-Instruct"


# Creating: the server validates and fills in defaults, as a real one does.


def test_missing_models_are_created(fake_client: Client) -> None:
    assert fleet.deploy(fake_client, {"a": URI, "b": URI}) == ["a", "b"]
    assert [found.name for found in fake_client.registry_v1alpha1.models().list()] == ["a", "b"]


def test_the_server_fills_in_defaults(fake_client: Client) -> None:
    fleet.deploy(fake_client, {"a": URI})
    found = fake_client.registry_v1alpha1.models().get("a")
    assert found.spec.backends[0].route_weight == 100
    assert found.metadata.generation == 1


def test_a_second_deployment_changes_nothing(
    fake_cluster: FakeCluster, fake_client: Client
) -> None:
    fleet.deploy(fake_client, {"a": URI})
    fake_cluster.clear_actions()
    assert fleet.deploy(fake_client, {"a": URI}) == []
    assert [action.verb for action in fake_cluster.actions] == ["list"]


def test_what_is_not_wanted_any_more_is_removed(fake_client: Client) -> None:
    fleet.deploy(fake_client, {"a": URI, "b": URI})
    assert fleet.deploy(fake_client, {"b": URI}) == ["a"]
    assert not fake_client.registry_v1alpha1.models().exists("a")


@pytest.mark.fake_cluster(
    {
        "apiVersion": "registry.matrixinfer.ai/v1alpha1",
        "kind": "Model",
        **fleet.model("theirs", URI).to_dict(),
        "metadata": {"name": "theirs"},
    }
)
def test_models_of_others_are_left_alone(fake_client: Client) -> None:
    assert fleet.deploy(fake_client, {}) == []
    assert fake_client.registry_v1alpha1.models().exists("theirs")


def test_a_uri_without_a_scheme_is_refused(fake_client: Client) -> None:
    with pytest.raises(InvalidError, match="modelURI") as refused:
        fleet.deploy(fake_client, {"a": "Qwen/Qwen2.5-0.5B-Instruct"})
    assert refused.value.causes[0].field == "spec.backends[0].modelURI"


def test_what_was_sent_can_be_looked_at(fake_cluster: FakeCluster, fake_client: Client) -> None:
    fleet.deploy(fake_client, {"a": URI})
    (created,) = fake_cluster.actions_of(verb="create", resource="models")
    assert created.body["spec"]["backends"][0]["modelURI"] == URI
    assert created.status_code == 201


# Changing and removing.


def test_scaling_counts_as_a_new_generation(fake_client: Client) -> None:
    fleet.deploy(fake_client, {"a": URI})
    fleet.scale(fake_client, "a", 3)
    found = fake_client.registry_v1alpha1.models().get("a")
    assert found.spec.backends[0].max_replicas == 3
    assert found.metadata.generation == 2


def test_scaling_starts_over_when_somebody_was_faster(
    fake_cluster: FakeCluster, fake_client: Client
) -> None:
    fleet.deploy(fake_client, {"a": URI})
    with fake_cluster.inject(conflict(), verb="update", times=2) as injection:
        fleet.scale(fake_client, "a", 3)
    assert injection.hits == 2
    assert len(fake_cluster.actions_of(verb="update")) == 3


def test_a_new_owner_is_not_forced_on_others(
    fake_cluster: FakeCluster, fake_client: Client
) -> None:
    fleet.deploy(fake_client, {"a": URI})
    fake_cluster.inject(conflict(), verb="update")
    with pytest.raises(RuntimeError, match="somebody else changed a"):
        fleet.rename_owner(fake_client, "a", "anna")


def test_removing_says_whether_there_was_one(fake_client: Client) -> None:
    fleet.deploy(fake_client, {"a": URI})
    assert fleet.remove(fake_client, "a")
    assert not fleet.remove(fake_client, "a")


def test_scaling_what_is_not_there_says_so(fake_client: Client) -> None:
    with pytest.raises(NotFoundError, match='"none" not found'):
        fleet.scale(fake_client, "none", 1)


# When something goes wrong on the way.


def test_a_server_that_is_busy_is_asked_again(
    fake_cluster: FakeCluster, fake_client: Client
) -> None:
    fake_cluster.inject(too_many_requests(retry_after=0), verb="create")
    assert fleet.deploy(fake_client, {"a": URI}) == ["a"]
    assert [action.status_code for action in fake_cluster.actions_of(verb="create")] == [429, 201]


def test_a_list_whose_connection_broke_is_sent_again(
    fake_cluster: FakeCluster, fake_client: Client
) -> None:
    fake_cluster.inject(lost(), verb="list")
    assert fleet.deploy(fake_client, {"a": URI}) == ["a"]


def test_removing_without_the_right_to_is_an_error(
    fake_cluster: FakeCluster, fake_client: Client
) -> None:
    fleet.deploy(fake_client, {"a": URI})
    visitor = fake_cluster.client(user="visitor")
    with pytest.raises(ForbiddenError, match='User "visitor" cannot delete'):
        fleet.remove(visitor, "a")


def test_an_error_of_the_server_reaches_the_caller(
    fake_cluster: FakeCluster, fake_client: Client
) -> None:
    fake_cluster.inject(error(403, message="not on a Friday"), verb="delete")
    with pytest.raises(ForbiddenError, match="not on a Friday"):
        fleet.remove(fake_client, "a")


# With simulated controllers, which make ModelInfers, pods and conditions.

FAST = {"speed": float("inf"), "seed": 1}


@pytest.mark.fake_cluster(simulate=FAST)
def test_a_model_serves_after_a_while(fake_client: Client) -> None:
    fleet.deploy(fake_client, {"a": URI})
    fleet.ensure_serving(fake_client, "a", timeout=10)


@pytest.mark.fake_cluster(simulate=FAST)
def test_an_image_that_cannot_be_pulled_is_named(
    fake_cluster: FakeCluster, fake_client: Client
) -> None:
    fake_cluster.simulation.fail("a", "image_pull")
    fleet.deploy(fake_client, {"a": URI})
    fake_cluster.simulation.settle()
    with pytest.raises(fleet.NotServingError, match=r"vllm/vllm-openai:v0\.10\.0"):
        fleet.ensure_serving(fake_client, "a", timeout=0)


@pytest.mark.fake_cluster(simulate=FAST)
def test_a_model_serves_once_the_trouble_is_over(
    fake_cluster: FakeCluster, fake_client: Client
) -> None:
    fake_cluster.simulation.fail("a", "unschedulable")
    fleet.deploy(fake_client, {"a": URI})
    fake_cluster.simulation.settle()
    fake_cluster.simulation.heal("a")
    fleet.ensure_serving(fake_client, "a", timeout=10)


# And with asyncio; the client belongs to no event loop.


def test_names_come_page_by_page(
    fake_cluster: FakeCluster, fake_client: Client, async_fake_client: AsyncClient
) -> None:
    wanted = {f"model-{number:03}": URI for number in range(60)}
    fleet.deploy(fake_client, wanted)
    fake_cluster.clear_actions()
    assert asyncio.run(fleet.names(async_fake_client)) == list(wanted)
    assert len(fake_cluster.actions_of(verb="list")) == 2
