"""The handlers of informers: what they are told, and what becomes of their errors."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from matrixinfer_client.errors import (
    InvalidArgumentError,
)
from tests.behaviour.modes import Mode
from tests.watch.conftest import Open
from tests.watch.either import POLICY, until
from tests.watch.served import Served


class Told:
    """Handlers that remember what they were told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []

    def on_add(self, obj: Any) -> None:
        self.calls.append(("add", obj.name))

    def on_update(self, old: Any, new: Any) -> None:
        self.calls.append(("update", old.resource_version, new.resource_version))

    def on_delete(self, obj: Any) -> None:
        self.calls.append(("delete", obj.name))

    @property
    def handlers(self) -> dict[str, Callable[..., None]]:
        return {"on_add": self.on_add, "on_update": self.on_update, "on_delete": self.on_delete}


async def test_handlers_are_told_of_every_change_in_order(served: Served, opened: Open) -> None:
    told, served_names = Told(), ["a", "b"]
    for name in served_names:
        served.create(name)
    async with opened() as client, client.informed() as informed:
        informed.informer.add_handler(**told.handlers)
        await informed.wait_for_sync()
        served.update("a")
        served.delete("b")
        served.create("b")
        await until(lambda: len(told.calls) == 5)
    assert told.calls == [
        ("add", "a"),
        ("add", "b"),
        ("update", "101", "103"),
        ("delete", "b"),
        ("add", "b"),
    ]


async def test_a_handler_that_comes_later_is_told_what_is_there(
    served: Served, opened: Open
) -> None:
    first, second = Told(), Told()
    served.create("a")
    async with opened() as client, client.informed() as informed:
        informed.informer.add_handler(**first.handlers)
        await informed.wait_for_sync()
        await until(lambda: first.calls)
        informed.informer.add_handler(**second.handlers)
        served.update("a")
        await until(lambda: len(first.calls) == len(second.calls) == 2)
    assert first.calls == second.calls == [("add", "a"), ("update", "101", "102")]


async def test_a_handler_that_is_removed_is_told_nothing_more(served: Served, opened: Open) -> None:
    staying, leaving = Told(), Told()
    async with opened() as client, client.informed() as informed:
        informed.informer.add_handler(**staying.handlers)
        handler = informed.informer.add_handler(**leaving.handlers)
        await informed.wait_for_sync()
        informed.informer.remove_handler(handler)
        served.create("a")
        await until(lambda: staying.calls)
    assert leaving.calls == []


async def test_an_exception_in_a_handler_reaches_on_error_and_nothing_else(
    served: Served, opened: Open
) -> None:
    errors: list[Exception] = []
    told = Told()

    def fail(_: Any) -> None:
        raise ValueError("the handler is broken")

    async with opened() as client, client.informed(on_error=errors.append) as informed:
        informed.informer.add_handler(on_add=fail)
        informed.informer.add_handler(**told.handlers)
        await informed.wait_for_sync()
        served.create("a")
        served.create("b")
        await until(lambda: len(told.calls) == 2)
        assert [str(error) for error in errors] == ["the handler is broken"] * 2
        assert len(informed.informer) == 2


async def test_errors_are_logged_by_default(
    served: Served, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Any) -> None:
        raise ValueError("the handler is broken")

    with caplog.at_level(logging.WARNING, "matrixinfer_client"):
        async with opened() as client, client.informed() as informed:
            informed.informer.add_handler(on_add=fail)
            served.create("a")
            await until(lambda: "the handler is broken" in caplog.text)
    assert "Traceback" in caplog.text, "where the handler failed is to be seen"


async def test_an_error_handler_that_fails_does_not_end_the_informer(
    served: Served, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Any) -> None:
        raise ValueError("broken")

    told = Told()
    async with opened() as client, client.informed(on_error=fail) as informed:
        informed.informer.add_handler(on_add=fail)
        informed.informer.add_handler(**told.handlers)
        served.create("a")
        await until(lambda: told.calls)
    assert "on_error failed" in caplog.text


async def test_a_slow_handler_does_not_hold_up_the_store(served: Served, opened: Open) -> None:
    release = threading.Event()

    async def wait_long(_: Any) -> None:
        while not release.is_set():  # noqa: ASYNC110 - a thread's event
            await asyncio.sleep(0.01)

    async with opened() as client, client.informed() as informed:
        slow: Any = (lambda _: release.wait(10)) if client.mode == "sync" else wait_long
        informed.informer.add_handler(on_add=slow)
        await informed.wait_for_sync()
        for number in range(20):
            served.create(f"m{number}")
        await until(lambda: len(informed.informer) == 20)
        release.set()


async def test_a_resync_tells_of_every_object_again(served: Served, opened: Open) -> None:
    served.create("a")
    served.create("b")
    same: list[bool] = []
    async with opened() as client, client.informed(resync=0.1) as informed:
        informed.informer.add_handler(on_update=lambda old, new: same.append(old is new))
        await informed.wait_for_sync()
        await until(lambda: len(same) >= 6)
    assert all(same)


async def test_an_async_function_needs_an_async_informer(opened: Open, mode: Mode) -> None:
    async def handler(_: Any) -> None:
        return None

    async with opened() as client:
        informer = client.models().informer()
        if mode == "async":
            informer.add_handler(on_add=handler)
            return
        with pytest.raises(InvalidArgumentError, match="use AsyncInformer, or a plain function"):
            informer.add_handler(on_add=handler)


async def test_async_handlers_and_error_handlers_are_awaited(served: Served) -> None:
    from matrixinfer_client import AsyncClient

    told: list[str] = []

    async def fail(obj: Any) -> None:
        await asyncio.sleep(0)
        raise ValueError(obj.name)

    async def note(error: Exception) -> None:
        await asyncio.sleep(0)
        told.append(str(error))

    async with AsyncClient(server=served.url) as client:
        models = client.registry_v1alpha1.models()
        async with models.informer(policy=POLICY, on_error=note) as informer:
            informer.add_handler(on_add=fail)
            served.create("a")
            await until(lambda: told == ["a"])


async def test_a_handler_needs_functions(opened: Open) -> None:
    async with opened() as client:
        informer = client.models().informer()
        with pytest.raises(InvalidArgumentError, match="needs on_add, on_update or on_delete"):
            informer.add_handler()
        with pytest.raises(InvalidArgumentError, match="must be a function, not 'print'"):
            informer.add_handler(on_add="print")
