"""`load_config`: where it looks, in which order; `explicit` and `in_cluster`."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixinfer_client.config import (
    BasicAuth,
    Impersonation,
    StaticToken,
    TokenFile,
    explicit,
    in_cluster,
    load_config,
)
from matrixinfer_client.errors import ConfigError, CredentialError
from tests.config.conftest import Write
from tests.config.kubeconfigs import text
from tests.config.pki import Authority


@pytest.fixture
def pod(write: Write, monkeypatch: pytest.MonkeyPatch, authority: Authority) -> Path:
    """What Kubernetes puts into a pod; the directory."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    write("pod/namespace", "serving\n")
    write("pod/ca.crt", authority.pair.cert)
    directory = write("pod/token", "from-pod\n").parent
    monkeypatch.setattr("matrixinfer_client.config.incluster._ROOT", str(directory))
    return directory


def test_a_pod_is_what_kubernetes_says_it_is(pod: Path) -> None:
    config = in_cluster(root=pod)
    assert config.server == "https://10.96.0.1:443"
    assert config.namespace == "serving"
    assert config.ca_file == str(pod / "ca.crt")
    assert isinstance(config.credentials, TokenFile)
    assert config.credentials.fetch().authorization == "Bearer from-pod"


def test_an_ipv6_address_gets_brackets(pod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    assert in_cluster(root=pod).server == "https://[fd00::1]:443"


def test_a_pod_without_a_namespace_file_uses_the_default_one(pod: Path) -> None:
    (pod / "namespace").unlink()
    assert in_cluster(root=pod).namespace == "default"


def test_outside_a_pod_the_message_says_what_is_not_set() -> None:
    with pytest.raises(ConfigError, match="not in a pod: KUBERNETES_SERVICE_HOST"):
        in_cluster()


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("token", None, "service account token {root}/token cannot be read: no such file"),
        ("token", "\n", "service account token {root}/token: the token is empty"),
        ("ca.crt", None, "certificate authority file {root}/ca.crt cannot be read"),
    ],
)
def test_a_pod_with_a_broken_service_account_is_an_error(
    pod: Path, file: str, content: str | None, expected: str
) -> None:
    (pod / file).unlink()
    if content is not None:
        (pod / file).write_text(content)
    with pytest.raises(ConfigError) as caught:
        in_cluster(root=pod)
    assert expected.format(root=pod) in str(caught.value)


def test_an_explicit_kubeconfig_comes_first(write: Write, pod: Path) -> None:
    write("home/.kube/config", text({"token": "home"}, name="home"))
    path = write("mine", text({"token": "mine"}, name="mine"))
    assert load_config(kubeconfig=path).context == "mine"


def test_a_kubeconfig_in_the_home_directory_comes_before_the_pod(write: Write, pod: Path) -> None:
    write("home/.kube/config", text({"token": "home"}, name="home"))
    assert load_config().context == "home"


def test_an_empty_kubeconfig_gives_way_to_the_pod(write: Write, pod: Path) -> None:
    write("home/.kube/config", "apiVersion: v1\nkind: Config\ncontexts: null\n")
    assert load_config().server == "https://10.96.0.1:443"


def test_without_a_kubeconfig_the_pod_is_used(pod: Path) -> None:
    assert load_config().source == f"service account in {pod}"


def test_a_broken_kubeconfig_is_never_passed_over_for_the_pod(write: Write, pod: Path) -> None:
    write("home/.kube/config", "contexts: [")
    with pytest.raises(ConfigError, match="is not YAML"):
        load_config()


def test_a_context_that_was_asked_for_is_never_replaced_by_the_pod(pod: Path) -> None:
    with pytest.raises(ConfigError, match='the context "dev" was asked for, and a pod has none'):
        load_config(context="dev")


def test_when_nothing_is_found_the_message_lists_what_was_tried(home: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert str(caught.value) == (
        "no cluster to connect to. Tried:\n"
        f"  - KUBECONFIG is not set, and {home}/.kube/config does not exist\n"
        "  - not in a pod: KUBERNETES_SERVICE_HOST is not set\n"
        "Set KUBECONFIG, pass kubeconfig= or context=, or make a Config by hand: "
        "matrixinfer_client.config.explicit(server, token=...)"
    )


def test_explicit_arguments_become_a_configuration(write: Write, authority: Authority) -> None:
    ca = write("ca.crt", authority.pair.cert)
    config = explicit(
        "https://a:6443",
        token="abc",
        ca_file=ca,
        namespace="models",
        tls_server_name="kubernetes",
        proxy_url="http://proxy:3128",
        impersonate=Impersonation("jane"),
    )
    assert config.credentials == StaticToken("abc")
    assert (config.ca_file, config.namespace) == (str(ca), "models")
    assert (config.tls_server_name, config.proxy_url) == ("kubernetes", "http://proxy:3128")


def test_explicit_user_and_password_are_sent_as_basic() -> None:
    config = explicit("https://a", username="admin", password="ä")
    assert config.credentials == BasicAuth("admin", "ä")
    assert config.credentials.fetch().authorization == "Basic YWRtaW46w6Q="


def test_an_explicit_certificate_may_be_files_or_content(
    write: Write, authority: Authority
) -> None:
    pair = authority.issue("developer").pair
    files = explicit(
        "https://a",
        client_certificate=write("c.crt", pair.cert),
        client_key=str(write("c.key", pair.key)),
    )
    content = explicit(
        "https://a", client_certificate=pair.cert, client_key=pair.key.decode(), token="abc"
    )
    assert files.credentials is not None
    assert content.credentials is not None
    assert (
        files.credentials.fetch().client_certificate
        == content.credentials.fetch().client_certificate
    )
    assert content.credentials.fetch().authorization == "Bearer abc"


def test_explicit_arguments_without_credentials_are_anonymous() -> None:
    assert explicit("http://localhost:8001").credentials is None


@pytest.mark.parametrize("token", ["", " \n"])
def test_an_explicit_token_that_is_empty_is_an_error(token: str) -> None:
    with pytest.raises(CredentialError, match="explicit arguments: the token is empty"):
        explicit("https://a", token=token)


def test_explicit_arguments_that_contradict_each_other_are_an_error() -> None:
    with pytest.raises(ConfigError, match="a token and a username"):
        explicit("https://a", token="abc", username="u")
    with pytest.raises(ConfigError, match="insecure-skip-tls-verify"):
        explicit("https://a", ca_data="x", insecure_skip_tls_verify=True)
    with pytest.raises(CredentialError, match="client-key is missing"):
        explicit("https://a", client_certificate=b"x")
