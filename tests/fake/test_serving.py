"""Where and to whom a fake is served: ports, kubeconfig files, tokens, TLS."""

from __future__ import annotations

import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from matrixinfer_client import Client, Retries
from matrixinfer_client.errors import (
    InvalidArgumentError,
    MatrixInferError,
    TransportError,
    UnauthorizedError,
)
from matrixinfer_client.testing.exchange import ADMIN, ANONYMOUS, Caller, Reply
from matrixinfer_client.testing.serving import Served, TlsUnavailableError, serve
from tests.fake.recorded import JSON, Recorder, ask, threads


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def served(recorder: Recorder) -> Iterator[Served]:
    with serve(recorder) as server:
        yield server


def test_a_port_can_be_chosen_and_used_again_at_once(recorder: Recorder) -> None:
    with serve(recorder) as served:
        port = urlsplit(served.url).port
        assert port is not None
        ask(served)
        with pytest.raises(MatrixInferError, match=f"127.0.0.1:{port}: address already in use"):
            serve(recorder, port=port)
    with serve(recorder, port=port) as again:
        assert ask(again)[0] == 200


def test_it_listens_on_the_loopback_address_only(served: Served) -> None:
    assert urlsplit(served.url).hostname == "127.0.0.1"
    port = urlsplit(served.url).port
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_the_kubeconfig_works_and_is_private(served: Served, recorder: Recorder) -> None:
    assert stat.S_IMODE(served.kubeconfig.stat().st_mode) == 0o600
    recorder.answer = lambda _: Reply(
        status=200, headers=JSON, body=b'{"metadata":{"name":"demo"},"spec":{}}'
    )
    with Client(kubeconfig=served.kubeconfig) as client:
        assert client.registry_v1alpha1.models().get("demo").name == "demo"
    assert client.config.context == "fake-cluster"
    assert served.token() is None


def test_the_kubeconfig_goes_where_it_is_wanted_and_replaces_only_its_own(
    recorder: Recorder, tmp_path: Path
) -> None:
    path = tmp_path / "config"
    with serve(recorder, kubeconfig=path) as served:
        assert served.kubeconfig == path
    with serve(recorder, kubeconfig=path) as served:
        assert yaml.safe_load(path.read_text())["clusters"][0]["cluster"]["server"] == served.url
    path.write_text("apiVersion: v1\n")
    before = threads()
    with pytest.raises(InvalidArgumentError, match="not overwritten"):
        serve(recorder, kubeconfig=path)
    assert path.read_text() == "apiVersion: v1\n"
    assert threads() == before


def test_without_tokens_everybody_is_the_administrator(served: Served, recorder: Recorder) -> None:
    ask(served, Authorization="Bearer whatever")
    assert recorder.calls[0].caller == ADMIN


def test_tokens_say_who_is_calling(recorder: Recorder) -> None:
    with serve(recorder, tls=False, token="s3cret", users={"ann": ["dev"]}) as served:
        assert served.token() == "s3cret"
        assert "s3cret" not in repr(served)
        assert ask(served, Authorization="Bearer s3cret")[0] == 200
        assert ask(served, Authorization=f"bearer {served.token('ann')}")[0] == 200
        assert ask(served)[0] == 200
        # As on a real server, which leaves other schemes to others.
        assert ask(served, Authorization="Basic Zm9v")[0] == 200
        status, body = ask(served, Authorization="Bearer guessed")
        with pytest.raises(
            InvalidArgumentError, match="no user 'bob' is known here, only admin, ann"
        ):
            served.token("bob")
    assert [call.caller for call in recorder.calls] == [
        ADMIN,
        Caller("ann", ("dev", "system:authenticated")),
        ANONYMOUS,
        ANONYMOUS,
    ]
    assert status == 401
    assert body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }


def test_arguments_that_cannot_be_are_refused(recorder: Recorder) -> None:
    with pytest.raises(InvalidArgumentError, match="'admin' is always there"):
        serve(recorder, users={"admin": []})
    with pytest.raises(InvalidArgumentError, match="printable ASCII") as caught:
        serve(recorder, token="s3 cret")
    assert "s3" not in str(caught.value)


def test_with_tokens_it_speaks_tls_and_every_user_has_a_context(recorder: Recorder) -> None:
    recorder.answer = lambda _: Reply(
        status=200, headers=JSON, body=b'{"metadata":{"name":"demo"},"spec":{}}'
    )
    with serve(recorder, users={"ann": ["dev"]}) as served:
        assert served.url.startswith("https://127.0.0.1:")
        for context in ("fake-cluster", "ann"):
            with Client(kubeconfig=served.kubeconfig, context=context) as client:
                client.registry_v1alpha1.models().get("demo")
        localhost = served.url.replace("127.0.0.1", "localhost")
        with (
            Client(server=localhost, token="wrong", ca_file=served.ca_file) as client,
            pytest.raises(UnauthorizedError),
        ):
            client.registry_v1alpha1.models().get("demo")
        with (
            Client(server=served.url, token="x", retries=Retries(attempts=1)) as client,
            pytest.raises(TransportError, match="is not trusted"),
        ):
            client.registry_v1alpha1.models().get("demo")
    assert [call.caller.name for call in recorder.calls] == ["admin", "ann"]


def test_tls_without_the_library_says_what_to_install(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    monkeypatch.delitem(sys.modules, "matrixinfer_client.testing.certificates", raising=False)
    with pytest.raises(TlsUnavailableError, match=r"matrixinfer-client\[testing-tls\]"):
        serve(recorder, tls=True)


def test_a_program_that_forgets_to_stop_it_ends_all_the_same(tmp_path: Path) -> None:
    program = (
        "from matrixinfer_client.testing.exchange import Reply\n"
        "from matrixinfer_client.testing.serving import serve\n"
        "served = serve(lambda call: Reply(status=200))\n"
        "print(served.kubeconfig)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert not Path(result.stdout.strip()).exists()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("tls", [False, True])
def test_kubectl_gets_an_answer(recorder: Recorder, tls: bool, tmp_path: Path) -> None:
    with serve(recorder, tls=tls) as served:
        recorder.answer = lambda _: Reply(
            status=200, headers=JSON, body=b'{"gitVersion":"v1.34.4"}'
        )
        result = subprocess.run(
            ["kubectl", "get", "--raw", "/version"],
            env={"KUBECONFIG": str(served.kubeconfig), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert result.stdout == '{"gitVersion":"v1.34.4"}', result.stderr
    assert recorder.calls[0].caller == ADMIN
