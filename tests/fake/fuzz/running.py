"""Runs a sequence of operations on both sides and compares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from tests.fake.fuzz.canonical import Canon, Difference, differences
from tests.fake.fuzz.generator import markers
from tests.fake.fuzz.operations import WATCH, Memory, Operation, Request
from tests.fake.fuzz.sides import Answer, Side, Watch

__all__ = ["Run", "play"]


@attrs.define
class _Player:
    """One side in a run."""

    side: Side
    memory: Memory
    canon: Canon = attrs.field(factory=Canon)
    watches: dict[int, Watch] = attrs.field(factory=dict[int, Watch])
    requests: dict[int, Request] = attrs.field(factory=dict[int, Request])

    def play(self, number: int, operation: Operation) -> Any:
        request = operation.request(self.memory)
        self.requests[number] = request
        if operation.method == WATCH:
            found = self.side.watch(request)
            if isinstance(found, Answer):
                return self.canon.answer(found)
            self.watches[number] = found
            return "watching"
        answer = self.side.send(request)
        self.memory.learn(request.path, answer.body)
        return self.canon.answer(answer)


@attrs.frozen
class Run:
    """What came of a sequence."""

    differences: list[Difference]
    answers: list[Any]
    """Of the real server, without what is its own."""
    requests: dict[int, Request]
    """As they were sent to the real server."""


def play(
    operations: Sequence[Operation], real: Side, fake: Side, namespace: str, *, stop: bool = False
) -> Run:
    """Send all operations to both servers, in a namespace that neither has; with `stop`, until the
    first difference.
    """
    one, other = _Player(real, Memory(namespace)), _Player(fake, Memory(namespace))
    found: list[Difference] = []
    answers: list[Any] = []
    made = Operation(
        method="POST", path="/api/v1/namespaces", body={"metadata": {"name": "<<ns>>"}}
    )
    for player in (one, other):
        answer = player.side.send(made.request(player.memory))
        assert answer.status == 201
        player.memory.first = answer.body["metadata"]["resourceVersion"]
    try:
        for number, operation in enumerate(operations):
            said, answered = one.play(number, operation), other.play(number, operation)
            answers.append(said)
            found += [Difference(number, *each) for each in differences(said, answered)]
            if found and stop:
                return Run(found, answers, one.requests)
        found += _compare_watches(one, other, operations)
    finally:
        for player in (one, other):
            for watch in player.watches.values():
                watch.close()
    return Run(found, answers, one.requests)


def _compare_watches(
    one: _Player, other: _Player, operations: Sequence[Operation]
) -> list[Difference]:
    paths = dict.fromkeys(operations[number].path for number in one.watches)
    for path in paths:
        for marker in markers(path):
            for player in (one, other):
                player.side.send(marker.request(player.memory))
    found: list[Difference] = []
    for number, watch in one.watches.items():
        if number not in other.watches:
            continue
        fake = other.watches[number].events(0, marked=True)
        last = fake[-1] if fake else {"object": {}}
        name = (last["object"].get("metadata") or {}).get("name", "")
        marked = str(name).startswith("zz-mark") or last.get("type") == "ERROR"
        events = watch.events(len(fake), marked)
        pairs = differences(one.canon.events(events), other.canon.events(fake), "events")
        found += [Difference(number, *pair) for pair in pairs]
    return found
