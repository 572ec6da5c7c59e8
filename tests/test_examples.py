"""The examples without a cluster; `tests/behaviour/test_examples.py` runs them on two."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from matrixinfer_client import load_manifests
from matrixinfer_client.api import KINDS
from tests.pages import ROOT

MANIFESTS = sorted((ROOT / "examples" / "manifests").glob("*.yaml"))


@pytest.mark.parametrize("program", ["create_model", "async_list"])
def test_an_example_without_a_cluster_says_so_in_lines_and_not_in_a_traceback(
    program: str, tmp_path: Path
) -> None:
    hidden = ("KUBECONFIG", "KUBERNETES_SERVICE_HOST")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, f"examples/{program}.py"],
        cwd=ROOT,
        env=environment | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(tmp_path / ".kube" / "config") in done.stderr


def test_the_example_says_which_server_does_not_answer(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        "{current-context: c, contexts: [{name: c, context: {cluster: k}}], "
        "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:9'}}]}"
    )
    done = subprocess.run(
        [sys.executable, "examples/create_model.py"],
        cwd=ROOT,
        env=os.environ | {"KUBECONFIG": str(kubeconfig), "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Without a cluster: matrixinfer fake-cluster -- python" in done.stderr
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_manifest_is_one_typed_object_of_which_every_field_is_known(path: Path) -> None:
    (item,) = load_manifests(path)
    again = type(item).from_yaml(path.read_text(encoding="utf-8"))
    assert item == again
    assert unknown_fields(item) == []


def test_there_is_a_manifest_for_every_kind() -> None:
    kinds = {kind for _, kind in KINDS if not kind.endswith("List")}
    assert {item.kind for path in MANIFESTS for item in load_manifests(path)} == kinds


def unknown_fields(value: object) -> list[str]:
    """Fields at any depth that the models do not know: typing errors in a manifest."""
    if isinstance(value, list):
        return [name for item in value for name in unknown_fields(item)]
    found = list(getattr(value, "unknown_fields", None) or ())
    for field in getattr(type(value), "__attrs_attrs__", ()):
        found += unknown_fields(getattr(value, field.name))
    return found
