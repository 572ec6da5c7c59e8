"""From a pod to running containers, and what goes wrong on the way when it is asked to."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client import InvalidArgumentError
from matrixinfer_client.testing.simulation import Failure, Node
from tests.behaviour.samples import model_backend
from tests.simulation.stage import POD, Stage, conditions, reasons, role, template


def gpus(count: int) -> dict[str, Any]:
    worker = model_backend()["workers"][0]
    limits = {"limits": {"nvidia.com/gpu": str(count)}}
    return model_backend(workers=[{**worker, "resources": limits}])


def waiting(pod: dict[str, Any], container: str = "engine") -> dict[str, Any]:
    rows = [*pod["status"]["containerStatuses"], *pod["status"].get("initContainerStatuses", [])]
    row = next(row for row in rows if row["name"] == container)
    found: dict[str, Any] = row["state"].get("waiting", {})
    return found


def test_a_pod_goes_the_way_of_every_pod_and_its_events_tell(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_model()
    phases: list[tuple[str, bool]] = []
    while simulation.step() is not None:
        for pod in stage.pods().values():
            spec = pod["spec"]
            phases.append((pod["status"]["phase"], bool(spec.get("nodeName"))))
    assert list(dict.fromkeys(phases)) == [("Pending", False), ("Pending", True), ("Running", True)]
    events = stage.events()
    assert reasons(events) == [
        *["Scheduled", "Pulling", "Pulled", "Created", "Started"],
        *["Pulling", "Pulled", "Created", "Started", "Pulling", "Pulled", "Created", "Started"],
    ]
    assert events[0][1] == f"Successfully assigned {stage.namespace}/{POD} to node-1"
    assert events[5][1] == 'Pulling image "engine:tag"'
    assert events[6][1].startswith('Successfully pulled image "engine:tag" in ')
    assert events[7:9] == [
        ("Created", "Created container: engine"),
        ("Started", "Started container engine"),
    ]
    status = stage.pod()["status"]
    rows = {row["type"]: row["status"] for row in status["conditions"]}
    assert rows == dict.fromkeys(
        ["PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready"],
        "True",
    )
    assert status["podIP"].startswith("10.244.")
    [downloader] = status["initContainerStatuses"]
    assert downloader["state"]["terminated"]["reason"] == "Completed"
    assert [row["name"] for row in status["containerStatuses"]] == ["engine", "runtime"]
    assert all(row["ready"] and row["started"] for row in status["containerStatuses"])


def test_an_image_that_a_node_has_is_not_pulled_again(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_infer()
    simulation.settle()
    stage.create_infer("other")
    simulation.settle()
    said = 'Container image "engine:tag" already present on machine'
    assert ("Pulled", said) in stage.events("other-0-leader-0-0")
    assert "Pulling" not in reasons(stage.events("other-0-leader-0-0"))


def test_a_deleted_pod_is_killed_before_it_is_gone(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_infer(recoveryPolicy="None")
    simulation.settle()
    stage.delete_pod("mi-0-leader-0-0")
    assert "deletionTimestamp" in stage.pod("mi-0-leader-0-0")["metadata"]
    simulation.settle()
    assert not stage.pods()
    assert stage.events("mi-0-leader-0-0")[-1] == ("Killing", "Stopping container main")


# Nodes.


def test_pods_wait_for_room_on_the_nodes_and_get_it(stage: Stage) -> None:
    nodes = [Node("small", gpus=1), Node("large", gpus=4, cpu=8, memory="32Gi")]
    simulation = stage.start(nodes=nodes)
    leader = role()
    container = leader["entryTemplate"]["spec"]["containers"][0]
    container["resources"] = {"limits": {"nvidia.com/gpu": "3"}}
    stage.create_infer(replicas=2, template=template(leader))
    simulation.settle()
    assert stage.pod("mi-0-leader-0-0")["spec"]["nodeName"] == "large"
    short = stage.pod("mi-1-leader-0-0")
    assert "nodeName" not in short["spec"]
    [scheduled] = [row for row in short["status"]["conditions"] if row["type"] == "PodScheduled"]
    assert scheduled["reason"] == "Unschedulable"
    assert scheduled["message"] == (
        "0/2 nodes are available: 2 Insufficient nvidia.com/gpu. preemption: 0/2 nodes are "
        "available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful "
        "for scheduling."
    )
    assert stage.events("mi-1-leader-0-0") == [("FailedScheduling", scheduled["message"])]
    # The scheduler tries again as soon as there is room.
    stage.infers.patch("mi", {"spec": {"recoveryPolicy": "None"}})
    stage.delete_pod("mi-0-leader-0-0")
    simulation.settle()
    assert stage.pod("mi-1-leader-0-0")["spec"]["nodeName"] == "large"


def test_a_pod_whose_labels_no_node_has_is_not_placed(stage: Stage) -> None:
    simulation = stage.start(nodes=[Node("plain")])
    leader = role()
    leader["entryTemplate"]["spec"]["nodeSelector"] = {"disk": "fast"}
    stage.create_infer(template=template(leader))
    simulation.settle()
    [(_, message)] = stage.events("mi-0-leader-0-0")
    assert message.startswith(
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    )


# Failures on demand.


def test_an_unschedulable_pod_is_placed_once_it_is_healed(stage: Stage) -> None:
    simulation = stage.start(failures=[Failure("demo", "unschedulable")])
    stage.create_model(gpus(2))
    simulation.settle()
    assert stage.events()[0][0] == "FailedScheduling"
    simulation.heal("demo")
    simulation.settle()
    assert conditions(stage.model())["Active"][0] == "True"


def test_an_image_that_cannot_be_pulled_is_tried_again_and_again(stage: Stage) -> None:
    simulation = stage.start()
    simulation.fail("demo-b1", "image_pull")
    stage.create_model()
    simulation.settle()
    said = (
        'rpc error: code = NotFound desc = failed to pull and unpack image "engine:tag": failed to '
        'resolve reference "engine:tag": engine:tag: not found'
    )
    assert waiting(stage.pod()) == {
        "reason": "ImagePullBackOff",
        "message": f'Back-off pulling image "engine:tag": ErrImagePull: {said}',
    }
    assert stage.pod()["status"]["phase"] == "Pending"
    assert stage.events()[-4:] == [
        ("Failed", f'Failed to pull image "engine:tag": {said}'),
        ("Failed", "Error: ErrImagePull"),
        ("BackOff", 'Back-off pulling image "engine:tag"'),
        ("Failed", "Error: ImagePullBackOff"),
    ]
    simulation.advance(1)
    # Counted, not written again.
    assert len([each for each in stage.events() if each[0] == "BackOff"]) == 1
    simulation.heal(mode="image_pull")
    simulation.settle()
    assert conditions(stage.model())["Active"][0] == "True"


@pytest.mark.parametrize(
    ("mode", "code", "reason"), [("crash_loop", 2, "Error"), ("out_of_memory", 137, "OOMKilled")]
)
def test_a_crashing_container_restarts_at_once_and_then_backs_off(
    stage: Stage, mode: Any, code: int, reason: str
) -> None:
    simulation = stage.start()
    simulation.fail("demo", mode, exit_code=2, log="one\ntwo")
    stage.create_model()
    simulation.settle()
    pod = stage.pod()
    identity = f"{POD}_{stage.namespace}({pod['metadata']['uid']})"
    said = f"back-off 10s restarting failed container=engine pod={identity}"
    assert waiting(pod) == {"reason": "CrashLoopBackOff", "message": said}
    [engine, runtime] = pod["status"]["containerStatuses"]
    assert engine["restartCount"] == 1
    assert engine["lastState"]["terminated"]["exitCode"] == code
    assert engine["lastState"]["terminated"]["reason"] == reason
    assert runtime["state"].keys() == {"running"}
    assert pod["status"]["phase"] == "Running"
    last = f"Back-off restarting failed container engine in pod {identity}"
    assert stage.events()[-1] == ("BackOff", last)
    simulation.advance(0.8)
    engine = stage.pod()["status"]["containerStatuses"][0]
    assert engine["restartCount"] == 2
    assert "back-off 20s" in engine["state"]["waiting"]["message"]
    simulation.heal()
    simulation.settle()
    assert conditions(stage.model())["Active"][0] == "True"
    assert stage.pod()["status"]["containerStatuses"][0]["restartCount"] == 3


def test_an_init_container_can_crash_too(stage: Stage) -> None:
    simulation = stage.start()
    simulation.fail("demo", "crash_loop", container="downloader", log="401 Client Error")
    stage.create_model()
    simulation.settle()
    assert waiting(stage.pod(), "downloader")["reason"] == "CrashLoopBackOff"
    assert stage.pod()["status"]["phase"] == "Pending"
    assert waiting(stage.pod())["reason"] == "PodInitializing"


def test_a_running_pod_can_be_made_to_crash_and_recovers(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_model()
    simulation.settle()
    simulation.fail("demo", "crash_loop", times=1)
    simulation.step()
    simulation.settle()
    assert stage.pod()["status"]["containerStatuses"][0]["restartCount"] == 1
    assert conditions(stage.model())["Active"][0] == "True"


def test_a_pod_that_never_becomes_ready_runs_and_fails_its_probe(stage: Stage) -> None:
    simulation = stage.start()
    simulation.fail("demo", "never_ready")
    stage.create_model()
    simulation.settle()
    said = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    assert stage.events()[-1] == ("Unhealthy", said)
    status = stage.pod()["status"]
    assert status["phase"] == "Running"
    ready = next(row for row in status["conditions"] if row["type"] == "Ready")
    assert ready["message"] == "containers with unready status: [engine]"
    simulation.heal()
    simulation.settle()
    assert conditions(stage.model())["Active"][0] == "True"


def test_slow_pods_take_their_time(stage: Stage) -> None:
    simulation = stage.start()
    simulation.fail("demo", "slow", factor=20)
    stage.create_model()
    simulation.advance(4)
    assert conditions(stage.model())["Active"][0] == "False"
    simulation.advance(40)
    assert conditions(stage.model())["Active"][0] == "True"


def test_a_failure_hits_what_its_target_names_and_nothing_else(stage: Stage) -> None:
    simulation = stage.start()
    simulation.fail("modelinfer.matrixinfer.ai/role=prefill", "never_ready")
    simulation.fail("mi-1", "never_ready")
    simulation.fail("mi-0-decode-0-0", "never_ready", namespace="elsewhere")
    stage.create_infer(replicas=2, template=template(role("prefill"), role("decode")))
    simulation.settle()
    ready = [
        name for name, pod in stage.pods().items() if pod["status"]["containerStatuses"][0]["ready"]
    ]
    assert ready == ["mi-0-decode-0-0"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("demo", "explode"), "mode must be one of crash_loop, image_pull, .*, not 'explode'"),
        (("", "slow"), "target must be a name or a label selector"),
        (("a in b", "slow"), "is no requirement"),
    ],
)
def test_a_failure_that_makes_no_sense_is_refused(
    stage: Stage, arguments: Any, message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        stage.start().fail(*arguments)


# Logs.


def test_logs_are_those_of_the_run_that_a_kubelet_would_show(stage: Stage) -> None:
    simulation = stage.start()
    simulation.fail("demo", "crash_loop", log=["one", "two"])
    stage.create_model()
    simulation.settle()

    def log(container: str, *, previous: bool = False) -> str | None:
        return simulation.logs(stage.namespace, POD, container, previous)

    assert log("engine", previous=True) == "starting engine:tag\none\ntwo\n"
    # There is no other run while the container waits for its restart.
    assert log("engine") == log("engine", previous=True)
    assert log("runtime") == "starting matrixinfer/runtime:latest\n"
    assert log("runtime", previous=True) is None
    assert log("downloader") == "starting matrixinfer/downloader:latest\ndone\n"
    assert log("nothing") is None
    assert simulation.logs("elsewhere", POD, "engine", False) is None
    simulation.heal()
    simulation.settle()
    assert log("engine") == "starting engine:tag\nready\n"
