"""The watches that people hold, over a real connection, in both modes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from matrixinfer_client.errors import (
    ForbiddenError,
    InvalidArgumentError,
    InvalidError,
    NotFoundError,
    TransportError,
    UnauthorizedError,
)
from matrixinfer_client.pacing import WatchPolicy
from tests.loopback import closed_port
from tests.watch.conftest import Open
from tests.watch.either import until
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
