"""The server on the loopback interface, as other programs see it."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
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
from matrixinfer_client.testing.exchange import ADMIN, ANONYMOUS, Call, Caller, Reply, Stream
from matrixinfer_client.testing.serving import Served, TlsUnavailableError, serve

_JSON = [("Content-Type", "application/json")]


class Recorder:
    """Answers with what it is told, and keeps the calls."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answer: Callable[[Call], Reply] = lambda _: Reply(
            status=200, body=b'{"ok":true}', headers=_JSON
        )

    def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        return self.answer(call)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def served(recorder: Recorder) -> Iterator[Served]:
    with serve(recorder) as server:
        yield server


def connect(served: Served) -> http.client.HTTPConnection:
    parts = urlsplit(served.url)
    assert parts.hostname is not None
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)


def raw(served: Served, *lines: str) -> socket.socket:
    parts = urlsplit(served.url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def ask(served: Served, path: str = "/version", **headers: str) -> tuple[int, Any]:
    connection = connect(served)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_a_request_arrives_as_it_was_sent(served: Served, recorder: Recorder) -> None:
    connection = connect(served)
    target = "/api/v1/namespaces/a%2Fb/pods?labelSelector=a%3Db&dryRun=All&dryRun="
    connection.putrequest("POST", target)
    for group in ("a", "b"):
        connection.putheader("Impersonate-Group", group)
    connection.putheader("Content-Length", "4")
    connection.endheaders(b"body")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b'{"ok":true}')
    assert response.getheader("Content-Type") == "application/json"
    assert response.getheader("Content-Length") == "11"
    connection.close()
    (call,) = recorder.calls
    assert (call.method, call.path) == ("POST", "/api/v1/namespaces/a%2Fb/pods")
    assert call.query == {"labelSelector": ["a=b"], "dryRun": ["All", ""]}
    assert call.headers["impersonate-group"] == "a, b"
    assert call.body == b"body"
    assert call.caller == ADMIN


def test_a_connection_is_kept_for_many_requests(served: Served, recorder: Recorder) -> None:
    connection = connect(served)
    for number in range(3):
        connection.request("GET", f"/{number}")
        connection.getresponse().read()
        assert connection.sock is not None
    connection.close()
    assert [call.path for call in recorder.calls] == ["/0", "/1", "/2"]


def test_a_connection_is_closed_when_the_client_asks_for_that(served: Served) -> None:
    with raw(served, "GET / HTTP/1.1", "Host: x", "Connection: close") as connection:
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b'{"ok":true}')


def test_a_body_in_chunks_is_read(served: Served, recorder: Recorder) -> None:
    connection = connect(served)
    connection.request("PUT", "/", iter([b"one ", b"two"]), encode_chunked=True)
    connection.getresponse().read()
    connection.close()
    assert recorder.calls[0].body == b"one two"


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(
    served: Served, recorder: Recorder
) -> None:
    with raw(
        served, "PUT / HTTP/1.1", "Host: x", "Content-Length: 4", "Expect: 100-continue"
    ) as connection:
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"body")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    assert recorder.calls[0].body == b"body"


def test_head_gets_the_headers_alone(served: Served, recorder: Recorder) -> None:
    connection = connect(served)
    connection.request("HEAD", "/")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"")
    assert response.getheader("Content-Length") == "11"
    connection.request("GET", "/")
    assert connection.getresponse().read() == b'{"ok":true}'
    connection.close()


def test_a_large_body_arrives_whole(served: Served, recorder: Recorder) -> None:
    connection = connect(served)
    body = b"x" * (4 << 20)
    connection.request("POST", "/", body)
    connection.getresponse().read()
    connection.close()
    assert recorder.calls[0].body == body


def test_a_long_selector_arrives_whole(served: Served, recorder: Recorder) -> None:
    names = ",".join(f"name-{number}" for number in range(5000))
    assert ask(served, f"/api?labelSelector={names}")[0] == 200
    assert recorder.calls[0].option("labelSelector") == names


def test_warnings_come_as_headers_of_their_own(served: Served, recorder: Recorder) -> None:
    headers = [*_JSON, ("Warning", '299 - "one"'), ("Warning", '299 - "two"')]
    recorder.answer = lambda _: Reply(status=201, body=b"{}", headers=headers)
    connection = connect(served)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert response.msg.get_all("Warning") == ['299 - "one"', '299 - "two"']
    connection.close()


def test_a_stream_opens_before_there_is_anything_in_it(served: Served, recorder: Recorder) -> None:
    stream = Stream()
    recorder.answer = lambda _: Reply(status=200, headers=_JSON, stream=stream)
    connection = connect(served)
    connection.request("GET", "/watch")
    response = connection.getresponse()
    assert response.getheader("Transfer-Encoding") == "chunked"
    for number in range(3):
        stream.feed(b"%d\n" % number)
        assert response.readline() == b"%d\n" % number
    stream.end()
    assert response.read() == b""
    # Ended in order, so that the connection can be used on.
    recorder.answer = lambda _: Reply(status=200, body=b"{}", headers=_JSON)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"{}"
    connection.close()


