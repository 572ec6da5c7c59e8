"""A simulation as such: its time, its order, its end, and what it does with errors."""

from __future__ import annotations

import re
import threading
import time

import pytest

from matrixinfer_client import (
    AlreadyExistsError,
    ForbiddenError,
    InvalidArgumentError,
    MatrixInferError,
)
from matrixinfer_client.testing.simulation import Simulation
from tests.behaviour.backends import Backend
from tests.behaviour.samples import MODEL, model_backend
from tests.simulation.stage import POD, Stage, conditions, role, template


def told(stage: Stage) -> list[tuple[str, str, str]]:
    """Every event there is, without what only this run can have."""
    found: list[tuple[str, str, str]] = []
    for event in stage.all_events():
        message = re.sub(r"\([0-9a-f-]{36}\)", "(UID)", event["message"])
        message = message.replace(stage.namespace, "NAMESPACE")
        found.append((event["metadata"]["name"], event["reason"], message))
    return found


def run(stage: Stage, seed: int) -> tuple[list[tuple[str, str, str]], list[tuple[str, str]]]:
    """Have a life of some troubles; the result are the events and the steps."""
    simulation = stage.start(seed=seed)
    simulation.fail("demo-b2", "crash_loop")
    simulation.fail("demo-b1-1", "image_pull")
    stage.create_model(
        model_backend(minReplicas=3, maxReplicas=3), model_backend(name="b2"), owner="anna"
    )
    steps: list[tuple[str, str]] = []
    for _ in range(30):
        work = simulation.step()
        if work is not None:
            steps.append((work[0], work[2]))
    simulation.advance(4)
    events = told(stage)
    simulation.stop()
    return events, steps


def test_the_same_seed_gives_the_same_events_and_steps(backend: Backend, stage: Stage) -> None:
    first = run(stage, seed=7)
    other = backend.create_namespace()
    with backend.client(namespace=other) as client:
        again = Stage(client, other, lambda **options: _started(client, other, **options))
        assert run(again, seed=7) == first
    backend.delete_namespace(other)
    assert len(first[0]) > 30


def _started(client: object, namespace: str, **options: object) -> Simulation:
    simulation = Simulation(client, namespace=namespace, stepped=True, **options)  # type: ignore[arg-type]
    simulation.start()
    return simulation


def test_another_seed_gives_other_names(stage: Stage) -> None:
    names: list[set[str]] = []
    for seed in (1, 2):
        simulation = stage.start(seed=seed)
        stage.create_infer(f"mi{seed}")
        simulation.settle()
        simulation.stop()
        names.append(
            {
                event["metadata"]["name"].rsplit(".", 1)[1]
                for event in stage.all_events()
                if event["involvedObject"]["name"].startswith(f"mi{seed}")
            }
        )
    assert not names[0] & names[1]


def test_many_models_become_ready_without_delays(stage: Stage) -> None:
    simulation = stage.start(stepped=False, speed=float("inf"))
    names = [f"demo-{number}" for number in range(8)]
    for name in names:
        stage.models.create(MODEL.mapping(name))
    simulation.settle(60)
    for model in stage.models.list():
        assert conditions(model.to_dict())["Active"][0] == "True", model.name
    assert len(stage.pods()) == len(names)


def test_somebody_else_who_writes_all_the_time_does_no_harm(stage: Stage) -> None:
    stage.start(stepped=False, speed=5)
    stage.create_model(model_backend(minReplicas=2, maxReplicas=2))
    done = threading.Event()

    def meddle() -> None:
        count = 0
        while not done.wait(0.02):
            count += 1
            note = {"metadata": {"annotations": {"count": str(count)}}}
            stage.models.patch("demo", note)
            if stage.infers.exists("demo-b1"):
                stage.infers.patch("demo-b1", note)

    meddler = threading.Thread(target=meddle)
    meddler.start()
    try:
        stage.infers.wait_for("demo-b1", "exists", timeout=30)
        stage.infers.wait_for("demo-b1", "Available", timeout=60)
    finally:
        done.set()
        meddler.join()
    stage.models.wait_for("demo", "Ready", timeout=30)


