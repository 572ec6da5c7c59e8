"""How watches end: closed, forgotten, interrupted, or when their time is up."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
from itertools import pairwise

import pytest

from matrixinfer_client import Client
from matrixinfer_client.api.registry_v1alpha1 import Model
from matrixinfer_client.errors import (
    InvalidArgumentError,
    MatrixInferError,
)
from matrixinfer_client.pacing import WatchPolicy
from matrixinfer_client.watching import Event
from tests.watch.conftest import Open
from tests.watch.either import POLICY, until
from tests.watch.served import Served

SLOW = WatchPolicy(backoff=60.0, max_backoff=60.0)


async def test_closing_ends_a_wait_for_events_at_once(served: Served, opened: Open) -> None:
    calm = WatchPolicy()
    async with opened() as client, client.watching(policy=calm) as watch:
        waiting = asyncio.ensure_future(watch.next())
        await until(lambda: served.streams)
        started = time.monotonic()
        await watch.close()
        assert await waiting is None
        assert time.monotonic() - started < 0.5
        await until(lambda: not served.streams)
        assert await watch.next() is None, "and it stays closed"


async def test_closing_ends_a_wait_for_an_answer_at_once(served: Served, opened: Open) -> None:
    served.silent_heads = True
    async with opened() as client, client.watching(policy=WatchPolicy()) as watch:
        waiting = asyncio.ensure_future(watch.next())
        await until(lambda: served.requests)
        started = time.monotonic()
        await watch.close()
        assert await waiting is None
        assert time.monotonic() - started < 0.5


async def test_closing_ends_a_pause_at_once(served: Served, opened: Open) -> None:
    served.refuse(503, "ServiceUnavailable", times=9)
    async with opened() as client, client.watching(policy=SLOW) as watch:
        waiting = asyncio.ensure_future(watch.next())
        await until(lambda: watch.watch.statistics.backoff_seconds > 0)
        started = time.monotonic()
        await watch.close()
        assert await waiting is None
        assert time.monotonic() - started < 0.5


async def test_closing_the_client_ends_a_wait_for_events_at_once(
    served: Served, opened: Open
) -> None:
    async with opened() as client, client.watching(policy=WatchPolicy()) as watch:
        waiting = asyncio.ensure_future(watch.next())
        await until(lambda: served.streams)
        started = time.monotonic()
        await client.close()
        with pytest.raises(MatrixInferError, match="this client is closed"):
            await waiting
        assert time.monotonic() - started < 2.0


async def test_closing_twice_or_without_having_begun_does_nothing(opened: Open) -> None:
    async with opened() as client, client.watching() as watch:
        await watch.close()
        await watch.close()
        assert watch.watch.closed
        assert "closed" in repr(watch.watch)


async def test_the_time_of_a_watch_is_kept_while_nothing_happens(
    served: Served, opened: Open
) -> None:
    async with opened() as client, client.watching(policy=WatchPolicy(), timeout=0.5) as watch:
        started = time.monotonic()
        assert await watch.next() is None
        assert 0.45 < time.monotonic() - started < 1.0
        assert watch.watch.timed_out
        await until(lambda: not served.streams)


async def test_the_time_of_a_watch_is_kept_while_much_happens(served: Served, opened: Open) -> None:
    for number in range(50):
        served.create(f"m{number}")
    async with opened() as client, client.watching(timeout=0.5) as watch:
        started = time.monotonic()
        seen = 0
        while await watch.next() is not None:
            seen += 1
            served.update(f"m{seen % 50}")
        assert 0.45 < time.monotonic() - started < 1.5
        assert seen > 50


async def test_a_timeout_must_be_a_time(opened: Open) -> None:
    async with opened() as client:
        with pytest.raises(InvalidArgumentError, match="timeout must be above 0 seconds, not 0"):
            client.models().watch(timeout=0)


async def test_a_cancelled_wait_loses_nothing(served: Served) -> None:
    from matrixinfer_client import AsyncClient

    async with AsyncClient(server=served.url) as client:
        watch = client.registry_v1alpha1.models().watch(policy=POLICY)
        seen: list[Event[Model]] = []
        writer = asyncio.create_task(_write_slowly(served))
        while len(seen) < 30:
            try:
                seen.append(await asyncio.wait_for(anext(watch), 0.03))
            except TimeoutError:
                continue
        await writer
        await watch.close()
    versions = [int(event.object.resource_version or 0) for event in seen]
    assert all(before + 1 == after for before, after in pairwise(versions))


def test_an_interrupted_iteration_can_be_taken_up_again(served: Served) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with Client(server=served.url) as client:
            watch = client.registry_v1alpha1.models().watch()
            served.create("a")
            assert next(watch).object.name == "a"
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(KeyboardInterrupt):
                next(watch)
            served.create("b")
            assert next(watch).object.name == "b"
            watch.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_one_client_serves_two_event_loops(served: Served) -> None:
    from matrixinfer_client import AsyncClient

    client = AsyncClient(server=served.url)
    watch = client.registry_v1alpha1.models().watch()
    served.create("a")

    async def first() -> str:
        return (await anext(watch)).object.name

    assert asyncio.run(first()) == "a"
    served.create("b")
    assert asyncio.run(first()) == "b"

    async def end() -> None:
        await watch.close()
        await client.close()

    asyncio.run(end())


def test_a_forgotten_watch_leaves_no_connection_and_no_thread(served: Served) -> None:
    with Client(server=served.url) as client:
        served.create("a")
        watch = client.registry_v1alpha1.models().watch(timeout=600)
        next(watch)
        assert _timers()
        del watch
        gc.collect()
        deadline = time.monotonic() + 5
        while (served.streams or _timers()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (served.streams, _timers()) == (0, [])


async def test_a_closed_watch_leaves_no_thread_and_no_task(served: Served, opened: Open) -> None:
    served.create("a")
    async with opened() as client:
        async with client.watching(timeout=600) as watch:
            await watch.take(1)
        await until(lambda: not served.streams and not _timers())
        assert len(asyncio.all_tasks()) == 1


async def test_many_connections_leave_nothing_open(served: Served, opened: Open) -> None:
    hasty = WatchPolicy(backoff=0.0, max_backoff=0.0)
    async with opened() as client, client.watching(policy=hasty) as watch:
        waiting = asyncio.ensure_future(watch.next(60))
        while watch.watch.statistics.connections < 200:
            served.close_streams()
            await asyncio.sleep(0.002)
        run = getattr(watch.watch, "_iteration")._run  # noqa: B009
        assert len(run.opened) <= 1
        assert served.streams <= 2
        served.create("a")
        event = await waiting
        assert event is not None


async def _write_slowly(served: Served) -> None:
    for number in range(30):
        served.create(f"m{number}")
        await asyncio.sleep(0.04 if number % 3 == 0 else 0)


def _timers() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("matrixinfer")]
