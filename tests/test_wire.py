"""What both transports agree on: warnings, headers, limits of time."""

from __future__ import annotations

import warnings
from typing import Any

import httpx
import pytest

from matrixinfer_client import (
    NO_TIMEOUT,
    ApiWarning,
    AsyncClient,
    Client,
    EventHooks,
    NotFoundError,
)
from matrixinfer_client.config import Config
from matrixinfer_client.errors import InvalidArgumentError, RequestInfo
from matrixinfer_client.flows import Request
from matrixinfer_client.wire import Outline, failure, limits, show_warnings

CONFIG = Config("https://cluster.test/behind/a/path/")


def shown(*headers: str) -> list[str]:
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        show_warnings(headers)
    assert all(entry.category is ApiWarning for entry in record)
    return [str(entry.message) for entry in record]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (['299 - "is deprecated"'], ["is deprecated"]),
        (['299 - "one", 299 - "two"'], ["one", "two"]),
        (['299 - "one"', '299 kube "two"'], ["one", "two"]),
        ([r'299 - "unknown field \"spec.x\""'], ['unknown field "spec.x"']),
        ([r'299 - "a \\ b"'], [r"a \ b"]),
        (['299 - "dated" "Wed, 21 Oct 2026 07:28:00 GMT"'], ["dated"]),
        (["nonsense", ""], []),
    ],
)
def test_warning_headers_become_warnings(headers: list[str], expected: list[str]) -> None:
    assert shown(*headers) == expected


def warning(_: httpx.Request) -> httpx.Response:
    headers = [("Warning", '299 - "careful"')]
    return httpx.Response(200, headers=headers, content=b'{"items":[]}')


def test_a_warning_points_to_the_line_of_the_program() -> None:
    transport = httpx.MockTransport(warning)
    with (
        Client(CONFIG, transport=transport) as client,
        pytest.warns(ApiWarning, match="careful") as record,
    ):
        client.registry_v1alpha1.models("default").list()
    assert record[0].filename == __file__


async def test_a_warning_points_to_the_line_of_the_coroutine() -> None:
    async with AsyncClient(CONFIG, transport=httpx.MockTransport(warning)) as client:
        with pytest.warns(ApiWarning, match="careful") as record:
            await client.registry_v1alpha1.models("default").list()
    assert record[0].filename == __file__


def test_the_path_of_the_server_comes_before_that_of_the_request() -> None:
    outgoing = Outline(CONFIG).outgoing(Request("GET", "/apis/x", "a=b"), None)
    assert outgoing.url == "https://cluster.test/behind/a/path/apis/x?a=b"
    assert str(outgoing.info) == f"GET {outgoing.url}"


@pytest.mark.parametrize("path", ["/apis/x/v1/y", "/api/v1/namespaces/a/pods/b/log"])
def test_a_failure_names_the_server_and_then_the_request(path: str) -> None:
    request = RequestInfo("GET", f"https://cluster.test/api/gateway{path}")
    error = failure(OSError("no route"), request, 'context "dev"', sent=False)
    assert str(error) == (
        'cannot reach https://cluster.test/api/gateway (context "dev"): no route '
        f"[GET https://cluster.test/api/gateway{path}]"
    )


def test_headers_do_not_show() -> None:
    outgoing = Outline(CONFIG).outgoing(Request("GET", "/apis/x"), None)
    assert "user-agent" not in repr(outgoing)


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [(None, (5.0, 30.0)), (60, (5.0, 60.0)), (0.5, (0.5, 0.5)), (NO_TIMEOUT, (None, None))],
)
def test_connecting_and_waiting_have_limits(timeout: Any, expected: Any) -> None:
    assert limits(timeout) == expected


@pytest.mark.parametrize("timeout", [0, -1, True, "5", [5]])
def test_a_limit_that_is_none_is_refused(timeout: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="timeout must be a number of seconds above 0"):
        limits(timeout)


def test_an_exception_in_a_hook_ends_the_call() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(404)

    def refuse(_: object) -> None:
        raise LookupError("the hook's own")

    transport = httpx.MockTransport(answer)
    hooks = EventHooks(request=[refuse])
    with pytest.raises(LookupError), Client(CONFIG, transport=transport, event_hooks=hooks) as one:
        one.registry_v1alpha1.models("default").get("one")
    assert sent == []
    with pytest.raises(NotFoundError), Client(CONFIG, transport=transport) as two:
        two.registry_v1alpha1.models("default").get("one")
    assert len(sent) == 1