def test_stopping_is_quick_and_leaves_everything_as_it_is(stage: Stage) -> None:
    simulation = stage.start(stepped=False)
    stage.create_model()
    stage.models.wait_for("demo", "Initialized", timeout=10)
    began = time.monotonic()
    simulation.stop()
    simulation.stop()
    assert time.monotonic() - began < 0.5
    before = stage.model()
    time.sleep(0.3)
    assert stage.model() == before
    assert not any(thread.name == "simulation" for thread in threading.enumerate())
    with pytest.raises(MatrixInferError, match="was stopped"):
        simulation.settle()


def test_an_endless_failure_settles_and_costs_little(stage: Stage) -> None:
    simulation = stage.start(stepped=False, speed=float("inf"))
    simulation.fail("demo", "crash_loop")
    stage.create_model()
    simulation.settle()
    began = time.process_time()
    time.sleep(0.5)
    # Of half a second; without a pause between two restarts it would be all of it.
    assert time.process_time() - began < 0.4
    assert any(reason == "BackOff" for reason, _ in stage.events())


def test_settling_that_takes_too_long_says_what_is_next(stage: Stage) -> None:
    simulation = stage.start(stepped=False)
    simulation.fail("demo", "slow", factor=1000)
    stage.create_model()
    stage.infers.wait_for("demo-b1", "exists", timeout=10)
    time.sleep(0.3)
    with pytest.raises(TimeoutError, match=rf"next is the pod's work on {stage.namespace}/{POD}"):
        simulation.settle(0.3)


# Errors.


def test_what_a_controller_cannot_handle_is_told_once_and_tried_again(stage: Stage) -> None:
    heard: list[Exception] = []
    simulation = stage.start(on_error=heard.append)
    leader = template(role())
    # Nobody's pod has the name that the controller needs.
    stage.create_pod("mi-0-leader-0-0", leader["roles"][0]["entryTemplate"]["spec"])
    stage.create_infer(template=leader)
    simulation.advance(20)
    assert [type(error) for error in heard] == [AlreadyExistsError]
    assert list(simulation.errors) == heard
    stage.delete_pod("mi-0-leader-0-0")
    simulation.advance(20)
    assert conditions(stage.infer())["Available"][0] == "True"
    stage.expected_errors += 1


def test_an_error_handler_that_fails_stops_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(error: Exception) -> None:
        raise ValueError(str(error))

    simulation = stage.start(on_error=fail)
    leader = template(role())
    stage.create_pod("mi-0-leader-0-0", leader["roles"][0]["entryTemplate"]["spec"])
    stage.create_infer(template=leader)
    stage.create_infer("other")
    simulation.settle()
    assert conditions(stage.infer("other"))["Available"][0] == "True"
    assert "the simulation's on_error failed" in caplog.text
    stage.expected_errors += 1


def test_a_user_without_rights_is_told_what_is_missing(backend: Backend, stage: Stage) -> None:
    heard = threading.Event()
    with backend.client(user="plain", namespace=stage.namespace) as client:
        simulation = Simulation(client, namespace=stage.namespace, on_error=lambda _: heard.set())
        with simulation:
            assert heard.wait(20)
    assert isinstance(simulation.errors[0], ForbiddenError)


def test_mistakes_in_using_it_are_told(stage: Stage) -> None:
    running = stage.start(stepped=False)
    with pytest.raises(MatrixInferError, match="stepped=True"):
        running.step()
    with pytest.raises(MatrixInferError, match="stepped=True"):
        running.advance(1)
    with pytest.raises(MatrixInferError, match="starts only once"):
        running.start()
    with pytest.raises(MatrixInferError, match="does not run"):
        Simulation(stage.client).settle()
    with pytest.raises(InvalidArgumentError, match="speed must be above 0"):
        Simulation(stage.client, speed=0)
