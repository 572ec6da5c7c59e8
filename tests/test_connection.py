"""Where a client connects to, what its calls inherit, and how it travels."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from pathlib import Path
from typing import Any

import httpx
import pytest

from matrixinfer_client import (
    NO_TIMEOUT,
    AsyncClient,
    AsyncRegistryV1alpha1,
    AsyncResource,
    Client,
    ConfigError,
    CredentialError,
    EventHooks,
    InvalidArgumentError,
    MatrixInferError,
    RegistryV1alpha1,
    Resource,
    Retries,
)
from matrixinfer_client.config import Config
from matrixinfer_client.connection import AsyncConnection, Connection
from matrixinfer_client.drivers import AsyncDriver, Driver
from tests.conftest import Serve
from tests.loopback import reply

CONFIG = Config("https://cluster.test:6443", "prod")

BOTH = pytest.mark.parametrize("cls", [Client, AsyncClient])


def write_kubeconfig(path: Path, **contexts: str) -> Path:
    entries = [
        f"  - {{name: {name}, context: {{cluster: c, user: u, namespace: {namespace}}}}}"
        for name, namespace in contexts.items()
    ]
    path.write_text(
        "apiVersion: v1\nkind: Config\n"
        "clusters: [{name: c, cluster: {server: 'https://from-file.test'}}]\n"
        "users: [{name: u, user: {token: secret}}]\n"
        "contexts:\n" + "\n".join(entries) + f"\ncurrent-context: {next(iter(contexts))}\n"
    )
    return path


@pytest.fixture
def homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@BOTH
def test_a_ready_configuration_is_taken_as_it_is(cls: type[Client] | type[AsyncClient]) -> None:
    client = cls(CONFIG)
    assert client.config is CONFIG
    assert client.namespace == "prod"
    assert repr(client) == f"{cls.__name__}('https://cluster.test:6443', namespace='prod')"


@BOTH
def test_a_kubeconfig_and_a_context_say_where(
    cls: type[Client] | type[AsyncClient], tmp_path: Path
) -> None:
    path = write_kubeconfig(tmp_path / "config", dev="team-a", test="team-b")
    assert cls(kubeconfig=path).namespace == "team-a"
    assert cls(kubeconfig=str(path), context="test").namespace == "team-b"
    assert cls(kubeconfig=path, namespace="mine").namespace == "mine"
    assert cls(kubeconfig=path).config.server == "https://from-file.test"


@BOTH
def test_without_an_argument_the_environment_says_where(
    cls: type[Client] | type[AsyncClient], homeless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_kubeconfig(homeless / "elsewhere", dev="team-a")
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert cls().config.server == "https://from-file.test"


@BOTH
def test_nowhere_to_connect_to_says_what_was_tried(
    cls: type[Client] | type[AsyncClient], homeless: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        cls()
    assert str(homeless / ".kube" / "config") in str(caught.value)
    assert "KUBERNETES_SERVICE_HOST" in str(caught.value)


@BOTH
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"config": CONFIG, "server": "https://x.test"},
            "say where to connect in one way only, not by config and server",
        ),
        (
            {"config": CONFIG, "context": "dev"},
            "say where to connect in one way only, not by config and kubeconfig or context",
        ),
        (
            {"config": CONFIG, "token": "x"},
            "token only goes together with server=; a kubeconfig has its own",
        ),
        (
            {"ca_file": "ca.crt", "insecure_skip_tls_verify": True},
            "ca_file, insecure_skip_tls_verify only goes together with server=",
        ),
        ({"config": CONFIG, "field_validation": "warn"}, "not 'warn'"),
        ({"config": CONFIG, "namespace": "Prod"}, "did you mean 'prod'?"),
        (
            {"config": "t0k3n"},
            "config must be a Config, not str; a file goes to kubeconfig=, a URL to server=, and",
        ),
        (
            {"config": CONFIG, "retries": 3},
            "retries must be a Retries, such as Retries(attempts=3), not 3",
        ),
        ({"config": CONFIG, "timeout": "5"}, "timeout must be a number of seconds above 0"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(
    cls: type[Client] | type[AsyncClient], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        cls(**arguments)
    assert message in str(caught.value)
    assert "t0k3n" not in str(caught.value)


@BOTH
def test_a_server_or_token_that_is_none_is_refused(
    cls: type[Client] | type[AsyncClient],
) -> None:
    with pytest.raises(ConfigError, match=r"'cluster\.test' is not a URL"):
        cls(server="cluster.test")
    with pytest.raises(CredentialError, match="the token is empty"):
        cls(server="https://cluster.test", token=" ")


@BOTH
def test_options_can_be_changed_for_a_part_of_a_program(
    cls: type[Client] | type[AsyncClient],
) -> None:
    client = cls(CONFIG, field_manager="ci")
    other = client.with_options(
        namespace="team-b", timeout=NO_TIMEOUT, retries=Retries(attempts=1), dry_run=True
    )
    assert type(other) is cls
    assert other.driver is client.driver
    assert (other.namespace, client.namespace) == ("team-b", "prod")
    assert (other.options.dry_run, client.options.dry_run) == (True, False)
    assert (other.options.timeout, client.options.timeout) == (NO_TIMEOUT, None)
    assert other.options.field_manager == "ci"
    assert other.with_options(dry_run=False).options.dry_run is False
    assert client.with_options().options == client.options


@BOTH
def test_group_clients_of_a_derived_client_have_its_options(
    cls: type[Client] | type[AsyncClient],
) -> None:
    client = cls(CONFIG)
    assert client.registry_v1alpha1.connection.options.dry_run is False
    derived = client.with_options(dry_run=True)
    assert derived.registry_v1alpha1.connection.options.dry_run is True
    assert client.registry_v1alpha1.connection.options.dry_run is False


@BOTH
def test_options_that_make_no_sense_are_refused_when_derived(
    cls: type[Client] | type[AsyncClient],
) -> None:
    with pytest.raises(InvalidArgumentError, match="the namespace is empty"):
        cls(CONFIG).with_options(namespace="")


def test_a_group_client_of_the_other_mode_says_which_one_to_take() -> None:
    asynchronous: Any = AsyncClient(CONFIG)
    with pytest.raises(InvalidArgumentError) as caught:
        RegistryV1alpha1(asynchronous)
    assert str(caught.value) == (
        "RegistryV1alpha1 takes a Client (or Connection), not AsyncClient; "
        "AsyncRegistryV1alpha1 takes that"
    )
    blocking: Any = Client(CONFIG)
    with pytest.raises(InvalidArgumentError, match="not Client; RegistryV1alpha1 takes that"):
        AsyncRegistryV1alpha1(blocking)
    nothing: Any = "default"
    with pytest.raises(InvalidArgumentError, match=r"takes a Client \(or Connection\), not str$"):
        RegistryV1alpha1(nothing)


@BOTH
def test_a_client_travels_by_its_configuration(cls: type[Client] | type[AsyncClient]) -> None:
    client = cls(CONFIG, timeout=7).with_options(dry_run=True)
    copy = pickle.loads(pickle.dumps(client))  # noqa: S301
    assert type(copy) is cls
    assert copy.config == CONFIG
    assert copy.options == client.options
    assert copy.driver is not client.driver


def test_a_client_with_a_transport_of_its_own_does_not_travel() -> None:
    client = Client(CONFIG, transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    with pytest.raises(TypeError, match="this Client with a transport or event hooks of its own"):
        pickle.dumps(client)
    with pytest.raises(TypeError, match="this Client with a transport or event hooks of its own"):
        pickle.dumps(client.with_options(dry_run=True))
    hooked = AsyncClient(CONFIG, event_hooks=EventHooks())
    with pytest.raises(TypeError, match="this AsyncClient with a transport or event hooks"):
        pickle.dumps(hooked)


def test_a_group_client_closes_only_what_it_opened(
    homeless: Path, monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    server = serve(reply(200, b'{"items":[]}'))
    path = write_kubeconfig(homeless / "config", dev="default")
    path.write_text(path.read_text().replace("https://from-file.test", server.url))
    monkeypatch.setenv("KUBECONFIG", str(path))
    with RegistryV1alpha1() as own:
        own.models().list()
    with pytest.raises(MatrixInferError, match="closed"):
        own.models().list()
    with Client() as client:
        with RegistryV1alpha1(client) as borrowed:
            borrowed.models().list()
        client.registry_v1alpha1.models().list()
    assert len(server.received) == 3


def test_an_asynchronous_group_client_closes_only_what_it_opened(
    homeless: Path, monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    server = serve(reply(200, b'{"items":[]}'))
    path = write_kubeconfig(homeless / "config", dev="default")
    path.write_text(path.read_text().replace("https://from-file.test", server.url))
    monkeypatch.setenv("KUBECONFIG", str(path))

    async def main() -> None:
        async with AsyncRegistryV1alpha1() as own:
            await own.models().list()
        with pytest.raises(MatrixInferError, match="closed"):
            await own.models().list()
        async with AsyncClient() as client:
            async with AsyncRegistryV1alpha1(client) as borrowed:
                await borrowed.models().list()
            await client.registry_v1alpha1.models().list()

    asyncio.run(main())
    assert len(server.received) == 3


@pytest.mark.parametrize(
    ("blocking", "awaiting"),
    [(Client, AsyncClient), (Connection, AsyncConnection), (Resource, AsyncResource),
     (RegistryV1alpha1, AsyncRegistryV1alpha1), (Driver, AsyncDriver)],
)  # fmt: skip
def test_both_modes_have_the_same_methods_with_the_same_arguments(
    blocking: type, awaiting: type
) -> None:
    def methods(cls: type) -> dict[str, list[tuple[str, Any, Any]]]:
        found = inspect.getmembers(cls, inspect.isfunction)
        return {
            name: [
                (parameter.name, parameter.kind, parameter.default)
                for parameter in inspect.signature(function).parameters.values()
            ]
            for name, function in found
            if not name.startswith("_")
        }

    assert methods(blocking) == methods(awaiting)
