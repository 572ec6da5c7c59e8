"""What the tests of watches share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from tests.behaviour.modes import Mode
from tests.watch.either import Either
from tests.watch.served import Served

Open = Callable[..., AbstractAsyncContextManager[Either]]


@pytest.fixture
def served() -> Iterator[Served]:
    with Served() as served:
        yield served


@pytest.fixture
def opened(mode: Mode, served: Served) -> Open:
    """Open a client of the mode; by default for `served`."""

    @asynccontextmanager
    async def open_client(**arguments: Any) -> AsyncIterator[Either]:
        either = Either(mode, **(arguments or {"server": served.url}))
        try:
            yield either
        finally:
            await either.close()

    return open_client
