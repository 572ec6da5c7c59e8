"""What a client sees through the doors inside the process, next to what a connection would show."""

from __future__ import annotations

import asyncio
import math
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from matrixinfer_client import Client, Config, Retries
from matrixinfer_client.errors import InvalidArgumentError, TransportError, TransportTimeout
from matrixinfer_client.testing.calls import user
from matrixinfer_client.testing.doors import AsyncFakeTransport, FakeTransport
from matrixinfer_client.testing.exchange import ADMIN, Call, Reply, Stream

_URL = "https://fake-cluster"
_EVENT = b'{"type":"ADDED","object":{}}\n'
_PATH = "/apis/registry.matrixinfer.ai/v1alpha1/namespaces/default/models"


def blocking(handle: Callable[[Call], Reply], read: float | None = 5.0) -> httpx.Client:
    limits = httpx.Timeout(5.0, read=read)
    return httpx.Client(transport=FakeTransport(handle), base_url=_URL, timeout=limits)


def awaiting(handle: Callable[[Call], Reply], read: float | None = 5.0) -> httpx.AsyncClient:
    limits = httpx.Timeout(5.0, read=read)
    return httpx.AsyncClient(transport=AsyncFakeTransport(handle), base_url=_URL, timeout=limits)


def always(reply: Reply) -> Callable[[Call], Reply]:
    return lambda _: reply