def test_a_stream_without_chunks_for_a_client_that_does_not_know_them(
    served: Served, recorder: Recorder
) -> None:
    stream = Stream()
    stream.feed(b"event\n")
    stream.end()
    recorder.answer = lambda _: Reply(status=200, headers=_JSON, stream=stream)
    with raw(served, "GET / HTTP/1.0", "Host: x") as connection:
        answer = connection.makefile("rb").read()
    assert answer.endswith(b"\r\n\r\nevent\n")


def test_a_client_that_is_gone_closes_its_stream(served: Served, recorder: Recorder) -> None:
    stream, closed = Stream(), threading.Event()
    stream.on_close = closed.set
    recorder.answer = lambda _: Reply(status=200, headers=_JSON, stream=stream)
    connection = connect(served)
    connection.request("GET", "/watch")
    response = connection.getresponse()
    response.close()
    connection.close()
    assert closed.wait(5)


def test_a_broken_stream_is_no_end(served: Served, recorder: Recorder) -> None:
    stream = Stream()
    recorder.answer = lambda _: Reply(status=200, headers=_JSON, stream=stream)
    connection = connect(served)
    connection.request("GET", "/watch")
    response = connection.getresponse()
    stream.feed(b"event\n")
    assert response.readline() == b"event\n"
    stream.end(broken=True)
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        response.read()
    connection.close()


def test_a_lost_answer_is_a_connection_that_ends(served: Served, recorder: Recorder) -> None:
    recorder.answer = lambda _: Reply(status=200, lost=True)
    connection = connect(served)
    connection.request("GET", "/")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()
    connection.close()


def test_a_late_answer_keeps_nobody_else_waiting(served: Served, recorder: Recorder) -> None:
    recorder.answer = lambda call: Reply(
        status=200, body=b"{}", headers=_JSON, delay=0.5 if call.path == "/slow" else 0
    )
    started = time.monotonic()
    slow = threading.Thread(target=ask, args=(served, "/slow"))
    slow.start()
    while not recorder.calls:
        time.sleep(0.001)
    assert ask(served, "/fast") == (200, {})
    assert time.monotonic() - started < 0.5
    slow.join()
    assert time.monotonic() - started >= 0.5


def test_a_hundred_streams_at_once(served: Served, recorder: Recorder) -> None:
    streams: list[Stream] = []

    def answer(_: Call) -> Reply:
        streams.append(Stream())
        return Reply(status=200, headers=_JSON, stream=streams[-1])

    recorder.answer = answer
    connections = [connect(served) for _ in range(100)]
    responses = []
    for connection in connections:
        connection.request("GET", "/watch")
        responses.append(connection.getresponse())
    for stream in streams:
        stream.feed(b"event\n")
    assert [response.readline() for response in responses] == [b"event\n"] * 100
    assert len([name for name in threads() if name == "fake-cluster-server"]) == 1
    for response, connection in zip(responses, connections, strict=True):
        response.close()
        connection.close()


def test_what_is_no_http_is_refused(served: Served) -> None:
    with raw(served, "nonsense") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.0 400")
    assert ask(served)[0] == 200


@pytest.mark.parametrize("tls", [False, True])
def test_stopping_ends_every_connection_and_the_thread(recorder: Recorder, tls: bool) -> None:
    before = threads()
    stream, closed = Stream(), threading.Event()
    stream.on_close = closed.set
    served = serve(recorder, tls=tls)
    trusted = None if served.ca_file is None else ssl.create_default_context(cafile=served.ca_file)
    address = (urlsplit(served.url).hostname, urlsplit(served.url).port)

    def opened(path: str) -> socket.socket:
        connection = socket.create_connection(address, timeout=10)
        if trusted is not None:
            connection = trusted.wrap_socket(connection, server_hostname="127.0.0.1")
        token = f"Authorization: Bearer {served.token()}"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{token}\r\n\r\n".encode())
        return connection

    recorder.answer = lambda call: {
        "/idle": Reply(status=200, body=b"{}", headers=_JSON),
        "/watch": Reply(status=200, headers=_JSON, stream=stream),
        "/never": Reply(status=200, delay=float("inf")),
    }[call.path]
    connections = [opened(path) for path in ("/idle", "/watch", "/never")]
    while len(recorder.calls) < 3:
        time.sleep(0.001)
    started = time.monotonic()
    served.close()
    served.close()
    assert time.monotonic() - started < 2
    assert closed.is_set()
    for connection in connections:
        while connection.recv(1000):
            pass
        connection.close()
    assert threads() == before
    assert not served.kubeconfig.exists()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(address, timeout=10)


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
        status=200, headers=_JSON, body=b'{"metadata":{"name":"demo"},"spec":{}}'
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
        status=200, headers=_JSON, body=b'{"metadata":{"name":"demo"},"spec":{}}'
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
            status=200, headers=_JSON, body=b'{"gitVersion":"v1.34.4"}'
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
