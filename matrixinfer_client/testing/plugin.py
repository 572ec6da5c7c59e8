"""Fixtures for pytest: a FakeCluster for each test, and clients of it.

They are there wherever this package is installed. Nothing is imported before a test asks for one.

```python
def test_a_model_is_created(fake_cluster, fake_client):
    deploy(fake_client)
    assert fake_cluster.actions_of(verb="create", resource="models")


@pytest.mark.fake_cluster(simulate={"speed": 10}, seed=7)
async def test_it_becomes_ready(async_fake_client):
    ...
```

`async_fake_client` belongs to no event loop, so that it works with pytest-asyncio, anyio, and a
plain `asyncio.run` in a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from matrixinfer_client.client import AsyncClient, Client
    from matrixinfer_client.testing.cluster import FakeCluster

__all__ = ["async_fake_client", "fake_client", "fake_cluster", "pytest_configure"]

_MARKER = "fake_cluster"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(*objects, simulate=False, webhooks=True, seed=None, ...): what the fixture "
        f"{_MARKER} makes its FakeCluster with",
    )


@pytest.fixture
def fake_cluster(request: pytest.FixtureRequest) -> Iterator[FakeCluster]:
    """A new `FakeCluster`, with what markers called `fake_cluster` say; the nearest one wins."""
    from matrixinfer_client.testing.cluster import FakeCluster  # noqa: PLC0415

    objects: list[Any] = []
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(_MARKER))):
        objects += marker.args
        options |= marker.kwargs
    with FakeCluster(*objects, **options) as cluster:
        # Shown when the test fails, so that it can be run again with the same names and chances.
        request.node.add_report_section("setup", "FakeCluster", f"seed={cluster.seed}")
        yield cluster


@pytest.fixture
def fake_client(fake_cluster: FakeCluster) -> Client:
    """A client of `fake_cluster`; the cluster closes it."""
    return fake_cluster.client()


@pytest.fixture
def async_fake_client(fake_cluster: FakeCluster) -> AsyncClient:
    """A client of `fake_cluster` for asyncio; the cluster closes it."""
    return fake_cluster.async_client()
