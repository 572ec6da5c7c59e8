"""How a watch recovers, step by step: the flow alone, fed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client.errors import (
    ApiError,
    CredentialError,
    DecodeError,
    ExpiredError,
    ForbiddenError,
    InvalidArgumentError,
    MatrixInferError,
    ServerTimeoutError,
    TransportError,
    UnauthorizedError,
)
from matrixinfer_client.flows import Flow, Reauthorize, Retries, Step
from matrixinfer_client.pacing import Pace, WatchPolicy, is_transient
from matrixinfer_client.targets import Options
from matrixinfer_client.watching import Setback
from tests.watch.simulated import Action, History, Play, failure, response

DELIVER: Action = ("deliver", 0)
PATIENT = Options(retries=Retries(attempts=10_000))


def played(*script: Action, existing: int = 2, **options: Any) -> Play:
    history = History()
    for number in range(existing):
        history.create(f"m{number}")
    play = Play(history, script, **options)
    play.run()
    return play


def seen(play: Play) -> list[tuple[str, str]]:
    return [(change.type, change.record.object.name) for change in play.changes]


def queries(play: Play) -> list[str]:
    """What the requests were: L for a list, S for a streaming list, W for a watch."""
    kinds = {"sendInitialEvents": "S", "watch=true": "W"}
    found = (
        next((kind for word, kind in kinds.items() if word in request.query), "L")
        for request in play.requests
    )
    return list(found)


def test_a_streaming_list_is_one_request() -> None:
    play = played(DELIVER, ("update", 0), DELIVER)
    assert queries(play) == ["S"]
    assert seen(play) == [("ADDED", "m0"), ("ADDED", "m1"), ("MODIFIED", "m0")]


def test_a_server_that_rejects_streaming_lists_is_asked_for_one_only_once() -> None:
    play = played(DELIVER, ("close", 0), ("compact", 0), ("update", 0), lists="rejects")
    assert queries(play)[:3] == ["S", "L", "W"]
    assert "S" not in queries(play)[1:]


def test_a_server_that_ignores_streaming_lists_is_found_out_by_its_silence() -> None:
    play = played(lists="ignores")
    assert queries(play) == ["S", "L", "W"]
    assert play.clock == 10
    assert seen(play) == [("ADDED", "m0"), ("ADDED", "m1")]


def test_a_server_that_ignores_streaming_lists_is_found_out_by_an_ordinary_bookmark() -> None:
    play = played(("bookmark", 0), lists="ignores")
    assert queries(play) == ["S", "L", "W"]
    assert play.clock == 0


def test_bookmarks_are_asked_for_and_never_handed_out() -> None:
    play = played(DELIVER, ("bookmark", 0), ("bookmark", 0), DELIVER)
    assert all("allowWatchBookmarks=true" in request.query for request in play.requests)
    assert len(play.changes) == 2
    assert play.view.statistics.bookmarks == 2


def test_a_bookmark_moves_the_version_to_go_on_from() -> None:
    history = History()
    play = Play(history, [DELIVER, ("bookmark", 0), DELIVER, ("close", 0)], start="90")
    play.run()
    assert play.requests[-1].query.endswith("resourceVersion=100")


def test_an_event_is_not_asked_for_again() -> None:
    play = played(DELIVER, ("update", 0), DELIVER, ("close", 0))
    assert play.requests[-1].query.endswith("resourceVersion=103")


@pytest.mark.parametrize("code", [400, 403, 404, 405, 422])
def test_a_refusal_is_raised_without_a_second_request(code: int) -> None:
    play = Play(History(), start="100")
    play._answers.append(response(code, failure(code, "")))
    play.run()
    assert isinstance(play.error, ApiError)
    assert play.error.status_code == code
    assert len(play.requests) == 1


def test_a_refusal_of_a_streaming_list_is_no_refusal_of_the_list() -> None:
    play = Play(History(), [])
    play._answers.append(response(400, failure(400, "BadRequest")))
    play.run()
    assert play.error is None
    assert queries(play) == ["S", "L", "W"]


class Renewing(Play):
    """A play in which there is always a newer credential."""

    renewals = 0

    def _reply(self, step: Step) -> object:
        if isinstance(step, Reauthorize):
            self.renewals += 1
            return True
        return super()._reply(step)


def test_a_credential_is_renewed_once() -> None:
    play = Renewing(History(), start="100")
    for _ in range(2):
        play._answers.append(response(401, failure(401, "Unauthorized")))
    play.run()
    assert isinstance(play.error, UnauthorizedError)
    assert (play.renewals, len(play.requests)) == (1, 2)


def test_before_the_first_answer_a_watch_gives_up_like_any_other_verb() -> None:
    play = played(*[("refused", 0)] * 9)
    assert isinstance(play.error, TransportError)
    assert len(play.requests) == 5


def test_after_the_first_answer_a_watch_never_gives_up() -> None:
    play = played(DELIVER, *[("unavailable", 0)] * 500, ("update", 1))
    assert play.error is None
    assert seen(play)[-1] == ("MODIFIED", "m1")
    assert play.view.statistics.errors == 500


def test_retry_after_is_honoured() -> None:
    play = played(DELIVER, ("slow down", 2))
    assert 2 <= play.slept[-1] <= 3


def test_pauses_grow_when_streams_end_at_once() -> None:
    policy = WatchPolicy(backoff=1.0, max_backoff=30.0)
    bounds = (1, 2, 4, 8, 16, 30, 30, 30)
    longest = [0.0] * 8
    for _ in range(60):
        play = played(DELIVER, *[("close", 0)] * 8, policy=policy)
        longest = [max(pair) for pair in zip(longest, play.slept, strict=True)]
    assert all(limit <= bound for limit, bound in zip(longest, bounds, strict=True))
    assert longest[5] > 16, "the bound grows"


def test_pauses_begin_anew_after_a_healthy_period() -> None:
    policy = WatchPolicy(backoff=1.0, max_backoff=30.0, healthy_after=10.0)
    pace = Pace(policy)
    for _ in range(20):
        pace.after(None, 9.9)
    assert pace.failures == 20
    assert pace.after(None, 10.0) <= 1.0
    assert pace.failures == 1


def test_a_pause_stays_finite_after_days_of_failures() -> None:
    pace = Pace(WatchPolicy())
    assert all(pace.after(TransportError("x"), 0.0) <= 30.0 for _ in range(5000))


def test_bytes_that_are_no_events_cost_a_new_stream_and_no_difference() -> None:
    play = played(DELIVER, ("garbage", 0), ("update", 0), DELIVER)
    assert play.view.statistics.relists == 0
    assert seen(play)[-1] == ("MODIFIED", "m0")


def test_bytes_that_are_no_events_again_and_again_are_stepped_over() -> None:
    play = played(DELIVER, *[("garbage", 0), DELIVER] * 2, ("update", 0), DELIVER)
    assert play.view.statistics.relists == 1
    assert seen(play)[-1] == ("MODIFIED", "m0")


def test_without_memory_bytes_that_are_no_events_again_and_again_are_an_error() -> None:
    play = played(*[("garbage", 0), DELIVER] * 2, start="102")
    assert isinstance(play.error, DecodeError)


@pytest.mark.parametrize("version", ["100", "101"])
def test_without_memory_a_lost_history_is_an_error(version: str) -> None:
    # One of the two is refused as an answer, the other as an event.
    play = played(("compact", 0), start=version)
    assert isinstance(play.error, ExpiredError)


@pytest.mark.parametrize("version", ["", "0"])
def test_a_version_that_says_any_means_all_objects(version: str) -> None:
    assert seen(played(DELIVER, start=version)) == [("ADDED", "m0"), ("ADDED", "m1")]


def test_an_object_that_was_recreated_in_a_gap_is_deleted_first() -> None:
    play = played(DELIVER, ("delete", 0), ("create", 0), ("compact", 0), ("close", 0))
    assert seen(play)[2:] == [("DELETED", "m0"), ("ADDED", "m0")]
    uids = [change.record.uid for change in play.changes if change.record.object.name == "m0"]
    assert uids == ["uid-101", "uid-101", "uid-104"]


def test_a_server_that_was_restored_from_a_backup_is_noticed_by_its_bookmark() -> None:
    play = played(DELIVER, ("update", 0), ("update", 0), ("update", 1), DELIVER, ("silence", 0))
    restored = Play(History(), lists="streams")
    for name in ("m0", "m1"):
        restored.history.create(name)
    restored.view = play.view
    restored._script.extend([("bookmark back", 102), DELIVER])
    restored.run()
    assert play.view.resource_version == "102"
    assert seen(restored) == [("MODIFIED", "m0"), ("MODIFIED", "m1")]


def test_a_server_that_was_restored_from_a_backup_is_noticed_by_its_silence() -> None:
    play = played(DELIVER, ("update", 0), ("update", 0), DELIVER)
    restored = Play(History(), [("silence", 0), ("silence", 0)])
    restored.history.create("m0")
    restored.view = play.view
    restored.run()
    assert queries(restored) == ["W", "W", "L", "S"]
    assert seen(restored) == [("DELETED", "m1"), ("MODIFIED", "m0")]


def test_silence_alone_costs_a_look_at_the_version_and_no_difference() -> None:
    play = played(DELIVER, *[("silence", 0)] * 9)
    assert play.view.statistics.relists == 0
    assert "L" in queries(play)
    assert all("limit=1" in r.query for r in play.requests if "watch" not in r.query)


def test_a_server_that_is_behind_is_waited_for() -> None:
    play = played(DELIVER, *[("too new", 0)] * 9, ("update", 0))
    assert play.view.statistics.relists == 0
    assert seen(play)[-1] == ("MODIFIED", "m0")


def test_a_persistent_watch_survives_what_a_person_has_to_mend_and_says_so() -> None:
    history = History()
    play = Play(history, [])
    play._answers.extend(response(403, failure(403, "Forbidden")) for _ in range(7))
    play.run(persistent=True)
    setbacks = [value for value in play.emitted if isinstance(value, Setback)]
    assert [type(value.error) for value in setbacks] == [ForbiddenError] * 7
    assert all(value.is_fatal for value in setbacks)
    assert play.error is None


class Closed(Play):
    """A play whose client was closed."""

    def _perform(self, flow: Flow[None]) -> None:
        flow.send(None)
        flow.throw(MatrixInferError("this client is closed"))


def test_a_closed_client_ends_even_a_persistent_watch() -> None:
    play = Closed(History())
    play.run(persistent=True)
    assert type(play.error) is MatrixInferError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TransportError("lost"), True),
        (TransportError("certificate", transient=False), False),
        (ServerTimeoutError("x", status_code=504), True),
        (ApiError("x", status_code=500), True),
        (ApiError("x", status_code=429), True),
        (ApiError("x", status_code=409), False),
        (CredentialError("the plugin failed"), True),
        (ForbiddenError("x", status_code=403), False),
        (ValueError("a defect"), False),
    ],
)
def test_what_may_be_tried_again(error: Exception, expected: bool) -> None:
    assert is_transient(error) is expected


def test_a_policy_cannot_be_absurd() -> None:
    with pytest.raises(InvalidArgumentError, match="timeouts must be above 0"):
        WatchPolicy(idle_timeout=0)
    with pytest.raises(InvalidArgumentError, match="cannot be negative"):
        WatchPolicy(backoff=-1)
