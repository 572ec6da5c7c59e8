"""Fixtures of the tests that need a real API server, and what happens when there is none.

A plugin, which `tests/conftest.py` loads: tests outside this directory need the server, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.cluster.assets import AssetsMissingError, find_assets, find_kubectl
from tests.cluster.commands import say
from tests.cluster.crds import platform_crds
from tests.cluster.server import ApiServer

REQUIRED_VARIABLE = "MATRIXINFER_REQUIRE_CLUSTER"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the time limit for the tests: the first fixture may build the server for minutes."""
    here = Path(__file__).parent
    for item in items:
        needed = here in item.path.parents or "api_server" in getattr(item, "fixturenames", ())
        if needed and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(func_only=True))


@pytest.fixture(scope="session")
def assets(request: pytest.FixtureRequest) -> Path:
    """Return the directory with etcd and kube-apiserver; skip, or fail in CI, without them."""
    capture: Any = request.config.pluginmanager.getplugin("capturemanager")
    try:
        # A build takes minutes, and captured lines would show when it is over.
        with capture.global_and_fixture_disabled():
            return find_assets(say)
    except AssetsMissingError as error:
        _skip_or_fail(error)


@pytest.fixture(scope="session")
def kubectl(assets: Path) -> Path:
    """Return the kubectl among the programs; skip, or fail in CI, without it."""
    try:
        return find_kubectl(assets)
    except AssetsMissingError as error:
        _skip_or_fail(error)


def _skip_or_fail(error: AssetsMissingError) -> NoReturn:
    if os.environ.get(REQUIRED_VARIABLE) == "1":
        pytest.fail(f"{REQUIRED_VARIABLE}=1, but: {error}", pytrace=False)
    pytest.skip(str(error))


@pytest.fixture(scope="session")
def api_server(assets: Path) -> Iterator[ApiServer]:
    """Run one API server with the platform's resources for the session (or the xdist worker)."""
    with ApiServer(assets) as server:
        server.install_crds(platform_crds())
        yield server


@pytest.fixture
def namespace(api_server: ApiServer) -> Iterator[str]:
    """Make a namespace for one test; what the test leaves in it does not reach the next one."""
    name = api_server.create_namespace()
    yield name
    api_server.delete_namespace(name)
