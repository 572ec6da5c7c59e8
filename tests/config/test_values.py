"""The values: frozen, picklable, hashable, checked, and silent about secrets."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import attrs
import pytest

import matrixinfer_client.config as door
from matrixinfer_client.config import (
    BasicAuth,
    CertificateFiles,
    ClientCertificate,
    Config,
    Credential,
    CredentialSource,
    ExecPlugin,
    Impersonation,
    OidcRefresh,
    StaticCertificate,
    StaticToken,
    TokenFile,
)
from matrixinfer_client.config.certificates import Combined
from matrixinfer_client.config.tokens import StaticHeader
from matrixinfer_client.errors import ConfigError, CredentialError

SECRET = "s3cret"

SOURCES: list[CredentialSource] = [
    StaticToken(SECRET),
    StaticHeader(f"Bearer {SECRET}"),
    BasicAuth("admin", SECRET),
    TokenFile("/some/file"),
    StaticCertificate(ClientCertificate(b"cert", SECRET.encode())),
    CertificateFiles("/some/cert", key_pem=SECRET.encode()),
    Combined(StaticToken(SECRET), StaticCertificate(ClientCertificate(b"c", SECRET.encode()))),
    ExecPlugin("plugin", env=(("PASSWORD", SECRET),), cluster_info=f'{{"config": "{SECRET}"}}'),
    OidcRefresh("https://i", "c", client_secret=SECRET, id_token=SECRET, refresh_token=SECRET),
]


def _name(source: CredentialSource) -> str:
    return type(source).__name__


@pytest.mark.parametrize("source", SOURCES, ids=_name)
def test_no_secret_shows_in_repr_or_str(source: CredentialSource) -> None:
    config = Config("https://a", credentials=source, proxy_url=f"http://user:{SECRET}@proxy:3128")
    credential = source.current()
    for shown in (source, config, credential, [config], {"a": credential}):
        assert SECRET not in f"{shown!r}{shown!s}"
        assert "s3c" not in repr(shown)
    # Nor in the encoded form that basic authentication has.
    assert "YWRtaW46" not in repr(credential)


@pytest.mark.parametrize("source", SOURCES, ids=_name)
def test_sources_travel_to_other_processes_and_stay_equal(source: CredentialSource) -> None:
    config = Config("https://a", credentials=source, impersonate=Impersonation("jane"))
    arrived: Config = pickle.loads(pickle.dumps(config))  # noqa: S301
    assert arrived == config
    assert hash(arrived) == hash(config)
    assert copy.deepcopy(config) == config
    assert SECRET not in repr(arrived)
    assert arrived.credentials is not None
    assert arrived.credentials.current() == source.current()


def test_a_configuration_cannot_be_changed_but_copied_with_changes() -> None:
    config = Config("https://a")
    name = "server"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(config, name, "https://b")
    assert attrs.evolve(config, namespace="models").namespace == "models"


def test_a_credential_shows_that_it_is_there_but_not_what_it_is() -> None:
    credential = Credential("Bearer abc", ClientCertificate(b"cert", b"key", source="here"))
    assert repr(credential) == (
        "Credential(authorization=<hidden>, client_certificate=ClientCertificate("
        "cert_pem=<4 bytes>, key_pem=<hidden>, source='here'))"
    )
    assert repr(Credential()) == "Credential(authorization=None, client_certificate=None)"


@pytest.mark.parametrize(
    "bad", [ConfigError("a"), CredentialError("b"), *(ConfigError(f"x{n}") for n in range(2))]
)
def test_errors_travel_as_well(bad: ConfigError) -> None:
    arrived = pickle.loads(pickle.dumps(bad))  # noqa: S301
    assert (type(arrived), str(arrived)) == (type(bad), str(bad))


@pytest.mark.parametrize("server", ["", "cluster:6443", "ftp://a", "https://", "//a", "https:///x"])
def test_a_server_that_is_no_url_is_refused(server: str) -> None:
    with pytest.raises(ConfigError, match=r"explicit arguments: server .* is not a URL"):
        Config(server)


def test_impersonation_headers_are_escaped_as_client_go_does() -> None:
    who = Impersonation("jane", ["a", "b"], "1", extra={"acme.com/project": ["x"], "100%ä": ["y"]})
    assert who.headers() == [
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "1"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-acme.com%2Fproject", "x"),
        ("Impersonate-Extra-100%25%C3%A4", "y"),
    ]


@pytest.mark.parametrize(
    ("user", "groups", "expected"),
    [
        ("", ["a"], "impersonation without a user"),
        ("a\r\nX-Evil: 1", [], "Impersonate-User contains a control character"),
        ("a", ["b\n"], "Impersonate-Group contains a control character"),
    ],
)
def test_impersonation_that_cannot_be_sent_is_refused(
    user: str, groups: list[str], expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        Impersonation(user, groups)


def test_every_public_name_is_there_sorted_and_listed() -> None:
    assert list(door.__all__) == sorted(door.__all__)
    for name in door.__all__:
        assert getattr(door, name).__name__ == name
    assert set(door.__all__) <= set(dir(door))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = door.Nothing


def test_loading_what_needs_no_plugin_imports_nothing_for_plugins() -> None:
    script = (
        "import sys; from matrixinfer_client.config import explicit, ssl_context\n"
        "ssl_context(explicit('https://a', token='abc'))\n"
        "print([n for n in ('yaml', 'subprocess', 'urllib.request', 'kubernetes', 'httpx',"
        " 'asyncio') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
