"""The examples, the manifests and the programs on the pages, on a real API server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.server import ApiServer
from tests.pages import PAGES, ROOT, blocks, title

MANIFESTS = sorted((ROOT / "examples" / "manifests").glob("*.yaml"))
PATHS = {
    "AutoscalingPolicy": "autoscalingpolicies",
    "AutoscalingPolicyBinding": "autoscalingpolicybindings",
    "Model": "models",
    "ModelInfer": "modelinfers",
    "ModelRoute": "modelroutes",
    "ModelServer": "modelservers",
}
# Needs files and addresses that are only examples.
UNRUNNABLE = {"docs/guides/connecting.md"}
# Works on a Model that is there.
PREPARED = {"docs/guides/reading.md"}
RUNNABLE = [page for page in PAGES if blocks(page, "python") and title(page) not in UNRUNNABLE]


def run(command: list[str], kubeconfig: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | {"KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def create(server: ApiServer, namespace: str, path: Path) -> tuple[int, Any]:
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    collection = f"/apis/{body['apiVersion']}/namespaces/{namespace}/{PATHS[body['kind']]}"
    return server.request("POST", f"{collection}?fieldValidation=Strict", body)


def test_create_model_creates_shows_lists_changes_and_deletes(
    api_server: ApiServer, namespace: str
) -> None:
    done = run(["examples/create_model.py"], api_server.kubeconfig(namespace=namespace))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for expected in (
        "routeWeight: 100",  # a default of the server's
        f"{namespace}/demo: backends backend1",
        "backend1: 2 to 2 replicas",
        "generation 1 -> 2",
        "demo is gone",
    ):
        assert expected in done.stdout
    assert "managedFields" not in done.stdout


def test_create_model_says_that_the_name_is_taken(api_server: ApiServer, namespace: str) -> None:
    status, _ = create(api_server, namespace, ROOT / "examples/manifests/model.yaml")
    assert status == 201
    done = run(["examples/create_model.py"], api_server.kubeconfig(namespace=namespace))
    assert done.returncode == 1
    assert 'models.registry.matrixinfer.ai "demo" already exists' in done.stderr
    assert "Traceback" not in done.stderr


def test_async_list_shows_the_objects_of_every_kind(api_server: ApiServer, namespace: str) -> None:
    statuses = [create(api_server, namespace, path)[0] for path in MANIFESTS]
    assert set(statuses) == {201}
    done = run(["examples/async_list.py"], api_server.kubeconfig())
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"  {namespace}/") == len(MANIFESTS)
    assert [line.split(":")[0] for line in done.stdout.splitlines() if ":" in line] == [
        "Model",
        "AutoscalingPolicy",
        "AutoscalingPolicyBinding",
        "ModelInfer",
        "ModelServer",
        "ModelRoute",
    ]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_the_server_takes_the_manifest_with_strict_validation(
    api_server: ApiServer, namespace: str, path: Path
) -> None:
    status, body = create(api_server, namespace, path)
    assert status == 201, body


@pytest.mark.parametrize("page", RUNNABLE, ids=title)
def test_the_programs_of_a_page_run_one_after_the_other(
    api_server: ApiServer, namespace: str, page: Path, tmp_path: Path
) -> None:
    if title(page) in PREPARED:
        create(api_server, namespace, ROOT / "examples/manifests/model.yaml")
    # Another namespace than the one on the page, so that tests do not meet there.
    code = "\n".join(blocks(page, "python")).replace('"default"', f'"{namespace}"')
    program = tmp_path / "program.py"
    program.write_text(code, encoding="utf-8")
    done = run([str(program)], api_server.kubeconfig(namespace=namespace))
    assert done.returncode == 0, done.stderr
