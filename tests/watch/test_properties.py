"""Whatever happens to the streams, what a watch hands out is the true history."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from matrixinfer_client.errors import DecodeError, GoneError
from matrixinfer_client.flows import Retries
from matrixinfer_client.pacing import is_too_new
from matrixinfer_client.store import Notice, Store
from matrixinfer_client.targets import Options
from matrixinfer_client.views import Change
from tests.watch.simulated import FAULTS, WRITES, Action, History, Play

# Before the first contact a watch gives up after some attempts, which is another test.
PATIENT = Options(retries=Retries(attempts=10_000))

numbers = st.integers(0, 2000)
writes = st.tuples(st.sampled_from(WRITES), numbers)
faults = st.tuples(st.sampled_from(FAULTS), numbers)
deliveries = st.just([("deliver", 0)])
cuts = st.sampled_from(["close", "reset", "silence", "interrupt"])
gaps = st.builds(
    lambda lost, cut: [*lost, ("compact", 0), (cut, 0)],
    st.lists(writes, min_size=1, max_size=4),
    cuts,
)
recreated = st.builds(
    lambda n, cut: [("deliver", 0), ("delete", n), ("create", n), ("compact", 0), (cut, 0)],
    numbers,
    cuts,
)
repeated = st.builds(
    lambda n, again: [("update", n), ("update", n), ("deliver", 0), ("replay", again)],
    numbers,
    st.integers(1, 9),
)


@st.composite
def scripts(draw: st.DrawFn) -> list[Action]:
    """Writers, deliveries, and everything that can go wrong, in any order."""
    some = st.lists(writes, min_size=1, max_size=3)
    single = faults.map(lambda fault: [fault])
    parts = draw(
        st.lists(st.one_of(some, deliveries, single, gaps, recreated, repeated), max_size=25)
    )
    return [action for part in parts for action in part]


actions = scripts()
lists = st.sampled_from(["streams", "rejects", "ignores"])


def played(script: list[Action], lists: str, existing: int, **options: Any) -> Play:
    history = History()
    for number in range(existing):
        history.create(f"m{number}")
    play = Play(history, script, lists=lists, options=PATIENT, **options)
    play.run()
    assert play.error is None, play.error
    return play


def version_of(change: Change[Any]) -> int:
    return int(change.record.version or 0)


@settings(max_examples=300, deadline=None)
@given(actions, lists, st.integers(0, 3))
def test_the_changes_lead_to_the_state_of_the_server(
    script: list[Action], lists: str, existing: int
) -> None:
    play = played(script, lists, existing)
    state: dict[Any, Any] = {}
    for change in play.changes:
        obj = change.record.object
        key = (obj.namespace, obj.name)
        assert (key in state) == (change.type != "ADDED"), "each object begins with ADDED"
        if change.type == "DELETED":
            assert state.pop(key).uid == change.record.uid
        else:
            assert key not in state or state[key].uid == change.record.uid
            state[key] = change.record
    wanted = {
        key: (value["metadata"]["uid"], value["metadata"]["resourceVersion"])
        for key, value in play.history.state.items()
    }
    assert {key: (record.uid, record.version) for key, record in state.items()} == wanted
    for key, record in state.items():
        assert record.object.to_dict() == play.history.state[key]


@settings(max_examples=300, deadline=None)
@given(actions, lists, st.integers(0, 3))
def test_nothing_is_lost_but_what_came_and_went_in_a_gap(
    script: list[Action], lists: str, existing: int
) -> None:
    play = played(script, lists, existing)
    seen = {(version_of(change), change.type) for change in play.changes}
    gaps = [(int(known or 0), int(read or 0)) for known, read in play.view.statistics.gaps]
    assert play.first_version is not None
    for each in play.history.since(play.first_version):
        if (each.version, each.type) not in seen:
            assert any(known < each.version <= read for known, read in gaps), (each, gaps)


@settings(max_examples=300, deadline=None)
@given(actions)
def test_from_a_version_on_every_change_comes_until_the_history_is_lost(
    script: list[Action],
) -> None:
    history = History()
    for number in range(4):
        history.create(f"m{number}")
    play = Play(history, script, options=PATIENT, start="102")
    play.run()
    expected = [(each.version, each.type) for each in history.since(102)]
    seen = [(version_of(change), change.type) for change in play.changes]
    assert seen == expected[: len(seen)]
    if play.error is None:
        assert seen == expected
    else:
        assert isinstance(play.error, GoneError | DecodeError) or is_too_new(play.error)


@settings(max_examples=300, deadline=None)
@given(actions, lists, st.integers(0, 3))
def test_nothing_is_repeated_and_versions_never_go_back(
    script: list[Action], lists: str, existing: int
) -> None:
    play = played(script, lists, existing)
    seen = [(change.record.uid, change.record.version, change.type) for change in play.changes]
    assert len(seen) == len(set(seen)), "no event twice"
    newest = 0
    for change in play.changes:
        if change.type == "DELETED" and change.synthetic:
            continue  # The last known state, which is older by nature.
        assert version_of(change) > newest
        newest = version_of(change)


@settings(max_examples=200, deadline=None)
@given(actions, lists, st.integers(0, 3))
def test_a_store_and_its_indexes_agree_with_the_server(
    script: list[Action], lists: str, existing: int
) -> None:
    notices: list[Notice[Any]] = []
    errors: list[Exception] = []
    store: Store[Any] = Store(
        {"generation": lambda model: [str(model.metadata.generation)]},
        None,
        notices.append,
        errors.append,
    )
    play = played(script, lists, existing, memory=store)
    state = play.history.state
    assert set(store.keys()) == set(state)
    indexed = {
        (model.namespace, model.name): value
        for value in store.index_values("generation")
        for model in store.indexed("generation", value)
    }
    assert indexed == {key: str(obj["metadata"]["generation"]) for key, obj in state.items()}
    added = sum(notice.kind == "add" for notice in notices)
    assert added - sum(notice.kind == "delete" for notice in notices) == len(state)
    assert not errors


@settings(max_examples=200, deadline=None)
@given(actions, lists)
def test_every_stream_but_the_last_is_closed(script: list[Action], lists: str) -> None:
    play = Play(History(), script, lists=lists, options=PATIENT)
    play.run()
    assert play.most_open == 1
