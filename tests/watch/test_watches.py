"""The watches that people hold, over a real connection, in both modes."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
from itertools import pairwise
from typing import Any

import pytest

from matrixinfer_client import Client
from matrixinfer_client.api.registry_v1alpha1 import Model
from matrixinfer_client.errors import (
    ForbiddenError,
    InvalidArgumentError,
    InvalidError,
    MatrixInferError,
    NotFoundError,
    TransportError,
    UnauthorizedError,
)
from matrixinfer_client.pacing import WatchPolicy
from matrixinfer_client.watching import Event
from tests.loopback import closed_port
from tests.watch.conftest import Open
from tests.watch.either import POLICY, until
from tests.watch.served import Served

SLOW = WatchPolicy(backoff=60.0, max_backoff=60.0)


async def test_a_watch_begins_with_all_objects_and_goes_on_with_changes(
    served: Served, opened: Open
) -> None:
    served.create("a")
    served.create("b")
    async with opened() as client, client.watching() as watch:
        assert await watch.take(2) == [("ADDED", "a"), ("ADDED", "b")]
        served.update("a")
        served.delete("b")
        assert await watch.take(2) == [("MODIFIED", "a"), ("DELETED", "b")]


async def test_a_watch_from_a_version_begins_after_it(served: Served, opened: Open) -> None:
    served.create("a")
    served.create("b")
    async with opened() as client, client.watching(resource_version="101") as watch:
        assert await watch.take(1) == [("ADDED", "b")]


async def test_a_watch_can_be_resumed_by_another_one(served: Served, opened: Open) -> None:
    served.create("a")
    async with opened() as client:
        async with client.watching() as watch:
            assert await watch.take(1) == [("ADDED", "a")]
            await until(lambda: watch.watch.statistics.connections)
            served.update("a")
            assert await watch.take(1) == [("MODIFIED", "a")]
            version = watch.watch.resource_version
        served.delete("a")
        async with client.watching(resource_version=version) as watch:
            assert await watch.take(1) == [("DELETED", "a")]


async def test_a_server_that_closes_its_streams_is_gone_back_to(
    served: Served, opened: Open
) -> None:
    async with opened() as client, client.watching() as watch:
        for number in range(5):
            served.create(f"m{number}")
            assert await watch.take(1) == [("ADDED", f"m{number}")]
            served.close_streams()
        assert watch.watch.statistics.reconnects == 4
        assert watch.watch.statistics.relists == 0


async def test_a_silent_connection_is_given_up(served: Served, opened: Open) -> None:
    async with opened() as client, client.watching() as watch:
        waiting = asyncio.ensure_future(watch.next())
        # The stream that listed is followed by one that is silent for too long.
        await until(lambda: watch.watch.statistics.dead_connections >= 1)
        served.create("a")
        event = await waiting
        assert event is not None
        assert event.object.name == "a"


@pytest.mark.parametrize("streaming", [True, False])
async def test_deletions_in_a_lost_history_come_with_the_last_known_state(
    served: Served, opened: Open, streaming: bool
) -> None:
    served.streaming = streaming
    served.create("a")
    served.create("b")
    async with opened() as client, client.watching() as watch:
        assert await watch.take(2) == [("ADDED", "a"), ("ADDED", "b")]
        served.refuse(503, "ServiceUnavailable", times=2)
        served.close_streams()
        with_changes = [served.history.update, served.history.update, served.history.delete]
        served.change(lambda _: [change(n) for change, n in zip(with_changes, "aab", strict=True)])
        served.create("c")
        served.change(lambda history: history.compact())
        events = [await watch.next() for _ in range(3)]
        assert [(e.type, e.object.name, e.synthetic) for e in events if e] == [
            ("DELETED", "b", True),
            ("MODIFIED", "a", True),
            ("ADDED", "c", True),
        ]
        assert events[0] is not None
        assert events[0].object.resource_version == "102", "as it was last seen"
        served.create("d")
        assert await watch.take(1) == [("ADDED", "d")]
        statistics = watch.watch.statistics
        assert (statistics.relists, statistics.coalesced) == (1, 3)
        assert list(statistics.gaps) == [("102", "106")]


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (403, "Forbidden", ForbiddenError),
        (404, "NotFound", NotFoundError),
        (422, "Invalid", InvalidError),
    ],
)
async def test_what_no_repetition_mends_is_raised_at_once(
    served: Served, opened: Open, code: int, reason: str, kind: type[Exception]
) -> None:
    served.streaming = False
    async with opened() as client, client.watching(resource_version="100") as watch:
        served.refuse(code, reason)
        with pytest.raises(kind):
            await watch.next()
        assert len(served.requests) == 1
        # The next look at it tries again, since a person may have mended it.
        served.create("a")
        assert await watch.take(1) == [("ADDED", "a")]


async def test_a_token_that_is_refused_twice_is_an_error(served: Served, opened: Open) -> None:
    async with opened() as client, client.watching() as watch:
        served.refuse(401, "Unauthorized", times=9)
        with pytest.raises(UnauthorizedError):
            await watch.next()


async def test_a_server_that_was_never_there_is_an_error_after_some_attempts(
    opened: Open,
) -> None:
    nowhere = f"http://127.0.0.1:{closed_port()}"
    async with opened(server=nowhere) as client, client.watching() as watch:
        with pytest.raises(TransportError, match="cannot reach"):
            await watch.next()


async def test_a_server_that_goes_away_and_comes_back_is_waited_for(
    served: Served, opened: Open
) -> None:
    async with opened() as client, client.watching() as watch:
        served.create("a")
        assert await watch.take(1) == [("ADDED", "a")]
        served.refuse(503, "ServiceUnavailable", times=30)
        served.close_streams()
        served.create("b")
        assert await watch.take(1) == [("ADDED", "b")]
        assert watch.watch.statistics.errors == 30


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


async def test_a_bad_selector_is_reported_where_it_was_given(opened: Open) -> None:
    async with opened() as client:
        with pytest.raises(InvalidArgumentError, match="label_selector"):
            client.models().watch(label_selector={"a": "b,c=d"})


async def test_selectors_go_into_every_request(served: Served, opened: Open) -> None:
    served.streaming = False
    selectors: Any = {"label_selector": {"a": "b"}, "field_selector": "x=y"}
    async with opened() as client, client.watching(**selectors) as watch:
        for name in ("a", "b", "c"):
            served.create(name)
            await watch.take(1)
        served.close_streams()
        served.create("d")
        await watch.take(1)
    assert len(served.requests) >= 4
    assert all("labelSelector=a%3Db&fieldSelector=x%3Dy" in each for each in served.requests)


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


async def _write_slowly(served: Served) -> None:
    for number in range(30):
        served.create(f"m{number}")
        await asyncio.sleep(0.04 if number % 3 == 0 else 0)


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


def _timers() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("matrixinfer")]
