"""Connections: what they are made with, when they are made anew, and what is said of bad ones."""

from __future__ import annotations

import asyncio
import base64
import gc
import ssl
import threading
import traceback
from pathlib import Path
from typing import Any

import httpx
import pytest

from matrixinfer_client.config import (
    BasicAuth,
    ClientCertificate,
    Config,
    Credential,
    Impersonation,
    StaticToken,
)
from matrixinfer_client.drivers import AsyncDriver, Driver
from matrixinfer_client.errors import BadRequestError, TransportError
from matrixinfer_client.flows import Emit, Flow, Read, Request, Retries, call, open_stream
from tests.behaviour.modes import Mode, as_async
from tests.cluster.certificates import CertificateAuthority
from tests.conftest import Connect, Serve
from tests.loopback import HOST, reply, server_tls

READ = Request("GET", "/apis/x", repeatable=True)
AT_ONCE = Retries(backoff=0.0)


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture(scope="module")
def tls(authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return server_tls(authority, tmp_path_factory.mktemp("tls"), HOST)


async def fetch(driver: AsyncDriver) -> None:
    await driver.run(call(READ, AT_ONCE))


async def failure(driver: AsyncDriver) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await fetch(driver)
    return caught.value


async def test_a_server_with_a_certificate_of_the_authority_is_trusted(
    serve: Serve, connect: Connect, tls: ssl.SSLContext, authority: CertificateAuthority
) -> None:
    server = serve(reply(), tls=tls)
    driver = connect(Config(server.url, ca_data=authority.pem))
    await fetch(driver)
    await fetch(driver)
    assert server.connections == 1


async def test_an_untrusted_certificate_is_named_and_not_tried_again(
    serve: Serve, connect: Connect, tls: ssl.SSLContext
) -> None:
    server = serve(reply(), tls=tls)
    other = CertificateAuthority("another")
    error = await failure(connect(Config(server.url, ca_data=other.pem, source="the test")))
    assert str(error) == (
        f"the certificate of {server.url} (the test) is not trusted: self-signed certificate in "
        "certificate chain; give the cluster's CA (certificate-authority in the kubeconfig, or "
        "ca_file=)"
    )
    assert not error.transient
    assert (server.connections, server.received) == (1, [])


async def test_a_certificate_for_another_host_says_which_is_which(
    serve: Serve, connect: Connect, authority: CertificateAuthority, tmp_path: Path
) -> None:
    server = serve(reply(), tls=server_tls(authority, tmp_path, "api.cluster.test"))
    error = await failure(connect(Config(server.url, ca_data=authority.pem)))
    assert "is not valid for '127.0.0.1'; connect by a name that it" in str(error)
    driver = connect(Config(server.url, ca_data=authority.pem, tls_server_name="api.cluster.test"))
    await fetch(driver)


async def test_no_certificate_is_checked_where_that_was_asked_for(
    serve: Serve, connect: Connect, tls: ssl.SSLContext
) -> None:
    server = serve(reply(), tls=tls)
    await fetch(connect(Config(server.url, insecure_skip_tls_verify=True)))


async def test_https_to_a_server_that_speaks_http_says_so(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    url = server.url.replace("http://", "https://")
    error = await failure(connect(url))
    assert str(error).startswith(f'no TLS connection to {url} (context "dev"): ')
    assert str(error).endswith("; is it an https address?")
    assert server.connections == 1


async def test_http_to_a_server_that_speaks_https_shows_its_complaint(
    serve: Serve, connect: Connect
) -> None:
    # As Go's server answers.
    text = b"Client sent an HTTP request to an HTTPS server.\n"
    server = serve(reply(400, text, "Content-Type: text/plain"))
    with pytest.raises(BadRequestError, match="sent an HTTP request to an HTTPS server"):
        await fetch(connect(server.url))


class Rotating:
    """A credential source whose credential is set by the test."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential

    def current(self) -> Credential | None:
        return self.credential

    def fetch(self, rejected: Credential | None = None) -> Credential:  # noqa: ARG002
        return self.credential


def client_certificate(authority: CertificateAuthority, user: str) -> Credential:
    return Credential(client_certificate=ClientCertificate(*authority.client_certificate(user)))


def presenting(server_connection: ssl.SSLSocket) -> str:
    subject: Any = (server_connection.getpeercert() or {}).get("subject", ())
    return next((pair[0][1] for pair in subject if pair[0][0] == "commonName"), "nobody")


def say_who(connection: Any) -> bool:
    return reply(200, presenting(connection).encode())(connection)


async def test_a_renewed_client_certificate_is_presented_on_a_new_connection(
    serve: Serve, connect: Connect, tls: ssl.SSLContext, authority: CertificateAuthority
) -> None:
    server = serve(say_who, tls=tls)
    source = Rotating(client_certificate(authority, "anna"))
    driver = connect(Config(server.url, ca_data=authority.pem, credentials=source))
    assert (await driver.run(call(READ, AT_ONCE))).body == b"anna"
    assert (await driver.run(call(READ, AT_ONCE))).body == b"anna"
    assert server.connections == 1
    source.credential = client_certificate(authority, "berta")
    assert (await driver.run(call(READ, AT_ONCE))).body == b"berta"
    assert server.connections == 2


async def test_a_stream_outlives_the_certificate_it_was_opened_with(
    serve: Serve, connect: Connect, tls: ssl.SSLContext, authority: CertificateAuthority
) -> None:
    def watch() -> Flow[None]:
        opened = yield from open_stream(READ, AT_ONCE)
        while chunk := (yield Read(opened)):
            yield Emit(chunk)

    proceed = threading.Event()

    def two_pieces(connection: Any) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        assert proceed.wait(10)
        connection.sendall(b"3\r\ntwo\r\n0\r\n\r\n")
        return True

    server = serve(two_pieces, reply(), tls=tls)
    source = Rotating(client_certificate(authority, "anna"))
    driver = connect(Config(server.url, ca_data=authority.pem, credentials=source))
    pieces: Any = driver.iterate(watch())
    assert await anext(pieces) == b"one"
    source.credential = client_certificate(authority, "berta")
    await fetch(driver)
    gc.collect()
    await asyncio.sleep(0.05)
    proceed.set()
    assert [piece async for piece in pieces] == [b"two"]


async def test_a_ca_file_that_was_replaced_is_read_again(
    serve: Serve, connect: Connect, tmp_path: Path, tls: ssl.SSLContext
) -> None:
    successor = CertificateAuthority("successor")
    file = tmp_path / "authority.crt"
    file.write_bytes(CertificateAuthority("predecessor").pem)
    server = serve(reply(), tls=server_tls(successor, tmp_path, HOST))
    driver = connect(Config(server.url, ca_file=str(file)))
    assert "is not trusted" in str(await failure(driver))
    file.write_bytes(successor.pem)
    await fetch(driver)
    file.unlink()
    await fetch(driver)
    assert server.connections == 2


async def test_requests_go_through_the_proxy(serve: Serve, connect: Connect) -> None:
    proxy = serve(reply(200, b"by proxy"))
    driver = connect(Config("http://cluster.test", proxy_url=proxy.url))
    assert (await driver.run(call(READ, AT_ONCE))).body == b"by proxy"
    assert proxy.received[0].target == "http://cluster.test/apis/x"


async def test_a_proxy_is_told_the_user_and_password_of_its_url(
    serve: Serve, connect: Connect
) -> None:
    proxy = serve(reply())
    address = proxy.url.replace("http://", "http://anna:p%40ss@")
    await fetch(connect(Config("http://cluster.test", proxy_url=address)))
    wanted = base64.b64encode(b"anna:p@ss").decode()
    assert proxy.received[0].header("proxy-authorization") == f"Basic {wanted}"
    assert proxy.received[0].header("authorization") is None


async def test_a_proxy_that_refuses_is_quoted_without_the_password(
    serve: Serve, connect: Connect
) -> None:
    proxy = serve(reply(407, b""))
    address = proxy.url.replace("http://", "http://anna:passw0rd@")
    driver = connect(Config("https://cluster.test", proxy_url=address))
    with pytest.raises(TransportError) as caught:
        await driver.run(call(READ, Retries(attempts=1)))
    assert not caught.value.sent
    assert str(caught.value).startswith("cannot reach https://cluster.test (explicit arguments): ")
    assert "407" in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert "passw0rd" not in shown
    assert base64.b64encode(b"anna:passw0rd").decode() not in shown
    assert proxy.received[0].header("proxy-authorization") is not None


async def test_credentials_and_impersonation_are_sent(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    who = Impersonation("jürgen", ["dev", "ops"], "7", extra={"example.test/Scope": ["a", "b"]})
    config = Config(server.url, credentials=StaticToken("secret"), impersonate=who)
    await fetch(connect(config))
    headers = server.received[0].headers
    assert ("authorization", "Bearer secret") in headers
    assert [value for name, value in headers if name.startswith("impersonate-")] == [
        "jürgen",
        "7",
        "dev",
        "ops",
        "a",
        "b",
    ]
    assert ("impersonate-extra-example.test%2fscope", "a") in headers


async def test_basic_credentials_are_sent(serve: Serve, connect: Connect) -> None:
    server = serve(reply())
    await fetch(connect(Config(server.url, credentials=BasicAuth("anna", "pass"))))
    assert server.received[0].header("authorization") == "Basic YW5uYTpwYXNz"


def injected(mode: Mode, handler: Any) -> AsyncDriver:
    config = Config("http://cluster.test")
    transport = httpx.MockTransport(handler)
    if mode == "async":
        return AsyncDriver(config, transport)
    return as_async(Driver(config, transport), AsyncDriver)


async def test_an_injected_transport_is_used_and_closed(mode: Mode) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=b"mocked")

    driver = injected(mode, handler)
    response = await driver.run(call(READ, AT_ONCE))
    assert response.body == b"mocked"
    assert seen[0].url == "http://cluster.test/apis/x"
    await driver.close()


async def test_network_failures_of_an_injected_transport_are_errors_of_ours(mode: Mode) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there", request=request)

    error = await failure(injected(mode, handler))
    assert not error.sent
    assert "nobody there" in str(error)


async def test_a_defect_of_an_injected_transport_stays_what_it_is(mode: Mode) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise LookupError("the transport's own defect")

    with pytest.raises(LookupError) as caught:
        await fetch(injected(mode, handler))
    assert caught.value.__cause__ is None
