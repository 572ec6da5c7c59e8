"""TLS settings, tried with real handshakes against a server in memory."""

from __future__ import annotations

import ssl
from pathlib import Path

import attrs
import pytest
from cryptography import x509

from matrixinfer_client.config import ClientCertificate, Config, Credential, ssl_context
from matrixinfer_client.errors import ConfigError, CredentialError
from tests.config.conftest import Write
from tests.config.pki import Authority, Pair, encrypted, new_authority

HOST = "cluster.example"
SERVER = f"https://{HOST}:6443"


@attrs.frozen
class Seen:
    """What a server sees of a client."""

    version: str | None
    subject: str | None


def _handshake(
    context: ssl.SSLContext,
    server: Pair,
    *,
    host: str = HOST,
    clients: bytes | None = None,
    directory: Path,
    at_most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> Seen:
    """Run client and server against each other; raises what the client would raise."""
    file = directory / "server.pem"
    file.write_bytes(server.cert + server.key)
    side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    side.load_cert_chain(file)
    side.maximum_version = at_most
    if clients is not None:
        side.load_verify_locations(cadata=clients.decode())
        side.verify_mode = ssl.CERT_REQUIRED
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = context.wrap_bio(down, up, server_hostname=host)
    theirs = side.wrap_bio(up, down, server_side=True)
    waiting: list[ssl.SSLObject] = [ours, theirs]
    for _ in range(20):
        for end in list(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
    assert not waiting
    der = theirs.getpeercert(binary_form=True)
    name = x509.load_der_x509_certificate(der).subject.rfc4514_string() if der else None
    return Seen(theirs.version(), name)


@pytest.fixture(scope="module")
def server(authority: Authority) -> Pair:
    return authority.issue("server", HOST, "10.0.0.1").pair


def _client(pair: Pair, source: str = "here") -> Credential:
    return Credential(client_certificate=ClientCertificate(pair.cert, pair.key, source))


def test_the_given_authority_is_trusted(
    authority: Authority, server: Pair, tmp_path: Path, write: Write
) -> None:
    data = Config(SERVER, ca_data=authority.pair.cert)
    file = Config(SERVER, ca_file=str(write("ca.crt", authority.pair.cert)))
    for config in (data, file):
        seen = _handshake(ssl_context(config), server, directory=tmp_path)
        assert seen == Seen("TLSv1.3", None)


def test_another_authority_is_not_trusted(server: Pair, tmp_path: Path) -> None:
    config = Config(SERVER, ca_data=new_authority("other").pair.cert)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(ssl_context(config), server, directory=tmp_path)


def test_without_an_authority_the_systems_are_asked(server: Pair, tmp_path: Path) -> None:
    context = ssl_context(Config(SERVER))
    assert context.verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(context, server, directory=tmp_path)


def test_the_host_name_is_checked(authority: Authority, server: Pair, tmp_path: Path) -> None:
    context = ssl_context(Config(SERVER, ca_data=authority.pair.cert))
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        _handshake(context, server, host="other.example", directory=tmp_path)


def test_tls_before_1_2_is_refused(authority: Authority) -> None:
    context = ssl_context(Config(SERVER, ca_data=authority.pair.cert))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_an_intermediate_alone_is_trusted_as_in_go(authority: Authority, tmp_path: Path) -> None:
    intermediate = authority.issue("intermediate", authority=True)
    server = intermediate.issue("server", HOST).pair
    config = Config(SERVER, ca_data=intermediate.pair.cert)
    assert _handshake(ssl_context(config), server, directory=tmp_path).version == "TLSv1.3"


def test_text_around_certificates_is_no_obstacle(
    authority: Authority, server: Pair, tmp_path: Path
) -> None:
    bundle = "# Zertifikate für Entwickler\n".encode() + authority.pair.cert * 2 + b"\ntrailing"
    context = ssl_context(Config(SERVER, ca_data=bundle))
    assert _handshake(context, server, directory=tmp_path).version == "TLSv1.3"


def test_insecure_trusts_anything(server: Pair, tmp_path: Path) -> None:
    context = ssl_context(Config(SERVER, insecure_skip_tls_verify=True))
    assert _handshake(context, server, host="other.example", directory=tmp_path).version


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_client_certificate_is_presented(
    authority: Authority, server: Pair, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    context = ssl_context(
        Config(SERVER, ca_data=authority.pair.cert), _client(authority.issue("jane").pair)
    )
    seen = _handshake(
        context, server, clients=authority.pair.cert, directory=tmp_path, at_most=version
    )
    assert seen.subject == "CN=jane"


@pytest.mark.parametrize("memory", [True, False])
def test_the_key_is_left_nowhere_on_disk(
    authority: Authority,
    server: Pair,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    memory: bool,
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    if not memory:
        monkeypatch.delattr("os.memfd_create", raising=False)
    context = ssl_context(
        Config(SERVER, ca_data=authority.pair.cert), _client(authority.issue("joe").pair)
    )
    seen = _handshake(context, server, clients=authority.pair.cert, directory=tmp_path)
    assert seen.subject == "CN=joe"
    assert list(scratch.iterdir()) == []


def test_one_file_may_hold_certificate_and_key(
    authority: Authority, server: Pair, tmp_path: Path
) -> None:
    pair = authority.issue("both").pair
    both = Pair(pair.cert + pair.key, pair.cert + pair.key)
    context = ssl_context(Config(SERVER, ca_data=authority.pair.cert), _client(both))
    seen = _handshake(context, server, clients=authority.pair.cert, directory=tmp_path)
    assert seen.subject == "CN=both"


def test_the_same_settings_are_the_same_object(authority: Authority) -> None:
    config = Config(SERVER, ca_data=authority.pair.cert)
    credential = _client(authority.issue("cached").pair)
    first = ssl_context(config, credential)
    assert ssl_context(attrs.evolve(config, server="https://other"), credential) is first
    assert ssl_context(config, attrs.evolve(credential, authorization="Bearer x")) is first
    assert ssl_context(config) is not first
    assert ssl_context(config, _client(authority.issue("cached").pair)) is not first


def test_an_authority_file_that_changes_makes_new_settings(
    authority: Authority, server: Pair, tmp_path: Path, write: Write
) -> None:
    path = write("ca.crt", new_authority("old").pair.cert)
    config = Config(SERVER, ca_file=str(path))
    before = ssl_context(config)
    assert ssl_context(config) is before
    # As Kubernetes rotates mounted files: another file takes the place of the first.
    write("ca.new", authority.pair.cert).rename(path)
    after = ssl_context(config)
    assert after is not before
    assert _handshake(after, server, directory=tmp_path).version == "TLSv1.3"


BAD_BODY = b"-----BEGIN CERTIFICATE-----\nMIIBbad0\n-----END CERTIFICATE-----\n"
BAD_KEY = b"-----BEGIN PRIVATE KEY-----\nMIIBbad0\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "holds no PEM certificate"),
        (b"not PEM", "holds no PEM certificate"),
        (BAD_BODY, "is not a valid certificate: "),
    ],
)
def test_a_bad_authority_is_named(content: bytes, expected: str, write: Write) -> None:
    path = write("ca.crt", content)
    for config, where in (
        (Config(SERVER, ca_file=str(path), source="context x"), str(path)),
        (Config(SERVER, ca_data=content, source="context x"), "certificate authority data"),
    ):
        with pytest.raises(ConfigError) as caught:
            ssl_context(config)
        assert f"context x: {where} {expected}" in str(caught.value)


def test_a_missing_authority_file_is_named(tmp_path: Path) -> None:
    config = Config(SERVER, ca_file=str(tmp_path / "absent"), source="context x")
    with pytest.raises(ConfigError, match=r"context x: .*absent cannot be read: no such file"):
        ssl_context(config)


def test_a_bad_client_certificate_or_key_is_told_apart(authority: Authority) -> None:
    pair = authority.issue("client").pair
    other = authority.issue("other").pair
    cases = {
        "the client certificate holds no PEM certificate": Pair(b"x", pair.key),
        "the client certificate is not valid: ": Pair(BAD_BODY, pair.key),
        "the client key holds no PEM private key": Pair(pair.cert, b"x"),
        "the client key is not valid: ": Pair(pair.cert, BAD_KEY),
        "the client key does not belong to the client certificate": Pair(pair.cert, other.key),
        "the client key is encrypted; write it without a passphrase": Pair(
            pair.cert, encrypted(pair)
        ),
    }
    for expected, wrong in cases.items():
        with pytest.raises(CredentialError) as caught:
            ssl_context(Config(SERVER, ca_data=authority.pair.cert), _client(wrong, 'user "dev"'))
        assert f'user "dev": {expected}' in str(caught.value)
