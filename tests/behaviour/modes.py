"""Both modes behind one interface, so that a test is written once.

Tests are written against the asynchronous classes. In the synchronous mode the object behind that
interface is a proxy: a method that its asynchronous twin declares `async` runs in a thread, so
that `asyncio.gather` over several calls means several threads; an iterator becomes an
asynchronous one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, Final, Literal, Self, TypeAlias, TypeVar, cast

import matrixinfer_client
from matrixinfer_client.connection import Connection, GroupClient
from matrixinfer_client.resources import AsyncResource, Resource

Mode: TypeAlias = Literal["sync", "async"]
MODES: tuple[Mode, ...] = ("sync", "async")

A = TypeVar("A")

_END: Final = object()
# More than any test has calls in flight; the default executor has six threads on two cores.
_THREADS = ThreadPoolExecutor(32, thread_name_prefix="sync-mode")


def as_async(target: object, twin: type[A]) -> A:
    """Return the blocking `target` behind the interface of its asynchronous `twin`."""
    return cast("A", _Awaiting(target, twin))


class _Awaiting:
    def __init__(self, target: object, twin: type) -> None:
        self._target = target
        self._twin = twin

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if iscoroutinefunction(getattr(self._twin, name, None)):
            return partial(_in_thread, value)
        if callable(value):
            return lambda *args, **options: self._wrapped(value(*args, **options))
        return self._wrapped(value)

    def __repr__(self) -> str:
        return repr(self._target)

    def __reduce__(self) -> tuple[Any, ...]:
        return as_async, (self._target, self._twin)

    def _wrapped(self, value: Any) -> Any:
        if isinstance(value, Resource):
            return as_async(cast("object", value), AsyncResource)
        if isinstance(value, GroupClient):
            return as_async(value, getattr(matrixinfer_client, f"Async{type(value).__name__}"))
        if isinstance(value, Connection):
            return as_async(value, self._twin)
        if isinstance(value, Iterator):
            return _Steps(value)
        return value


async def _in_thread(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, partial(function, *args, **options))


class _Steps:
    """A blocking iterator as an asynchronous one; what else it has is passed through."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        value = await _in_thread(next, self._values, _END)
        if value is _END:
            raise StopAsyncIteration
        return value

    async def aclose(self) -> None:
        await _in_thread(self._values.close)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._values, name)
