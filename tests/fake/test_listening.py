"""HTTP on the loopback interface, as any other program speaks it."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from matrixinfer_client.testing.exchange import ADMIN, Call, Reply, Stream
from matrixinfer_client.testing.serving import Served, serve
from tests.fake.recorded import JSON, Recorder, ask, connect, raw, threads


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def served(recorder: Recorder) -> Iterator[Served]:
    with serve(recorder) as server:
        yield server


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
    headers = [*JSON, ("Warning", '299 - "one"'), ("Warning", '299 - "two"')]
    recorder.answer = lambda _: Reply(status=201, body=b"{}", headers=headers)
    connection = connect(served)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert response.msg.get_all("Warning") == ['299 - "one"', '299 - "two"']
    connection.close()


def test_a_stream_opens_before_there_is_anything_in_it(served: Served, recorder: Recorder) -> None:
    stream = Stream()
    recorder.answer = lambda _: Reply(status=200, headers=JSON, stream=stream)
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
    recorder.answer = lambda _: Reply(status=200, body=b"{}", headers=JSON)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"{}"
    connection.close()


def test_a_stream_without_chunks_for_a_client_that_does_not_know_them(
    served: Served, recorder: Recorder
) -> None:
    stream = Stream()
    stream.feed(b"event\n")
    stream.end()
    recorder.answer = lambda _: Reply(status=200, headers=JSON, stream=stream)
    with raw(served, "GET / HTTP/1.0", "Host: x") as connection:
        answer = connection.makefile("rb").read()
    assert answer.endswith(b"\r\n\r\nevent\n")


def test_a_client_that_is_gone_closes_its_stream(served: Served, recorder: Recorder) -> None:
    stream, closed = Stream(), threading.Event()
    stream.on_close = closed.set
    recorder.answer = lambda _: Reply(status=200, headers=JSON, stream=stream)
    connection = connect(served)
    connection.request("GET", "/watch")
    response = connection.getresponse()
    response.close()
    connection.close()
    assert closed.wait(5)


def test_a_broken_stream_is_no_end(served: Served, recorder: Recorder) -> None:
    stream = Stream()
    recorder.answer = lambda _: Reply(status=200, headers=JSON, stream=stream)
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
        status=200, body=b"{}", headers=JSON, delay=0.5 if call.path == "/slow" else 0
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
        return Reply(status=200, headers=JSON, stream=streams[-1])

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
        "/idle": Reply(status=200, body=b"{}", headers=JSON),
        "/watch": Reply(status=200, headers=JSON, stream=stream),
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
