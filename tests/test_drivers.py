"""Both drivers against a server that misbehaves: what is sent how often, and what is said."""

from __future__ import annotations

import asyncio
import time

import pytest

from matrixinfer_client.drivers import AsyncDriver
from matrixinfer_client.errors import (
    ApiError,
    MatrixInferError,
    TransportError,
    TransportTimeout,
    UnavailableError,
)
from matrixinfer_client.flows import (
    Request,
    Response,
    Retries,
    call,
)
from tests.conftest import Connect, Serve
from tests.loopback import (
    HOST,
    Behaviour,
    closed_port,
    drop,
    reply,
    reset,
    stall,
    talk_nonsense,
    truncate,
)

READ = Request("GET", "/apis/x", repeatable=True)
WRITES = [
    Request("POST", "/apis/x", body=b'{"a":1}'),
    Request("PUT", "/apis/x/y", body=b'{"a":1}'),
    Request("PATCH", "/apis/x/y", body=b'{"a":1}', content_type="application/merge-patch+json"),
    Request("DELETE", "/apis/x/y", body=b"{}"),
]
AT_ONCE = Retries(backoff=0.0)


async def sent(driver: AsyncDriver, request: Request, retries: Retries = AT_ONCE) -> Response:
    return await driver.run(call(request, retries))


async def failure(driver: AsyncDriver, request: Request) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await sent(driver, request)
    return caught.value


async def test_an_answer_arrives_whole(serve: Serve, connect: Connect) -> None:
    server = serve(reply(200, b'{"kind":"x"}', "X-Some: thing", "Warning: 299 - nothing"))
    response = await sent(connect(server.url), READ)
    assert (response.status_code, response.body) == (200, b'{"kind":"x"}')
    assert response.headers["x-some"] == "thing"
    assert str(response.request) == f"GET {server.url}/apis/x"


