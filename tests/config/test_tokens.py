"""Tokens and certificates from files that somebody else rotates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from matrixinfer_client.config import (
    CertificateFiles,
    ClientCertificate,
    Credential,
    CredentialSource,
    StaticCertificate,
    StaticToken,
    TokenFile,
    in_cluster,
)
from matrixinfer_client.config.certificates import Combined
from matrixinfer_client.errors import CredentialError
from tests.config.conftest import Clock, Write


def _current(source: CredentialSource) -> str | None:
    credential = source.current()
    return credential.authorization if credential else None


def test_a_token_file_is_read_once_a_minute(write: Write, clock: Clock) -> None:
    path = write("token", "one\n")
    source = TokenFile(str(path), clock=clock)
    assert source.current() is None
    assert source.fetch().authorization == "Bearer one"
    path.write_text("two")
    clock.now += 49
    assert _current(source) == "Bearer one"
    clock.now += 2
    assert source.current() is None
    assert source.fetch().authorization == "Bearer two"


def test_a_rejected_token_is_read_again_at_once(write: Write, clock: Clock) -> None:
    path = write("token", "one")
    source = TokenFile(str(path), clock=clock)
    first = source.fetch()
    path.write_text("two")
    assert source.fetch(first).authorization == "Bearer two"


def test_a_rejected_token_that_nobody_has_rotated_comes_back_the_same(
    write: Write, clock: Clock
) -> None:
    source = TokenFile(str(write("token", "one")), clock=clock)
    first = source.fetch()
    assert source.fetch(first) == first


def test_a_token_file_that_vanishes_is_an_error_once_the_token_is_refused(
    write: Write, clock: Clock
) -> None:
    path = write("token", "one")
    source = TokenFile(str(path), clock=clock)
    first = source.fetch()
    path.unlink()
    clock.now += 60
    assert source.fetch() == first
    with pytest.raises(CredentialError, match="cannot be read: no such file or directory"):
        source.fetch(first)


def test_the_token_of_a_pod_is_rotated_as_well(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    write("pod/ca.crt", "x")
    path = write("pod/token", "one")
    source = in_cluster(root=path.parent).credentials
    assert source is not None
    first = source.fetch()
    path.write_text("two")
    assert source.fetch(first).authorization == "Bearer two"


def test_a_token_file_that_is_not_text_is_named_and_not_quoted(write: Write) -> None:
    path = write("token", b"s3cret\xff")
    with pytest.raises(CredentialError) as caught:
        TokenFile(str(path)).fetch()
    assert str(caught.value) == f"token file {path} is not a text file with a token"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("token", ["a\nb", "a\r\nX-Evil: 1", "a\x00b", "ä", "a b"])
def test_a_token_that_would_break_the_header_is_refused_and_not_quoted(token: str) -> None:
    with pytest.raises(CredentialError) as caught:
        StaticToken(token, source="here")
    assert str(caught.value).startswith("here: the token contains")
    assert token not in str(caught.value)


def test_a_static_token_has_nothing_else_to_offer() -> None:
    source = StaticToken("abc")
    credential = source.current()
    assert credential is not None
    assert source.fetch(credential) == credential


def test_rotated_certificate_files_are_read_again(write: Write, clock: Clock) -> None:
    cert, key = write("c", "cert one"), write("k", "key one")
    source = CertificateFiles(str(cert), str(key), clock=clock)
    first = source.fetch()
    assert first.client_certificate == ClientCertificate(b"cert one", b"key one")
    cert.write_text("cert two")
    key.write_text("key two")
    assert source.current() == first
    clock.now += 51
    assert source.current() is None
    assert source.fetch().client_certificate == ClientCertificate(b"cert two", b"key two")


@pytest.fixture
def combined(write: Write, clock: Clock) -> Callable[[], tuple[Combined, Path]]:
    def make() -> tuple[Combined, Path]:
        path = write("token", "one")
        certificate = StaticCertificate(ClientCertificate(b"c", b"k"))
        return Combined(TokenFile(str(path), clock=clock), certificate), path

    return make


def test_a_token_and_a_certificate_are_sent_together(
    combined: Callable[[], tuple[Combined, Path]],
) -> None:
    source, _ = combined()
    assert source.current() is None
    expected = Credential("Bearer one", ClientCertificate(b"c", b"k"))
    assert source.fetch() == expected
    assert source.current() == expected


def test_of_two_credentials_the_one_that_rotates_is_renewed(
    combined: Callable[[], tuple[Combined, Path]],
) -> None:
    source, path = combined()
    first = source.fetch()
    assert source.fetch(first) == first
    path.write_text("two")
    assert source.fetch(first) == Credential("Bearer two", ClientCertificate(b"c", b"k"))
