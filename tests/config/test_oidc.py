"""OIDC against an issuer of our own: discovery, refresh, and everything it may refuse."""

from __future__ import annotations

import base64
import json
import pickle
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from matrixinfer_client.config import OidcRefresh, from_kubeconfig
from matrixinfer_client.errors import ConfigError, CredentialError
from tests.config.conftest import Clock, Write
from tests.config.kubeconfigs import text
from tests.config.pki import Authority, new_authority

Make = Callable[..., OidcRefresh]


def id_token(clock: Clock, lifetime: float, name: str = "jane") -> str:
    claims = {"sub": name, "exp": int(clock() + lifetime)}
    parts = ({"alg": "none"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, b"c2ln"]).decode()


class Issuer(ThreadingHTTPServer):
    """What a test says, over TLS, and what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"https://127.0.0.1:{self.server_address[1]}"
        self.asked: list[dict[str, str]] = []
        self.discovery: Any = {"token_endpoint": f"{self.url}/token"}
        self.answers: list[tuple[int, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        self._send(200 if self.path == "/.well-known/openid-configuration" else 404, "discovery")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {key: values[0] for key, values in parse_qs(body).items()}
        header = self.headers["Authorization"]
        self.server.asked.append({**form, **({"header": header} if header else {})})
        self._send(*self.server.answers.pop(0))

    def _send(self, status: int, value: Any) -> None:
        content = self.server.discovery if value == "discovery" else value
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def issuer(authority: Authority, tmp_path: Path) -> Iterator[Issuer]:
    pair = authority.issue("issuer", "127.0.0.1").pair
    file = tmp_path / "issuer.pem"
    file.write_bytes(pair.cert + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = Issuer()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def make(issuer: Issuer, authority: Authority, clock: Clock) -> Make:
    def maker(**options: Any) -> OidcRefresh:
        fields = {"ca_pem": authority.pair.cert, "refresh_token": "refresh-1", **options}
        return OidcRefresh(issuer.url, "client", source="here", clock=clock, **fields)

    return maker


def _error(source: OidcRefresh) -> str:
    with pytest.raises(CredentialError) as caught:
        source.fetch()
    return str(caught.value)


def test_a_valid_id_token_is_sent_and_nobody_is_asked(
    make: Make, issuer: Issuer, clock: Clock
) -> None:
    token = id_token(clock, 3600)
    source = make(id_token=token)
    assert source.fetch().authorization == f"Bearer {token}"
    assert source.current() == source.fetch()
    assert issuer.asked == []


def test_an_expired_id_token_is_replaced_with_the_refresh_token(
    make: Make, issuer: Issuer, clock: Clock
) -> None:
    fresh = id_token(clock, 3600, "fresh")
    issuer.answers = [(200, {"id_token": fresh})]
    source = make(id_token=id_token(clock, 5))
    assert source.fetch().authorization == f"Bearer {fresh}"
    assert issuer.asked == [
        {"grant_type": "refresh_token", "refresh_token": "refresh-1", "client_id": "client"}
    ]


def test_it_is_renewed_before_its_end_with_the_newest_refresh_token(
    make: Make, issuer: Issuer, clock: Clock
) -> None:
    second, third = (id_token(clock, 7200, name) for name in ("second", "third"))
    issuer.answers = [
        (200, {"id_token": second, "refresh_token": "refresh-2"}),
        (200, {"id_token": third}),
    ]
    source = make(id_token=id_token(clock, 3600))
    source.fetch()
    clock.now += 3541
    assert source.current() is None
    assert source.fetch().authorization == f"Bearer {second}"
    clock.now += 3600
    assert source.fetch().authorization == f"Bearer {third}"
    assert [form["refresh_token"] for form in issuer.asked] == ["refresh-1", "refresh-2"]


def test_a_refused_id_token_is_replaced(make: Make, issuer: Issuer, clock: Clock) -> None:
    fresh = id_token(clock, 3600, "fresh")
    issuer.answers = [(200, {"id_token": fresh})]
    source = make(id_token=id_token(clock, 3600))
    assert source.fetch(source.fetch()).authorization == f"Bearer {fresh}"


def test_a_client_secret_goes_into_the_header(make: Make, issuer: Issuer, clock: Clock) -> None:
    issuer.answers = [(200, {"id_token": id_token(clock, 3600)})]
    make(client_secret="s3cret+/").fetch()
    header = "Basic " + base64.b64encode(b"client:s3cret%2B%2F").decode()
    assert issuer.asked[0]["header"] == header
    assert "client_secret" not in issuer.asked[0]


def test_an_issuer_that_refuses_the_header_gets_the_secret_in_the_form(
    make: Make, issuer: Issuer, clock: Clock
) -> None:
    issuer.answers = [(401, {"error": "invalid_client"}), (200, {"id_token": id_token(clock, 60)})]
    make(client_secret="s3cret").fetch()
    assert "header" not in issuer.asked[1]
    assert issuer.asked[1]["client_secret"] == "s3cret"
    assert issuer.asked[1]["client_id"] == "client"


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (400, {"error": "invalid_grant"}, "/token answered 400 (invalid_grant)"),
        (400, b"<html>s3cret</html>", "/token answered 400"),
        (500, {"error": "s3cret words"}, "/token answered 500"),
        (302, b"", "/token answered 302"),
        (200, b"s3cret", "/token did not answer with JSON"),
        (200, {"access_token": "s3cret"}, "answered without an id_token"),
        (200, {"id_token": "s3cret"}, "the id token is not a JWT with an expiry"),
        (200, ["s3cret"], "answered without an id_token"),
    ],
)
def test_what_the_issuer_does_wrong_is_named_and_not_quoted(
    make: Make, issuer: Issuer, status: int, answer: Any, expected: str
) -> None:
    issuer.answers = [(status, answer)]
    message = _error(make())
    assert message.startswith("here: ")
    assert expected in message
    assert "s3cret" not in message
    assert "refresh-1" not in message


@pytest.mark.parametrize("discovery", [{}, {"token_endpoint": "http://plain/token"}, []])
def test_discovery_without_a_token_endpoint_is_an_error(
    make: Make, issuer: Issuer, discovery: Any
) -> None:
    issuer.discovery = discovery
    assert "names no token_endpoint with https" in _error(make())
    assert issuer.asked == []


def test_an_issuer_that_is_not_trusted_gets_nothing(make: Make, issuer: Issuer) -> None:
    message = _error(make(ca_pem=new_authority("other").pair.cert))
    assert "cannot be reached" in message
    assert "certificate verify failed" in message
    assert issuer.asked == []


def test_the_issuers_authority_may_be_a_file(
    make: Make, issuer: Issuer, clock: Clock, write: Write, authority: Authority
) -> None:
    issuer.answers = [(200, {"id_token": id_token(clock, 3600)})]
    make(ca_pem=None, ca_file=str(write("ca.crt", authority.pair.cert))).fetch()
    assert "cannot be read: no such file" in _error(make(ca_pem=None, ca_file="/no/such/file"))
    assert "is not a PEM certificate" in _error(make(ca_pem=b"x"))


def test_an_expired_id_token_without_a_refresh_token_is_an_error(make: Make, clock: Clock) -> None:
    source = make(id_token=id_token(clock, -5), refresh_token=None)
    assert "there is no refresh-token to get another one; log in again" in _error(source)


def test_an_id_token_that_is_none_is_an_error_unless_it_can_be_replaced(
    make: Make, issuer: Issuer, clock: Clock
) -> None:
    message = _error(make(id_token="s3cret", refresh_token=None))
    assert message == "here: the id token is not a JWT with an expiry"
    issuer.answers = [(200, {"id_token": id_token(clock, 3600)})]
    assert make(id_token="s3cret").fetch().authorization


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"idp-issuer-url": "http://plain"}, "idp-issuer-url must be https"),
        ({"idp-issuer-url": ""}, "idp-issuer-url is missing"),
        ({"client-id": ""}, "client-id is missing"),
        ({"refresh-token": ""}, "neither id-token nor refresh-token is there"),
    ],
)
def test_an_incomplete_provider_is_refused_when_it_is_loaded(
    changes: dict[str, str], expected: str, write: Write
) -> None:
    config = {"idp-issuer-url": "https://i", "client-id": "c", "refresh-token": "r", **changes}
    user = {"auth-provider": {"name": "oidc", "config": config}}
    with pytest.raises(ConfigError) as caught:
        from_kubeconfig(write("config", text(user)))
    assert expected in str(caught.value)
    assert 'user "dev"' in str(caught.value)


def test_all_of_the_provider_is_read_from_a_kubeconfig(
    write: Write, authority: Authority, tmp_path: Path
) -> None:
    config = {
        "idp-issuer-url": "https://i",
        "client-id": "c",
        "client-secret": "s",
        "id-token": "i",
        "refresh-token": "r",
        "idp-certificate-authority-data": base64.b64encode(authority.pair.cert).decode(),
        "idp-certificate-authority": "ca.crt",
    }
    user = {"auth-provider": {"name": "oidc", "config": config}}
    assert from_kubeconfig(write("config", text(user))).credentials == OidcRefresh(
        issuer="https://i",
        client_id="c",
        client_secret="s",
        id_token="i",
        refresh_token="r",
        ca_pem=authority.pair.cert,
        ca_file=str(tmp_path / "ca.crt"),
    )


def test_a_pickled_source_keeps_the_newest_refresh_token(
    issuer: Issuer, authority: Authority, clock: Clock
) -> None:
    clock.now = 4_000_000_000.0
    issuer.answers = [
        (200, {"id_token": id_token(clock, 3600), "refresh_token": "refresh-2"}),
        (200, {"id_token": id_token(clock, 7200)}),
    ]
    source = OidcRefresh(
        issuer.url, "client", refresh_token="refresh-1", ca_pem=authority.pair.cert
    )
    source.fetch()
    pickle.loads(pickle.dumps(source)).fetch()  # noqa: S301
    assert issuer.asked[1]["refresh_token"] == "refresh-2"
