"""Configurations of the official client, made by its own loaders where possible."""

from __future__ import annotations

import pickle
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from matrixinfer_client.config import BasicAuth, StaticToken, from_kubernetes
from matrixinfer_client.errors import ConfigError, CredentialError
from tests.config.conftest import Write
from tests.config.kubeconfigs import SERVER, document
from tests.config.pki import Authority


@pytest.fixture
def official() -> Any:
    """A fresh configuration object of the official client, which carries no types."""
    return import_module("kubernetes.client").Configuration(host=SERVER)


def _loaded(official: Any, path: Path) -> Any:
    import_module("kubernetes.config").load_kube_config(
        str(path), client_configuration=official, persist_config=False
    )
    return official


def _authorization(official: Any) -> str | None:
    credentials = from_kubernetes(official).credentials
    return credentials.fetch().authorization if credentials is not None else None


def test_what_its_kubeconfig_loader_has_filled_in_is_taken_over(
    official: Any, write: Write, authority: Authority
) -> None:
    pair = authority.issue("dev").pair
    for name, content in (("ca", authority.pair.cert), ("crt", pair.cert), ("key", pair.key)):
        write(name, content)
    user = {"client-certificate": "crt", "client-key": "key", "token": "abc"}
    cluster = {
        "certificate-authority": "ca",
        "tls-server-name": "kubernetes",
        "proxy-url": "http://proxy:3128",
    }
    path = write("config", yaml.safe_dump(document(user, cluster)))
    config = from_kubernetes(_loaded(official, path))
    assert config.server == SERVER
    assert config.ca_file == str(path.parent / "ca")
    assert (config.tls_server_name, config.proxy_url) == ("kubernetes", "http://proxy:3128")
    assert config.credentials is not None
    credential = config.credentials.fetch()
    assert credential.authorization == "Bearer abc"
    assert credential.client_certificate is not None
    assert credential.client_certificate.cert_pem == pair.cert
    assert credential.client_certificate.key_pem == pair.key


def test_its_basic_authentication_is_taken_over(official: Any, write: Write) -> None:
    user = {"username": "admin", "password": "pw"}
    path = write("config", yaml.safe_dump(document(user)))
    assert _authorization(_loaded(official, path)) == "Basic YWRtaW46cHc="


@pytest.mark.parametrize("name", ["authorization", "BearerToken"])
def test_an_api_key_with_and_without_prefix_is_the_header(official: Any, name: str) -> None:
    official.api_key = {name: "Bearer abc"}
    assert _authorization(official) == "Bearer abc"
    official.api_key = {name: "abc"}
    official.api_key_prefix = {name: "Bearer"}
    assert _authorization(official) == "Bearer abc"


def test_an_empty_api_key_is_an_error(official: Any) -> None:
    official.api_key = {"authorization": ""}
    with pytest.raises(CredentialError, match="api_key: the value is empty"):
        from_kubernetes(official)


def test_without_any_credential_it_is_anonymous(official: Any) -> None:
    assert from_kubernetes(official).credentials is None


def test_user_name_and_access_token_are_used_where_there_is_no_key(official: Any) -> None:
    official.username, official.password = "admin", "pw"
    assert from_kubernetes(official).credentials == BasicAuth("admin", "pw")
    official.username, official.access_token = None, "abc"
    assert from_kubernetes(official).credentials == StaticToken("abc")


def test_its_refresh_hook_is_called_when_the_key_was_refused(official: Any) -> None:
    calls: list[object] = []

    def hook(configuration: Any) -> None:
        calls.append(configuration)
        configuration.api_key = {"BearerToken": f"Bearer t{len(calls)}"}

    official.refresh_api_key_hook = hook
    source = from_kubernetes(official).credentials
    assert source is not None
    first = source.fetch()
    assert first.authorization == "Bearer t1"
    assert source.current() == first
    assert source.fetch(first).authorization == "Bearer t2"
    assert calls == [official, official]


def test_a_hook_that_fails_or_leaves_no_key_is_an_error(official: Any) -> None:
    def failing(_configuration: object) -> None:
        raise RuntimeError("no network")

    official.refresh_api_key_hook = failing
    with pytest.raises(CredentialError, match="refresh_api_key_hook failed: no network"):
        _authorization(official)
    official.refresh_api_key_hook = lambda _configuration: None
    with pytest.raises(CredentialError, match="no API key after refresh_api_key_hook"):
        _authorization(official)


def test_a_configuration_with_a_hook_says_why_it_cannot_be_pickled(official: Any) -> None:
    official.refresh_api_key_hook = lambda _configuration: None
    with pytest.raises(ConfigError, match="refresh_api_key_hook cannot be pickled"):
        pickle.dumps(from_kubernetes(official))


def test_insecure_leaves_the_authority_out_as_it_is_ignored_there(official: Any) -> None:
    official.verify_ssl, official.ssl_ca_cert = False, "/some/ca.crt"
    config = from_kubernetes(official)
    assert config.insecure_skip_tls_verify
    assert config.ca_file is None


def test_authority_data_is_taken_over(official: Any) -> None:
    official.ca_cert_data = "PEM"
    assert from_kubernetes(official).ca_data == b"PEM"
    official.ca_cert_data = b"DER"
    with pytest.raises(ConfigError, match="ca_cert_data is DER; pass PEM as str"):
        from_kubernetes(official)


def test_one_file_may_hold_certificate_and_key(
    official: Any, write: Write, authority: Authority
) -> None:
    pair = authority.issue("dev").pair
    official.cert_file = str(write("both.pem", pair.cert + pair.key))
    source = from_kubernetes(official).credentials
    assert source is not None
    certificate = source.fetch().client_certificate
    assert certificate is not None
    assert certificate.key_pem == pair.cert + pair.key


def test_its_own_no_proxy_is_honoured(official: Any) -> None:
    official.host, official.proxy = "https://a.example", "http://proxy:3128"
    official.no_proxy = "b.example"
    assert from_kubernetes(official).proxy_url == "http://proxy:3128"
    official.no_proxy = "a.example"
    assert from_kubernetes(official).proxy_url is None


async def _asynchronous(_configuration: object) -> None:
    """As in kubernetes_asyncio."""


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("assert_hostname", False, "set tls_server_name"),
        ("proxy_headers", {"proxy-authorization": "x"}, "into the proxy URL"),
        ("refresh_api_key_hook", _asynchronous, "is asynchronous"),
    ],
)
def test_what_cannot_be_honoured_is_an_error(
    official: Any, name: str, value: object, expected: str
) -> None:
    setattr(official, name, value)
    with pytest.raises(ConfigError, match=expected):
        from_kubernetes(official)
