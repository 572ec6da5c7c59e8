"""What an informer is apart from its threads or tasks: readers, handlers and its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from matrixinfer_client.errors import (
    InvalidArgumentError,
    MatrixInferError,
    NotSyncedError,
    SyncTimeout,
)
from matrixinfer_client.handlers import Call, ErrorHandler, Handler, Handlers, log_error
from matrixinfer_client.models import ApiObject
from matrixinfer_client.names import AllNamespaces
from matrixinfer_client.pacing import WatchPolicy
from matrixinfer_client.store import IndexFunction, Notice, Store, Transform
from matrixinfer_client.stream import Key, fresh
from matrixinfer_client.views import View
from matrixinfer_client.watching import Setback, Settled

if TYPE_CHECKING:
    from matrixinfer_client.pacing import WatchStatistics
    from matrixinfer_client.targets import ListOptions, Selector, Target

__all__ = ["InformerOptions", "InformerState"]

T = TypeVar("T", bound=ApiObject)


@attrs.frozen
class InformerOptions(Generic[T]):
    """What an informer does besides keeping its store; see `Resource.informer`."""

    indexers: Mapping[str, IndexFunction[T]] = attrs.field(factory=dict[str, Any])
    transform: Transform[T] | None = None
    resync: float | None = None
    on_error: ErrorHandler | None = None

    def __attrs_post_init__(self) -> None:
        if self.resync is not None and self.resync <= 0:
            raise InvalidArgumentError(f"resync must be above 0 seconds, not {self.resync!r}")


class InformerState(Generic[T]):
    """What both modes share: the store with its readers, the handlers, and the state."""

    def __init__(
        self,
        target: Target[T, Any],
        selection: ListOptions,
        policy: WatchPolicy | None,
        options: InformerOptions[T],
        *,
        awaited: bool,
    ) -> None:
        self._target = target
        self._resync_period = options.resync
        self._on_error = options.on_error or log_error
        self._handlers: Handlers[T] = Handlers(self._post, awaited=awaited)
        self._store = Store(options.indexers, options.transform, self._handlers.push, self._report)
        self._view = View(target, selection, policy or WatchPolicy(), self._store)
        self._started = False
        self._stopped = False
        self._synced = False
        # What a person has to mend before the store can be in step.
        self._obstacle: Exception | None = None
        # What ended the informer, though nobody stopped it.
        self._broken: Exception | None = None

    @property
    def synced(self) -> bool:
        """Whether the store has had the state of the server."""
        return self._synced

    @property
    def resource_version(self) -> str | None:
        """The version of the server's state that the store has; None before the first."""
        return self._view.resource_version

    @property
    def statistics(self) -> WatchStatistics:
        """What the connection has lived through so far; `last_error` is there, too."""
        return self._view.statistics

    def get(self, name: str, namespace: str | None = None) -> T | None:
        """The object of that name, to keep and to change; None when there is none.

        Args:
            name: The object's name.
            namespace: Its namespace. Default: the informer's; required when it has all.

        Raises:
            NotSyncedError: The store does not have the server's state yet; `wait_for_sync` first.
        """
        self._check_readable()
        record = self._store.get(self._key(name, namespace))
        return None if record is None else fresh(record)

    def list(
        self, *, namespace: str | None = None, label_selector: Selector | None = None
    ) -> Sequence[T]:
        """The objects in the store, to keep and to change; nothing is sent.

        Args:
            namespace: Only those in one namespace. Default: all the informer has.
            label_selector: As for `Resource.list`. Default: all objects.

        Raises:
            NotSyncedError: See `get`.
        """
        self._check_readable()
        return self._store.select(namespace, label_selector)

    def by_index(self, index: str, value: str) -> Sequence[T]:
        """The objects for which the function of an index gave `value`; see `get` for errors."""
        self._check_readable()
        return self._store.indexed(index, value)

    def index_values(self, index: str) -> Sequence[str]:
        """All values that an index has now, sorted; see `get` for errors."""
        self._check_readable()
        return self._store.index_values(index)

    def keys(self) -> Sequence[Key]:
        """Namespace and name of every object in the store; see `get` for errors."""
        self._check_readable()
        return self._store.keys()

    def __len__(self) -> int:
        self._check_readable()
        return len(self._store)

    def add_handler(
        self,
        *,
        on_add: Callable[[T], Any] | None = None,
        on_update: Callable[[T, T], Any] | None = None,
        on_delete: Callable[[T], Any] | None = None,
    ) -> Handler[T]:
        """Call functions with what changes; objects that are there already are added first.

        Every handler is told of every change once and in order: an object's addition, its updates
        and its end. After the server's history was lost, several changes may be one update.
        Handlers run one after another and may be slow; the store does not wait for them. An
        exception in one goes to `on_error` and changes nothing else.

        Args:
            on_add: Gets an object that is new.
            on_update: Gets an object before and after a change. In a resync both are the same
                object.
            on_delete: Gets the last known state of an object that is gone.

        Returns:
            What `remove_handler` takes.
        """
        handler = Handler(on_add, on_update, on_delete)
        with self._store.lock:
            present = [Notice("add", None, record) for record in self._store.records()]
            self._handlers.add(handler, present)
        return handler

    def remove_handler(self, handler: Handler[T]) -> None:
        """Call a handler no more."""
        with self._store.lock:
            self._handlers.remove(handler)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._target.cls.KIND.plural}, {self._state()}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: whether it is in step, and what it has."""
        from matrixinfer_client.html import listing  # noqa: PLC0415
        from matrixinfer_client.markup import block, bold, line  # noqa: PLC0415

        with self._store.lock:
            records = list(self._store.records())
        plural = self._target.cls.KIND.plural
        counted = f"{len(records)} object{'' if len(records) == 1 else 's'}"
        return block(
            line(bold(type(self).__name__), f" of {plural}, {self._state()}, {counted}"),
            line(str(self.statistics), faint=True),
            listing(records, fresh) if records else "",
        )

    def _state(self) -> str:
        return "stopped" if self._stopped else "in step" if self._synced else "not in step"

    def _post(self, call: Call | None) -> None:
        """Have the dispatcher make a call; None ends it."""
        raise NotImplementedError

    def _key(self, name: str, namespace: str | None) -> Key:
        kind = self._target.cls.KIND
        if not kind.namespaced:
            return None, name
        if namespace is None and isinstance(self._target.namespace, AllNamespaces):
            raise InvalidArgumentError(
                f"the informer has {kind.plural} of all namespaces; say which namespace {name!r} "
                "is in"
            )
        return namespace or self._target.scope, name

    def _check_readable(self) -> None:
        if self._broken is not None:
            raise NotSyncedError(f"the informer broke: {self._broken}") from self._broken
        if not self._synced:
            raise NotSyncedError(
                "the store does not have the server's state yet; "
                + ("call wait_for_sync() first" if self._started else "the informer is not started")
            ) from self._obstacle or self.statistics.last_error

    def _check_start(self) -> None:
        if self._started:
            raise MatrixInferError("an informer starts only once; make another one")
        self._started = True

    def _note(self, value: object) -> bool:
        """Take notice of what the flow emits; whether waiters have to look."""
        if isinstance(value, Settled):
            self._synced, self._obstacle = True, None
            return True
        if isinstance(value, Setback) and value.error is not None:
            self._obstacle = value.error if value.is_fatal else None
            self._report(value.error)
            return value.is_fatal
        return False

    def _break(self, error: Exception) -> None:
        self._broken = self._obstacle = error
        self._report(error)

    def _report(self, error: Exception) -> None:
        self._post(lambda: self._on_error(error))

    def _push_resync(self) -> None:
        with self._store.lock:
            for record in self._store.records():
                self._handlers.push(Notice("update", record, record))

    def _is_decided(self) -> bool:
        return self._synced or self._obstacle is not None or self._stopped

    def _decide(self, timeout: float | None) -> None:
        """Return when the store is in step, else say why not."""
        if self._synced:
            return
        if self._obstacle is not None:
            raise self._obstacle
        last = self.statistics.last_error
        if self._stopped:
            raise NotSyncedError("the informer was stopped before it was in step") from last
        why = f"; the last failure was: {last}" if last is not None else ""
        raise SyncTimeout(f"not in step with the server after {timeout} seconds{why}") from last
