"""Exec plugins: what they are told, what they may answer, and all that can go wrong."""

from __future__ import annotations

import json
import os
import pickle
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from matrixinfer_client.config import ExecPlugin
from matrixinfer_client.errors import ConfigError, CredentialError
from tests.config.conftest import Clock, Write
from tests.config.kubeconfigs import SERVER

V1 = "client.authentication.k8s.io/v1"
Plugin = Callable[..., ExecPlugin]

_PRELUDE = f"""#!{sys.executable}
import json, os, sys, time
from pathlib import Path
here = Path(__file__).parent
with open(here / "runs", "a") as runs:
    runs.write("x")
run = len((here / "runs").read_text())
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
def answer(**status):
    print(json.dumps({{"kind": "ExecCredential", "apiVersion": info["apiVersion"],
                       "status": status}}))
"""


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the tests are run; the one about terminals makes its own."""
    monkeypatch.setattr("matrixinfer_client.config.execplugin._is_terminal", lambda: False)


@pytest.fixture
def plugin(write: Write, clock: Clock) -> Plugin:
    """Make a plugin out of the Python that it runs."""

    def make(body: str, **options: Any) -> ExecPlugin:
        path = write("bin/plugin", _PRELUDE + body, mode=0o700)
        return ExecPlugin(str(path), source='user "dev"', clock=clock, **options)

    return make


def _runs(source: ExecPlugin) -> int:
    path = Path(source.command).parent / "runs"
    return len(path.read_text()) if path.exists() else 0


def _error(source: ExecPlugin) -> str:
    with pytest.raises(CredentialError) as caught:
        source.fetch()
    assert source.current() is None
    return str(caught.value)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_token_is_sent_as_bearer(plugin: Plugin, version: str) -> None:
    source = plugin("answer(token='abc')", api_version=f"client.authentication.k8s.io/{version}")
    assert source.fetch().authorization == "Bearer abc"


def test_a_certificate_may_come_instead_of_a_token_or_with_it(plugin: Plugin) -> None:
    body = "answer(clientCertificateData='CERT', clientKeyData='KEY'{})"
    for more, header in (("", None), (", token='abc'", "Bearer abc")):
        credential = plugin(body.format(more)).fetch()
        assert credential.authorization == header
        assert credential.client_certificate is not None
        assert credential.client_certificate.cert_pem == b"CERT"
        assert credential.client_certificate.key_pem == b"KEY"


def test_without_expiry_the_plugin_runs_once_until_it_is_refused(
    plugin: Plugin, clock: Clock
) -> None:
    source = plugin("answer(token=f't{run}')")
    first = source.fetch()
    clock.now += 10**8
    assert source.current() == first
    assert source.fetch() == first
    assert _runs(source) == 1
    assert source.fetch(first).authorization == "Bearer t2"


@pytest.mark.parametrize(
    "expiry",
    [
        "2023-11-14T23:13:20Z",
        "2023-11-14T23:13:20.123456789Z",
        "2023-11-15T01:13:20+02:00",
        "2023-11-14T18:13:20.5-05:00",
    ],
)
def test_with_an_expiry_it_runs_again_a_minute_before(
    plugin: Plugin, clock: Clock, expiry: str
) -> None:
    # The clock stands at 2023-11-14T22:13:20Z.
    source = plugin(f"answer(token=f't{{run}}', expirationTimestamp={expiry!r})")
    source.fetch()
    clock.now += 3600 - 62
    assert source.current() is not None
    clock.now += 4
    assert source.current() is None
    assert source.fetch().authorization == "Bearer t2"


def test_sixteen_threads_share_one_run(plugin: Plugin) -> None:
    source = plugin("time.sleep(0.5); answer(token=f't{run}')")
    found: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(source.fetch().authorization))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == ["Bearer t1"] * 16
    assert _runs(source) == 1


def test_the_plugin_is_told_its_version_and_whether_it_may_ask(plugin: Plugin) -> None:
    source = plugin("answer(token=json.dumps(info, separators=(',', ':')))")
    header = source.fetch().authorization
    assert header is not None
    assert json.loads(header.removeprefix("Bearer ")) == {
        "kind": "ExecCredential",
        "apiVersion": V1,
        "spec": {"interactive": False},
    }


def test_arguments_and_environment_are_passed_on(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INHERITED", "1")
    source = plugin(
        "answer(token='-'.join([*sys.argv[1:], os.environ['OWN'], os.environ['INHERITED']]))",
        args=("get-token", "--cluster=a"),
        env=(("OWN", "2"),),
    )
    assert source.fetch().authorization == "Bearer get-token---cluster=a-2-1"


def test_standard_input_is_empty_without_a_terminal(plugin: Plugin) -> None:
    source = plugin("answer(token='read:' + sys.stdin.read())")
    assert source.fetch().authorization == "Bearer read:"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("sys.exit(3)", "it failed with exit code 3"),
        ("os.kill(os.getpid(), 15)", "it was ended by SIGTERM"),
        ("", "it printed nothing"),
        ("print('s3cret')", "its output is not JSON"),
        ("print('[]')", "its output is not a JSON object"),
        ("print('{}')", "its output is not an ExecCredential (kind)"),
        ("info['apiVersion'] = 'x/v1beta1'; answer(token='s3cret')", "answered with x/v1beta1"),
        ('print(\'{"kind": "ExecCredential"}\')', "answered with no apiVersion"),
        ("info['kind'] = 'ExecCredential'; print(json.dumps(info))", "its output has no status"),
        ("answer()", "its output has neither token nor clientCertificateData"),
        ("answer(token='')", "its output has neither token nor clientCertificateData"),
        ("answer(token=7)", "status.token of its output is not a string"),
        ("answer(token='s3cret s3cret')", "its output: the token contains a space"),
        ("answer(clientCertificateData='c')", "its output has no clientKeyData"),
        ("answer(clientKeyData='s3cret')", "its output has no clientCertificateData"),
        (
            "answer(token='s3cret', expirationTimestamp='2020-01-01T00:00:00Z')",
            "it returned a credential that expired at 2020-01-01T00:00:00Z",
        ),
        (
            "answer(token='s3cret', expirationTimestamp='tomorrow')",
            "status.expirationTimestamp of its output is not an RFC 3339 time",
        ),
        (
            "answer(token='s3cret', expirationTimestamp='2099-01-01T00:00:00')",
            "status.expirationTimestamp of its output is not an RFC 3339 time",
        ),
    ],
)
def test_each_failure_names_the_command_and_what_happened_but_never_its_output(
    plugin: Plugin, body: str, expected: str
) -> None:
    source = plugin(body, args=("--for", "dev"), env=(("PASSWORD", "s3cret"),))
    message = _error(source)
    assert message.startswith(f'user "dev": exec plugin `{source.command} --for dev`: ')
    assert expected in message
    assert "s3cret" not in message


def test_the_error_carries_the_end_of_what_the_plugin_complained_about(plugin: Plugin) -> None:
    source = plugin("sys.stderr.write('x' * 9999 + '\\nplease log in\\n'); sys.exit(1)")
    message = _error(source)
    assert message.endswith("please log in")
    assert "exit code 1\nstderr: …xxx" in message
    assert len(message) < 2500


def test_complaints_of_a_plugin_that_succeeds_are_no_error(plugin: Plugin) -> None:
    source = plugin("sys.stderr.write('deprecated'); answer(token='abc')")
    assert source.fetch().authorization == "Bearer abc"


def test_a_missing_command_is_an_error_with_the_install_hint() -> None:
    source = ExecPlugin("no-such-plugin", install_hint="Install it with:\n  brew install it\n")
    assert _error(source) == (
        "exec plugin: exec plugin `no-such-plugin`: there is no such command on PATH\n"
        "Install it with:\n  brew install it"
    )


def test_a_missing_or_unusable_file_is_told_apart(write: Write, tmp_path: Path) -> None:
    assert "there is no such file" in _error(ExecPlugin(str(tmp_path / "absent")))
    assert "it is not executable" in _error(ExecPlugin(str(write("plugin", "", mode=0o600))))
    broken = write("broken", "#!/no/such/interpreter\n", mode=0o700)
    assert "it cannot be started: no such file or directory" in _error(ExecPlugin(str(broken)))


def test_a_plugin_that_hangs_is_ended_with_its_children(plugin: Plugin) -> None:
    body = """
