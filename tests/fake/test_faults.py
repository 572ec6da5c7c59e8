"""What can be made to go wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from matrixinfer_client import Client, Config, Retries, WatchPolicy
from matrixinfer_client.api.registry_v1alpha1 import Model
from matrixinfer_client.errors import (
    ApiError,
    ConflictError,
    ExpiredError,
    NotFoundError,
    TooManyRequestsError,
    TransportError,
    UnavailableError,
)
from matrixinfer_client.testing.doors import FakeTransport
from matrixinfer_client.testing.exchange import Call
from matrixinfer_client.testing.faults import (
    conflict,
    cut,
    delay,
    error,
    expired,
    expired_event,
    lost,
    no_bookmarks,
    one_of,
    stall,
    too_many_requests,
)
from tests.behaviour.samples import POLICY
from tests.fake.faulty import CONFIGMAPS, MODELS, Cluster

_ONCE = Retries(attempts=1)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Client]:
    config = Config("https://fake-cluster", source="FakeCluster")
    with Client(config, transport=FakeTransport(cluster.handle), retries=_ONCE) as opened:
        yield opened


def watch(cluster: Cluster, names: int, read: float = 0.2) -> tuple[list[str], Exception | None]:
    """The lines that a watch brings while objects are made, and what it ended in."""
    query = "?watch=1&resourceVersion=0&allowWatchBookmarks=true&timeoutSeconds=1"
    lines: list[str] = []
    for number in range(names):
        cluster.add(f"cm-{number}")
    try:
        with cluster.http(read) as client, client.stream("GET", CONFIGMAPS + query) as response:
            lines.extend(response.iter_lines())
    except httpx.TransportError as failure:
        return lines, failure
    return lines, None


def test_an_error_has_the_reason_of_its_status_and_nothing_is_done(
    cluster: Cluster, client: Client
) -> None:
    injection = cluster.inject(error(503, retry_after=7), verb="get")
    with pytest.raises(UnavailableError, match="injected into the FakeCluster") as caught:
        client.registry_v1alpha1.models().get("demo")
    assert caught.value.retry_after == 7
    assert (injection.hits, cluster.calls) == (1, 0)
    with pytest.raises(NotFoundError):
        client.registry_v1alpha1.models().get("demo")
    assert (injection.hits, cluster.calls) == (1, 1)


def test_an_error_says_what_it_is_told_to_say(cluster: Cluster, client: Client) -> None:
    cluster.inject(error(418, reason="Teapot", message="short and stout"))
    with pytest.raises(ApiError, match="short and stout") as caught:
        client.registry_v1alpha1.models().get("demo")
    assert (caught.value.status_code, caught.value.reason) == (418, "Teapot")


def test_a_conflict_names_the_object(cluster: Cluster, client: Client) -> None:
    cluster.inject(conflict(), resource=Model)
    with pytest.raises(NotFoundError):
        client.registry_v1alpha1.models().get("demo")
    with pytest.raises(ConflictError) as caught:
        client.registry_v1alpha1.models().delete("demo")
    assert 'cannot be fulfilled on models.registry.matrixinfer.ai "demo"' in str(caught.value)


def test_too_many_requests_says_when_to_come_back(cluster: Cluster, client: Client) -> None:
    cluster.inject(too_many_requests(retry_after=3))
    with pytest.raises(TooManyRequestsError) as caught:
        client.registry_v1alpha1.models().get("demo")
    assert caught.value.retry_after == 3


def test_a_retry_gets_past_a_fault_that_acts_once(cluster: Cluster) -> None:
    injection = cluster.inject(too_many_requests(retry_after=0), verb="list")
    config = Config("https://fake-cluster", source="FakeCluster")
    with Client(config, transport=FakeTransport(cluster.handle)) as client:
        assert list(client.registry_v1alpha1.models().list()) == []
    assert injection.hits == 1


def test_an_expired_list_is_gone(cluster: Cluster, client: Client) -> None:
    cluster.inject(expired(), times=3)
    with pytest.raises(ExpiredError, match="resourceVersion for the provided list is too old"):
        client.registry_v1alpha1.models().list()
    watch = Call(method="GET", path=MODELS, query={"watch": ["1"], "resourceVersion": ["7"]})
    assert b"too old resource version: 7" in cluster.handle(watch).body
    assert (
        b"continue parameter is too old"
        in cluster.handle(Call(method="GET", path=MODELS, query={"continue": ["x"]})).body
    )


def test_an_expired_event_ends_a_watch_in_order(cluster: Cluster) -> None:
    cluster.inject(expired_event(after_events=2))
    lines, failure = watch(cluster, 3)
    assert failure is None
    assert [line[:15] for line in lines] == ['{"type":"ADDED"'] * 2 + ['{"type":"ERROR"']
    assert '"code":410' in lines[-1]


def test_a_cut_watch_breaks_after_its_events(cluster: Cluster) -> None:
    cluster.inject(cut(after_events=2))
    lines, failure = watch(cluster, 3)
    assert isinstance(failure, httpx.RemoteProtocolError)
    assert len(lines) == 2


def test_a_cut_answer_breaks_in_its_middle(cluster: Cluster, client: Client) -> None:
    cluster.inject(cut())
    with pytest.raises(TransportError, match="incomplete"):
        client.registry_v1alpha1.models().list()
    assert cluster.calls == 1


def test_a_stalled_watch_says_nothing_more(cluster: Cluster) -> None:
    cluster.inject(stall(after_events=1))
    lines, failure = watch(cluster, 3)
    assert isinstance(failure, httpx.ReadTimeout)
    assert len(lines) == 1


def test_a_stalled_request_gets_no_answer_and_is_not_carried_out(cluster: Cluster) -> None:
    cluster.inject(stall())
    started = time.monotonic()
    with cluster.http(read=0.1) as http, pytest.raises(httpx.ReadTimeout):
        http.get(CONFIGMAPS)
    assert 0.1 <= time.monotonic() - started < 2
    assert cluster.calls == 0


def test_a_delayed_answer_is_carried_out_in_time(cluster: Cluster) -> None:
    cluster.inject(delay(60))
    with cluster.http(read=0.05) as http, pytest.raises(httpx.ReadTimeout):
        http.get(CONFIGMAPS)
    assert cluster.calls == 1


def test_a_delay_has_a_jitter_of_the_seed() -> None:
    def delays(seed: int) -> list[float]:
        cluster = Cluster(seed)
        cluster.inject(delay(1, jitter=0.5), times=None)
        return [cluster.handle(Call(method="GET", path=MODELS)).delay for _ in range(5)]

    assert delays(1) == delays(1) != delays(2)
    assert all(1 <= seconds <= 1.5 for seconds in delays(1))


@pytest.mark.parametrize("carried_out", [False, True])
def test_a_lost_answer_may_have_been_carried_out(cluster: Cluster, carried_out: bool) -> None:
    cluster.inject(lost(carried_out=carried_out))
    with cluster.http() as http, pytest.raises(httpx.RemoteProtocolError):
        http.get(CONFIGMAPS)
    assert cluster.calls == carried_out


def test_a_watch_without_bookmarks_keeps_the_one_that_ends_its_beginning(
    cluster: Cluster,
) -> None:
    cluster.inject(no_bookmarks())
    call = Call(
        method="GET",
        path=CONFIGMAPS,
        query={
            name: [value]
            for name, value in {
                "watch": "1",
                "allowWatchBookmarks": "true",
                "sendInitialEvents": "true",
                "resourceVersionMatch": "NotOlderThan",
            }.items()
        },
    )
    stream = cluster.handle(call).stream
    assert stream is not None
    first = stream.take()
    assert b"initial-events-end" in first
    stream.feed(b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"5"}}}\n')
    stream.feed(b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n')
    assert stream.take() == b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n'


def test_bookmarks_do_not_count_as_events(cluster: Cluster) -> None:
    cluster.inject(cut(after_events=1))
    stream = cluster.handle(Call(method="GET", path=CONFIGMAPS, query={"watch": ["1"]})).stream
    assert stream is not None
    stream.feed(b'{"type":"BOOKMARK","object":{}}\n')
    assert stream.take()
    assert not stream.broken
    stream.feed(b'{"type":"ADDED","object":{}}\n{"type":"DELETED","object":{}}\n')
    assert stream.take() == b'{"type":"ADDED","object":{}}\n'
    assert stream.broken


def test_several_faults_act_on_one_stream(cluster: Cluster) -> None:
    cluster.inject(no_bookmarks())
    cluster.inject(cut(after_events=1))
    stream = cluster.handle(Call(method="GET", path=CONFIGMAPS, query={"watch": ["1"]})).stream
    assert stream is not None
    stream.feed(b'{"type":"BOOKMARK","object":{}}\n{"type":"ADDED","object":{}}\n')
    assert stream.take() == b'{"type":"ADDED","object":{}}\n'
    assert stream.broken


def test_a_watch_of_the_client_goes_on_after_faults_and_loses_nothing(cluster: Cluster) -> None:
    faults = (cut(after_events=2), expired_event(after_events=1), lost(), error(500), expired())
    injection = cluster.inject(*faults, verb="watch")
    config = Config("https://fake-cluster", source="FakeCluster")
    seen: list[str] = []
    with Client(config, transport=FakeTransport(cluster.handle)) as client:
        policies = client.registry_v1alpha1.autoscaling_policies()
        with policies.watch(policy=WatchPolicy(max_backoff=0.05)) as events:
            for number in range(8):
                policies.create(POLICY.mapping(f"p-{number}"))
            for event in events:
                seen.append(event.object.name)
                if len(seen) == 8:
                    break
    assert seen == [f"p-{number}" for number in range(8)]
    assert injection.hits == 5


def test_a_fault_shows_as_it_is_written() -> None:
    faults = (
        error(429, retry_after=1),
        error(500, reason="X", message="y"),
        cut(after_events=2),
        lost(carried_out=True),
        delay(1, jitter=2),
        one_of(stall(), no_bookmarks()),
    )
    assert [repr(each) for each in faults] == [
        "error(429, retry_after=1)",
        "error(500, reason='X', message='y')",
        "cut(after_events=2)",
        "lost(carried_out=True)",
        "delay(1, jitter=2)",
        "one_of(stall(), no_bookmarks())",
    ]
