"""What can be made to go wrong, and on which calls it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from matrixinfer_client import Client, Config, Retries, WatchPolicy
from matrixinfer_client.api.registry_v1alpha1 import Model
from matrixinfer_client.errors import (
    ApiError,
    ConflictError,
    ExpiredError,
    InvalidArgumentError,
    NotFoundError,
    TooManyRequestsError,
    TransportError,
    UnavailableError,
)
from matrixinfer_client.testing.doors import FakeTransport
from matrixinfer_client.testing.exchange import Call, Caller, Reply
from matrixinfer_client.testing.faults import (
    Fault,
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
from matrixinfer_client.testing.injecting import Chance, Injection, Injector
from matrixinfer_client.testing.matching import Match, Subject
from matrixinfer_client.testing.server import FakeServer
from tests.behaviour.samples import POLICY

MODELS = "/apis/registry.matrixinfer.ai/v1alpha1/namespaces/default/models"
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
_ONCE = Retries(attempts=1)


class Cluster:
    """A server with faults, as `FakeCluster` puts them together."""

    def __init__(self, seed: int = 0) -> None:
        self.server = FakeServer()
        self.injector = Injector(seed, spared=("simulation",))
        self.calls = 0

    def handle(self, call: Call) -> Reply:
        return self.injector.answer(Subject.of(call), self._counted)

    def inject(
        self,
        *faults: Fault,
        times: int | None = 1,
        after: int = 0,
        probability: float = 1.0,
        **match: Any,
    ) -> Injection:
        chance = Chance(times=times, after=after, probability=probability)
        return self.injector.add(faults, Match.of(**match), chance)

    def add(self, name: str, path: str = CONFIGMAPS) -> None:
        body = f'{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}}}}'
        headers = {"content-type": "application/json"}
        reply = self.server.handle(
            Call(method="POST", path=path, headers=headers, body=body.encode())
        )
        assert reply.status == 201, reply.body

    @contextmanager
    def http(self, read: float = 5.0) -> Iterator[httpx.Client]:
        limits = httpx.Timeout(5.0, read=read)
        with httpx.Client(
            transport=FakeTransport(self.handle), base_url="https://fake-cluster", timeout=limits
        ) as client:
            yield client

    def status(self, method: str = "GET", path: str = CONFIGMAPS, **call: Any) -> int:
        return self.handle(Call(method=method, path=path, **call)).status

    def _counted(self, call: Call) -> Reply:
        self.calls += 1
        return self.server.handle(call)


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


# What the faults are.


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
    cluster.inject(expired(), times=2)
    with pytest.raises(ExpiredError, match="too old resource version"):
        client.registry_v1alpha1.models().list()
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


# On which calls they act.


def answers(cluster: Cluster, *calls: tuple[str, str]) -> list[int]:
    return [cluster.status(method, path) for method, path in calls]


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({}, {0, 1, 2, 3, 4, 5}),
        ({"verb": "get"}, {0, 3}),
        ({"verb": ["list", "delete"]}, {1, 2, 4}),
        ({"resource": "configmaps"}, {0, 1, 2}),
        ({"resource": "ConfigMap"}, {0, 1, 2}),
        ({"resource": "cm", "verb": "list"}, {1}),
        ({"resource": "models.registry.matrixinfer.ai"}, {4}),
        ({"resource": Model}, {4}),
        ({"resource": "models/status"}, {3}),
        ({"resource": "models/*"}, {3, 4}),
        ({"namespace": "other"}, {2}),
        ({"name": "demo"}, {0, 2, 3}),
        ({"namespace": "default", "name": "demo"}, {0, 3}),
        ({"caller": "ann"}, set()),
        ({"when": lambda call: call.path == "/version"}, {5}),
    ],
)
def test_a_fault_acts_on_what_matches(
    cluster: Cluster, match: dict[str, Any], hit: set[int]
) -> None:
    cluster.inject(error(599), times=None, **match)
    calls = [
        ("GET", f"{CONFIGMAPS}/demo"),
        ("GET", CONFIGMAPS),
        ("DELETE", "/api/v1/namespaces/other/configmaps/demo"),
        ("GET", f"{MODELS}/demo/status"),
        ("GET", MODELS),
        ("GET", "/version"),
    ]
    found = answers(cluster, *calls)
    assert {number for number, status in enumerate(found) if status == 599} == hit


def test_an_apply_is_no_other_patch(cluster: Cluster) -> None:
    applies = cluster.inject(error(599), verb="apply", times=None)
    patches = cluster.inject(error(598), verb="patch", times=None)
    types = ["application/apply-patch+yaml", "application/merge-patch+json"]
    statuses = [
        cluster.status("PATCH", f"{MODELS}/demo", headers={"content-type": each}) for each in types
    ]
    assert statuses == [599, 598]
    assert (applies.hits, patches.hits) == (1, 1)


def test_the_name_of_a_create_is_in_its_body(cluster: Cluster) -> None:
    injection = cluster.inject(error(599), verb="create", name="demo", times=None)
    for body in (b'{"metadata":{"name":"demo"}}', b'{"metadata":{"name":"no"}}', b"{", b""):
        cluster.status("POST", CONFIGMAPS, body=body)
    assert injection.hits == 1


def test_the_name_of_a_watch_is_in_its_selector(cluster: Cluster) -> None:
    injection = cluster.inject(error(599), verb="watch", name="demo", times=None)
    for selector in ("metadata.name=demo", "metadata.name==demo", "metadata.name=no", ""):
        query = {"watch": ["true"], "fieldSelector": [selector]}
        cluster.status(path=CONFIGMAPS, query=query)
    assert injection.hits == 2


def test_a_caller_is_whom_a_request_acts_for(cluster: Cluster) -> None:
    injection = cluster.inject(error(599), caller="ann", times=None)
    cluster.status(caller=Caller("ann"))
    cluster.status(headers={"impersonate-user": "ann"})
    cluster.status(caller=Caller("ann"), headers={"impersonate-user": "bob"})
    assert injection.hits == 2


def test_the_simulation_only_meets_faults_that_name_it(cluster: Cluster) -> None:
    cluster.inject(error(599), times=None)
    controllers = Caller("simulation", ("system:masters",))
    assert cluster.status(caller=controllers) == 200
    cluster.inject(error(598), caller="simulation")
    assert cluster.status(caller=controllers) == 598


def test_a_fault_acts_as_often_as_it_is_told_to(cluster: Cluster) -> None:
    injection = cluster.inject(error(599), times=2, after=1)
    assert answers(cluster, *[("GET", CONFIGMAPS)] * 5) == [200, 599, 599, 200, 200]
    assert injection.hits == 2


def test_several_faults_act_in_turn(cluster: Cluster) -> None:
    injection = cluster.inject(error(597), error(598), error(599), times=2)
    found = answers(cluster, *[("GET", CONFIGMAPS)] * 7)
    assert found == [597, 598, 599, 597, 598, 599, 200]
    assert injection.hits == 6


def test_the_first_fault_wins_and_the_second_keeps_its_turn(cluster: Cluster) -> None:
    cluster.inject(error(598))
    second = cluster.inject(error(599))
    assert answers(cluster, *[("GET", CONFIGMAPS)] * 3) == [598, 599, 200]
    assert second.hits == 1


def test_faults_that_go_together_act_together(cluster: Cluster) -> None:
    cluster.inject(delay(5), times=None)
    cluster.inject(error(599))
    reply = cluster.handle(Call(method="GET", path=CONFIGMAPS))
    assert (reply.status, reply.delay) == (599, 5)


def test_chance_is_the_seeds() -> None:
    def hits(seed: int) -> list[bool]:
        cluster = Cluster(seed)
        cluster.inject(error(599), probability=0.3, times=None)
        return [cluster.status() == 599 for _ in range(200)]

    assert hits(1) == hits(1) != hits(2)
    assert 30 <= sum(hits(1)) <= 90


def test_one_of_several_faults_is_drawn(cluster: Cluster) -> None:
    cluster.inject(one_of(error(598), error(599), conflict()), times=None)
    assert {cluster.status() for _ in range(50)} == {598, 599}
    assert {cluster.status("DELETE", f"{CONFIGMAPS}/a") for _ in range(50)} == {409, 598, 599}


def test_an_injection_can_be_removed(cluster: Cluster) -> None:
    with cluster.inject(error(599), times=None) as injection:
        assert cluster.status() == 599
    assert cluster.status() == 200
    injection.remove()
    assert repr(injection) == "Injection(error(599), hits=1)"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda it: it.inject(error(500), verb="fetch"), "'fetch' is unknown; there are get, list"),
        (lambda it: it.inject(error(500), verb=["get", "put"]), "'put' is unknown"),
        (lambda it: it.inject(error(500), resource="modles"), "'modles' is not served .* models,"),
        (
            lambda it: it.inject(error(500), resource="models/log"),
            "models have no .* 'log'; .*status",
        ),
        (lambda it: it.inject(error(500), times=0), "times must be 1 or more, or None, not 0"),
        (lambda it: it.inject(error(500), after=-1), "after must be 0 or more"),
        (lambda it: it.inject(error(500), probability=0), "probability must be above 0"),
        (lambda it: it.inject(), "inject needs a fault"),
        (
            lambda it: it.inject(expired_event(), verb="get"),
            "expired_event.* to watch, never to get",
        ),
        (lambda it: it.inject(conflict(), verb=["list", "get"]), "conflict.* never to get or list"),
        (lambda _: error(200), "400 to 599, not 200"),
        (lambda _: delay(-1), "0 and more, not -1"),
        (lambda _: cut(after_events=-1), "after_events must be 0 or more"),
        (lambda _: one_of(), "at least one fault"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    cluster: Cluster, wrong: Callable[[Cluster], object], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        wrong(cluster)


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
