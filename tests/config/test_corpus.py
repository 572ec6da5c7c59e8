"""The official client's loader as a second opinion: where both can, both say the same.

The last test lists where they differ on purpose.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from matrixinfer_client.config import Config, from_kubeconfig
from matrixinfer_client.errors import ConfigError, CredentialError
from tests.config.conftest import Write
from tests.config.kubeconfigs import document
from tests.config.pki import new_authority

_SECOND = document({"token": "second"}, {"server": "https://second.example"}, name="second")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _both(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    joined = {key: first[key] + second[key] for key in ("contexts", "clusters", "users")}
    return {**first, **joined}


def _plugin(version: str) -> dict[str, Any]:
    return {
        "apiVersion": f"client.authentication.k8s.io/{version}",
        "command": "./plugin",
        "interactiveMode": "Never",
    }


_PLUGIN = """#!/bin/sh
version=$(printf '%s' "$KUBERNETES_EXEC_INFO" | sed 's/.*"apiVersion": *"\\([^"]*\\)".*/\\1/')
expiry=${EXPIRY:+, \\"expirationTimestamp\\": \\"$EXPIRY\\"}
echo "{\\"kind\\": \\"ExecCredential\\", \\"apiVersion\\": \\"$version\\","
echo "\\"status\\": {\\"token\\": \\"from-plugin\\"$expiry}}"
"""


@attrs.frozen
class Facts:
    """What a configuration comes down to, whoever loaded it."""

    server: str
    ca: bytes | None
    cert: bytes | None
    key: bytes | None
    authorization: str | None
    verify: bool
    tls_server_name: str | None
    proxy: str | None
    namespace: str


def _ours(config: Config) -> Facts:
    credential = config.credentials.fetch() if config.credentials is not None else None
    pair = credential.client_certificate if credential else None
    ca = config.ca_data or (Path(config.ca_file).read_bytes() if config.ca_file else None)
    return Facts(
        server=config.server,
        ca=ca,
        cert=pair.cert_pem if pair else None,
        key=pair.key_pem if pair else None,
        authorization=credential.authorization if credential else None,
        verify=not config.insecure_skip_tls_verify,
        tls_server_name=config.tls_server_name,
        proxy=config.proxy_url,
        namespace=config.namespace,
    )


def _official(path: str) -> Facts:
    # Imported by name, because the package carries no types.
    configuration = import_module("kubernetes.client").Configuration()
    loader = import_module("kubernetes.config")
    loader.load_kube_config(path, client_configuration=configuration, persist_config=False)
    _, active = loader.list_kube_config_contexts(path)

    def content(name: str | None) -> bytes | None:
        return Path(name).read_bytes() if name else None

    return Facts(
        server=configuration.host,
        ca=content(configuration.ssl_ca_cert),
        cert=content(configuration.cert_file),
        key=content(configuration.key_file),
        authorization=configuration.get_api_key_with_prefix("BearerToken"),
        verify=configuration.verify_ssl,
        tls_server_name=configuration.tls_server_name,
        proxy=configuration.proxy,
        namespace=active["context"].get("namespace", "default"),
    )


_AUTHORITY = new_authority()
_PAIR = _AUTHORITY.issue("developer").pair
_CERT_DATA = {"client-certificate-data": _b64(_PAIR.cert), "client-key-data": _b64(_PAIR.key)}
_CERT_FILES = {"client-certificate": "pki/client.crt", "client-key": "pki/client.key"}
_CA_DATA = {"certificate-authority-data": _b64(_AUTHORITY.pair.cert)}
_TOKEN = {"token": "abc.def"}
_CASES: dict[str, dict[str, Any] | str] = {
    "token": document(_TOKEN),
    "token with CA data": document(_TOKEN, _CA_DATA),
    "token with CA file, relative": document(_TOKEN, {"certificate-authority": "pki/ca.crt"}),
    "CA file in the same directory": document(_TOKEN, {"certificate-authority": "ca.crt"}),
    "CA data wins over CA file": document(
        _TOKEN, {**_CA_DATA, "certificate-authority": "absent.crt"}
    ),
    "CA data with line breaks": document(
        _TOKEN, {"certificate-authority-data": base64.encodebytes(_AUTHORITY.pair.cert).decode()}
    ),
    "insecure": document(_TOKEN, {"insecure-skip-tls-verify": True}),
    "insecure said to be false": document(_TOKEN, {"insecure-skip-tls-verify": False, **_CA_DATA}),
    "tls-server-name": document(_TOKEN, {**_CA_DATA, "tls-server-name": "kubernetes.default"}),
    "proxy-url": document(_TOKEN, {"proxy-url": "http://proxy.example:3128"}),
    "proxy-url with https": document(_TOKEN, {"proxy-url": "https://proxy.example"}),
    "namespace": document(_TOKEN, context={"namespace": "models"}),
    "server with a path": document(_TOKEN, {"server": "https://rancher.example/k8s/clusters/c"}),
    "server with a slash at the end": document(_TOKEN, {"server": "https://a.example/"}),
    "server without port": document(_TOKEN, {"server": "https://a.example"}),
    "server by IPv6 address": document(_TOKEN, {"server": "https://[::1]:6443"}),
    "server without TLS": document(_TOKEN, {"server": "http://localhost:8080"}),
    "token file": document({"tokenFile": "token"}),
    "token file in another directory": document({"tokenFile": "pki/../token"}),
    "client certificate data": document(_CERT_DATA, _CA_DATA),
    "client certificate files": document(_CERT_FILES, _CA_DATA),
    "client certificate data and key file": document(
        {"client-certificate-data": _b64(_PAIR.cert), "client-key": "pki/client.key"}
    ),
    "client certificate data wins over files": document(
        {**_CERT_DATA, "client-certificate": "gone.crt", "client-key": "gone.key"}
    ),
    "client certificate and token": document({**_CERT_DATA, **_TOKEN}),
    "basic": document({"username": "admin", "password": "s3cret"}),
    "basic with a colon and letters": document({"username": "admin", "password": "a:b c"}),
    "no user": document(),
    "second context": {**_both(document(_TOKEN), _SECOND), "current-context": "second"},
    "context that shares a cluster": {
        **document(_TOKEN),
        "contexts": [
            {"name": "dev", "context": {"cluster": "dev", "user": "dev", "namespace": "a"}},
            {"name": "ops", "context": {"cluster": "dev", "user": "dev", "namespace": "b"}},
        ],
        "current-context": "ops",
    },
    "exec with a token": document({"exec": _plugin("v1")}),
    "exec v1beta1 with null env and args": document(
        {"exec": {**_plugin("v1beta1"), "env": None, "args": None}}
    ),
    "exec with expiry": document(
        {
            "exec": {
                **_plugin("v1"),
                "env": [{"name": "EXPIRY", "value": "2099-01-01T00:00:00Z"}],
            }
        }
    ),
    "extensions and preferences": {
        **document(_TOKEN),
        "preferences": {"colors": True},
        "extensions": [{"name": "minikube.sigs.k8s.io", "extension": {"version": "v1"}}],
    },
    "as JSON": '{"current-context": "a", "contexts": [{"name": "a", "context": {"cluster": "b",'
    ' "user": "c"}}], "clusters": [{"name": "b", "cluster": {"server": "https://b"}}],'
    ' "users": [{"name": "c", "user": {"token": "t"}}]}',
    "with anchors": "clusters:\n- name: a\n  cluster: &c {server: https://a}\n"
    "- name: b\n  cluster: {<<: *c, tls-server-name: b}\n"
    "contexts:\n- name: b\n  context: {cluster: b, user: u}\n"
    "users:\n- name: u\n  user: {token: t}\ncurrent-context: b\n",
    "with a byte order mark": "\ufeff" + yaml.safe_dump(document(_TOKEN)),
}


@pytest.fixture
def kubeconfig(write: Write) -> Callable[[dict[str, Any] | str], str]:
    """Write a kubeconfig among the files that the cases refer to."""
    write("kube/ca.crt", _AUTHORITY.pair.cert)
    write("kube/pki/ca.crt", _AUTHORITY.pair.cert)
    write("kube/pki/client.crt", _PAIR.cert)
    write("kube/pki/client.key", _PAIR.key)
    write("kube/token", "token-from-file")
    write("kube/plugin", _PLUGIN, mode=0o700)

    def writer(case: dict[str, Any] | str) -> str:
        content = case if isinstance(case, str) else yaml.safe_dump(case)
        return str(write("kube/config", content))

    return writer


@pytest.mark.parametrize("name", _CASES)
def test_our_loader_and_the_official_one_agree(
    name: str, kubeconfig: Callable[[dict[str, Any] | str], str]
) -> None:
    path = kubeconfig(_CASES[name])
    assert _ours(from_kubeconfig(path)) == _official(path)


def test_they_agree_on_a_context_that_is_not_the_current_one(
    kubeconfig: Callable[[dict[str, Any] | str], str],
) -> None:
    path = kubeconfig(_both(document({"token": "first"}), _SECOND))
    configuration = import_module("kubernetes.client").Configuration()
    import_module("kubernetes.config").load_kube_config(
        path, context="second", client_configuration=configuration
    )
    ours = _ours(from_kubeconfig(path, context="second"))
    assert (ours.server, ours.authorization) == (
        configuration.host,
        configuration.get_api_key_with_prefix("BearerToken"),
    )


def test_they_agree_on_merged_files(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    one = write("one/config", yaml.safe_dump(document({"token": "first"})))
    other = document({"token": "shadowed"}, {"server": "https://shadowed.example"})
    two = write("two/config", yaml.safe_dump(_both(_SECOND, other)))
    absent = write("absent", "")
    absent.unlink()
    # The official merge lets the last `current-context` win, kubectl and we the first.
    for context in ("dev", "second"):
        ours = _ours(from_kubeconfig([one, two], context=context))
        configuration = import_module("kubernetes.client").Configuration()
        import_module("kubernetes.config").load_kube_config(
            os.pathsep.join(map(str, (one, absent, two))),
            context=context,
            client_configuration=configuration,
        )
        assert ours.server == configuration.host
        assert ours.authorization == configuration.get_api_key_with_prefix("BearerToken")


_DIFFERENT: dict[str, tuple[dict[str, Any] | str, str | type[ConfigError], str | None]] = {
    # what: (case, what we send or raise, what the official client sends)
    "a failing plugin leaves the official client anonymous": (
        document({"exec": {**_plugin("v1"), "command": "false"}}),
        CredentialError,
        None,
    ),
    "an empty token leaves the official client anonymous": (
        document({"token": ""}),
        CredentialError,
        None,
    ),
    "a user that does not exist leaves the official client anonymous": (
        {**document({"token": "t"}), "users": [{"name": "other", "user": {"token": "t"}}]},
        ConfigError,
        None,
    ),
    "a token file wins over a token, as in client-go": (
        document({"token": "literal", "tokenFile": "token"}),
        "Bearer token-from-file",
        "Bearer literal",
    ),
    "a token of digits is text": (
        yaml.safe_dump(document({"token": "PLACE"})).replace("PLACE", "0123"),
        "Bearer 0123",
        "Bearer 83",
    ),
    "a token file's line end is not sent": (
        document({"tokenFile": "with-line-end"}),
        "Bearer token-from-file",
        "Bearer token-from-file\n",
    ),
    "a token beats a plugin, and it is not run": (
        document({"token": "literal", "exec": {**_plugin("v1"), "command": "false"}}),
        "Bearer literal",
        "Bearer literal",
    ),
    "a client certificate beats a plugin, as in client-go": (
        document(
            {
                "client-certificate": "pki/client.crt",
                "client-key": "pki/client.key",
                "exec": _plugin("v1"),
            }
        ),
        "",
        "Bearer from-plugin",
    ),
}


@pytest.mark.parametrize("name", _DIFFERENT)
def test_where_the_two_differ_it_is_on_purpose(
    name: str, kubeconfig: Callable[[dict[str, Any] | str], str], write: Write
) -> None:
    case, ours, official = _DIFFERENT[name]
    write("kube/with-line-end", "token-from-file\n")
    path = kubeconfig(case)
    if isinstance(ours, str):
        assert (_ours(from_kubeconfig(path)).authorization or "") == ours
    else:
        with pytest.raises(ours):
            _ours(from_kubeconfig(path))
    assert _official(path).authorization == official
