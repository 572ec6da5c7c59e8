"""Which proxy is used: the kubeconfig's, else the environment's, unless `NO_PROXY` exempts."""

from __future__ import annotations

import pytest

from matrixinfer_client.config import Config, proxy_for
from matrixinfer_client.errors import ConfigError

PROXY = "http://proxy.example:3128"


def test_without_any_proxy_the_connection_is_direct() -> None:
    assert proxy_for(Config("https://a.example")) is None


def test_the_kubeconfigs_proxy_wins_and_no_proxy_does_not_concern_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://other:1")
    monkeypatch.setenv("NO_PROXY", "*")
    assert proxy_for(Config("https://a.example", proxy_url=PROXY)) == PROXY


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_the_environments_proxy_for_the_servers_scheme_is_used(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, PROXY)
    assert proxy_for(Config("https://a.example")) == PROXY
    assert proxy_for(Config("http://a.example")) is None


def test_a_proxy_without_scheme_is_one_for_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert proxy_for(Config("https://a.example")) == PROXY


@pytest.mark.parametrize(
    ("server", "no_proxy", "direct"),
    [
        ("https://a.example", "a.example", True),
        ("https://a.example", "b.example, a.example", True),
        ("https://sub.a.example", "a.example", True),
        ("https://sub.a.example", ".a.example", True),
        ("https://sub.a.example", "*.a.example", True),
        ("https://nota.example", "a.example", False),
        ("https://A.Example", "a.EXAMPLE", True),
        ("https://a.example", "*", True),
        ("https://a.example:6443", "a.example:6443", True),
        ("https://a.example:6443", "a.example:443", False),
        ("https://a.example", "a.example:443", True),
        ("https://10.1.2.3:6443", "10.0.0.0/8", True),
        ("https://11.1.2.3:6443", "10.0.0.0/8", False),
        ("https://10.1.2.3", "10.1.2.3", True),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://[fd00::1]:6443", "[fd00::1]:6443", True),
        ("https://[fe80::1]:6443", "fd00::/8", False),
        ("https://localhost:6443", "", True),
        ("https://127.0.0.1:6443", "", True),
        ("https://[::1]:6443", "", True),
        ("https://a.example", "", False),
    ],
)
def test_who_is_reached_directly(
    server: str, no_proxy: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert proxy_for(Config(server)) == (None if direct else PROXY)


def test_a_proxy_of_another_kind_is_an_error_that_says_where_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://user:s3cret@proxy")
    with pytest.raises(ConfigError) as caught:
        proxy_for(Config("https://a.example"))
    assert "HTTPS_PROXY in the environment: proxy-url 'ftp://***@proxy'" in str(caught.value)


def test_a_socks_proxy_needs_a_package_and_the_message_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = Config("https://a.example", proxy_url="socks5://proxy:1080", source="here")
    monkeypatch.setattr("matrixinfer_client.config.proxies.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"here: a SOCKS proxy needs .* 'httpx\[socks\]'"):
        proxy_for(config)
    monkeypatch.setattr("matrixinfer_client.config.proxies.find_spec", lambda _name: object())
    assert proxy_for(config) == "socks5://proxy:1080"