def later(seconds: float, action: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        time.sleep(seconds)
        action()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


class Elapsed:
    """The seconds that a block took."""

    def __enter__(self) -> Elapsed:
        self._start = time.monotonic()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds = time.monotonic() - self._start


def test_a_request_arrives_as_it_was_sent() -> None:
    calls: list[Call] = []

    def handle(call: Call) -> Reply:
        calls.append(call)
        return Reply(status=201, body=b"{}", headers=[("Content-Type", "application/json")])

    with blocking(handle) as client:
        url = f"{_PATH}/a%2Fb?labelSelector=a%3Db%2Cc+d&dryRun=All&dryRun=&watch"
        headers = [("Impersonate-Group", "a"), ("Impersonate-Group", "b"), ("X-One", "1")]
        response = client.post(url, content=b"body", headers=headers)
    (call,) = calls
    assert call.method == "POST"
    assert call.path == f"{_PATH}/a%2Fb"
    assert call.query == {"labelSelector": ["a=b,c d"], "dryRun": ["All", ""], "watch": [""]}
    assert call.headers["impersonate-group"] == "a, b"
    assert call.headers["x-one"] == "1"
    assert call.body == b"body"
    assert call.caller == ADMIN
    assert (response.status_code, response.json()) == (201, {})
    assert response.headers["content-length"] == "2"


async def test_a_request_arrives_as_it_was_sent_from_a_task() -> None:
    calls: list[Call] = []

    def handle(call: Call) -> Reply:
        calls.append(call)
        return Reply(status=200, body=b"{}", headers=[("Warning", "one"), ("Warning", "two")])

    async with awaiting(handle) as client:
        response = await client.put("/api/v1/x?a=b", content=b"body")
    assert [(call.method, call.path, call.query, call.body) for call in calls] == [
        ("PUT", "/api/v1/x", {"a": ["b"]}, b"body")
    ]
    assert response.headers.get_list("warning") == ["one", "two"]


def test_a_late_answer_within_the_limit_arrives_late() -> None:
    with blocking(always(Reply(status=200, delay=0.1))) as client, Elapsed() as took:
        assert client.get("/version").status_code == 200
    assert 0.1 <= took.seconds < 2


def test_an_answer_that_is_too_late_times_out_when_the_limit_is_reached() -> None:
    with (
        blocking(always(Reply(status=200, delay=60)), read=0.1) as client,
        Elapsed() as took,
        pytest.raises(httpx.ReadTimeout),
    ):
        client.get("/version")
    assert 0.1 <= took.seconds < 2


async def test_an_answer_that_is_too_late_times_out_for_a_task() -> None:
    async with awaiting(always(Reply(status=200, delay=math.inf)), read=0.1) as client:
        with Elapsed() as took, pytest.raises(httpx.ReadTimeout):
            await client.get("/version")
    assert 0.1 <= took.seconds < 2


def test_a_lost_answer_is_a_request_that_was_sent() -> None:
    transport = FakeTransport(always(Reply(status=200, lost=True)))
    config = Config(_URL, source="FakeCluster")
    with (
        Client(config, transport=transport, retries=Retries(attempts=1)) as client,
        pytest.raises(TransportError, match="was lost: Server disconnected") as caught,
    ):
        client.registry_v1alpha1.models().get("demo")
    assert caught.value.sent


async def test_a_lost_answer_is_lost_for_a_task_too() -> None:
    async with awaiting(always(Reply(status=200, lost=True))) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/version")


def test_a_stream_brings_what_was_fed_and_ends() -> None:
    stream = Stream()
    stream.feed(_EVENT)
    with (
        blocking(always(Reply(status=200, stream=stream))) as client,
        client.stream("GET", "/watch") as response,
    ):
        chunks = response.iter_bytes()
        assert next(chunks) == _EVENT
        feeder = later(0.05, lambda: stream.feed(_EVENT * 2))
        read = next(chunks)
        feeder.join()
        stream.end()
        assert read + b"".join(chunks) == _EVENT * 2
    assert stream.ended


async def test_a_stream_brings_to_a_task_what_other_threads_feed() -> None:
    stream = Stream()
    async with (
        awaiting(always(Reply(status=200, stream=stream))) as client,
        client.stream("GET", "/watch") as response,
    ):
        feeders = [later(0.02 * number, lambda: stream.feed(_EVENT)) for number in range(1, 6)]
        done = later(0.3, stream.end)
        received = b"".join([chunk async for chunk in response.aiter_bytes()])
    for thread in (*feeders, done):
        thread.join()
    assert received == _EVENT * 5


def test_a_silent_stream_times_out_after_the_limit_since_the_last_bytes() -> None:
    stream = Stream()
    with (
        blocking(always(Reply(status=200, stream=stream)), read=0.3) as client,
        client.stream("GET", "/watch") as response,
        Elapsed() as took,
    ):
        chunks = response.iter_bytes()
        feeder = later(0.2, lambda: stream.feed(_EVENT))
        assert next(chunks) == _EVENT
        with pytest.raises(httpx.ReadTimeout):
            next(chunks)
        feeder.join()
    assert 0.5 <= took.seconds < 3


async def test_a_stalled_stream_times_out_for_a_task() -> None:
    stream = Stream()
    stream.stall()
    stream.feed(_EVENT)
    async with (
        awaiting(always(Reply(status=200, stream=stream)), read=0.1) as client,
        client.stream("GET", "/watch") as response,
    ):
        with pytest.raises(httpx.ReadTimeout):
            await anext(response.aiter_bytes())


def test_a_broken_stream_is_no_end() -> None:
    stream = Stream()
    stream.feed(_EVENT)
    with (
        blocking(always(Reply(status=200, stream=stream))) as client,
        client.stream("GET", "/watch") as response,
    ):
        chunks = response.iter_bytes()
        assert next(chunks) == _EVENT
        breaker = later(0.05, lambda: stream.end(broken=True))
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
            next(chunks)
        breaker.join()


def test_a_stream_ends_when_its_time_is_over_though_nobody_feeds_it() -> None:
    with Elapsed() as took:
        # Its time begins when it is made.
        stream = Stream(seconds=0.1)
        with blocking(always(Reply(status=200, stream=stream))) as client:
            assert client.get("/watch").content == b""
    assert 0.1 <= took.seconds < 2


async def test_heartbeats_come_though_nobody_feeds_the_stream() -> None:
    def beat() -> None:
        stream.feed(b"beat\n")

    stream = Stream(heartbeat=beat, heartbeat_seconds=0.05, seconds=0.4)
    async with awaiting(always(Reply(status=200, stream=stream))) as client:
        content = (await client.get("/watch")).content
    assert 2 <= content.count(b"beat\n") <= 7


@pytest.mark.parametrize("read_first", [False, True])
def test_closing_the_response_closes_the_stream(read_first: bool) -> None:
    stream, closed = Stream(), threading.Event()
    stream.on_close = closed.set
    stream.feed(_EVENT)
    with (
        blocking(always(Reply(status=200, stream=stream))) as client,
        client.stream("GET", "/watch") as response,
    ):
        if read_first:
            next(response.iter_bytes())
        assert not closed.is_set()
    assert closed.is_set()


async def test_closing_the_response_closes_the_stream_of_a_task() -> None:
    stream, closed = Stream(), threading.Event()
    stream.on_close = closed.set
    async with (
        awaiting(always(Reply(status=200, stream=stream))) as client,
        client.stream("GET", "/watch"),
    ):
        assert not closed.is_set()
    assert closed.is_set()


def test_abort_ends_a_read_in_another_thread_at_once() -> None:
    stream, closed = Stream(), threading.Event()
    stream.on_close = closed.set
    with (
        blocking(always(Reply(status=200, stream=stream)), read=None) as client,
        client.stream("GET", "/watch") as response,
    ):
        aborter = later(0.1, response.extensions["abort"])
        with Elapsed() as took, pytest.raises(httpx.RemoteProtocolError):
            next(response.iter_bytes())
        aborter.join()
        assert closed.is_set()
    assert took.seconds < 2


def test_a_watch_of_the_client_is_stopped_by_another_thread() -> None:
    config = Config(_URL, source="FakeCluster")
    stream = Stream()
    transport = FakeTransport(always(Reply(status=200, stream=stream)))
    with Client(config, transport=transport) as client:
        watch = client.registry_v1alpha1.models().watch(resource_version="5")
        stopper = later(0.1, watch.close)
        with Elapsed() as took:
            assert list(watch) == []
        stopper.join()
    assert took.seconds < 2


def test_a_wait_of_the_client_ends_in_time_though_the_answer_is_late() -> None:
    config = Config(_URL, source="FakeCluster")
    transport = FakeTransport(always(Reply(status=200, delay=60)))
    with (
        Client(config, transport=transport) as client,
        Elapsed() as took,
        pytest.raises(TimeoutError),
    ):
        client.registry_v1alpha1.models().wait_for("demo", "exists", timeout=0.3)
    assert took.seconds < 3


def test_closing_the_transport_ends_what_waits_at_it() -> None:
    streams = [Stream(), Stream()]
    replies = [
        *(Reply(status=200, stream=stream) for stream in streams),
        Reply(status=200, delay=60),
    ]
    client = blocking(lambda _: replies.pop(0), read=None)
    failures: list[Exception] = []

    def read() -> None:
        try:
            client.get("/watch")
        except httpx.TransportError as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    client.close()
    for thread in threads:
        thread.join(5)
    assert [type(error) for error in failures] == [httpx.RemoteProtocolError] * 3
    assert all(stream.ended for stream in streams)


async def test_closing_the_transport_ends_what_waits_at_it_in_other_loops() -> None:
    transport = AsyncFakeTransport(always(Reply(status=200, stream=Stream())))
    failures: list[Exception] = []

    async def read() -> None:
        try:
            await transport.handle_async_request(httpx.Request("GET", _URL))
            response = await transport.handle_async_request(httpx.Request("GET", _URL))
            await response.aread()
        except httpx.TransportError as error:
            failures.append(error)

    other = threading.Thread(target=lambda: asyncio.run(read()))
    other.start()
    await asyncio.sleep(0.2)
    await transport.aclose()
    other.join(5)
    assert [type(error) for error in failures] == [httpx.RemoteProtocolError]


def test_one_transport_serves_one_event_loop_after_another() -> None:
    streams: list[Stream] = []

    def handle(call: Call) -> Reply:
        streams.append(Stream())
        streams[-1].feed(_EVENT)
        return Reply(status=200, stream=streams[-1])

    transport = AsyncFakeTransport(handle)

    async def first_event() -> bytes:
        response = await transport.handle_async_request(httpx.Request("GET", _URL))
        return await anext(response.aiter_bytes())

    # The first loop ends with an open stream, which the server goes on to feed.
    assert asyncio.run(first_event()) == _EVENT
    streams[0].feed(_EVENT)
    assert asyncio.run(first_event()) == _EVENT


async def test_a_cancelled_read_leaves_the_stream_to_be_closed() -> None:
    stream = Stream()
    async with (
        awaiting(always(Reply(status=200, stream=stream)), read=None) as client,
        client.stream("GET", "/watch") as response,
    ):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(response.aiter_bytes())
        assert not stream.ended
    assert stream.ended


async def test_other_tasks_run_between_the_requests_of_one() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    async with awaiting(always(Reply(status=200))) as client:
        for _ in range(10):
            await client.get("/version")
    task.cancel()
    assert turns >= 9


def stamp() -> bytes:
    return f"{time.perf_counter()}\n".encode()


def age(chunk: bytes) -> float:
    """The seconds since the newest stamp was made."""
    return time.perf_counter() - float(chunk.split()[-1])


def usual(ages: list[float]) -> float:
    """What a quarter of them keeps below: other programs may have the processor for a while."""
    return statistics.quantiles(ages, n=4)[0]


def test_an_event_reaches_a_blocking_reader_within_a_millisecond() -> None:
    stream = Stream()

    def feed() -> None:
        for _ in range(50):
            time.sleep(0.002)
            stream.feed(stamp())
        stream.end()

    with (
        blocking(always(Reply(status=200, stream=stream))) as client,
        client.stream("GET", "/watch") as response,
    ):
        feeder = threading.Thread(target=feed)
        feeder.start()
        ages = [age(chunk) for chunk in response.iter_bytes()]
        feeder.join()
    assert usual(ages) < 0.001


async def test_an_event_reaches_a_task_within_a_millisecond() -> None:
    stream = Stream()

    async def feed() -> None:
        for _ in range(50):
            await asyncio.sleep(0.002)
            await asyncio.to_thread(lambda: stream.feed(stamp()))
        stream.end()

    async with (
        awaiting(always(Reply(status=200, stream=stream))) as client,
        client.stream("GET", "/watch") as response,
    ):
        feeder = asyncio.create_task(feed())
        ages = [age(chunk) async for chunk in response.aiter_bytes()]
        await feeder
    assert usual(ages) < 0.001


def test_a_time_limit_of_the_client_is_a_timeout_of_the_client() -> None:
    config = Config(_URL, source="FakeCluster")
    transport = FakeTransport(always(Reply(status=200, delay=60)))
    once = Retries(attempts=1)
    with (
        Client(config, transport=transport, timeout=0.1, retries=once) as client,
        pytest.raises(TransportTimeout, match="no answer in time"),
    ):
        client.registry_v1alpha1.models().get("demo")


def test_a_user_is_authenticated_like_everybody() -> None:
    assert user(None) == ADMIN
    assert user("ann", ["dev"]).groups == ("dev", "system:authenticated")
    with pytest.raises(InvalidArgumentError, match="say whose"):
        user(None, ["dev"])
    with pytest.raises(InvalidArgumentError, match="must not be empty"):
        user("")


def test_importing_the_testing_package_imports_no_http_library() -> None:
    program = (
        "import sys; import matrixinfer_client.testing.exchange, matrixinfer_client.testing.calls;"
        "import matrixinfer_client.testing.waking;"
        "print([name for name in ('httpx', 'aiohttp', 'asyncio') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
