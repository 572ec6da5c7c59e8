"""Pods that do not come up: one sentence that says why, and one thing to do."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client.diagnosis import Diagnosis
from tests.diagnosis.clusters import Cluster, container, loading, row, running, warn, with_pod

POD = "demo-b1-0-leader-0-0"


def diagnosed(cluster: Cluster) -> Diagnosis:
    return cluster.diagnose("Model", "demo")


def unschedulable(message: str, spec: dict[str, Any] | None = None) -> Diagnosis:
    cluster = loading()
    conditions = [row("PodScheduled", "False", "Unschedulable", message)]
    with_pod(cluster, {"phase": "Pending", "conditions": conditions}, spec)
    return diagnosed(cluster)


GPUS = {"containers": [{"name": "engine", "resources": {"limits": {"nvidia.com/gpu": "4"}}}]}


@pytest.mark.parametrize(
    ("message", "cause", "action"),
    [
        (
            (
                "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are "
                "available: 3 No preemption victims found for incoming pod."
            ),
            "none of 3 nodes has enough nvidia.com/gpu (it asks for 4)",
            "add nodes with free nvidia.com/gpu, free some, or ask for less",
        ),
        (
            (
                "0/5 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/"
                "control-plane: }, 2 Insufficient memory, 2 Insufficient nvidia.com/gpu."
            ),
            "none of 5 nodes has enough memory and nvidia.com/gpu (it asks for 4)",
            "add nodes with free memory and nvidia.com/gpu",
        ),
        (
            "0/1 nodes are available: 1 Insufficient cpu.",
            "none of 1 nodes has enough cpu",
            "add nodes with free cpu",
        ),
        (
            "0/2 nodes are available: 2 node(s) had untolerated taint {dedicated: training}.",
            "because of taints it does not tolerate",
            "add a toleration",
        ),
        (
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
            "none of 2 nodes has the labels that its node selector or affinity asks for",
            "label a node accordingly",
        ),
        (
            'persistentvolumeclaim "weights" not found',
            "it mounts the PersistentVolumeClaim weights, which does not exist",
            "create the claim weights or correct the cacheURI",
        ),
        (
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            "its PersistentVolumeClaim is not bound",
            "kubectl describe pvc",
        ),
    ],
)
def test_a_pod_that_finds_no_node(message: str, cause: str, action: str) -> None:
    diagnosis = unschedulable(message, GPUS)
    assert diagnosis.cause is not None
    assert diagnosis.cause.startswith(f"Pod {POD}: cannot be scheduled: ")
    assert cause in diagnosis.cause
    assert action in (diagnosis.action or "")
    first = diagnosis.findings[0]
    assert (first.code, first.evidence) == ("unschedulable", (message,))


def test_a_scheduler_that_only_records_events_is_heard_too() -> None:
    # Volcano says it in an event of the pod, and may leave the condition out.
    cluster = loading()
    with_pod(cluster, {"phase": "Pending"}, {"schedulerName": "volcano"})
    warn(cluster, POD, "FailedScheduling", "0/2 nodes are available: 2 Insufficient cpu.", "2")
    warn(cluster, POD, "FailedScheduling", "an older message", "1")
    assert "none of 2 nodes has enough cpu" in (diagnosed(cluster).cause or "")


@pytest.mark.parametrize(
    ("scheduler", "action"),
    [("volcano", "install volcano"), (None, "see whether default-scheduler runs")],
)
def test_a_pod_that_no_scheduler_looks_at(scheduler: str | None, action: str) -> None:
    cluster = loading()
    with_pod(cluster, {"phase": "Pending"}, {"schedulerName": scheduler})
    diagnosis = diagnosed(cluster)
    assert "no scheduler has looked at it" in (diagnosis.cause or "")
    assert diagnosis.action == action


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"])
@pytest.mark.parametrize(
    ("said", "cause", "action"),
    [
        (
            'Failed to pull image "engine:tag": manifest unknown',
            "there is no such image",
            "correct the worker's image, now engine:tag",
        ),
        (
            "pull access denied, repository does not exist or may require authorization",
            "the registry refuses",
            "image pull secret",
        ),
        (
            "dial tcp: lookup registry.test: no such host",
            "the registry cannot be reached",
            "see whether the nodes reach the registry",
        ),
        (
            "toomanyrequests: You have reached your pull rate limit",
            "the registry limits its downloads",
            "use a mirror",
        ),
        ("couldn't parse image reference", "that is no image name", "correct the worker's image"),
    ],
)
def test_an_image_that_cannot_be_pulled(reason: str, said: str, cause: str, action: str) -> None:
    cluster = loading()
    waiting = {"waiting": {"reason": reason, "message": "Back-off pulling image"}}
    with_pod(cluster, running(container(waiting), phase="Pending"))
    warn(cluster, POD, "Failed", said)
    diagnosis = diagnosed(cluster)
    assert diagnosis.cause == f"Pod {POD}: the image engine:tag cannot be pulled ({cause})"
    assert action in (diagnosis.action or "")
    assert diagnosis.findings[0].code == "image-pull"


def test_the_reason_of_a_failed_pull_is_found_behind_newer_events_that_give_none() -> None:
    cluster = loading()
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
    with_pod(cluster, running(container(waiting), phase="Pending"))
    warn(
        cluster, POD, "Failed", 'Failed to pull image "engine:tag": manifest unknown', "2025-09-19"
    )
    warn(cluster, POD, "Failed", "Error: ImagePullBackOff", "2025-09-20")
    assert "there is no such image" in (diagnosed(cluster).cause or "")


def crashed(log: str = "", code: int = 1, reason: str = "Error", **more: Any) -> Diagnosis:
    cluster = loading()
    ended = {"terminated": {"exitCode": code, "reason": reason}}
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}
    with_pod(cluster, running(container(state, lastState=ended, restartCount=4, **more)))
    if log:
        cluster.logs[POD, more.get("name", "engine"), True] = log
    return diagnosed(cluster)


@pytest.mark.parametrize(
    ("log", "cause", "action"),
    [
        (
            "api_server.py: error: unrecognized arguments: --max-model-length 4096",
            "the engine does not know the arguments --max-model-length 4096",
            "each becomes --key",
        ),
        (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
            "the model does not fit into the GPU's memory",
            "lower max-model-len",
        ),
        (
            "huggingface_hub.errors.GatedRepoError: 401 Client Error.",
            "the hub refuses to hand out the model without a token",
            "HF_AUTH_TOKEN by envFrom",
        ),
        (
            "RepositoryNotFoundError: 404 Client Error",
            "the hub has no such model",
            "correct the modelURI",
        ),
        ("OSError: [Errno 28] No space left on device", "volume for the model is full", "larger"),
        (
            "RuntimeError: No CUDA GPUs are available",
            "the container sees no GPU",
            "limits: nvidia.com/gpu",
        ),
        (
            "requests.ConnectionError: Max retries exceeded with url",
            "it cannot reach the place that the model comes from",
            "HF_ENDPOINT or ENDPOINT",
        ),
        ("Segmentation fault", "it failed", f"kubectl logs {POD} -c engine --previous"),
    ],
)
def test_a_crash_loop_is_explained_by_the_end_of_its_log(log: str, cause: str, action: str) -> None:
    diagnosis = crashed(f"loading\n\n{log}\n")
    begin = f"Pod {POD}: container engine ended (exit code 1, 4 restarts so far): "
    assert (diagnosis.cause or "").startswith(begin)
    assert cause in (diagnosis.cause or "")
    assert action in (diagnosis.action or "")
    assert diagnosis.findings[0].evidence == ("loading", log)
    assert log in str(diagnosis)


def test_a_container_that_needed_too_much_memory() -> None:
    diagnosis = crashed(code=137, reason="OOMKilled")
    assert "(exit code 137, 4 restarts so far): it needed more memory" in (diagnosis.cause or "")
    assert diagnosis.action == "raise limits.memory in the worker's resources"
    assert diagnosis.findings[0].code == "out-of-memory"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (0, "it ended by itself"),
        (127, "the command does not exist in the image"),
        (137, "it was killed"),
        (139, "segmentation fault"),
        (3, "it failed"),
    ],
)
def test_exit_codes_mean_something(code: int, cause: str) -> None:
    assert cause in (crashed(code=code).cause or "")


def test_a_download_that_fails_is_found_in_the_init_container() -> None:
    cluster = loading()
    ended = container({"terminated": {"exitCode": 1, "reason": "Error"}}, "model-downloader")
    status = running(container({"waiting": {"reason": "PodInitializing"}}), phase="Pending")
    with_pod(cluster, {**status, "initContainerStatuses": [ended]})
    cluster.logs[POD, "model-downloader", False] = "401 Client Error: Unauthorized"
    diagnosis = diagnosed(cluster)
    assert "container model-downloader ended (exit code 1): the hub refuses" in str(diagnosis)


def test_of_a_long_log_only_the_end_is_shown() -> None:
    log = "\n".join([*(f"line {number}" for number in range(100)), "x" * 5000])
    evidence = crashed(log).findings[0].evidence
    assert len(evidence) == 8
    assert evidence[0] == "line 93"
    assert len(evidence[-1]) == 300


def test_logs_are_asked_for_by_the_line_and_for_a_few_pods_only() -> None:
    cluster = loading()
    ended = {"terminated": {"exitCode": 1}}
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    for number in range(9):
        name = f"demo-b1-{number}-leader-0-0"
        with_pod(cluster, running(container(state, lastState=ended)), name=name)
        cluster.logs[name, "engine", True] = "no"
    diagnosed(cluster)
    queries = [request.query for request in cluster.requests if request.path.endswith("/log")]
    assert len(queries) == 3
    assert all("tailLines=30" in query and "limitBytes=16384" in query for query in queries)


@pytest.mark.parametrize("what", ["secret", "configmap"])
def test_an_environment_that_names_something_missing(what: str) -> None:
    cluster = loading()
    message = f'{what} "hub-token" not found'
    state = {"waiting": {"reason": "CreateContainerConfigError", "message": message}}
    with_pod(cluster, running(container(state), phase="Pending"))
    diagnosis = diagnosed(cluster)
    assert diagnosis.cause == (
        f"Pod {POD}: container engine needs the {what} hub-token, which does not exist"
    )
    assert diagnosis.action == f"create the {what} hub-token, or take it out of env and envFrom"


def test_a_pod_that_was_evicted() -> None:
    cluster = loading()
    message = "The node was low on resource: ephemeral-storage."
    with_pod(cluster, {"phase": "Failed", "reason": "Evicted", "message": message})
    diagnosis = diagnosed(cluster)
    assert (diagnosis.findings[0].code, diagnosis.findings[0].evidence) == ("evicted", (message,))


def test_a_volume_that_cannot_be_mounted() -> None:
    cluster = loading()
    with_pod(cluster, running(container({"waiting": {"reason": "ContainerCreating"}})))
    warn(cluster, POD, "FailedMount", 'MountVolume.SetUp failed: secret "x" not found')
    assert diagnosed(cluster).findings[0].code == "mount"


def test_an_engine_that_is_still_loading_is_not_called_broken() -> None:
    cluster = loading()
    with_pod(cluster, running(container({"running": {}})))
    warn(cluster, POD, "Unhealthy", "Readiness probe failed: connection refused")
    diagnosis = diagnosed(cluster)
    assert "the engine may still be loading the model" in (diagnosis.cause or "")
    assert (diagnosis.action or "").startswith("wait")


def test_a_pod_that_is_only_starting_is_said_to_be() -> None:
    cluster = loading()
    with_pod(cluster, running(container({"waiting": {"reason": "ContainerCreating"}})))
    assert "is starting (Running, ContainerCreating)" in (diagnosed(cluster).cause or "")


def test_a_restart_that_is_over_is_no_finding() -> None:
    cluster = loading()
    ended = {"terminated": {"exitCode": 1}}
    with_pod(
        cluster,
        running(
            container({"running": {}}, lastState=ended, restartCount=1, ready=True), ready=True
        ),
    )
    diagnosis = diagnosed(cluster)
    assert diagnosis.findings == ()
    assert "Running, 1 restart" in str(diagnosis)


def test_of_many_pods_with_one_trouble_a_few_are_named() -> None:
    cluster = loading()
    state = {"waiting": {"reason": "ErrImagePull"}}
    for number in range(9):
        with_pod(
            cluster,
            running(container(state), phase="Pending"),
            name=f"demo-b1-{number}-leader-0-0",
        )
    assert len(diagnosed(cluster).findings) == 3
