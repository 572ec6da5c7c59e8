"""A watch and an informer, in either mode, that write down what they are told."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

from matrixinfer_client import AsyncClient, Client
from matrixinfer_client.errors import MatrixInferError
from matrixinfer_client.pacing import WatchPolicy, WatchStatistics
from tests.behaviour.modes import Mode
from tests.faults.proxy import Proxy
from tests.faults.records import Record

# Hundreds of faults in a minute: what takes seconds and minutes against a real server has to take
# fractions of a second here. The relations are the same.
POLICY = WatchPolicy(
    idle_timeout=1.0, backoff=0.02, max_backoff=0.3, healthy_after=0.2, marker_timeout=2.0
)


class Consumers:
    """One watch and one informer, each through a proxy of its own."""

    def __init__(self, mode: Mode, namespace: str, credentials: dict[str, Any]) -> None:
        self._namespace = namespace
        self._credentials = credentials
        self._mode = mode
        self._stop = threading.Event()
        self.watched = Record("watch")
        self.informed = Record("informer")
        self.store: dict[str, tuple[str, int]] = {}
        self.statistics: dict[str, WatchStatistics] = {}
        self.errors: list[BaseException] = []
        self._survived: list[Exception] = []
        self._ready = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, watch: Proxy, informer: Proxy) -> None:
        """Start both, and return when both have the first state."""
        run = self._run_sync if self._mode == "sync" else self._run_async
        self._threads = [threading.Thread(target=run, args=(watch, informer), daemon=True)]
        self._threads[0].start()
        assert self._ready.wait(60), self.errors
        if self.errors:
            raise self.errors[0]

    @property
    def handler_errors(self) -> list[Exception]:
        """What a handler raised; failures of the connection are expected."""
        return [error for error in self._survived if not isinstance(error, MatrixInferError)]

    def stop(self) -> None:
        """Close both; they must return at once."""
        self._stop.set()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "it does not stop"
        if self.errors:
            raise self.errors[0]

    def _tell(self, informer: Any) -> None:
        note = self.informed.note

        def update(old: Any, new: Any) -> None:
            known = self.informed.state.get(old.name)
            if known != (old.uid, int(old.resource_version)):
                self.informed.wrong.append(f"update of {old.name} from {known}")
            note("MODIFIED", new, ordered=False)

        informer.add_handler(
            on_add=lambda obj: note("ADDED", obj, ordered=False),
            on_update=update,
            on_delete=lambda obj: note("DELETED", obj, ordered=False),
        )

    def _look(self, informer: Any) -> None:
        self.store = {
            each.name: (each.uid or "", int(each.resource_version or 0)) for each in informer.list()
        }

    def _run_sync(self, through: Proxy, other: Proxy) -> None:
        try:
            with contextlib.ExitStack() as stack:
                first = stack.enter_context(Client(server=through.url, **self._credentials))
                second = stack.enter_context(Client(server=other.url, **self._credentials))
                models = first.registry_v1alpha1.models(self._namespace)
                watch = stack.enter_context(models.watch(policy=POLICY))
                informer = second.registry_v1alpha1.models(self._namespace).informer(
                    policy=POLICY, on_error=self._survived.append
                )
                self.statistics = {"watch": watch.statistics, "informer": informer.statistics}
                self._tell(informer)
                stack.enter_context(informer)
                follower = threading.Thread(target=self._follow_sync, args=(watch,), daemon=True)
                follower.start()
                informer.wait_for_sync()
                while watch.resource_version is None and not self.errors:
                    self._stop.wait(0.01)
                self._ready.set()
                while not self._stop.wait(0.2):
                    self._look(informer)
                watch.close()
                follower.join(5)
                assert not follower.is_alive(), "close() does not end the iteration"
        except BaseException as error:  # noqa: BLE001 - raised by `stop`
            self.errors.append(error)
            self._ready.set()

    def _follow_sync(self, watch: Any) -> None:
        try:
            for event in watch:
                self.watched.note(event.type, event.object, synthetic=event.synthetic)
        except BaseException as error:  # noqa: BLE001 - raised by `stop`
            self.errors.append(error)

    def _run_async(self, through: Proxy, other: Proxy) -> None:
        try:
            asyncio.run(self._follow_both(through, other))
        except BaseException as error:  # noqa: BLE001 - raised by `stop`
            self.errors.append(error)
            self._ready.set()

    async def _follow_both(self, through: Proxy, other: Proxy) -> None:
        async with contextlib.AsyncExitStack() as stack:
            first = await stack.enter_async_context(
                AsyncClient(server=through.url, **self._credentials)
            )
            second = await stack.enter_async_context(
                AsyncClient(server=other.url, **self._credentials)
            )
            models = first.registry_v1alpha1.models(self._namespace)
            watch = await stack.enter_async_context(models.watch(policy=POLICY))
            informer = second.registry_v1alpha1.models(self._namespace).informer(
                policy=POLICY, on_error=self._survived.append
            )
            self.statistics = {"watch": watch.statistics, "informer": informer.statistics}
            self._tell(informer)
            await stack.enter_async_context(informer)
            follower = asyncio.create_task(self._follow_async(watch))
            await informer.wait_for_sync()
            await _until(lambda: watch.resource_version is not None or follower.done())
            self._ready.set()
            while not self._stop.is_set():
                await asyncio.sleep(0.2)
                self._look(informer)
            await watch.close()
            await asyncio.wait_for(follower, 5)

    async def _follow_async(self, watch: Any) -> None:
        async for event in watch:
            self.watched.note(event.type, event.object, synthetic=event.synthetic)


async def _until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110 - what is waited for sets no event
        await asyncio.sleep(0.01)
