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
from tests.faults.standstill import StandStillError, tasks, threads

# Hundreds of faults in a minute: what takes seconds and minutes against a real server has to take
# fractions of a second here. The relations are the same.
POLICY = WatchPolicy(
    idle_timeout=1.0, backoff=0.02, max_backoff=0.3, healthy_after=0.2, marker_timeout=2.0
)
# The limit of a list whose answer does not come; the default would be half a minute each time.
_LIST_TIMEOUT = 2.0


class Consumers:
    """One watch and one informer, each through a proxy of its own."""

    def __init__(
        self,
        mode: Mode,
        namespace: str,
        credentials: dict[str, Any],
        policy: WatchPolicy = POLICY,
    ) -> None:
        self._namespace = namespace
        self._policy = policy
        self._options = {**credentials, "timeout": _LIST_TIMEOUT}
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
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, watch: Proxy, informer: Proxy) -> None:
        """Start both, and return when both have the first state."""
        run = self._run_sync if self._mode == "sync" else self._run_async
        self._threads = [threading.Thread(target=run, args=(watch, informer), daemon=True)]
        self._threads[0].start()
        if not self._ready.wait(60):
            raise StandStillError(f"no first state\n{self.describe()}{threads()}")
        if self.errors:
            raise self.errors[0]

    def describe(self) -> str:
        """How far both are, and in the asynchronous mode where their tasks are."""
        return "".join(
            f"{record.name}: {record.events.total()} events, {len(record.state)} objects; "
            f"{self.statistics.get(record.name)}\n"
            for record in (self.watched, self.informed)
        ) + tasks(self._loop)

    @property
    def handler_errors(self) -> list[Exception]:
        """What a handler raised; failures of the connection are expected."""
        return [error for error in self._survived if not isinstance(error, MatrixInferError)]

    def stop(self) -> None:
        """Close both; they must return at once."""
        self._stop.set()
        for thread in self._threads:
            thread.join(10)
            if thread.is_alive():
                raise StandStillError(f"it does not stop\n{self.describe()}{threads()}")
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
                first = stack.enter_context(Client(server=through.url, **self._options))
                second = stack.enter_context(Client(server=other.url, **self._options))
                models = first.registry_v1alpha1.models(self._namespace)
                watch = stack.enter_context(models.watch(policy=self._policy))
                informer = second.registry_v1alpha1.models(self._namespace).informer(
                    policy=self._policy, on_error=self._survived.append
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
        self._loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            first = await stack.enter_async_context(
                AsyncClient(server=through.url, **self._options)
            )
            second = await stack.enter_async_context(AsyncClient(server=other.url, **self._options))
            models = first.registry_v1alpha1.models(self._namespace)
            watch = await stack.enter_async_context(models.watch(policy=self._policy))
            informer = second.registry_v1alpha1.models(self._namespace).informer(
                policy=self._policy, on_error=self._survived.append
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
        try:
            async for event in watch:
                self.watched.note(event.type, event.object, synthetic=event.synthetic)
        except Exception as error:  # noqa: BLE001 - raised by `stop`
            # At once, so that nobody waits for what a watch that is over would have done.
            self.errors.append(error)


async def _until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110 - what is waited for sets no event
        await asyncio.sleep(0.01)
