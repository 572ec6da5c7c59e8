"""What all tests share: `async def` tests, both modes, and servers that misbehave."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from collections.abc import Iterator
from typing import Protocol, cast

import pytest

from matrixinfer_client.config import Config
from matrixinfer_client.drivers import AsyncDriver, Driver
from tests.behaviour.backends import BACKENDS
from tests.behaviour.modes import MODES, Mode, as_async
from tests.loopback import Behaviour, Loopback

pytest_plugins = ["tests.cluster.fixtures"]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an `async def` test in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what takes a backend on each of them, but for what is marked with `only_on`."""
    if "backend" not in metafunc.fixturenames:
        return
    only = metafunc.definition.get_closest_marker("only_on")
    names = BACKENDS if only is None else only.args
    metafunc.parametrize("backend", names, indirect=True, scope="session")


# Whoever asks for one of these needs the real API server, directly or through another fixture.
_REAL = {"api_server", "assets"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what belongs to the cluster session, wherever it stands; so no test can be left out."""
    for item in items:
        if _needs_the_real_one(item):
            item.add_marker(pytest.mark.cluster)


def _needs_the_real_one(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)
    if call is not None and call.params.get("backend") == "cluster":
        return True
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(fixtures & _REAL) or "tests/cluster" in item.path.as_posix()


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> Mode:
    """Run the test once with the blocking classes and once with their asynchronous twins."""
    return cast("Mode", request.param)


class Serve(Protocol):
    """Starts a server on the loopback interface, which is stopped after the test."""

    def __call__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> Loopback: ...


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Loopback] = []

    def start(*behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> Loopback:
        servers.append(Loopback(behaviours, tls).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


class Connect(Protocol):
    """Makes a driver of the mode, which is closed after the test."""

    def __call__(self, to: Config | str) -> AsyncDriver: ...


@pytest.fixture
def connect(mode: Mode) -> Iterator[Connect]:
    blocking: list[Driver] = []

    def driver(to: Config | str) -> AsyncDriver:
        config = Config(to, source='context "dev"') if isinstance(to, str) else to
        if mode == "async":
            return AsyncDriver(config)
        blocking.append(Driver(config))
        return as_async(blocking[-1], AsyncDriver)

    yield driver
    for each in blocking:
        each.close()
