"""`matrixinfer fake-cluster`: serving until it is ended, and running a command on it."""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path

import pytest

from matrixinfer_client import Client
from matrixinfer_client.cli.story import MANIFEST
from tests.cli.running import kubeconfig_of, read_until, run, start


def test_it_serves_until_ctrl_c_and_leaves_nothing_behind() -> None:
    process = start("fake-cluster", "--simulate", "--speed", "10", "--seed", "5")
    with process:
        told = read_until(process, "kubectl get models")
        kubeconfig = kubeconfig_of(told)
        with Client(kubeconfig=str(kubeconfig)) as client:
            models = client.registry_v1alpha1.models()
            models.create(models_from(MANIFEST))
            assert models.wait_for("demo", "Ready", timeout=30).name == "demo"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "seed 5, until Ctrl-C" in told
    assert err.strip() == "stopped"
    assert not kubeconfig.exists()


def models_from(manifest: str) -> dict[str, object]:
    from matrixinfer_client.api.registry_v1alpha1 import Model

    return Model.from_yaml(manifest).to_dict()


def test_a_signal_to_end_removes_the_files_too() -> None:
    process = start("fake-cluster")
    with process:
        kubeconfig = kubeconfig_of(read_until(process, "kubectl get models"))
        assert kubeconfig.exists()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 143
    assert not kubeconfig.exists()


def test_a_token_means_https_and_is_in_the_kubeconfig(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "fake.yaml"
    process = start("fake-cluster", "--token", "s3cret", "--kubeconfig", str(kubeconfig))
    with process:
        told = read_until(process, "kubectl get models")
        assert "at https://127.0.0.1:" in told
        assert "s3cret" not in told
        with Client(kubeconfig=str(kubeconfig)) as client:
            assert len(client.registry_v1alpha1.models().list()) == 0
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert kubeconfig.exists()


PROGRAM = (
    "import sys; from matrixinfer_client import Client; "
    "print(len(Client().registry_v1alpha1.models().list())); sys.exit({code})"
)


@pytest.mark.parametrize("code", [0, 3])
def test_a_command_runs_on_it_and_its_exit_code_counts(code: int) -> None:
    done = run("fake-cluster", "--", sys.executable, "-c", PROGRAM.format(code=code))
    assert (done.returncode, done.stdout, done.stderr) == (code, "0\n", "")


def test_a_command_needs_no_dashes_before_it() -> None:
    done = run("fake-cluster", sys.executable, "-c", "print('--port')")
    assert (done.returncode, done.stdout) == (0, "--port\n")


def test_a_command_that_a_signal_ended_is_reported_as_by_a_shell() -> None:
    done = run("fake-cluster", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    assert done.returncode == 137


def test_a_command_that_does_not_exist_is_named() -> None:
    done = run("fake-cluster", "--", "no-such-command")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "matrixinfer: 'no-such-command' cannot be run: No such file or directory\n"
    )


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("fake-cluster", "--port", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert port in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    theirs = tmp_path / "config"
    theirs.write_text("kind: Config\n", encoding="utf-8")
    done = run("fake-cluster", "--kubeconfig", str(theirs))
    assert done.returncode == 1
    assert str(theirs) in done.stderr
    assert "Traceback" not in done.stderr
    assert theirs.read_text(encoding="utf-8") == "kind: Config\n"
