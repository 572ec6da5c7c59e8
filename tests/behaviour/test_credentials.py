"""As whom a request is made, and what is said when that may not or cannot be."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from matrixinfer_client import (
    AsyncClient,
    CredentialError,
    EventHooks,
    ForbiddenError,
    UnauthorizedError,
)
from matrixinfer_client.config import Impersonation
from tests.behaviour.backends import Backend, Served, only_on
from tests.behaviour.conftest import OpenClient
from tests.behaviour.samples import MODEL
from tests.cluster.server import ApiServer

NO_CERTIFICATES = "a FakeCluster knows its users by tokens; client certificates are TLS's business"
RESOURCE = 'resource "models" in API group "registry.matrixinfer.ai"'


def allow(backend: Backend, namespace: str, user: str, *verbs: str) -> None:
    """Let a user do these things with the Models of a namespace."""
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    rule = {"apiGroups": ["registry.matrixinfer.ai"], "resources": ["models"], "verbs": verbs}
    role = {"metadata": {"name": "some"}, "rules": [rule]}
    assert backend.request("POST", f"{rbac}/roles", role)[0] == 201
    group = "rbac.authorization.k8s.io"
    binding = {
        "metadata": {"name": "some"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "some"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    assert backend.request("POST", f"{rbac}/rolebindings", binding)[0] == 201


async def test_a_denial_says_who_may_not_do_what(open_client: OpenClient, namespace: str) -> None:
    client = open_client(user="plain")
    models = client.registry_v1alpha1.models(namespace)
    with pytest.raises(ForbiddenError) as caught:
        await models.create(MODEL.mapping("one"))
    assert caught.value.message == (
        f'models.registry.matrixinfer.ai is forbidden: User "plain" cannot create {RESOURCE} in '
        f'the namespace "{namespace}"'
    )
    with pytest.raises(ForbiddenError, match='User "plain" cannot get'):
        await models.exists("one")


async def test_what_a_role_allows_is_possible_and_nothing_else(
    open_client: OpenClient, backend: Backend, namespace: str
) -> None:
    allow(backend, namespace, "plain", "get", "create")
    client = open_client(user="plain")
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    assert await models.exists("one")
    for denied in (models.delete("one"), models.list()):
        with pytest.raises(ForbiddenError):
            await denied


async def test_another_user_can_be_impersonated(
    open_client: OpenClient, backend: Backend, namespace: str
) -> None:
    client = open_client(impersonate=Impersonation("jürgen", groups=["dev"]))
    models = client.registry_v1alpha1.models(namespace)
    with pytest.raises(ForbiddenError, match='User "jürgen" cannot list'):
        await models.list()
    allow(backend, namespace, "jürgen", "list")
    assert list(await models.list()) == []


async def test_a_token_that_is_not_known_is_refused_once(
    open_client: OpenClient, served: Served
) -> None:
    sent: list[Any] = []
    client = open_client(
        {"server": served.url, "ca_file": served.ca_file, "token": "no-such-token"},
        event_hooks=EventHooks(request=[sent.append]),
    )
    with pytest.raises(UnauthorizedError) as caught:
        await client.registry_v1alpha1.models("default").list()
    assert caught.value.reason == "Unauthorized"
    assert "no-such-token" not in str(caught.value)
    assert len(sent) == 1


async def test_without_a_credential_the_server_sees_nobody(
    open_client: OpenClient, served: Served
) -> None:
    client = open_client({"server": served.url, "ca_file": served.ca_file})
    with pytest.raises(ForbiddenError, match="system:anonymous"):
        await client.registry_v1alpha1.models("default").list()


async def test_a_token_file_that_was_rotated_is_read_again_when_the_old_token_is_refused(
    open_client: OpenClient, served: Served, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("expired-token\n")
    sent: list[Any] = []
    client = open_client(
        {"server": served.url, "ca_file": served.ca_file, "token_file": file},
        event_hooks=EventHooks(request=[sent.append]),
    )
    models = client.registry_v1alpha1.models("default")
    with pytest.raises(UnauthorizedError):
        await models.list()
    file.write_text(served.token())
    sent.clear()
    # The old token is still at hand and not yet old enough to be looked at again.
    await models.list()
    assert len(sent) == 2
    await models.list()
    assert len(sent) == 3


def exec_kubeconfig(served: Served, directory: Path, program: str) -> Path:
    """Write a kubeconfig whose user is a plugin with this Python text; it counts its runs."""
    plugin = directory / "plugin.py"
    plugin.write_text(
        "import json, pathlib, sys\n"
        f"runs = pathlib.Path({str(directory / 'runs')!r})\n"
        "count = len(runs.read_text()) if runs.exists() else 0\n"
        "runs.write_text('x' * (count + 1))\n"
        "def give(**status):\n"
        "    print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1',\n"
        "                      'kind': 'ExecCredential', 'status': status}))\n" + program
    )
    path = served.kubeconfig("admin", directory / "config")
    document = yaml.safe_load(path.read_text())
    document["users"][0]["user"] = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(plugin)],
            "interactiveMode": "Never",
            "installHint": "reinstall Python",
        }
    }
    path.write_text(yaml.safe_dump(document))
    return path


def runs(directory: Path) -> int:
    return len((directory / "runs").read_text())


async def test_a_plugins_token_that_is_refused_is_replaced_once(
    open_client: OpenClient, served: Served, tmp_path: Path
) -> None:
    tokens = json.dumps(["expired-token", served.token(), "never-asked-for"])
    kubeconfig = exec_kubeconfig(served, tmp_path, f"give(token={tokens}[count])\n")
    sent: list[Any] = []
    client = open_client({"kubeconfig": kubeconfig}, event_hooks=EventHooks(request=[sent.append]))
    models = client.registry_v1alpha1.models("default")
    for _ in range(3):
        await models.list()
    assert len(sent) == 4
    assert runs(tmp_path) == 2


async def test_a_plugin_that_keeps_giving_bad_tokens_is_asked_twice_per_call(
    open_client: OpenClient, served: Served, tmp_path: Path
) -> None:
    kubeconfig = exec_kubeconfig(served, tmp_path, "give(token=f'bad-{count}')\n")
    client = open_client({"kubeconfig": kubeconfig})
    with pytest.raises(UnauthorizedError):
        await client.registry_v1alpha1.models("default").list()
    assert runs(tmp_path) == 2


async def test_an_expired_credential_of_a_plugin_is_not_used(
    open_client: OpenClient, served: Served, tmp_path: Path
) -> None:
    program = (
        f"give(token={served.token()!r},\n"
        "     expirationTimestamp='2020-01-01T00:00:00Z' if count else '2999-01-01T00:00:00Z')\n"
    )
    kubeconfig = exec_kubeconfig(served, tmp_path, program)
    models = open_client({"kubeconfig": kubeconfig}).registry_v1alpha1.models("default")
    await models.list()
    await models.list()
    assert runs(tmp_path) == 1
    expired = open_client({"kubeconfig": kubeconfig}).registry_v1alpha1.models("default")
    with pytest.raises(CredentialError) as caught:
        await expired.list()
    assert "expired" in str(caught.value)
    assert "2020-01-01" in str(caught.value)


async def test_a_plugin_that_fails_is_quoted_and_nothing_is_sent(
    open_client: OpenClient, served: Served, tmp_path: Path
) -> None:
    program = "print('log in first: example login', file=sys.stderr)\nsys.exit(3)\n"
    sent: list[Any] = []
    client = open_client(
        {"kubeconfig": exec_kubeconfig(served, tmp_path, program)},
        event_hooks=EventHooks(request=[sent.append]),
    )
    with pytest.raises(CredentialError) as caught:
        await client.registry_v1alpha1.models("default").list()
    assert "log in first: example login" in str(caught.value)
    assert sent == []


@only_on("cluster", because=NO_CERTIFICATES)
async def test_a_plugin_may_give_a_client_certificate(
    open_client: OpenClient, cluster: ApiServer, tmp_path: Path
) -> None:
    certificate, key = cluster.client_certificate("anna", ["system:masters"])
    given = {"clientCertificateData": certificate.decode(), "clientKeyData": key.decode()}
    kubeconfig = exec_kubeconfig(cluster, tmp_path, f"give(**{given!r})\n")
    models = open_client({"kubeconfig": kubeconfig}).registry_v1alpha1.models("default")
    assert list(await models.list()) == []


@only_on("cluster", because=NO_CERTIFICATES)
@pytest.mark.parametrize("inline", [True, False], ids=["data", "files"])
async def test_a_client_certificate_is_an_identity(
    open_client: OpenClient, cluster: ApiServer, namespace: str, inline: bool
) -> None:
    path = cluster.kubeconfig("plain", credential="certificate", inline=inline)
    models = open_client({"kubeconfig": path}).registry_v1alpha1.models(namespace)
    with pytest.raises(ForbiddenError, match='User "plain" cannot list'):
        await models.list()
    path = cluster.kubeconfig("admin", credential="certificate", inline=inline)
    models = open_client({"kubeconfig": path}).registry_v1alpha1.models(namespace)
    assert list(await models.list()) == []


async def test_no_secret_shows_in_what_a_client_says_of_itself(
    open_client: OpenClient, served: Served
) -> None:
    token = served.token("plain")
    client: AsyncClient = open_client({"kubeconfig": served.kubeconfig("plain")})
    models = client.registry_v1alpha1.models("default")
    with pytest.raises(ForbiddenError) as caught:
        await models.list()
    shown = [repr(client), repr(client.config), repr(models), str(caught.value), repr(caught.value)]
    assert all(token not in text for text in [*shown, repr(vars(caught.value))])
