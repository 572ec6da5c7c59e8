"""When a wait ends, and how: every fact about the controllers that could make it lie or hang."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from matrixinfer_client.awaited import WaitUpdate
from matrixinfer_client.conditions import all_of, any_of
from matrixinfer_client.errors import (
    ForbiddenError,
    InvalidArgumentError,
    NotFoundError,
    TransportError,
)
from matrixinfer_client.flows import NO_TIMEOUT
from matrixinfer_client.names import ALL_NAMESPACES
from matrixinfer_client.targets import Target
from matrixinfer_client.waiterrors import ConditionFailed, WaitTimeout
from tests.wait.simulated import (
    ACTIVE,
    INFERS,
    INITIALIZED,
    MODELS,
    PROCESSING,
    HangsError,
    World,
    answer,
    condition,
    failed,
    infer_spec,
    model_spec,
    status,
    wait_in,
)

DENIED = "not support model backend type: SGLang"


@pytest.fixture
def world() -> World:
    world = World()
    world.put("models", "demo", spec=model_spec())
    return world


def write(world: World, second: float, *rows: dict[str, Any], generation: int = 1) -> None:
    """Schedule a status, as the model controller writes it."""
    world.at(second, world.put, "models", "demo", status=status(generation, *rows))


def child(world: World, second: float, *rows: dict[str, Any], **fields: Any) -> None:
    """Schedule the ModelInfer of the backend."""
    uid = world.objects["models", "demo"]["metadata"]["uid"]
    labels = {
        "registry.matrixinfer.ai/model-uid": uid,
        "registry.matrixinfer.ai/backend-name": "b1",
    }
    body: dict[str, Any] = {"metadata": {"labels": labels}, "spec": infer_spec(), **fields}
    if rows:
        body["status"] = status(1, *rows)
    world.at(second, world.put, "modelinfers", "demo-b1", **body)


# The statuses of a Model, in the order they come in.


def test_a_model_that_comes_up(world: World) -> None:
    write(world, 1, INITIALIZED)
    write(world, 2, INITIALIZED, PROCESSING)
    write(world, 90, INITIALIZED, ACTIVE)
    model = wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed == 90
    assert model.status.conditions[1].status == "True"


def test_what_is_already_so_needs_no_stream(world: World) -> None:
    world.put("models", "demo", status=status(1, ACTIVE))
    wait_in(world, MODELS, "demo", "Ready")
    assert (world.elapsed, len(world.requests)) == (0, 1)


def test_intermediate_states_may_be_missing(world: World) -> None:
    # The controller drops writes that conflict; only the last state is dependable.
    write(world, 60, ACTIVE)
    wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed == 60


def test_a_failure_beside_active_is_of_the_past(world: World) -> None:
    world.put("models", "demo", status=status(1, PROCESSING, failed("the webhook was down")))
    write(world, 5, ACTIVE, failed("the webhook was down"))
    wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed == 5


def test_a_failure_that_passes_within_the_grace_period_does_not_end_the_wait(
    world: World,
) -> None:
    write(world, 1, PROCESSING, failed("etcdserver: request timed out"))
    write(world, 29, ACTIVE, failed("etcdserver: request timed out"))
    wait_in(world, MODELS, "demo", "Ready")


def test_a_failure_that_lasts_ends_the_wait_early_with_its_message(world: World) -> None:
    write(world, 1, PROCESSING)
    write(world, 2, PROCESSING, failed(DENIED))
    with pytest.raises(ConditionFailed) as caught:
        wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed == 32
    assert str(caught.value) == (
        f"Model 'demo' in namespace 'default' will not become Ready: {DENIED}"
    )
    assert [str(row) for row in caught.value.conditions] == [
        "Active=False (ModelProcessing)",
        "Failed=True (ModelAbnormal)",
    ]
    assert caught.value.last.name == "demo"
    assert (caught.value.generation, caught.value.observed_generation) == (1, 1)


def test_the_grace_period_counts_from_the_first_failure_whatever_its_message_becomes(
    world: World,
) -> None:
    write(world, 1, PROCESSING, failed("conflict at version 1"))
    write(world, 20, PROCESSING, failed("conflict at version 2"))
    with pytest.raises(ConditionFailed, match="version 2"):
        wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed == 31


def test_without_a_grace_period_a_failure_ends_the_wait_at_once(world: World) -> None:
    write(world, 3, PROCESSING, failed(DENIED))
    with pytest.raises(ConditionFailed):
        wait_in(world, MODELS, "demo", "Ready", grace=0)
    assert world.elapsed == 3


def test_no_grace_at_all_waits_on_to_the_end(world: World) -> None:
    write(world, 3, PROCESSING, failed(DENIED))
    with pytest.raises(WaitTimeout, match="SGLang"):
        wait_in(world, MODELS, "demo", "Ready", grace=None, timeout=100)
    assert world.elapsed == 100


def test_an_old_failure_does_not_count_while_the_children_are_all_there_and_starting(
    world: World,
) -> None:
    # One transient error at the beginning, then minutes of loading: `Failed` is never taken back.
    write(world, 1, PROCESSING, failed("the object has been modified"))
    child(world, 2, condition("Progerssing", "True"))
    write(world, 500, ACTIVE, failed("the object has been modified"))
    wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed == 500


def test_a_failure_counts_when_the_children_are_as_good_as_they_get(world: World) -> None:
    # All children run, and still the pass does not come to its end.
    write(world, 1, PROCESSING, failed("metadata.resourceVersion: Invalid value: 0x0"))
    child(world, 2, condition("Progerssing", "True"))
    child(world, 100, condition("Available", "True"))
    with pytest.raises(ConditionFailed, match="0x0"):
        wait_in(world, MODELS, "demo", "Ready")
    assert 100 < world.elapsed <= 131


def test_a_failure_counts_when_the_children_cannot_be_read(world: World) -> None:
    refusal = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"}
    world.answers["modelinfers"] = lambda: answer(403, refusal)
    write(world, 1, PROCESSING, failed(DENIED))
    with pytest.raises(ConditionFailed, match="SGLang"):
        wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed == 31


def test_a_failure_of_an_older_spec_does_not_count(world: World) -> None:
    world.put("models", "demo", status=status(1, PROCESSING, failed(DENIED)))
    world.put("models", "demo", spec=model_spec("b1"))
    write(world, 200, ACTIVE, failed(DENIED), generation=2)
    wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed == 200


def test_active_may_flap_without_being_an_outage(world: World) -> None:
    for second in range(1, 50, 2):
        write(world, second, PROCESSING)
        write(world, second + 0.5, ACTIVE)
    wait_in(world, MODELS, "demo", all_of("Ready", lambda _: world.elapsed > 40))
    assert world.elapsed == 41.5


def test_a_stable_condition_has_held_without_interruption(world: World) -> None:
    write(world, 1, ACTIVE)
    write(world, 5, PROCESSING)
    write(world, 6, ACTIVE)
    wait_in(world, MODELS, "demo", "Ready", stable=10)
    assert world.elapsed == 16


def test_active_of_an_older_spec_is_not_ready(world: World) -> None:
    world.put("models", "demo", status=status(1, ACTIVE))
    world.put("models", "demo", spec=model_spec("b1"))
    write(world, 7, PROCESSING, generation=2)
    write(world, 9, ACTIVE, generation=2)
    wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed == 9


def test_a_backend_without_replicas_is_named_instead_of_being_waited_for(world: World) -> None:
    world.put("models", "demo", spec=model_spec("b1", replicas=0), status=status(2, PROCESSING))
    child(world, 1, spec=infer_spec(0))
    with pytest.raises(ConditionFailed) as caught:
        wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed == 30
    assert "backend b1 has minReplicas 0: its ModelInfer has no replicas" in str(caught.value)


def test_a_backend_without_replicas_may_have_been_scaled_up_meanwhile(world: World) -> None:
    world.put("models", "demo", spec=model_spec("b1", replicas=0), status=status(2, PROCESSING))
    child(world, 1, condition("Progerssing", "True"), spec=infer_spec(2))
    write(world, 80, ACTIVE, generation=2)
    wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed == 80


# ModelInfers.


def test_a_model_infer_born_without_replicas_never_gets_a_status(world: World) -> None:
    world.put("modelinfers", "mi", spec=infer_spec(0))
    with pytest.raises(ConditionFailed) as caught:
        wait_in(world, INFERS, "mi", "Available")
    assert world.elapsed == 0
    assert str(caught.value).startswith(
        "ModelInfer 'mi' in namespace 'default' will not become Available: spec.replicas is 0 and "
        "it never had any: the controller writes no status for it"
    )


def test_a_model_infer_scaled_to_nothing_becomes_available(world: World) -> None:
    available = condition("Available", "True", "AllGroupsReady")
    world.put("modelinfers", "mi", spec=infer_spec(1), status=status(1, available))
    world.put("modelinfers", "mi", spec=infer_spec(0))
    world.at(2, world.put, "modelinfers", "mi", status=status(2, available))
    wait_in(world, INFERS, "mi", "Available")
    assert world.elapsed == 2


def test_a_controller_that_restarted_says_nothing_of_a_model_infer_without_replicas(
    world: World,
) -> None:
    available = condition("Available", "True", "AllGroupsReady")
    world.put("modelinfers", "mi", spec=infer_spec(1), status=status(1, available))
    world.put("modelinfers", "mi", spec=infer_spec(0))
    with pytest.raises(ConditionFailed, match="after a restart of the controller"):
        wait_in(world, INFERS, "mi", "Available")
    assert world.elapsed == 30


# Existence, deletion, identity.


def test_a_missing_object_is_an_error_that_names_the_way_to_wait_for_one(world: World) -> None:
    with pytest.raises(NotFoundError) as caught:
        wait_in(world, MODELS, "nobody", "Ready")
    assert 'models.registry.matrixinfer.ai "nobody" not found' in str(caught.value)
    assert 'all_of("exists", ...)' in str(caught.value)
    assert world.elapsed == 0


def test_an_object_that_is_still_to_be_created(world: World) -> None:
    world.at(4, world.put, "models", "new", spec=model_spec())
    assert wait_in(world, MODELS, "new", "exists").name == "new"
    assert world.elapsed == 4


def test_one_that_is_to_be_created_and_to_become_ready(world: World) -> None:
    world.at(4, world.put, "models", "new", spec=model_spec())
    world.at(6, world.put, "models", "new", status=status(1, ACTIVE))
    wait_in(world, MODELS, "new", all_of("exists", "Ready"))
    assert world.elapsed == 6


def test_an_object_deleted_while_waiting_is_no_success(world: World) -> None:
    write(world, 1, PROCESSING)
    world.at(2, world.drop, "models", "demo")
    with pytest.raises(ConditionFailed, match="will not become Ready: it was deleted") as caught:
        wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed == 2
    assert caught.value.last is not None


def replaced(world: World) -> None:
    world.drop("models", "demo")
    world.put("models", "demo", spec=model_spec(), status=status(1, ACTIVE))


def replaced_unseen(world: World) -> None:
    # While the stream is down and the history gets lost: no deletion is ever sent.
    world.break_streams()
    replaced(world)
    world.forget()


def deleted_unseen(world: World) -> None:
    world.break_streams()
    world.drop("models", "demo")
    world.forget()


@pytest.mark.parametrize("replace", [replaced, replaced_unseen])
def test_another_object_under_the_same_name_is_no_success(world: World, replace: Any) -> None:
    write(world, 1, PROCESSING)
    world.at(3, replace, world)
    with pytest.raises(ConditionFailed, match="will not become Ready: it was deleted"):
        wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed < 15


@pytest.mark.parametrize("replace", [replaced, replaced_unseen])
def test_an_object_that_was_replaced_is_deleted(world: World, replace: Any) -> None:
    first = world.objects["models", "demo"]["metadata"]["uid"]
    world.at(3, replace, world)
    assert wait_in(world, MODELS, "demo", "deleted").uid == first
    assert world.elapsed < 15


def test_a_deletion_that_nobody_reported_is_found(world: World) -> None:
    world.at(3, deleted_unseen, world)
    with pytest.raises(ConditionFailed, match="it was deleted"):
        wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed < 15


def test_an_object_of_another_uid_than_meant_is_no_success(world: World) -> None:
    world.put("models", "demo", status=status(1, ACTIVE))
    with pytest.raises(ConditionFailed, match="created anew under the same name"):
        wait_in(world, MODELS, "demo", "Ready", uid="uid-of-yesterday")


def test_deletion_returns_the_last_state(world: World) -> None:
    write(world, 1, ACTIVE)
    world.at(8, world.drop, "models", "demo")
    last = wait_in(world, MODELS, "demo", "deleted")
    assert (world.elapsed, last.status.observed_generation) == (8, 1)


def test_deletion_of_what_is_gone_already_returns_nothing(world: World) -> None:
    assert wait_in(world, MODELS, "nobody", "deleted") is None


def test_another_object_under_the_name_counts_as_deleted(world: World) -> None:
    assert wait_in(world, MODELS, "demo", "deleted", uid="uid-of-yesterday") is None
    assert world.elapsed == 0


def test_deletion_is_not_taken_for_failed_because_the_model_is(world: World) -> None:
    world.put("models", "demo", status=status(1, PROCESSING, failed(DENIED)))
    world.at(100, world.drop, "models", "demo")
    wait_in(world, MODELS, "demo", "deleted")


def test_a_deletion_that_is_held_up_says_by_what(world: World) -> None:
    world.put("models", "demo", metadata={"deletionTimestamp": "now", "finalizers": ["a/b"]})
    with pytest.raises(WaitTimeout, match="was not deleted after 5 s: is being deleted, held by"):
        wait_in(world, MODELS, "demo", "deleted", timeout=5)


def test_gone_or_failed_whichever_comes_first(world: World) -> None:
    world.at(3, world.drop, "models", "demo")
    assert wait_in(world, MODELS, "demo", any_of("deleted", "Failed")).name == "demo"
    with pytest.raises(NotFoundError):
        wait_in(world, MODELS, "demo", any_of("deleted", "Failed"))


# Streams and time.


def test_a_stream_that_ends_is_never_success(world: World) -> None:
    for second in range(1, 60, 3):
        world.at(second, world.end_streams)
    with pytest.raises(WaitTimeout, match="was not Ready after 60 s"):
        wait_in(world, MODELS, "demo", "Ready", timeout=60)
    assert world.elapsed == 60


def test_lost_connections_are_survived(world: World) -> None:
    for second in range(1, 40, 5):
        world.at(second, world.break_streams)
    write(world, 50, ACTIVE)
    wait_in(world, MODELS, "demo", "Ready")
    assert 50 <= world.elapsed < 90


def test_a_server_that_is_away_for_minutes_is_survived(world: World) -> None:
    def away() -> None:
        world.break_streams()
        world.refuses = True

    def back() -> None:
        world.refuses = False

    world.at(10, away)
    world.at(200, back)
    write(world, 201, ACTIVE)
    wait_in(world, MODELS, "demo", "Ready")
    assert 200 < world.elapsed < 260


def test_a_server_that_never_answered_is_an_error_soon(world: World) -> None:
    world.refuses = True
    with pytest.raises(TransportError, match="cannot reach the server"):
        wait_in(world, MODELS, "demo", "Ready")
    assert world.elapsed < 5


@pytest.mark.parametrize("timeout", [3, 30, 71, 600])
def test_the_timeout_is_exact_when_the_server_hangs(world: World, timeout: float) -> None:
    def hang() -> None:
        world.hangs = True

    world.at(1, hang)
    with pytest.raises(WaitTimeout):
        wait_in(world, MODELS, "demo", "Ready", timeout=timeout)
    assert world.elapsed == timeout


def test_the_timeout_is_exact_when_the_server_never_answers(world: World) -> None:
    world.hangs = True
    with pytest.raises(WaitTimeout, match="not looked at yet"):
        wait_in(world, MODELS, "demo", "Ready", timeout=7)
    assert world.elapsed == 7


def test_a_timeout_says_what_was_missing_and_what_the_trouble_was(world: World) -> None:
    write(world, 1, INITIALIZED, PROCESSING)

    def away() -> None:
        world.break_streams()
        world.refuses = True

    world.at(50, away)
    with pytest.raises(WaitTimeout) as caught:
        wait_in(world, MODELS, "demo", "Ready", timeout=60)
    assert str(caught.value) == (
        "Model 'demo' in namespace 'default' was not Ready after 60 s: Ready is False; the last "
        "contact with the server failed: cannot reach the server"
    )
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.pending == ("demo",)
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (str(copy), copy.elapsed) == (str(caught.value), 60)
    assert copy.last.name == "demo"


def test_a_timeout_of_nothing_looks_once(world: World) -> None:
    with pytest.raises(WaitTimeout):
        wait_in(world, MODELS, "demo", "Ready", timeout=0)
    assert world.elapsed == 0
    world.put("models", "demo", status=status(1, ACTIVE))
    assert wait_in(world, MODELS, "demo", "Ready", timeout=0).name == "demo"


def test_no_timeout_waits_for_ever(world: World) -> None:
    write(world, 1_000_000, ACTIVE)
    wait_in(world, MODELS, "demo", "Ready", timeout=NO_TIMEOUT)
    assert world.elapsed == 1_000_000
    world.put("models", "demo", status=status(1, PROCESSING))
    with pytest.raises(HangsError):
        wait_in(world, MODELS, "demo", "Ready", timeout=NO_TIMEOUT)


def test_alarms_leave_no_stream_open(world: World) -> None:
    # Each grace period that is excused ends a stream, over the whole of a long wait.
    write(world, 1, PROCESSING, failed("the object has been modified"))
    child(world, 2, condition("Progerssing", "True"))
    with pytest.raises(WaitTimeout):
        wait_in(world, MODELS, "demo", "Ready", timeout=3600)
    assert world.most_open <= 2


# Many at once, and who is told.


def test_many_objects_are_waited_for_over_one_stream(world: World) -> None:
    names = [f"m{number}" for number in range(500)]
    for number, name in enumerate(names):
        world.put("models", name, spec=model_spec())
        world.at(1 + number / 100, world.put, "models", name, status=status(1, ACTIVE))
    found = wait_in(world, MODELS, names, "Ready")
    assert list(found) == names
    assert all(model.status.conditions[0].status == "True" for model in found.values())
    assert len(world.requests) == 2
    assert world.elapsed == pytest.approx(1 + 499 / 100)


def test_the_first_that_fails_ends_the_wait_for_all(world: World) -> None:
    world.put("models", "good", spec=model_spec(), status=status(1, ACTIVE))
    write(world, 1, PROCESSING, failed(DENIED))
    with pytest.raises(ConditionFailed, match="Model 'demo'") as caught:
        wait_in(world, MODELS, ["good", "demo"], "Ready")
    assert caught.value.name == "demo"
    assert caught.value.pending == ("demo",)


def test_a_timeout_of_many_names_those_that_are_missing(world: World) -> None:
    for number in range(8):
        world.put("models", f"m{number}", spec=model_spec())
    world.put("models", "good", spec=model_spec(), status=status(1, ACTIVE))
    names = ["good", *(f"m{number}" for number in range(8))]
    with pytest.raises(WaitTimeout) as caught:
        wait_in(world, MODELS, names, "Ready", timeout=5)
    assert caught.value.pending == tuple(names[1:])
    assert "nor were 7 others: m1, m2, m3, m4, m5 and 2 more" in str(caught.value)


def test_one_name_given_twice_is_one_object_and_none_is_none(world: World) -> None:
    world.put("models", "demo", status=status(1, ACTIVE))
    assert list(wait_in(world, MODELS, ["demo", "demo"], "Ready")) == ["demo"]
    assert wait_in(world, MODELS, [], "Ready") == {}


def test_updates_tell_each_change_once(world: World) -> None:
    updates: list[WaitUpdate[Any]] = []
    write(world, 1, INITIALIZED)
    write(world, 2, INITIALIZED)
    write(world, 3, INITIALIZED, PROCESSING, failed("no"))
    write(world, 4, INITIALIZED, ACTIVE, failed("no"))
    wait_in(world, MODELS, "demo", "Ready", updates.append)
    assert [(update.elapsed, update.met, update.text) for update in updates] == [
        (0, False, "the controller has not seen generation 1 yet (it has seen none)"),
        (1, False, "Initialized=True, Ready is not set"),
        (3, False, "Initialized=True, Active=False, Failed=True (no), Ready is False"),
        (4, True, "Initialized=True, Active=True, Failed=True (no)"),
    ]
    assert [update.pending for update in updates] == [1, 1, 1, 0]


def test_what_a_listener_raises_ends_the_wait(world: World) -> None:
    def listener(update: WaitUpdate[Any]) -> None:
        raise RuntimeError(update.text)

    with pytest.raises(RuntimeError, match="has not seen generation 1"):
        wait_in(world, MODELS, "demo", "Ready", listener)


def test_what_a_function_raises_ends_the_wait(world: World) -> None:
    with pytest.raises(AttributeError, match="conditions"):
        wait_in(world, MODELS, "demo", lambda model: model.status.conditions[0])


def test_rights_that_are_taken_away_end_the_wait(world: World) -> None:
    def forbid() -> None:
        world.end_streams()
        refusal = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"}
        world.refusal = answer(403, refusal)

    world.at(3, forbid)
    with pytest.raises(ForbiddenError):
        wait_in(world, MODELS, "demo", "Ready")


# Mistakes.


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"timeout": -1}, "timeout must be a number of seconds"),
        ({"timeout": float("nan")}, "timeout must be a number of seconds"),
        ({"grace": -1}, "grace cannot be negative, got -1"),
        ({"stable": -0.5}, "stable cannot be negative, got -0.5"),
    ],
)
def test_times_that_cannot_be_are_refused(
    world: World, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        wait_in(world, MODELS, "demo", "Ready", **given)
    assert world.requests == []


def test_names_that_cannot_be_are_refused(world: World) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be the name of a Model"):
        wait_in(world, MODELS, ["demo", "de/mo"], "Ready")
    assert world.requests == []


def test_a_wait_is_about_one_namespace(world: World) -> None:
    everywhere = Target(MODELS.cls, MODELS.list_cls, ALL_NAMESPACES, MODELS.options)
    with pytest.raises(InvalidArgumentError, match="ALL_NAMESPACES"):
        wait_in(world, everywhere, "demo", "Ready")
