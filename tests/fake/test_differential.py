"""The fake and the real API server get the same requests and must answer the same.

Here are few operations; `nox -s differential` plays more of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import pytest

from tests.cluster.server import ApiServer
from tests.fake.fuzz.canonical import Canon, differences
from tests.fake.fuzz.generator import sequence
from tests.fake.fuzz.operations import Memory, Operation, Request, Stored
from tests.fake.fuzz.session import LENGTH, Session, session
from tests.fake.fuzz.shrinking import shrunk
from tests.fake.fuzz.sides import Answer, FakeSide, Watch

OPERATIONS = 400
MODELS = "/apis/registry.matrixinfer.ai/v1alpha1/namespaces/<<ns>>/models"


@pytest.fixture
def playing(api_server: ApiServer) -> Iterator[Session]:
    with session(api_server) as running:
        yield running


def test_random_requests_are_answered_alike(playing: Session) -> None:
    tally = playing.run(OPERATIONS, seed=20, most=1)
    explained = [playing.explain(*each) for each in tally.differing]
    assert not explained, explained[0]
    assert tally.operations == OPERATIONS
    # Had they all failed, there would have been little to compare.
    assert tally.answers["200"] + tally.answers["201"] > OPERATIONS / 4


# What the comparison itself is worth.


@attrs.define
class Lying:
    """A fake server that is wrong about one thing."""

    lie: Callable[[Request, Answer], Answer]
    _side: FakeSide = attrs.field(factory=FakeSide)

    def send(self, request: Request) -> Answer:
        return self.lie(request, self._side.send(request))

    def watch(self, request: Request) -> Answer | Watch:
        return self._side.watch(request)


def lies(lie: Callable[[Request, Answer], Answer]) -> Session:
    """A session in which the real server is another fake one, which lies."""
    kept: list[str] = []
    return Session(FakeSide(), lambda: Lying(lie), kept.append)


def test_two_servers_of_one_sort_agree() -> None:
    tally = lies(truthful).run(4 * LENGTH, seed=1)
    assert tally.operations == 4 * LENGTH
    assert tally.differing == []


def truthful(request: Request, answer: Answer) -> Answer:
    return answer


def wrong_generation(request: Request, answer: Answer) -> Answer:
    if request.method == "PUT" and answer.status == 200:
        answer.body["metadata"]["generation"] = 99
    return answer


def wrong_status(request: Request, answer: Answer) -> Answer:
    return attrs.evolve(answer, status=418) if request.method == "DELETE" else answer


def silent(request: Request, answer: Answer) -> Answer:
    return attrs.evolve(answer, warnings=[])


@pytest.mark.parametrize("lie", [wrong_generation, wrong_status, silent])
def test_a_lie_is_found_and_told_in_few_requests(
    lie: Callable[[Request, Answer], Answer],
) -> None:
    running = lies(lie)
    tally = running.run(3000, seed=1, most=1)
    ((operations, difference),) = tally.differing
    text = running.explain(operations, difference)
    requests = [line for line in text.splitlines() if " /api" in line]
    assert 1 <= len(requests) <= 2, text
    assert "real: " in text
    assert "fake: " in text


def test_the_same_number_gives_the_same_requests() -> None:
    assert sequence(3, 1, LENGTH) == sequence(3, 1, LENGTH)
    assert sequence(3, 1, LENGTH) != sequence(3, 2, LENGTH)


def test_placeholders_stand_for_what_the_server_answered() -> None:
    memory = Memory("ns")
    answered = {"kind": "Model", "metadata": {"name": "a", "resourceVersion": "7", "uid": "u"}}
    memory.learn("/apis/x/v1/namespaces/ns/models/a/status", answered)
    operation = Operation(
        method="PUT",
        path=f"{MODELS}/a",
        query=(("continue", "<<continue:models>>"),),
        body=Stored(key="models/a", merge={"metadata": {"uid": None, "old": "<<uid:models/a>>"}}),
    )
    request = operation.request(memory)
    assert request.path.endswith("/namespaces/ns/models/a")
    assert request.query == [("continue", "")]
    assert json.loads(request.body) == {
        "kind": "Model",
        "metadata": {"name": "a", "resourceVersion": "7", "old": "u"},
    }


def answer(**body: Any) -> Answer:
    return Answer(status=200, content_type="application/json", warnings=[], body=body)


def test_versions_and_uids_are_told_apart_by_when_they_are_first_seen() -> None:
    one, other = Canon(), Canon()
    numbers: list[tuple[str, str]] = [("5", "100"), ("6", "107"), ("6", "108")]
    found: list[Any] = []
    for real, fake in numbers:
        left = one.answer(answer(metadata={"resourceVersion": real}))
        right = other.answer(answer(metadata={"resourceVersion": fake}))
        found += differences(left, right)
    assert found == [(".body.metadata.resourceVersion", "version-2", "version-3")]


def test_causes_may_come_in_any_order_and_nothing_else_may() -> None:
    def status(*names: str) -> Any:
        causes = [{"field": name, "message": "no", "reason": "x"} for name in names]
        text = ", ".join(f"{name}: no" for name in names)
        found = answer(kind="Status", message=f"A is invalid: [{text}]", details={"causes": causes})
        return Canon().answer(found)

    assert not list(differences(status("a", "b"), status("b", "a")))
    assert list(differences(status("a", "b"), status("a", "c")))
    assert list(differences({"x": [1, 2]}, {"x": [2, 1]}))
    assert list(differences({"x": 1}, {"x": 1.0}))


def test_a_sequence_is_cut_down_to_what_it_takes() -> None:
    operations = [
        Operation(method="POST", path=MODELS, body={"n": number, "deep": {"a": [1, 2]}})
        for number in range(20)
    ]

    def still_differs(candidate: Sequence[Operation]) -> bool:
        numbers = [each.body.get("n") for each in candidate]
        return 7 in numbers and candidate[-1].body.get("deep") is not None

    kept = shrunk(operations, still_differs)
    assert [each.body for each in kept] == [{"n": 7}, {"deep": {}}]
