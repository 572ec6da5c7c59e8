"""The fault run, small enough for every day. `nox -s faults` has the large one."""

from __future__ import annotations

import threading
import time

import attrs
import pytest

from tests.behaviour.modes import Mode
from tests.cluster.server import ApiServer
from tests.faults.consumers import POLICY
from tests.faults.proxy import REQUEST_FAULTS
from tests.faults.run import Plan, run
from tests.faults.standstill import StandStillError, Watchdog, threads


@pytest.mark.timeout(100)
def test_a_watch_and_an_informer_are_not_misled_by_sixty_faults(
    api_server: ApiServer, namespace: str, mode: Mode
) -> None:
    plan = Plan(mode, changes=1500, objects=200, faults=60)
    report = run(api_server, namespace, plan)
    assert report.changes >= 1500
    assert report.faults.total() >= 60
    assert not report.wrong, str(report)


def test_a_stream_that_goes_well_does_not_keep_off_the_faults_of_requests(
    api_server: ApiServer, namespace: str, mode: Mode
) -> None:
    plan = Plan(mode, changes=100, objects=20, faults=20, kinds=REQUEST_FAULTS)
    report = run(api_server, namespace, plan)
    assert report.faults.total() >= 20
    assert not report.wrong, str(report)


def test_lists_that_are_not_answered_take_no_longer_than_streams(
    api_server: ApiServer, namespace: str, mode: Mode
) -> None:
    lists = attrs.evolve(POLICY, streaming_lists=False)
    faults = ("no answer", "http 410")
    plan = Plan(mode, changes=20, objects=10, faults=12, kinds=faults, policy=lists)
    report = run(api_server, namespace, plan)
    assert report.faults.total() >= 12
    assert report.seconds < 30
    assert not report.wrong, str(report)


def test_a_stand_still_says_where_every_thread_is() -> None:
    watchdog = Watchdog(0.0, threads)
    stop = threading.Event()
    waiting = threading.Thread(target=stop.wait, name="the one that waits")
    waiting.start()
    try:
        watchdog.note("the proxy", 1)
        watchdog.note("the proxy", 2)
        watchdog.note("the proxy", None)
        watchdog.note("the proxy", None)
        watchdog.note("the proxy", 3)
        time.sleep(0.01)
        with pytest.raises(StandStillError, match="the proxy has not moved for 0 s") as caught:
            watchdog.note("the proxy", 3)
    finally:
        stop.set()
        waiting.join()
    entry = str(caught.value).partition("the one that waits\n")[2]
    assert "in wait\n" in entry.partition("\nthreads ")[0]
