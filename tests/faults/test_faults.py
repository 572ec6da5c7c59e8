"""The fault run, small enough for every day. `nox -s faults` has the large one."""

from __future__ import annotations

import pytest

from tests.behaviour.modes import Mode
from tests.cluster.server import ApiServer
from tests.faults.run import Plan, run


# Once, on a machine busy with other suites, the run stood still in the asynchronous mode until its
# time was up, and nobody knows yet why. A second stand-still is a failure.
@pytest.mark.flaky(reruns=1, only_rerun=["Timeout"])
@pytest.mark.timeout(100)
def test_a_watch_and_an_informer_are_not_misled_by_sixty_faults(
    api_server: ApiServer, namespace: str, mode: Mode
) -> None:
    plan = Plan(mode, changes=1500, objects=200, faults=60)
    report = run(api_server, namespace, plan)
    assert report.changes >= 1500
    assert report.faults.total() >= 60
    assert not report.wrong, str(report)
