"""`kubectl` with a fake in which a Model becomes ready, as with a whole platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from matrixinfer_client.testing import FakeCluster
from tests.fake.kubectl import Kubectl
from tests.fake.manifests import model


@pytest.fixture
def run(kubectl: Path, tmp_path: Path) -> Iterator[Kubectl]:
    with FakeCluster(simulate={"speed": 50}) as cluster, cluster.serve() as served:
        yield Kubectl(kubectl, served.kubeconfig, tmp_path, "default")


def test_a_model_is_deployed_looked_into_and_removed(run: Kubectl) -> None:
    assert run("apply", "-f", "-", stdin=model()).text == (
        "model.registry.matrixinfer.ai/demo created\n"
    )
    waited = run("wait", "model/demo", "--for=condition=Active", "--timeout=30s")
    assert waited.text == "model.registry.matrixinfer.ai/demo condition met\n"

    children = run("get", "modelinfers,modelservers,modelroutes", "-o", "name").out.split()
    assert "modelinfer.workload.matrixinfer.ai/demo-backend1" in children
    [pod] = run("get", "pods", "-o", "name").out.split()
    row = run("get", pod, "--no-headers").out.split()
    assert row[2] == "Running"
    ready, total = row[1].split("/")
    assert ready == total

    logs = run("logs", pod, "--all-containers")
    assert logs.code == 0
    assert logs.out.startswith("starting ")
    assert len(run("logs", pod, "--all-containers", "--tail=1").out) <= len(logs.out)
    assert "Scheduled" in run("get", "events").out
    described = run("describe", pod)
    assert "Successfully assigned" in described.out

    assert run("delete", "model", "demo").code == 0
    gone = run("wait", pod, "--for=delete", "--timeout=30s")
    assert gone.code == 0, gone.text
    assert run("get", "modelinfers,modelservers,modelroutes,pods").out == ""
