"""When a credential is renewed, and by which of many threads. The clock stands unless moved."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
from collections.abc import Callable, Iterator

import pytest

from matrixinfer_client.config import Credential
from matrixinfer_client.config.renewal import Issued, Renewal
from matrixinfer_client.errors import CredentialError
from tests.config.conftest import Clock

THREADS = 16


class Origin:
    """Issues t1, t2, ... and counts."""

    def __init__(self, clock: Clock, lifetime: float | None = None) -> None:
        self.clock = clock
        self.lifetime = lifetime
        self.runs = 0
        self.failing = False
        self.constant = False
        self.gate: threading.Event | None = None

    def __call__(self) -> Issued:
        self.runs += 1
        if self.gate is not None:
            assert self.gate.wait(10)
        if self.failing:
            raise CredentialError(f"failure {self.runs}")
        end = None if self.lifetime is None else self.clock() + self.lifetime
        return Issued(Credential("t" if self.constant else f"t{self.runs}"), expires_at=end)


def _together(work: Callable[[], object], origin: Origin, renewal: Renewal) -> list[object]:
    """Run `work` in many threads of which one is in the origin while all others wait for it."""
    origin.gate = threading.Event()
    results: list[object] = []
    arrived = threading.Barrier(THREADS + 1)

    def run() -> None:
        arrived.wait(10)
        try:
            results.append(work())
        except CredentialError as error:
            results.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    arrived.wait(10)
    # All threads are past the barrier; give those that are not yet at the lock a moment.
    threading.Event().wait(0.2)
    origin.gate.set()
    for thread in threads:
        thread.join(10)
    origin.gate = None
    return results


def test_nothing_is_at_hand_before_the_first_fetch(clock: Clock) -> None:
    assert Renewal(clock).current() is None


def test_without_expiry_it_is_kept_for_ever(clock: Clock) -> None:
    renewal, origin = Renewal(clock), Origin(clock)
    assert renewal.fetch(origin, None) == Credential("t1")
    clock.now += 10 * 365 * 86400
    assert renewal.current() == Credential("t1")


def test_it_is_renewed_a_minute_before_its_end(clock: Clock) -> None:
    renewal, origin = Renewal(clock), Origin(clock, lifetime=3600)
    renewal.fetch(origin, None)
    clock.now += 3539
    assert renewal.current() == Credential("t1")
    clock.now += 2
    assert renewal.current() is None
    assert renewal.fetch(origin, None) == Credential("t2")


def test_one_that_is_about_to_end_is_used_for_half_of_what_is_left(clock: Clock) -> None:
    renewal, origin = Renewal(clock), Origin(clock, lifetime=20)
    renewal.fetch(origin, None)
    clock.now += 9
    assert renewal.current() == Credential("t1")
    clock.now += 2
    assert renewal.current() is None


def test_a_clock_that_is_set_back_leads_to_a_renewal(clock: Clock) -> None:
    renewal, origin = Renewal(clock), Origin(clock, lifetime=3600)
    renewal.fetch(origin, None)
    clock.now -= 7200
    assert renewal.current() is None


def test_what_was_rejected_is_renewed_and_what_was_replaced_is_not(clock: Clock) -> None:
    renewal, origin = Renewal(clock), Origin(clock)
    first = renewal.fetch(origin, None)
    second = renewal.fetch(origin, first)
    assert second == Credential("t2")
    # A late 401 for the first one finds that somebody has replaced it.
    assert renewal.fetch(origin, first) == second
    assert origin.runs == 2


def test_threads_that_need_it_together_share_one_run(clock: Clock) -> None:
    renewal, origin = Renewal(clock), Origin(clock)
    results = _together(lambda: renewal.fetch(origin, None), origin, renewal)
    assert results == [Credential("t1")] * THREADS
    assert origin.runs == 1


def test_threads_whose_credential_was_rejected_together_share_one_run(clock: Clock) -> None:
    renewal, origin = Renewal(clock), Origin(clock)
    rejected = renewal.fetch(origin, None)
    results = _together(lambda: renewal.fetch(origin, rejected), origin, renewal)
    assert results == [Credential("t2")] * THREADS
    assert origin.runs == 2


def test_threads_share_one_run_also_when_it_brings_nothing_new(clock: Clock) -> None:
    renewal, origin = Renewal(clock), Origin(clock)
    origin.constant = True
    rejected = renewal.fetch(origin, None)
    results = _together(lambda: renewal.fetch(origin, rejected), origin, renewal)
    assert results == [rejected] * THREADS
    assert origin.runs == 2


def test_threads_that_wait_for_a_failure_share_it(clock: Clock) -> None:
    renewal, origin = Renewal(clock), Origin(clock)
    origin.failing = True
    results = _together(lambda: renewal.fetch(origin, None), origin, renewal)
    assert results == ["failure 1"] * THREADS
    assert origin.runs == 1


def test_after_a_failure_the_next_call_tries_again(clock: Clock) -> None:
    renewal, origin = Renewal(clock), Origin(clock)
    origin.failing = True
    with pytest.raises(CredentialError):
        renewal.fetch(origin, None)
    origin.failing = False
    assert renewal.fetch(origin, None) == Credential("t2")


def test_an_early_renewal_that_fails_leaves_the_valid_credential_in_use(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    renewal, origin = Renewal(clock), Origin(clock, lifetime=3600)
    first = renewal.fetch(origin, None)
    origin.failing = True
    clock.now += 3550
    assert renewal.fetch(origin, None) == first
    assert "could not be renewed: failure 2" in caplog.text
    # Not asked again for each request, but again before the end.
    assert renewal.current() == first
    clock.now += 11
    assert renewal.current() is None


def test_an_expired_credential_is_never_used_because_its_renewal_fails(clock: Clock) -> None:
    renewal, origin = Renewal(clock), Origin(clock, lifetime=3600)
    renewal.fetch(origin, None)
    origin.failing = True
    clock.now += 3601
    with pytest.raises(CredentialError, match="failure 2"):
        renewal.fetch(origin, None)


def test_a_rejected_credential_is_dropped_when_there_is_no_other(clock: Clock) -> None:
    renewal, origin = Renewal(clock), Origin(clock)
    first = renewal.fetch(origin, None)
    origin.failing = True
    with pytest.raises(CredentialError):
        renewal.fetch(origin, first)
    assert renewal.current() is None


def test_an_interrupted_run_leaves_others_able_to_run(clock: Clock) -> None:
    def interrupted() -> Issued:
        raise KeyboardInterrupt

    renewal = Renewal(clock)
    with pytest.raises(KeyboardInterrupt):
        renewal.fetch(interrupted, None)
    assert renewal.fetch(Origin(clock), None) == Credential("t1")


def test_a_pickled_one_starts_empty() -> None:
    renewal = Renewal()
    renewal.fetch(lambda: Issued(Credential("secret")), None)
    data = pickle.dumps(renewal)
    assert b"secret" not in data
    assert pickle.loads(data).current() is None  # noqa: S301


@pytest.fixture
def held(clock: Clock) -> Iterator[Renewal]:
    """A renewal whose lock another thread holds."""
    renewal, origin = Renewal(clock), Origin(clock)
    origin.gate = threading.Event()
    thread = threading.Thread(target=renewal.fetch, args=(origin, None))
    thread.start()
    while origin.runs == 0:
        threading.Event().wait(0.001)
    yield renewal
    origin.gate.set()
    thread.join(10)


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_thread_it_does_not_have(held: Renewal) -> None:
    child = multiprocessing.get_context("fork").Process(
        target=held.fetch, args=(lambda: Issued(Credential("child")), None)
    )
    child.start()
    child.join(10)
    code = child.exitcode
    # A child that waits for ever would keep the test run from ending.
    child.kill()
    child.join()
    assert code == 0
