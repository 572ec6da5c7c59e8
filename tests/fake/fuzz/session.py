"""A session of sequences against one real API server, and what it found."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from tests.cluster.server import ApiServer
from tests.fake.fuzz.canonical import Difference
from tests.fake.fuzz.generator import sequence
from tests.fake.fuzz.operations import Operation
from tests.fake.fuzz.running import Run, play
from tests.fake.fuzz.shrinking import shrunk
from tests.fake.fuzz.sides import FakeSide, RealSide, Side

__all__ = ["LENGTH", "Session", "Tally", "session"]

LENGTH = 50
"""Operations in one sequence, which has a namespace of its own."""

_MOST_SHOWN = 12


@attrs.define
class Tally:
    """What a session has seen."""

    operations: int = 0
    answers: Counter[str] = attrs.field(factory=Counter[str])
    differing: list[tuple[list[Operation], Difference]] = attrs.field(
        factory=list[tuple[list[Operation], Difference]]
    )
    """The sequences that showed a difference, with their first one."""
    once: list[tuple[int, Difference]] = attrs.field(factory=list[tuple[int, Difference]])
    """Sequences, by number, that showed a difference, and none when they were played again.

    A clock that ticks between two requests to one server, and within one to the other, makes such.
    """

    def __str__(self) -> str:
        counted = ", ".join(f"{count} of {name}" for name, count in sorted(self.answers.items()))
        return (
            f"{self.operations} operations ({counted}), {len(self.differing)} with differences, "
            f"{len(self.once)} with some that did not show again"
        )


@attrs.define
class Session:
    """Plays sequences on two servers and explains how they differ."""

    real: Side
    fake: Callable[[], Side]
    """Makes a new server for each sequence."""
    clean: Callable[[str], None]
    """Removes a namespace from the real server."""
    _namespaces: int = 0

    def run(self, operations: int, seed: int, *, first: int = 0, most: int = 5) -> Tally:
        """Play so many operations, in sequences from number `first` on.

        The end is earlier when `most` sequences have shown a difference; there each one stops.
        """
        tally = Tally()
        number = first
        while tally.operations < operations and len(tally.differing) < most:
            wanted = sequence(seed, number, min(LENGTH, operations - tally.operations))
            run = self.play(wanted, stop=True)
            tally.operations += len(run.answers)
            tally.answers.update(map(_class_of, run.answers))
            again = self.play(wanted, stop=True) if run.differences else run
            if again.differences:
                tally.differing.append((wanted, again.differences[0]))
            elif run.differences:
                tally.once.append((number, run.differences[0]))
            number += 1
        return tally

    def play(self, operations: Sequence[Operation], *, stop: bool = False) -> Run:
        """Play one sequence in a namespace of its own."""
        self._namespaces += 1
        namespace = f"fuzz-{self._namespaces}-{time.time_ns() % 10**9}"
        try:
            return play(operations, self.real, self.fake(), namespace, stop=stop)
        finally:
            for name in (namespace, f"{namespace}-x"):
                self.clean(name)

    def explain(self, operations: Sequence[Operation], difference: Difference) -> str:
        """The shortest sequence that shows the difference, and what both servers say."""
        wanted = _signature(difference)
        # The changes that a watch shows come after it.
        whole = difference.place.startswith("events")
        shown = operations if whole else operations[: difference.operation + 1]

        def still_differs(candidate: Sequence[Operation]) -> bool:
            return any(_signature(each) == wanted for each in self.play(candidate).differences)

        kept = shrunk(shown, still_differs)
        lines = [_line(number, operation) for number, operation in enumerate(kept)]
        found = self.play(kept).differences
        lines += [f"  {each.operation}: {each}" for each in found[:_MOST_SHOWN]]
        return "\n".join(lines)


@contextmanager
def session(server: ApiServer) -> Iterator[Session]:
    """A session on a server that runs, with new fake servers."""
    real = RealSide(server.url, server.ca_pem, server.token())
    try:
        yield Session(real, FakeSide, server.delete_namespace)
    finally:
        real.close()


def _signature(difference: Difference) -> str:
    """What kind of difference it is: where, without numbers, and between which answers."""
    place = re.sub(r"\d+", "#", difference.place)
    said = (difference.real, difference.fake)
    if place in (".status", ".body.reason", ".body.code"):
        return f"{place} {said}"
    return f"{place} {[type(each).__name__ for each in said]}"


def _class_of(answer: Any) -> str:
    return str(answer["status"]) if isinstance(answer, dict) else "watch"


def _line(number: int, operation: Operation) -> str:
    query = "&".join(f"{name}={value}" for name, value in operation.query)
    target = f"{operation.path}?{query}" if query else operation.path
    headers = "".join(f" {name}: {value}" for name, value in operation.headers.items())
    body = operation.body
    if isinstance(body, dict | list):
        body = json.dumps(body, ensure_ascii=False)
    below = "" if body is None else f"\n      {body}"
    return f"{number:3} {operation.method} {target}{headers}{below}"
