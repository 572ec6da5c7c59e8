"""The examples, the manifests and the programs on the pages, on every backend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.behaviour.backends import Backend
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
# Needs files and addresses that are only examples; tests/fake runs the other, which has its own
# clusters.
UNRUNNABLE = {"docs/guides/connecting.md", "docs/guides/testing.md"}
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


@pytest.fixture
def kubeconfig(backend: Backend, namespace: str, tmp_path: Path) -> Path:
    """The administrator's, with the test's namespace."""
    path = backend.served.kubeconfig(path=tmp_path / "kubeconfig")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    for each in document["contexts"]:
        each["context"]["namespace"] = namespace
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def create(backend: Backend, namespace: str, path: Path) -> tuple[int, Any]:
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    collection = f"/apis/{body['apiVersion']}/namespaces/{namespace}/{PATHS[body['kind']]}"
    return backend.request("POST", f"{collection}?fieldValidation=Strict", body)


def test_create_model_creates_shows_lists_changes_and_deletes(
    kubeconfig: Path, namespace: str
) -> None:
    done = run(["examples/create_model.py"], kubeconfig)
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


def test_create_model_says_that_the_name_is_taken(
    backend: Backend, kubeconfig: Path, namespace: str
) -> None:
    status, _ = create(backend, namespace, ROOT / "examples/manifests/model.yaml")
    assert status == 201
    done = run(["examples/create_model.py"], kubeconfig)
    assert done.returncode == 1
    assert 'models.registry.matrixinfer.ai "demo" already exists' in done.stderr
    assert "Traceback" not in done.stderr


def test_async_list_shows_the_objects_of_every_kind(
    backend: Backend, kubeconfig: Path, namespace: str
) -> None:
    statuses = [create(backend, namespace, path)[0] for path in MANIFESTS]
    assert set(statuses) == {201}
    done = run(["examples/async_list.py"], kubeconfig)
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
    backend: Backend, namespace: str, path: Path
) -> None:
    status, body = create(backend, namespace, path)
    assert status == 201, body


@pytest.mark.parametrize("page", RUNNABLE, ids=title)
def test_the_programs_of_a_page_run_one_after_the_other(
    backend: Backend, kubeconfig: Path, namespace: str, page: Path, tmp_path: Path
) -> None:
    if title(page) in PREPARED:
        create(backend, namespace, ROOT / "examples/manifests/model.yaml")
    # Another namespace than the one on the page, so that tests do not meet there.
    code = "\n".join(blocks(page, "python")).replace('"default"', f'"{namespace}"')
    program = tmp_path / "program.py"
    program.write_text(code, encoding="utf-8")
    done = run([str(program)], kubeconfig)
    assert done.returncode == 0, done.stderr
