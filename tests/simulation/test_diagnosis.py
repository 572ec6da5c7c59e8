"""Each failure that can be asked for, and those that come by themselves, in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client import ConditionFailed, InsufficientResourcesError, WaitTimeout
from matrixinfer_client.testing.simulation import Node
from tests.behaviour.samples import model_backend
from tests.simulation.stage import POD, Stage
from tests.simulation.test_models import POLICY
from tests.simulation.test_pods import gpus


@pytest.mark.parametrize(
    ("mode", "options", "cause"),
    [
        (
            "unschedulable",
            {},
            "cannot be scheduled: none of 1 nodes has enough nvidia.com/gpu (it asks for 2)",
        ),
        (
            "image_pull",
            {},
            "the image engine:tag cannot be pulled (there is no such image)",
        ),
        (
            "image_pull",
            {"message": "pull access denied, repository does not exist: unauthorized"},
            "the image engine:tag cannot be pulled (the registry refuses)",
        ),
        (
            "crash_loop",
            {"exit_code": 127},
            (
                "container engine ended (exit code 127, 1 restart so far): the command does not "
                "exist in the image"
            ),
        ),
        (
            "out_of_memory",
            {},
            (
                "container engine ended (exit code 137, 1 restart so far): it needed more memory "
                "than its limit"
            ),
        ),
        (
            "never_ready",
            {},
            "runs, but its probe fails: the engine may still be loading the model",
        ),
    ],
    ids=["unschedulable", "no image", "private image", "crash", "memory", "never ready"],
)
def test_the_cause_of_a_failing_pod_is_found(
    stage: Stage, mode: Any, options: dict[str, Any], cause: str
) -> None:
    simulation = stage.start()
    simulation.fail("demo", mode, **options)
    stage.create_model(gpus(2))
    simulation.settle()
    assert stage.client.diagnose("Model", "demo").cause == f"Pod {POD}: {cause}"


@pytest.mark.parametrize(
    ("broken", "cause"),
    [
        (model_backend(type="SGLang"), "no controller implements the backend type SGLang"),
        (
            model_backend(workers=[{**model_backend()["workers"][0], "type": "decode"}]),
            "backend b1 has no worker of type server",
        ),
    ],
    ids=["SGLang", "no server"],
)
def test_the_cause_of_a_failed_model_is_found(
    stage: Stage, broken: dict[str, Any], cause: str
) -> None:
    simulation = stage.start()
    stage.create_model(broken)
    simulation.settle()
    assert stage.client.diagnose("Model", "demo").cause == f"Model demo: {cause}"
    with pytest.raises(ConditionFailed, match=cause):
        stage.models.wait_for("demo", "Ready", grace=0)


def test_the_scheduler_defect_of_the_platform_is_found(stage: Stage) -> None:
    simulation = stage.start()
    simulation.fail("demo", "webhook_denial")
    stage.create_model()
    simulation.settle()
    [finding, *_] = stage.client.diagnose("Model", "demo").findings
    assert finding.code == "scheduler-name"
    simulation.heal()
    simulation.settle()
    assert stage.models.wait_for("demo", "Ready", timeout=5)


def test_a_policy_that_cannot_be_updated_is_found(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_model(model_backend(maxReplicas=3, autoscalingPolicy=POLICY))
    simulation.settle()
    edited = {"metrics": [{"metricName": "waiting", "targetValue": 20}]}
    backend = model_backend(maxReplicas=3, autoscalingPolicy=edited)
    stage.models.patch("demo", {"spec": {"backends": [backend]}})
    simulation.settle()
    assert stage.client.diagnose("Model", "demo").findings[0].code == "policy-update"


def test_a_model_without_replicas_is_found(stage: Stage) -> None:
    simulation = stage.start()
    backends = [
        model_backend(minReplicas=0, maxReplicas=2, scalingCost=1),
        model_backend(name="b2", maxReplicas=2, scalingCost=1),
    ]
    stage.create_model(*backends, autoscalingPolicy=POLICY, costExpansionRatePercent=200)
    simulation.settle()
    diagnosis = stage.client.diagnose("Model", "demo")
    assert diagnosis.findings[0].code == "no-replicas"
    assert "status" not in stage.infer("demo-b1")


def test_a_wait_that_is_too_short_says_what_is_short(stage: Stage) -> None:
    stage.start(stepped=False, speed=10, nodes=[Node("small", gpus=1)])
    stage.create_model(gpus(4))
    with pytest.raises(WaitTimeout) as caught:
        stage.models.wait_for("demo", "Ready", timeout=3)
    assert isinstance(caught.value, InsufficientResourcesError)
    cause = "none of 1 nodes has enough nvidia.com/gpu (it asks for 4)"
    assert f"cause: Pod {POD}: cannot be scheduled: {cause}" in str(caught.value)


def test_a_failure_that_passes_does_not_end_a_wait(stage: Stage) -> None:
    simulation = stage.start(stepped=False, speed=10)
    simulation.fail("demo", "transient_failed")
    stage.create_model()
    model = stage.models.wait_for("demo", "Ready", timeout=30).to_dict()
    found = {row["type"]: row["message"] for row in model["status"]["conditions"]}
    assert found["Failed"] == "etcdserver: request timed out"
