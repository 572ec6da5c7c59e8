"""Alarms end whatever a flow waits for: connecting, the head of an answer, its body, a pause."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from matrixinfer_client.alarms import _Clock
from matrixinfer_client.drivers import AsyncDriver
from matrixinfer_client.flows import (
    NO_TIMEOUT,
    Alarm,
    Close,
    Flow,
    Open,
    Read,
    Request,
    Sleep,
    TimeIsUp,
    alarm,
    now,
    sleep,
)
from tests.conftest import Connect, Serve
from tests.loopback import Behaviour, stall, stream

PATIENT = Request("GET", "/apis", timeout=NO_TIMEOUT)


def in_time(flow: Flow[Any], seconds: float) -> Flow[float]:
    """Run a flow that would take for ever; the result is how long it was let."""
    began = yield from now()
    yield from alarm(seconds)
    with pytest.raises(TimeIsUp):
        yield from flow
    # Until it is set anew, it ends every step.
    yield from alarm(None)
    return (yield from now()) - began


def reading() -> Flow[None]:
    answer = yield Open(PATIENT)
    while True:
        yield Read(answer)


def opening() -> Flow[None]:
    yield Open(PATIENT)


@pytest.mark.parametrize(
    ("flow", "behaviour"),
    [
        (reading, stream(b"begun", end=False)),
        (opening, stall),
        (lambda: sleep(60), stall),
    ],
    ids=["body", "head", "pause"],
)
async def test_an_alarm_ends_any_step_on_time(
    connect: Connect, serve: Serve, flow: Any, behaviour: Behaviour
) -> None:
    driver: AsyncDriver = connect(serve(behaviour).url)
    took = await driver.timed(in_time(flow(), 0.4))
    assert 0.39 <= took < 0.9


async def test_after_an_alarm_a_flow_goes_on(connect: Connect, serve: Serve) -> None:
    def flow() -> Flow[bytes]:
        answer = yield Open(PATIENT)
        assert (yield Read(answer)) == b"one"
        yield Alarm(0.2)
        with pytest.raises(TimeIsUp):
            yield Read(answer)
        yield Alarm(None)
        yield Close(answer)
        again = yield Open(PATIENT)
        body: bytes = yield Read(again)
        return body

    server = serve(stream(b"one", end=False), stream(b"two"))
    assert await connect(server.url).timed(flow()) == b"two"


async def test_an_alarm_that_is_moved_or_switched_off_does_not_ring(
    connect: Connect, serve: Serve
) -> None:
    def flow() -> Flow[None]:
        yield Alarm(0.1)
        yield Alarm(5)
        yield Sleep(0.2)
        yield Alarm(0.1)
        yield Alarm(None)
        yield Sleep(0.2)

    await connect(serve(stall).url).timed(flow())


async def test_nothing_is_left_behind(connect: Connect, serve: Serve) -> None:
    before = {thread.name for thread in threading.enumerate()}
    driver = connect(serve(stream(b"begun", end=False)).url)
    await driver.timed(in_time(reading(), 0.1))
    names = {thread.name for thread in threading.enumerate()} - before
    assert not any("alarm" in name for name in names)


async def test_a_flow_without_a_clock_may_not_set_alarms(connect: Connect, serve: Serve) -> None:
    with pytest.raises(AssertionError, match="has no alarm"):
        await connect(serve(stall).url).run(alarm(1))


# What an interrupt at the worst moment leaves behind: no block is so short that none can come.


def test_a_clock_stops_though_an_interrupt_left_its_lock_taken() -> None:
    clock = _Clock(lambda: None)
    clock.set(60)
    thread = clock._thread
    assert thread is not None
    clock._changed.acquire()
    clock.stop()
    assert thread.is_alive()
    clock._changed.release()
    thread.join(5)
    assert not thread.is_alive()


def test_a_clock_stops_though_an_interrupt_came_before_its_thread_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(thread: threading.Thread) -> None:
        del thread
        raise KeyboardInterrupt

    clock = _Clock(lambda: None)
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        clock.set(60)
    clock.stop()
