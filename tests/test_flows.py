"""When a request is sent again, and after how long: the rules, without I/O."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest

from matrixinfer_client.config import Credential
from matrixinfer_client.errors import (
    ApiError,
    ForbiddenError,
    InvalidArgumentError,
    TooManyRequestsError,
    TransportError,
    TransportTimeout,
    UnauthorizedError,
    UnavailableError,
)
from matrixinfer_client.flows import (
    NO_TIMEOUT,
    Flow,
    Open,
    Reauthorize,
    Request,
    Response,
    Retries,
    Send,
    Stream,
    call,
    open_stream,
)
from tests.scripted import Answer, Played, answer, play

READ = Request("GET", "/apis/x", repeatable=True)
CREATE = Request("POST", "/apis/x", body=b"{}")

REFUSED = TransportError("cannot reach it", sent=False)
LOST = TransportError("the connection was lost", sent=True)
UNTRUSTED = TransportError("the certificate is not trusted", sent=False, transient=False)
NOT_CONNECTED_IN_TIME = TransportTimeout("no connection in time", sent=False)
NOT_ANSWERED_IN_TIME = TransportTimeout("no answer in time", sent=True)


@pytest.fixture
def longest_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every random pause as long as it can be."""
    monkeypatch.setattr("random.uniform", lambda _shortest, longest: longest)


def attempt(request: Request, *answers: Answer, retries: Retries | None = None) -> Played:
    return play(call(request, retries or Retries()), answers)


@pytest.mark.parametrize(
    ("failure", "read_again", "create_again"),
    [
        pytest.param(REFUSED, True, True, id="refused: it never arrived"),
        pytest.param(LOST, True, False, id="lost after it was sent: it may have been done"),
        pytest.param(UNTRUSTED, False, False, id="certificate: trying again cannot help"),
        pytest.param(NOT_CONNECTED_IN_TIME, False, False, id="no connection in the caller's time"),
        pytest.param(NOT_ANSWERED_IN_TIME, False, False, id="no answer in the caller's time"),
        pytest.param(answer(429, retry_after="0"), True, True, id="429 with Retry-After"),
        pytest.param(answer(503, retry_after="0"), True, True, id="503 with Retry-After"),
        pytest.param(answer(429), True, False, id="429"),
        pytest.param(answer(502), True, False, id="502"),
        pytest.param(answer(503), True, False, id="503"),
        pytest.param(answer(504), True, False, id="504"),
        pytest.param(answer(500), False, False, id="500"),
        pytest.param(answer(500, retry_after="0"), False, False, id="500 with Retry-After"),
        pytest.param(answer(400), False, False, id="400"),
        pytest.param(answer(403), False, False, id="403"),
        pytest.param(answer(404), False, False, id="404"),
        pytest.param(answer(409), False, False, id="409"),
        pytest.param(answer(410), False, False, id="410"),
        pytest.param(answer(422), False, False, id="422"),
    ],
)
def test_a_failed_request_is_sent_again_only_where_that_is_safe(
    failure: Answer, read_again: bool, create_again: bool
) -> None:
    for request, again in ((READ, read_again), (CREATE, create_again)):
        played = attempt(request, failure, answer(200, b"fine"))
        assert len(played.sent) == (2 if again else 1), request.method
        if again:
            assert played.result.body == b"fine"
        else:
            assert isinstance(played.error, ApiError | TransportError)


def test_the_same_rules_hold_for_opening_a_stream() -> None:
    played = play(open_stream(READ, Retries()), [LOST, answer(503), answer(200)])
    assert [type(step) for step in played.steps if not hasattr(step, "seconds")] == [Open] * 3
    assert isinstance(played.result, Stream)
    assert played.result.response.status_code == 200


def test_the_last_failure_is_raised_when_the_attempts_are_used_up() -> None:
    played = attempt(READ, *[answer(503)] * 4, answer(429), retries=Retries(attempts=5))
    assert len(played.sent) == 5
    assert isinstance(played.error, TooManyRequestsError)


def test_one_attempt_means_no_retry() -> None:
    played = attempt(READ, answer(503, retry_after="0"), retries=Retries(attempts=1))
    assert isinstance(played.error, UnavailableError)
    assert played.slept == []


@pytest.mark.usefixtures("longest_pauses")
def test_pauses_double_up_to_their_bound() -> None:
    retries = Retries(attempts=6, backoff=0.1, max_backoff=0.5)
    played = attempt(READ, *[LOST] * 6, retries=retries)
    assert played.slept == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])


def test_pauses_are_spread_between_nothing_and_their_bound() -> None:
    retries = Retries(attempts=2, backoff=1.0)
    pauses = [attempt(READ, LOST, LOST, retries=retries).slept[0] for _ in range(200)]
    assert min(pauses) < 0.3
    assert max(pauses) > 0.7
    assert all(0 <= pause <= 1 for pause in pauses)