import subprocess
sys.stderr.write("waiting for a browser")
sys.stderr.flush()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
(here / "child").write_text(str(child.pid))
time.sleep(300)
"""
    source = plugin(body, timeout=2.0)
    start = time.monotonic()
    message = _error(source)
    assert time.monotonic() - start < 20
    assert "it took longer than 2 seconds\nstderr: waiting for a browser" in message
    child = int((Path(source.command).parent / "child").read_text())
    for _ in range(100):
        if not _is_running(child):
            return
        time.sleep(0.05)
    pytest.fail("the plugin's child is still running")


def _is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        # A child whose parent is gone may be left over as a zombie, which is not running.
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_failed_plugin_runs_again_for_the_next_call(plugin: Plugin) -> None:
    source = plugin("sys.exit(1) if run == 1 else answer(token='abc')")
    _error(source)
    assert source.fetch().authorization == "Bearer abc"


def test_always_interactive_without_a_terminal_is_an_error(plugin: Plugin) -> None:
    source = plugin("answer(token='abc')", interactive_mode="Always")
    assert "interactiveMode Always and standard input is not a terminal" in _error(source)
    assert _runs(source) == 0


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("IfAvailable", "True-True"), ("Always", "True-True"), ("Never", "False-False")],
)
def test_the_terminal_is_handed_over_where_the_mode_allows(
    plugin: Plugin, mode: str, expected: str
) -> None:
    source = plugin("answer(token=f\"{info['spec']['interactive']}-{os.isatty(0)}\")")
    script = (
        "import sys; from matrixinfer_client.config import ExecPlugin\n"
        "print(ExecPlugin(sys.argv[1], interactive_mode=sys.argv[2]).fetch().authorization)"
    )
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, source.command, mode],
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.stdout.strip() == f"Bearer {expected}"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"command": ""}, "exec has no command"),
        ({"api_version": "client.authentication.k8s.io/v1alpha1"}, "v1alpha1' is not supported"),
        ({"interactive_mode": "Sometimes"}, "'Sometimes' is none of Never, IfAvailable, Always"),
    ],
)
def test_a_plugin_that_cannot_work_is_refused_when_it_is_made(
    changes: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        ExecPlugin(**{"command": "x", **changes})
    assert expected in str(caught.value)


def test_cluster_information_reaches_the_plugin(plugin: Plugin) -> None:
    source = plugin(
        "answer(token=info['spec']['cluster']['server'])",
        cluster_info=json.dumps({"server": SERVER}),
    )
    assert source.fetch().authorization == f"Bearer {SERVER}"


def test_a_pickled_plugin_runs_where_it_arrives(plugin: Plugin) -> None:
    source = attrs.evolve(plugin("answer(token=f't{run}')"), clock=time.time)
    source.fetch()
    arrived: ExecPlugin = pickle.loads(pickle.dumps(source))  # noqa: S301
    assert arrived == source
    assert arrived.current() is None
    assert arrived.fetch().authorization == "Bearer t2"
