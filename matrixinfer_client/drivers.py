"""The two drivers: they perform the steps of a flow, and nothing else sends, sleeps or waits.

`Driver` blocks, `AsyncDriver` awaits. A stream belongs to the run that opened it and is closed
when that run ends, however it ends.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from matrixinfer_client.alarms import AsyncTimedRun, TimedRun
from matrixinfer_client.errors import MatrixInferError
from matrixinfer_client.flows import (
    Alarm,
    Close,
    Emit,
    Flow,
    Invoke,
    Now,
    Open,
    Read,
    Reauthorize,
    Request,
    Response,
    Send,
    Sleep,
    Step,
    Stream,
    is_success,
)
from matrixinfer_client.lazily import later
from matrixinfer_client.runs import AsyncIteration, AsyncRun, Iteration, Run
from matrixinfer_client.transports import (
    Answer,
    AsyncAnswer,
    AsyncTransport,
    InjectedTransport,
    Transport,
)
from matrixinfer_client.wire import EventHooks, Outgoing, Outline, show_warnings

if TYPE_CHECKING:
    import asyncio

    import httpx

    from matrixinfer_client.config import Config, Credential
else:
    asyncio = later("asyncio")

__all__ = ["AsyncDriver", "Driver"]

T = TypeVar("T")


class _Shared:
    """What both drivers know and neither sends."""

    def __init__(self, config: Config, hooks: EventHooks | None) -> None:
        self.config = config
        self._outline = Outline(config)
        self._hooks = hooks or EventHooks()
        self._closed = False

    def _outgoing(self, request: Request, credential: Credential | None) -> Outgoing:
        if self._closed:
            raise MatrixInferError("this client is closed; open a new one")
        outgoing = self._outline.outgoing(request, credential)
        for hook in self._hooks.request:
            hook(outgoing.info)
        return outgoing

    def _response(
        self,
        answer: Answer | AsyncAnswer,
        body: bytes,
        outgoing: Outgoing,
        credential: Credential | None,
    ) -> Response:
        response = Response(answer.status_code, answer.headers, body, outgoing.info, credential)
        for hook in self._hooks.response:
            hook(response)
        if "warning" in answer.headers:
            show_warnings(answer.warnings)
        return response


class Driver(_Shared):
    """Runs flows, blocking. Safe to share between threads."""

    def __init__(
        self,
        config: Config,
        transport: httpx.BaseTransport | None = None,
        hooks: EventHooks | None = None,
    ) -> None:
        super().__init__(config, hooks)
        self._transport = Transport(config, transport)
        self._streams: weakref.WeakSet[Answer] = weakref.WeakSet()
        self._lock = threading.Lock()

    def run(self, flow: Flow[T]) -> T:
        """Perform the flow to its end and return its result; what it emits is dropped."""
        run: Run[T] = Run(flow)
        for _ in self._drive(run):
            pass
        return cast("T", run.result)

    def timed(self, flow: Flow[T]) -> T:
        """Like `run`, for a flow that sets alarms."""
        with TimedRun(flow) as run:
            for _ in self._drive(run):
                pass
        return cast("T", run.result)

    def iterate(self, flow: Flow[None]) -> Generator[Any]:
        """Perform the flow, yielding what it emits."""
        yield from self._drive(Run(flow))

    def stoppable(self, flow: Flow[None]) -> Iteration:
        """Like `iterate`, for a flow that another thread may stop. Its sends are `Open`s."""
        return Iteration(self._drive, flow)

    def close(self) -> None:
        """Close all connections. Calling it twice does nothing."""
        if not self._closed:
            self._closed = True
            with self._lock:
                streams = list(self._streams)
            for answer in streams:
                # Closing a socket does not wake the thread that waits for its bytes.
                answer.abort()
            self._transport.close()

    def _drive(self, run: Run[Any]) -> Generator[Any]:
        try:
            step = run.resume(None)
            while step is not None and not run.stopped:
                if isinstance(step, Emit):
                    yield step.value
                    step = run.resume(None)
                    continue
                try:
                    reply = self._perform(step, run)
                except Exception as error:  # noqa: BLE001 - the flow says what it survives
                    # What a stopped run was waiting for fails; its flow is not to know.
                    step = None if run.stopped else run.resume(None, error)
                else:
                    step = run.resume(reply)
        finally:
            run.flow.close()
            for answer in run.opened:
                answer.close()

    def _perform(self, step: Step, run: Run[Any]) -> object:
        match step:
            case Send(request):
                return self._send(request)
            case Open(request):
                return self._open(request, run)
            case Read(stream):
                return cast("Answer", stream.handle).chunk()
            case Close(stream):
                answer = cast("Answer", stream.handle)
                run.opened.remove(answer)
                answer.close()
            case Now():
                return time.monotonic()
            case Sleep(seconds):
                run.sleep(seconds)
            case Alarm(after):
                run.alarm(after)
            case Reauthorize(refused):
                return self._reauthorize(refused)
            case Invoke(function, argument):
                return function(argument)
            case _:
                raise AssertionError("the loop hands out emitted values")
        return None

    def _send(self, request: Request) -> Response:
        credential = self._credential()
        outgoing = self._outgoing(request, credential)
        answer = self._transport.open(outgoing, credential)
        return self._response(answer, answer.read(), outgoing, credential)

    def _open(self, request: Request, run: Run[Any]) -> Stream:
        credential = self._credential()
        outgoing = self._outgoing(request, credential)
        answer = self._transport.open(outgoing, credential, run.connected)
        if is_success(answer.status_code):
            run.opened.append(answer)
            with self._lock:
                self._streams.add(answer)
            return Stream(self._response(answer, b"", outgoing, credential), answer)
        with contextlib.closing(answer):
            body = answer.read()
        return Stream(self._response(answer, body, outgoing, credential), answer)

    def _credential(self) -> Credential | None:
        source = self.config.credentials
        return None if source is None else source.current() or source.fetch()

    def _reauthorize(self, refused: Credential | None) -> bool:
        source = self.config.credentials
        return source is not None and source.fetch(refused) != refused


class AsyncDriver(_Shared):
    """Runs flows, awaiting. Usable from one event loop after another."""

    def __init__(
        self,
        config: Config,
        transport: httpx.AsyncBaseTransport | None = None,
        hooks: EventHooks | None = None,
    ) -> None:
        super().__init__(config, hooks)
        self._transport: AsyncTransport | None = None
        if transport is not None:
            self._transport = InjectedTransport(config, transport)
        self._fetching: tuple[asyncio.AbstractEventLoop, asyncio.Task[Credential]] | None = None

    async def run(self, flow: Flow[T]) -> T:
        """Perform the flow to its end and return its result; what it emits is dropped."""
        run: AsyncRun[T] = AsyncRun(flow)
        async for _ in self._drive(run):
            pass
        return cast("T", run.result)

    async def timed(self, flow: Flow[T]) -> T:
        """Like `run`, for a flow that sets alarms."""
        run: AsyncTimedRun[T] = AsyncTimedRun(flow)
        async for _ in self._drive(run):
            pass
        return cast("T", run.result)

    def iterate(self, flow: Flow[None]) -> AsyncGenerator[Any]:
        """Perform the flow, yielding what it emits."""
        return self._drive(AsyncRun(flow))

    def stoppable(self, flow: Flow[None]) -> AsyncIteration:
        """Like `iterate`, for a flow that another task may stop."""
        return AsyncIteration(self._drive, flow)

    async def close(self) -> None:
        """Close all connections. Calling it twice does nothing."""
        if not self._closed:
            self._closed = True
            if self._transport is not None:
                await self._transport.close()

    async def _drive(self, run: AsyncRun[Any]) -> AsyncGenerator[Any]:
        try:
            step = run.resume(None)
            while step is not None and not run.stopped:
                if isinstance(step, Emit):
                    yield step.value
                    step = run.resume(None)
                    continue
                try:
                    reply = await run.guarded(self._perform(step, run))
                except Exception as error:  # noqa: BLE001 - the flow says what it survives
                    step = None if run.stopped else run.resume(None, error)
                else:
                    step = run.resume(reply)
        finally:
            run.flow.close()
            for answer in run.opened:
                await answer.close()

    async def _perform(self, step: Step, run: AsyncRun[Any]) -> object:
        match step:
            case Send(request):
                return await self._send(request)
            case Open(request):
                return await self._open(request, run)
            case Read(stream):
                return await cast("AsyncAnswer", stream.handle).chunk()
            case Close(stream):
                answer = cast("AsyncAnswer", stream.handle)
                run.opened.remove(answer)
                await answer.close()
            case Now():
                return time.monotonic()
            case Sleep(seconds):
                await asyncio.sleep(seconds)
            case Alarm(after):
                run.alarm(after)
            case Reauthorize(refused):
                return await self._reauthorize(refused)
            case Invoke(function, argument):
                result = function(argument)
                return await result if inspect.isawaitable(result) else result
            case _:
                raise AssertionError("the loop hands out emitted values")
        return None

    async def _send(self, request: Request) -> Response:
        credential = await self._credential()
        outgoing = self._outgoing(request, credential)
        answer = await self._pool().open(outgoing, credential, stream=False)
        return self._response(answer, await answer.read(), outgoing, credential)

    async def _open(self, request: Request, run: AsyncRun[Any]) -> Stream:
        credential = await self._credential()
        outgoing = self._outgoing(request, credential)
        answer = await self._pool().open(outgoing, credential, stream=True)
        if is_success(answer.status_code):
            run.opened.append(answer)
            return Stream(self._response(answer, b"", outgoing, credential), answer)
        try:
            body = await answer.read()
        finally:
            await answer.close()
        return Stream(self._response(answer, body, outgoing, credential), answer)

    def _pool(self) -> AsyncTransport:
        if self._transport is None:
            # aiohttp costs more to import than everything else; only this mode pays for it.
            from matrixinfer_client.aio import AiohttpTransport  # noqa: PLC0415

            self._transport = AiohttpTransport(self.config)
        return self._transport

    async def _credential(self) -> Credential | None:
        source = self.config.credentials
        if source is None:
            return None
        return source.current() or await self._fetch(None)

    async def _reauthorize(self, refused: Credential | None) -> bool:
        if self.config.credentials is None:
            return False
        return await self._fetch(refused) != refused

    async def _fetch(self, refused: Credential | None) -> Credential:
        """A new credential, in a thread; tasks that come meanwhile wait for the same one."""
        source = self.config.credentials
        if source is None:
            raise AssertionError("only called when a credential is configured")
        loop = asyncio.get_running_loop()
        if self._fetching is None or self._fetching[0] is not loop or self._fetching[1].done():
            task = loop.create_task(asyncio.to_thread(source.fetch, refused))
            self._fetching = (loop, task)
        # Shielded: the first waiter being cancelled must not cancel it for the others.
        found = await asyncio.shield(self._fetching[1])
        if found == refused and self._fetching[1].done():
            # What was under way had been asked for by a task that did not know of the refusal.
            return await asyncio.to_thread(source.fetch, refused)
        return found