def test_at_least_the_time_that_the_server_asks_for_is_waited() -> None:
    pauses = [
        attempt(CREATE, answer(429, retry_after="4"), answer(201)).slept[0] for _ in range(100)
    ]
    assert min(pauses) >= 4
    assert max(pauses) <= 5
    assert max(pauses) - min(pauses) > 0.1, "many clients would come back at once"


def test_what_the_server_asks_for_may_exceed_the_bound_of_our_own_pauses() -> None:
    retries = Retries(max_backoff=1.0)
    played = attempt(READ, answer(503, retry_after="20"), answer(200), retries=retries)
    assert played.slept[0] >= 20


@pytest.mark.usefixtures("longest_pauses")
def test_a_retry_after_beyond_the_budget_is_an_error_at_once() -> None:
    played = attempt(CREATE, answer(429, retry_after="3600"))
    assert isinstance(played.error, TooManyRequestsError)
    assert played.error.retry_after == 3600
    assert played.slept == []


@pytest.mark.usefixtures("longest_pauses")
def test_all_pauses_of_one_call_together_stay_within_the_budget() -> None:
    retries = Retries(attempts=100, budget=60)
    played = attempt(CREATE, *[answer(429, retry_after="20")] * 10, retries=retries)
    assert played.slept == [21, 21]
    assert isinstance(played.error, TooManyRequestsError)


@pytest.mark.parametrize("text", ["soon", "-1", "inf", "nan", "Wed, 21 Oct 2026 07:28:00 GMT", ""])
def test_a_retry_after_that_is_no_number_of_seconds_counts_as_none(text: str) -> None:
    assert answer(429, retry_after=text).retry_after is None
    assert len(attempt(CREATE, answer(429, retry_after=text), answer(201)).sent) == 1


def refused(credential: Credential) -> Response:
    response = answer(401, b'{"kind":"Status","message":"Unauthorized","reason":"Unauthorized"}')
    response.credential = credential
    return response


def test_a_refused_credential_is_renewed_and_the_request_sent_again() -> None:
    old = Credential("Bearer old")
    played = play(call(CREATE, Retries()), [refused(old), answer(201)], renewals=[True])
    assert [step for step in played.steps if isinstance(step, Reauthorize)] == [Reauthorize(old)]
    assert played.sent == [CREATE, CREATE]
    assert played.result.status_code == 201
    assert played.slept == []


def test_a_renewed_credential_that_is_refused_too_is_an_error() -> None:
    answers = [refused(Credential("Bearer old")), refused(Credential("Bearer new"))]
    played = play(call(READ, Retries()), answers, renewals=[True])
    assert isinstance(played.error, UnauthorizedError)
    assert len(played.sent) == 2


def test_without_another_credential_a_401_is_an_error_at_once() -> None:
    played = play(call(READ, Retries()), [refused(Credential("Bearer x"))], renewals=[False])
    assert isinstance(played.error, UnauthorizedError)
    assert len(played.sent) == 1


def test_a_renewal_does_not_use_up_an_attempt() -> None:
    answers: list[Answer] = [refused(Credential("Bearer old")), LOST, answer(200)]
    played = play(call(READ, Retries(attempts=2)), answers, renewals=[True])
    assert played.result.status_code == 200


def test_a_403_does_not_renew_the_credential() -> None:
    played = attempt(READ, answer(403))
    assert isinstance(played.error, ForbiddenError)
    assert [type(step) for step in played.steps] == [Send]


@pytest.mark.parametrize("status", [300, 302, 304, 307])
@pytest.mark.parametrize("send", [call, open_stream])
def test_an_answer_that_is_neither_success_nor_error_is_not_believed_and_not_repeated(
    send: Callable[..., Flow[Response | Stream]], status: int
) -> None:
    played = play(send(READ, Retries()), [answer(status)])
    assert isinstance(played.error, ApiError)
    assert played.error.status_code == status
    assert len(played.sent) == 1


def test_thousands_of_attempts_are_paused_for_like_the_first_dozens() -> None:
    failures: list[Answer] = [REFUSED] * 2000
    patient = Retries(attempts=2001, max_backoff=0.01)
    played = attempt(READ, *failures, answer(200), retries=patient)
    assert played.result.status_code == 200
    assert max(played.slept) <= 0.01


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Retries(attempts=0), "Retries.attempts must be 1 or more; 1 means no retry"),
        (lambda: Retries(backoff=-1.0), "cannot be negative"),
        (lambda: Retries(budget=-0.1), "cannot be negative"),
    ],
)
def test_retries_that_make_no_sense_say_so(wrong: Callable[[], Retries], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        wrong()


def test_the_sentinel_for_no_timeout_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(NO_TIMEOUT)) is NO_TIMEOUT  # noqa: S301
    assert repr(NO_TIMEOUT) == "NO_TIMEOUT"
