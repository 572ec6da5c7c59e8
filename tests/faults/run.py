"""Changes, faults, and the proof that neither watch nor informer was misled.

    python -m tests.faults.run --changes 50000 --objects 2000 --faults 1000 --mode sync

Writers change objects on a real API server and remember it. A watch and an informer follow through
proxies that break their connections. In the end both must have the server's state, must have been
told of every change once and in order, and of what happened while their version was expired by an
exact difference.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, cast

from matrixinfer_client.pacing import WatchPolicy
from tests.behaviour.modes import Mode
from tests.cluster.assets import find_assets
from tests.cluster.commands import say
from tests.cluster.crds import platform_crds
from tests.cluster.server import ApiServer
from tests.faults.consumers import POLICY, Consumers
from tests.faults.proxy import ENDINGS, FAULTS, Proxy
from tests.faults.standstill import Watchdog, threads
from tests.faults.writers import Writers

_CATCH_UP_SECONDS = 60.0
# What takes longest is a restart of the API server, and that is not counted.
_STAND_STILL_SECONDS = 30.0


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    mode: Mode
    changes: int
    objects: int
    faults: int
    expiries: int = 0
    """How often the history is really lost: by compaction and a restart of the API server."""
    seed: int = 0
    threads: int = 4
    kinds: Sequence[str] = FAULTS
    """The faults to choose from."""
    policy: WatchPolicy = POLICY


@dataclass
class Report:
    """What happened, and what was wrong with it."""

    plan: Plan
    seconds: float = 0.0
    changes: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)

    def _headline(self) -> str:
        return (
            f"{self.plan.mode}: {self.changes} changes to {self.plan.objects} objects, "
            f"{self.faults.total()} faults, {self.plan.expiries} real expiries, "
            f"{self.seconds:.0f} s"
        )

    def __str__(self) -> str:
        lines = [
            self._headline(),
            "  faults: " + ", ".join(f"{kind} {n}" for kind, n in sorted(self.faults.items())),
            *(f"  {name}: {text}" for name, text in self.details.items()),
            *(f"  WRONG: {each}" for each in self.wrong[:20]),
            f"  {len(self.wrong)} things wrong" if self.wrong else "  nothing lost or repeated",
        ]
        return "\n".join(lines)


def run(server: ApiServer, namespace: str, plan: Plan) -> Report:
    """Carry out a plan."""
    report, started = Report(plan), time.monotonic()
    writers = Writers(server, namespace, objects=plan.objects, threads=plan.threads, seed=plan.seed)
    consumers = Consumers(plan.mode, namespace, {"token": server.token()}, plan.policy)
    with ExitStack() as stack:
        proxies = [stack.enter_context(Proxy(server.url, server.ca_pem, seed)) for seed in (1, 2)]
        consumers.start(*proxies)
        try:
            writers.start()
            try:
                _Breaking(server, writers, consumers, proxies, plan).run()
            finally:
                writers.stop()
            for proxy in proxies:
                proxy.calm()
            wanted = _state(server, namespace)
            if not _catch_up(consumers, wanted):
                report.wrong.append(f"it does not catch up\n{_where(writers, consumers, proxies)}")
        finally:
            consumers.stop()
        report.wrong += _left_open(proxies)
        report.faults = sum((proxy.applied for proxy in proxies), Counter[str]())
    report.changes = writers.truth.changes
    for record, proxy in zip((consumers.watched, consumers.informed), proxies, strict=True):
        statistics = consumers.statistics[record.name]
        expired = proxy.applied["http 410"] + proxy.applied["event 410"] + plan.expiries
        if statistics.relists > expired + proxy.garbled_again:
            report.wrong.append(
                f"{record.name}: compared {statistics.relists} times, "
                f"not {expired} and {proxy.garbled_again}"
            )
        report.wrong += record.compare(writers.truth.lives, wanted, statistics, 0)
        report.details[record.name] = (
            f"{record.events.total()} events, {record.missed} changes coalesced; {statistics}"
        )
    report.wrong += [f"a handler raised {error!r}" for error in consumers.handler_errors[:5]]
    if consumers.store != wanted:
        report.wrong.append("the informer's store differs from the server's state")
    report.seconds = time.monotonic() - started
    return report


class _Breaking:
    """Injects the faults, spread over the changes, until there were enough of both."""

    def __init__(
        self,
        server: ApiServer,
        writers: Writers,
        consumers: Consumers,
        proxies: Sequence[Proxy],
        plan: Plan,
    ) -> None:
        self._server = server
        self._writers = writers
        self._consumers = consumers
        self._proxies = proxies
        self._plan = plan
        self._choices = random.Random(plan.seed)  # noqa: S311
        self._expired = 0
        self._watchdog = Watchdog(_STAND_STILL_SECONDS, lambda: _where(writers, consumers, proxies))

    def run(self) -> None:
        """Return when it is done, or when a writer or a consumer is over."""
        plan = self._plan
        while not self._writers.errors and not self._consumers.errors:
            changes = self._writers.truth.changes
            progress = min(1.0, changes / plan.changes)
            self._watchdog.note("the writers", changes)
            for proxy in self._proxies:
                self._inject(proxy, progress)
            if self._expired < plan.expiries and progress > (self._expired + 1) / (
                plan.expiries + 1
            ):
                self._expire()
            happened = sum(proxy.applied.total() for proxy in self._proxies)
            if progress >= 1.0 and happened >= plan.faults:
                return
            time.sleep(0.002)

    def _inject(self, proxy: Proxy, progress: float) -> None:
        plan, applied, pending = self._plan, proxy.applied.total(), proxy.pending
        self._watchdog.note(proxy.url, applied if pending else None)
        due = 1 + progress * plan.faults / len(self._proxies) - applied - pending
        if due > 0 and pending < 4:
            proxy.inject(self._choices.choice(plan.kinds))
        elif proxy.needs_a_request:
            # Nothing more would be injected, and on a stream that goes well nothing more happen.
            proxy.inject(self._choices.choice(ENDINGS))

    def _expire(self) -> None:
        """Have changes happen that nobody follows, and the server forget how they happened."""
        for proxy in self._proxies:
            proxy.blocked = True
            proxy.cut_all()
        time.sleep(0.5)
        with self._writers.paused():
            self._server.forget_history()
        for proxy in self._proxies:
            proxy.blocked = False
        self._expired += 1
        self._watchdog.restart()


def _where(writers: Writers, consumers: Consumers, proxies: Sequence[Proxy]) -> str:
    """Where every part of the run is."""
    parts = [f"{writers.truth.changes} changes, errors of writers: {writers.errors}"]
    parts += [f"{proxy.url}: {proxy.describe()}" for proxy in proxies]
    return "\n".join([*parts, f"{consumers.describe()}{threads()}"])


def _state(server: ApiServer, namespace: str) -> dict[str, tuple[str, int]]:
    path = f"/apis/registry.matrixinfer.ai/v1alpha1/namespaces/{namespace}/models"
    status, body = server.request("GET", path)
    assert status == 200, body
    found: dict[str, tuple[str, int]] = {}
    for item in body["items"]:
        metadata: Any = item["metadata"]
        found[metadata["name"]] = (metadata["uid"], int(metadata["resourceVersion"]))
    return found


def _catch_up(consumers: Consumers, wanted: dict[str, tuple[str, int]]) -> bool:
    """Wait until both have the server's state; False when they do not come to it."""
    deadline = time.monotonic() + _CATCH_UP_SECONDS
    while time.monotonic() < deadline and not consumers.errors:
        states = (consumers.watched.state, consumers.informed.state, consumers.store)
        if all(state == wanted for state in states):
            return True
        time.sleep(0.05)
    return False


def _left_open(proxies: Sequence[Proxy]) -> list[str]:
    deadline = time.monotonic() + 5
    while any(proxy.connections for proxy in proxies) and time.monotonic() < deadline:
        time.sleep(0.02)
    return [
        f"{proxy.connections} connections are left open" for proxy in proxies if proxy.connections
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a plan on a server of its own; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.run", description=__doc__)
    parser.add_argument("--mode", choices=("sync", "async"), default="sync")
    parser.add_argument("--changes", type=int, default=50_000)
    parser.add_argument("--objects", type=int, default=2_000)
    parser.add_argument("--faults", type=int, default=1_000)
    parser.add_argument("--expiries", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    plan = Plan(
        cast("Mode", given.mode),
        given.changes,
        given.objects,
        given.faults,
        given.expiries,
        given.seed,
    )
    with ApiServer(find_assets(say)) as server:
        server.install_crds(platform_crds())
        report = run(server, server.create_namespace("faults-"), plan)
    sys.stdout.write(f"{report}\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
