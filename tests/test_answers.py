"""Answers that an API server does not give: login pages, redirects, and what has no body."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from matrixinfer_client import AsyncClient, Client
from matrixinfer_client.errors import ApiError, DecodeError, MatrixInferError
from tests.behaviour.modes import Mode, as_async
from tests.conftest import Serve
from tests.loopback import Behaviour, reply

Call = Callable[[Any], Any]

LOGIN = "Location: https://anna:pass@login.test/oauth?state=secret#here"
MODEL = {"metadata": {"name": "demo"}, "spec": {}}
CALLS: dict[str, Call] = {
    "get": lambda models: models.get("demo"),
    "list": lambda models: models.list(),
    "exists": lambda models: models.exists("demo"),
    "create": lambda models: models.create(MODEL),
    "create_or_update": lambda models: models.create_or_update(MODEL),
    "patch": lambda models: models.patch("demo", MODEL),
    "delete": lambda models: models.delete("demo"),
    "delete missing": lambda models: models.delete("demo", ignore_not_found=True),
    "delete_collection": lambda models: models.delete_collection(),
}
ALL_CALLS = [pytest.param(call, id=name) for name, call in CALLS.items()]


@pytest.fixture
def ask(mode: Mode, serve: Serve) -> Iterator[Callable[[Behaviour, Call], Any]]:
    """Make a call to a server that answers in one way, and return the error that it ends in."""
    blocking: list[Client] = []

    async def error(behaviour: Behaviour, call: Call) -> MatrixInferError:
        url = serve(behaviour).url
        if mode == "async":
            client = AsyncClient(server=url, token="t0k3n")
        else:
            blocking.append(Client(server=url, token="t0k3n"))
            client = as_async(blocking[-1], AsyncClient)
        with pytest.raises(MatrixInferError) as caught:
            await call(client.registry_v1alpha1.models("default"))
        return caught.value

    yield error
    for each in blocking:
        each.close()


@pytest.mark.parametrize("call", ALL_CALLS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_no_success(ask: Any, call: Call, status: int) -> None:
    # With a body that would otherwise pass for an object.
    error = await ask(reply(status, b"{}", LOGIN), call)
    assert isinstance(error, ApiError)
    assert error.status_code == status
    assert str(error).startswith("the server redirects to https://login.test/oauth, which is not")
    assert "secret" not in str(error)
    assert "pass" not in str(error)


@pytest.mark.parametrize("call", ALL_CALLS)
async def test_another_answer_that_says_neither_yes_nor_no_is_no_success(
    ask: Any, call: Call
) -> None:
    error = await ask(reply(300, b"{}"), call)
    assert isinstance(error, ApiError)
    assert "may not come from an API server (300)" in str(error)


@pytest.mark.parametrize("call", ALL_CALLS)
@pytest.mark.parametrize(
    "body", [b"<html>Please log in</html>", b"", b'{"metadata":'], ids=["html", "empty", "cut"]
)
async def test_a_success_without_json_is_none_and_names_the_request(
    ask: Any, call: Call, body: bytes
) -> None:
    error = await ask(reply(200, body, "Content-Type: text/html"), call)
    assert isinstance(error, DecodeError)
    assert "the answer (200, text/html) may not come from an API server [" in str(error)
    assert "/apis/registry.matrixinfer.ai/v1alpha1/namespaces/default/models" in str(error)
