"""A simulation inside the fake cluster, which has webhooks, a garbage collector and logs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from matrixinfer_client import Client, WaitTimeout
from matrixinfer_client.testing import FakeCluster
from tests.behaviour.samples import MODEL, model_backend
from tests.simulation.stage import conditions


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster(simulate={"speed": 20}) as cluster:
        yield cluster
        assert not cluster.simulation.errors


@pytest.fixture
def client(cluster: FakeCluster) -> Iterator[Client]:
    with cluster.client(namespace="default") as client:
        yield client


def test_a_deleted_model_takes_everything_with_it(cluster: FakeCluster, client: Client) -> None:
    models = client.registry_v1alpha1.models()
    models.create(MODEL.mapping("demo"))
    models.wait_for("demo", "Ready", timeout=30)
    models.delete("demo")
    cluster.simulation.settle()
    for path in (
        "/apis/workload.matrixinfer.ai/v1alpha1/namespaces/default/modelinfers",
        "/apis/networking.matrixinfer.ai/v1alpha1/namespaces/default/modelservers",
        "/apis/networking.matrixinfer.ai/v1alpha1/namespaces/default/modelroutes",
        "/api/v1/namespaces/default/pods",
    ):
        status, body = cluster.request("GET", path)
        assert status == 200
        assert body["items"] == [], path


def test_a_deleted_child_comes_back_with_new_pods(cluster: FakeCluster, client: Client) -> None:
    models, infers = client.registry_v1alpha1.models(), client.workload_v1alpha1.model_infers()
    models.create(MODEL.mapping("demo"))
    models.wait_for("demo", "Ready", timeout=30)
    first = infers.get("demo-b1").uid
    infers.delete("demo-b1")
    cluster.simulation.settle()
    assert infers.get("demo-b1").uid != first
    assert conditions(models.get("demo").to_dict())["Active"][0] == "True"


def test_the_log_of_a_crash_explains_the_end_of_a_wait(
    cluster: FakeCluster, client: Client
) -> None:
    log = "loading weights\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"
    cluster.simulation.fail("demo", "crash_loop", log=log)
    models = client.registry_v1alpha1.models()
    models.create(MODEL.mapping("demo"))
    # The group is built anew again and again; in between nothing has crashed yet.
    for _ in range(50):
        cluster.simulation.settle()
        with pytest.raises(WaitTimeout) as caught:
            models.wait_for("demo", "Ready", timeout=0)
        if "the model does not fit into the GPU's memory" in str(caught.value):
            break
    assert "the model does not fit into the GPU's memory" in str(caught.value)
    assert "Tried to allocate 2 GiB" in str(caught.value)


def test_what_a_webhook_denies_to_the_controller_is_told_by_the_model(
    cluster: FakeCluster, client: Client
) -> None:
    worker = model_backend()["workers"][0]
    del worker["pods"]
    body = MODEL.mapping("demo")
    body["spec"] = {"backends": [model_backend(workers=[worker])]}
    models = client.registry_v1alpha1.models()
    models.create(body)
    cluster.simulation.settle()
    message = conditions(models.get("demo").to_dict())["Failed"][2]
    assert "workerReplicas must be a non-negative integer" in message


def test_the_denial_that_is_simulated_reads_as_the_webhook_says_it(
    cluster: FakeCluster, client: Client
) -> None:
    cluster.simulation.fail("demo", "webhook_denial")
    models, infers = client.registry_v1alpha1.models(), client.workload_v1alpha1.model_infers()
    models.create(MODEL.mapping("demo"))
    models.create(MODEL.mapping("other"))
    cluster.simulation.settle()
    simulated = conditions(models.get("demo").to_dict())["Failed"][2]
    infer = infers.get("other-b1").to_dict()
    body = {"metadata": {"name": "mine"}, "spec": {**infer["spec"], "schedulerName": ""}}
    path = "/apis/workload.matrixinfer.ai/v1alpha1/namespaces/default/modelinfers"
    kind = {"apiVersion": "workload.matrixinfer.ai/v1alpha1", "kind": "ModelInfer"}
    status, answer = cluster.request("POST", path, {**kind, **body})
    assert status == 400
    assert answer["message"] == simulated


def test_faults_for_clients_do_not_hit_the_controllers(
    cluster: FakeCluster, client: Client
) -> None:
    from matrixinfer_client.testing import conflict

    cluster.inject(conflict(), verb="update")
    models = client.registry_v1alpha1.models()
    models.create(MODEL.mapping("demo"))
    cluster.simulation.settle()
    assert conditions(models.get("demo").to_dict())["Active"][0] == "True"


def test_a_forgotten_simulation_does_not_keep_a_program_alive() -> None:
    program = (
        "from matrixinfer_client.testing import FakeCluster\n"
        "cluster = FakeCluster(simulate=True)\n"
        "cluster.simulation.settle()\n"
        "print('done')\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (result.stdout, result.stderr) == ("done\n", "")