async def test_what_is_sent_is_what_was_asked_for(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    request = Request("PATCH", "/apis/a%20b", "x=1&y=%2F", b"[]", "application/json-patch+json")
    await sent(connect(server.url), request)
    received = server.received[0]
    assert (received.method, received.target) == ("PATCH", "/apis/a%20b?x=1&y=%2F")
    assert received.body == b"[]"
    assert received.header("content-type") == "application/json-patch+json"
    assert received.header("accept") == "application/json"
    assert str(received.header("user-agent")).startswith("matrixinfer-client/")
    assert received.header("authorization") is None


async def test_a_request_without_a_body_has_no_content_type(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    await sent(connect(server.url), READ)
    assert server.received[0].header("content-type") is None


async def test_connections_are_used_again(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    driver = connect(server.url)
    for _ in range(5):
        await sent(driver, READ)
    assert (len(server.received), server.connections) == (5, 1)


@pytest.mark.parametrize("write", WRITES, ids=lambda request: request.method)
@pytest.mark.parametrize("misbehaviour", [drop, reset, truncate], ids=lambda f: f.__name__)
async def test_a_write_whose_answer_is_lost_is_sent_exactly_once(
    serve: Serve, connect: Connect, write: Request, misbehaviour: Behaviour
) -> None:
    server = serve(misbehaviour, reply())
    error = await failure(connect(server.url), write)
    assert error.sent
    assert server.methods == [write.method]


@pytest.mark.parametrize("write", WRITES, ids=lambda request: request.method)
async def test_a_write_on_a_kept_connection_that_dies_is_sent_exactly_once(
    serve: Serve, connect: Connect, write: Request
) -> None:
    # This is where HTTP libraries repeat by themselves: they think that the connection was stale.
    server = serve(reply(), drop, reply())
    driver = connect(server.url)
    await sent(driver, READ)
    error = await failure(driver, write)
    assert error.sent
    assert server.methods == ["GET", write.method]


@pytest.mark.parametrize("misbehaviour", [drop, reset, truncate], ids=lambda f: f.__name__)
async def test_a_read_whose_answer_is_lost_is_sent_again(
    serve: Serve, connect: Connect, misbehaviour: Behaviour
) -> None:
    server = serve(misbehaviour, reply(200, b"fine"))
    response = await sent(connect(server.url), READ)
    assert response.body == b"fine"
    assert server.methods == ["GET", "GET"]


async def test_a_read_is_not_repeated_behind_the_back_of_the_flow(
    serve: Serve, connect: Connect
) -> None:
    server = serve(reply(), drop)
    driver = connect(server.url)
    await sent(driver, READ)
    with pytest.raises(TransportError):
        await sent(driver, READ, Retries(attempts=1))
    assert server.methods == ["GET", "GET"]


async def test_a_connection_that_the_server_has_closed_is_not_used_again(
    serve: Serve, connect: Connect
) -> None:
    server = serve(reply(close=True), reply(201))
    driver = connect(server.url)
    await sent(driver, READ)
    assert await asyncio.to_thread(server.ended.wait, 5)
    await asyncio.sleep(0.05)
    assert (await sent(driver, WRITES[0])).status_code == 201
    assert server.methods == ["GET", "POST"]


async def test_an_unreachable_server_is_named_with_the_reason(connect: Connect) -> None:
    url = f"http://{HOST}:{closed_port()}"
    error = await failure(connect(url), WRITES[0])
    assert str(error) == (
        f'cannot reach {url} (context "dev"): connection refused [POST {url}/apis/x]'
    )
    assert not error.sent
    assert not isinstance(error, TransportTimeout)


async def test_a_host_that_does_not_exist_is_named(connect: Connect) -> None:
    error = await failure(connect("http://nowhere.invalid"), READ)
    assert str(error).startswith('cannot reach http://nowhere.invalid (context "dev"): ')
    assert "[GET http://nowhere.invalid/apis/x]" in str(error)
    assert not error.sent


async def test_a_lost_connection_is_named_with_the_request(serve: Serve, connect: Connect) -> None:
    server = serve(reset)
    error = await failure(connect(server.url), WRITES[0])
    assert str(error) == (
        f'the connection to {server.url} (context "dev") was lost: connection reset by peer '
        f"[POST {server.url}/apis/x]"
    )


@pytest.mark.parametrize("misbehaviour", [drop, truncate, talk_nonsense], ids=lambda f: f.__name__)
async def test_a_broken_answer_is_an_error_of_ours(
    serve: Serve, connect: Connect, misbehaviour: Behaviour
) -> None:
    server = serve(misbehaviour)
    error = await failure(connect(server.url), WRITES[0])
    assert str(error).startswith(f'the connection to {server.url} (context "dev") was lost: ')
    assert error.sent


async def test_a_body_that_is_not_compressed_as_it_says_is_an_error_of_ours(
    serve: Serve, connect: Connect
) -> None:
    server = serve(reply(200, b"no gzip at all", "Content-Encoding: gzip"))
    error = await failure(connect(server.url), WRITES[0])
    assert "was lost" in str(error)


async def test_a_server_that_does_not_answer_ends_in_a_timeout_of_the_asked_length(
    serve: Serve, connect: Connect
) -> None:
    server = serve(stall)
    started = time.monotonic()
    request = Request("GET", "/apis/x", timeout=0.2, repeatable=True)
    error = await failure(connect(server.url), request)
    assert isinstance(error, TransportTimeout)
    assert str(error) == (
        f'no answer in time from {server.url} (context "dev") [GET {server.url}/apis/x]'
    )
    assert 0.15 < time.monotonic() - started < 3
    assert server.methods == ["GET"]


async def test_a_gateways_html_page_shows_in_the_error(serve: Serve, connect: Connect) -> None:
    page = b"<html><h1>502 Bad Gateway</h1><hr>nginx</html>"
    server = serve(reply(502, page, "Content-Type: text/html"))
    with pytest.raises(UnavailableError) as caught:
        await sent(connect(server.url), WRITES[0])
    assert str(caught.value) == (
        "the answer is no Kubernetes Status but text/html: 502 Bad Gateway nginx (502) "
        f"[POST {server.url}/apis/x]"
    )
    assert server.methods == ["POST"]


async def test_a_busy_server_is_asked_again_when_it_says(serve: Serve, connect: Connect) -> None:
    server = serve(reply(429, b"{}", "Retry-After: 1"), reply(201))
    started = time.monotonic()
    assert (await sent(connect(server.url), WRITES[0])).status_code == 201
    assert time.monotonic() - started >= 1
    assert server.methods == ["POST", "POST"]


async def test_a_redirect_is_not_followed(serve: Serve, connect: Connect) -> None:
    elsewhere = serve(reply())
    server = serve(reply(302, b"", f"Location: {elsewhere.url}/apis/x"))
    with pytest.raises(
        ApiError, match=f"redirects to {elsewhere.url}/apis/x, which is not followed"
    ):
        await sent(connect(server.url), READ)
    assert len(server.received) == 1
    assert elsewhere.received == []


async def test_a_closed_driver_says_so(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    driver = connect(server.url)
    await sent(driver, READ)
    await driver.close()
    await driver.close()
    with pytest.raises(MatrixInferError, match="this client is closed; open a new one"):
        await sent(driver, READ)
    assert len(server.received) == 1
