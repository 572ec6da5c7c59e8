"""The `exec` section of a kubeconfig: how it becomes a plugin, and what that is told."""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

import attrs
import pytest

from matrixinfer_client.config import Config, ExecPlugin, from_kubeconfig
from tests.config.conftest import Write
from tests.config.kubeconfigs import SERVER, text
from tests.config.pki import Authority

V1 = "client.authentication.k8s.io/v1"

_SCRIPT = f"""#!{sys.executable}
import json
status = {{"token": "found"}}
print(json.dumps({{"kind": "ExecCredential", "apiVersion": "{V1}", "status": status}}))
"""


def _exec(**fields: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": V1, "command": "plugin", **fields}}


def _plugin_of(config: Config) -> ExecPlugin:
    assert isinstance(config.credentials, ExecPlugin)
    return config.credentials


def test_all_of_exec_is_read_from_a_kubeconfig(write: Write) -> None:
    user = _exec(
        args=["a", 1],
        env=[{"name": "A", "value": "b"}, {"name": "EMPTY", "value": ""}],
        interactiveMode="Never",
        installHint="install it",
    )
    found = _plugin_of(from_kubeconfig(write("config", text(user))))
    assert found == ExecPlugin(
        "plugin",
        args=("a", "1"),
        env=(("A", "b"), ("EMPTY", "")),
        interactive_mode="Never",
        install_hint="install it",
    )
    assert found.cluster_info is None


def test_null_env_and_args_are_empty(write: Write) -> None:
    found = _plugin_of(from_kubeconfig(write("config", text(_exec(env=None, args=None)))))
    assert (found.args, found.env) == ((), ())


def test_a_command_with_a_separator_is_relative_to_the_kubeconfig(write: Write) -> None:
    config = from_kubeconfig(write("kube/config", text(_exec(command="../bin/plugin"))))
    write("bin/plugin", _SCRIPT, mode=0o700)
    assert _plugin_of(config).fetch().authorization == "Bearer found"


@pytest.mark.parametrize("as_file", [True, False])
def test_cluster_information_is_provided_where_it_is_asked_for(
    write: Write, authority: Authority, as_file: bool
) -> None:
    encoded = base64.b64encode(authority.pair.cert).decode()
    write("ca.crt", authority.pair.cert)
    ca = {"certificate-authority": "ca.crt"} if as_file else {"certificate-authority-data": encoded}
    cluster = {
        **ca,
        "tls-server-name": "kubernetes",
        "proxy-url": "http://proxy:3128",
        "extensions": [
            {"name": "other", "extension": {"a": 1}},
            {
                "name": "client.authentication.k8s.io/exec",
                "extension": {"audience": "x", "port": 8080, "rate": 0.5, "on": True, "no": None},
            },
        ],
    }
    path = write("config", text(_exec(provideClusterInfo=True), cluster))
    info = _plugin_of(from_kubeconfig(path)).cluster_info
    assert info is not None
    assert json.loads(info) == {
        "server": SERVER,
        "tls-server-name": "kubernetes",
        "certificate-authority-data": encoded,
        "proxy-url": "http://proxy:3128",
        "config": {"audience": "x", "port": 8080, "rate": 0.5, "on": True, "no": None},
    }


def test_the_time_limit_can_be_changed_on_a_loaded_configuration(write: Write) -> None:
    config = from_kubeconfig(write("config", text(_exec())))
    patient = attrs.evolve(config, credentials=attrs.evolve(_plugin_of(config), timeout=300))
    assert _plugin_of(patient).timeout == 300
