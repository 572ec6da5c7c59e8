"""A rollout is over when the children run the new spec, not when the Model says Active."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client.api.networking_v1alpha1 import ModelRoute, ModelRouteList
from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.targets import Options, Target
from matrixinfer_client.waiterrors import ConditionFailed, WaitTimeout
from tests.wait.simulated import (
    ACTIVE,
    INFERS,
    MODELS,
    PROCESSING,
    World,
    condition,
    failed,
    infer_spec,
    model_spec,
    status,
    wait_in,
)

AVAILABLE = condition("Available", "True", "AllGroupsReady", "All infer groups are ready")
NOT_AVAILABLE = {**AVAILABLE, "status": "False"}
UPDATING = condition("UpdateInProgress", "True", "GroupsUpdating")
UPDATED = {**UPDATING, "status": "False"}


def counters(replicas: int, available: int, updated: int) -> dict[str, int]:
    counts = {
        "replicas": replicas,
        "availableReplicas": available,
        "updatedReplicas": updated,
    }
    return {name: count for name, count in counts.items() if count}


@pytest.fixture
def world() -> World:
    return World()


# ModelInfers.


def test_a_model_infer_that_was_updated_everywhere(world: World) -> None:
    world.put("modelinfers", "mi", spec=infer_spec(2))
    world.put("modelinfers", "mi", status=status(1, AVAILABLE, **counters(2, 2, 2)))
    world.put("modelinfers", "mi", spec=infer_spec(2, recoveryPolicy="None"))
    steps = [
        # Still of the old spec, which nobody has looked at yet.
        (5, status(2, NOT_AVAILABLE, UPDATING, **counters(2, 1, 0))),
        # Available again between two steps of the update.
        (60, status(2, AVAILABLE, UPDATED, **counters(2, 2, 1))),
        (61, status(2, NOT_AVAILABLE, UPDATING, **counters(2, 1, 1))),
        (120, status(2, AVAILABLE, UPDATED, **counters(2, 2, 2))),
    ]
    for second, each in steps:
        world.at(second, world.put, "modelinfers", "mi", status=each)
    wait_in(world, INFERS, "mi", "rollout")
    assert world.elapsed == 120


def test_available_between_two_steps_is_ready_but_not_rolled_out(world: World) -> None:
    between = status(1, AVAILABLE, UPDATED, **counters(2, 2, 1))
    world.put("modelinfers", "mi", spec=infer_spec(2), status=between)
    wait_in(world, INFERS, "mi", "Ready", timeout=0)
    with pytest.raises(WaitTimeout, match="was not rolled out after 5 s: 1 of 2 groups updated"):
        wait_in(world, INFERS, "mi", "rollout", timeout=5)


def test_groups_below_the_partition_may_keep_the_old_spec(world: World) -> None:
    strategy = {"rollingUpdateConfiguration": {"partition": 2}}
    spec = infer_spec(3, rolloutStrategy=strategy)
    done = status(1, AVAILABLE, **counters(3, 3, 1))
    world.put("modelinfers", "mi", spec=spec, status=done)
    wait_in(world, INFERS, "mi", "rollout", timeout=0)


@pytest.mark.parametrize(
    ("state", "missing"),
    [
        (status(0, AVAILABLE, **counters(2, 2, 2)), "generation 1 not seen yet"),
        (status(1, AVAILABLE, **counters(2, 1, 2)), "1 of 2 groups available"),
        (status(1, AVAILABLE, **counters(2, 2, 0)), "0 of 2 groups updated"),
        (status(1, UPDATING, **counters(2, 2, 2)), "not Available yet"),
    ],
)
def test_each_part_of_the_completion_test_is_needed(
    world: World, state: dict[str, Any], missing: str
) -> None:
    world.put("modelinfers", "mi", spec=infer_spec(2), status=state)
    with pytest.raises(WaitTimeout, match=missing):
        wait_in(world, INFERS, "mi", "rollout", timeout=3)


def test_a_model_infer_born_without_replicas_has_nothing_to_roll_out(world: World) -> None:
    world.put("modelinfers", "mi", spec=infer_spec(0))
    with pytest.raises(ConditionFailed, match="the controller writes no status"):
        wait_in(world, INFERS, "mi", "rollout")


# Models.


def with_child(world: World, backend: str = "b1", **fields: Any) -> None:
    uid = world.objects["models", "demo"]["metadata"]["uid"]
    labels = {
        "registry.matrixinfer.ai/model-uid": uid,
        "registry.matrixinfer.ai/backend-name": backend,
        "registry.matrixinfer.ai/revision": "5d4b",
    }
    world.put("modelinfers", f"demo-{backend}", metadata={"labels": labels}, **fields)


def running(world: World, *backends: str) -> None:
    """Make a Model whose children run its spec."""
    world.put("models", "demo", spec=model_spec(*backends))
    for backend in backends:
        done = status(1, AVAILABLE, **counters(1, 1, 1))
        with_child(world, backend, spec=infer_spec(1), status=done)
    world.put("models", "demo", status=status(1, ACTIVE))


def test_a_model_that_runs_its_spec_is_rolled_out_at_once(world: World) -> None:
    running(world, "b1", "b2")
    wait_in(world, MODELS, "demo", "rollout", timeout=0)


def test_active_right_after_a_change_does_not_mean_that_the_children_have_it(
    world: World,
) -> None:
    running(world, "b1")
    world.put("models", "demo", spec=model_spec("b1", replicas=2))
    # The pass: it begins, writes the child, and finds it available, as of before.
    world.at(1, world.put, "models", "demo", status=status(2, PROCESSING))
    world.at(2, with_child, world, spec=infer_spec(2))
    world.at(3, world.put, "models", "demo", status=status(2, ACTIVE))
    wait = {"status": status(2, NOT_AVAILABLE, UPDATING, **counters(2, 1, 0))}
    world.at(10, with_child, world, **wait)
    world.at(11, world.put, "models", "demo", status=status(2, PROCESSING))
    world.at(99, with_child, world, status=status(2, AVAILABLE, **counters(2, 2, 2)))
    world.at(100, world.put, "models", "demo", status=status(2, ACTIVE))
    wait_in(world, MODELS, "demo", "rollout")
    assert world.elapsed == 100


def test_children_are_looked_at_again_although_the_model_stays_the_same(world: World) -> None:
    # The controller drops writes that conflict, so the Model may not change any more.
    running(world, "b1")
    with_child(world, spec=infer_spec(2))
    world.at(60, with_child, world, status=status(2, AVAILABLE, **counters(2, 2, 2)))
    wait_in(world, MODELS, "demo", "rollout")
    assert 60 <= world.elapsed <= 64
    assert world.most_open <= 2


def test_every_backend_has_to_have_its_child(world: World) -> None:
    running(world, "b1")
    world.put("models", "demo", spec=model_spec("b1", "b2"), status=status(2, ACTIVE))
    with pytest.raises(WaitTimeout, match="no ModelInfer yet for backend b2"):
        wait_in(world, MODELS, "demo", "rollout", timeout=10)
    assert world.elapsed == 10


def test_a_former_backend_has_to_be_gone(world: World) -> None:
    running(world, "b1", "b2")
    world.put("models", "demo", spec=model_spec("b1"), status=status(2, ACTIVE))
    with pytest.raises(WaitTimeout, match="former backend b2 is still there"):
        wait_in(world, MODELS, "demo", "rollout", timeout=10)


def test_which_child_lags_behind_is_said(world: World) -> None:
    running(world, "b1", "b2")
    with_child(world, "b2", spec=infer_spec(3))
    with pytest.raises(WaitTimeout, match="ModelInfer demo-b2: generation 2 not seen yet"):
        wait_in(world, MODELS, "demo", "rollout", timeout=10)


def test_a_rollout_that_the_controller_cannot_do_fails(world: World) -> None:
    running(world, "b1")
    world.put("models", "demo", spec=model_spec("b1", "b2"))
    denial = status(2, PROCESSING, failed("invalid SchedulerName: , modelInfer support: volcano"))
    world.at(2, world.put, "models", "demo", status=denial)
    with pytest.raises(ConditionFailed, match="will not become rolled out: invalid SchedulerName"):
        wait_in(world, MODELS, "demo", "rollout")
    assert world.elapsed == 32


def test_a_model_deleted_during_its_rollout_is_no_success(world: World) -> None:
    running(world, "b1")
    with_child(world, spec=infer_spec(2))
    world.at(5, world.drop, "models", "demo")
    with pytest.raises(ConditionFailed, match="it was deleted"):
        wait_in(world, MODELS, "demo", "rollout")


def test_kinds_that_run_nothing_have_no_rollout(world: World) -> None:
    routes = Target(ModelRoute, ModelRouteList, None, Options())
    with pytest.raises(InvalidArgumentError, match="a ModelRoute has no rollout"):
        wait_in(world, routes, "r", "rollout")
