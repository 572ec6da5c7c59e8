"""A server that stops answering: real sockets, real time, and a timeout that is kept."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from matrixinfer_client import AsyncClient, Client, WaitTimeout
from tests.behaviour.modes import Mode, as_async
from tests.conftest import Serve
from tests.loopback import Behaviour, reply, stall, stream
from tests.wait.simulated import PROCESSING, model_spec, status

MODEL: dict[str, Any] = {
    "apiVersion": "registry.matrixinfer.ai/v1alpha1",
    "kind": "Model",
    "metadata": {
        "name": "demo",
        "namespace": "default",
        "uid": "5d1c",
        "generation": 1,
        "resourceVersion": "7",
    },
    "spec": model_spec(),
    "status": status(1, PROCESSING),
}
LISTED = json.dumps({"metadata": {"resourceVersion": "7"}, "items": [MODEL]}).encode()
CHANGED = json.dumps({"type": "MODIFIED", "object": MODEL}).encode().replace(b'"7"', b'"8"') + b"\n"


@pytest.fixture
def connect(mode: Mode) -> Iterator[Any]:
    opened: list[Client] = []

    def client(url: str) -> AsyncClient:
        if mode == "async":
            return AsyncClient(server=url)
        opened.append(Client(server=url))
        return as_async(opened[-1], AsyncClient)

    yield client
    for each in opened:
        each.close()


@pytest.mark.parametrize("diagnose", [False, True])
@pytest.mark.parametrize(
    "behaviours",
    [
        (stall, stall, stall),
        (reply(200, LISTED), stall, stall),
        (reply(200, LISTED), stream(end=False), stall),
        (reply(200, LISTED), stream(CHANGED, b'{"type": "MODI', end=False), stall),
    ],
    ids=["list", "head of the stream", "silent stream", "half an event"],
)
async def test_a_wait_ends_in_time_whatever_the_server_hangs_in(
    connect: Any, serve: Serve, behaviours: tuple[Behaviour, ...], diagnose: bool
) -> None:
    client: AsyncClient = connect(serve(*behaviours).url)
    began = time.monotonic()
    with pytest.raises(WaitTimeout) as caught:
        await client.registry_v1alpha1.models().wait_for(
            "demo", "Ready", timeout=1.0, diagnose=diagnose
        )
    took = time.monotonic() - began
    # A diagnosis gives up within a second when nobody answers, and then there is none.
    assert 1.0 <= took < (2.4 if diagnose else 1.5)
    assert caught.value.diagnosis is None
    await client.close()


async def test_a_wait_can_be_cancelled(serve: Serve) -> None:
    server = serve(reply(200, LISTED), stream(end=False))
    async with AsyncClient(server=server.url) as client:
        waiting = client.registry_v1alpha1.models().wait_for("demo", "Ready", timeout=60)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiting, 0.3)
