"""Who is told about changes, in which order, and what becomes of an error in a handler."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import attrs

from matrixinfer_client.errors import InvalidArgumentError, MatrixInferError
from matrixinfer_client.models import ApiObject
from matrixinfer_client.store import Notice
from matrixinfer_client.stream import fresh

__all__ = ["ErrorHandler", "Handler", "Handlers", "log_error"]

T = TypeVar("T", bound=ApiObject)

ErrorHandler = Callable[[Exception], Any]

_log = logging.getLogger("matrixinfer_client.informer")


def log_error(error: Exception) -> None:
    """What informers do with errors unless told otherwise: log them as warnings."""
    # Where a handler failed is to be seen; where a connection was lost says nothing.
    trace = None if isinstance(error, MatrixInferError) else error
    _log.warning("%s: %s", type(error).__name__, error, exc_info=trace)


@attrs.frozen(eq=False)
class Handler(Generic[T]):
    """Functions to call with changes, as `add_handler` returns it for `remove_handler`."""

    on_add: Callable[[T], Any] | None = None
    on_update: Callable[[T, T], Any] | None = None
    on_delete: Callable[[T], Any] | None = None


Call = Callable[[], Any]


class Handlers(Generic[T]):
    """The handlers of one informer, and the calls that are due.

    A notice is for those who are registered when the store changes; `push` and `join` are called
    while the store is locked, so that a new handler gets each object once.
    """

    def __init__(self, post: Callable[[Call | None], None], *, awaited: bool) -> None:
        self._post = post
        self._awaited = awaited
        self._registered: tuple[Handler[T], ...] = ()

    def add(self, handler: Handler[T], present: list[Notice[T]]) -> None:
        """Register a handler and tell it what is there."""
        given = [handler.on_add, handler.on_update, handler.on_delete]
        for function in given:
            if function is not None and not callable(function):
                raise InvalidArgumentError(f"a handler must be a function, not {function!r}")
            if not self._awaited and inspect.iscoroutinefunction(function):
                raise InvalidArgumentError(
                    f"{function!r} is an async function, which Informer cannot await; use "
                    "AsyncInformer, or a plain function"
                )
        if not any(given):
            raise InvalidArgumentError("a handler needs on_add, on_update or on_delete")
        self._registered = (*self._registered, handler)
        for notice in present:
            self._push_to(handler, notice)

    def remove(self, handler: Handler[T]) -> None:
        """Call a handler no more; what is due already is not delivered either."""
        self._registered = tuple(each for each in self._registered if each is not handler)

    def push(self, notice: Notice[T]) -> None:
        """Tell all handlers."""
        for handler in self._registered:
            self._push_to(handler, notice)

    def _push_to(self, handler: Handler[T], notice: Notice[T]) -> None:
        self._post(lambda: self._deliver(handler, notice))

    def _deliver(self, handler: Handler[T], notice: Notice[T]) -> Any:
        if handler not in self._registered:
            return None
        old, new = notice.old, notice.new
        if notice.kind == "add" and handler.on_add is not None and new is not None:
            return handler.on_add(fresh(new))
        if notice.kind == "delete" and handler.on_delete is not None and old is not None:
            return handler.on_delete(fresh(old))
        if notice.kind == "update" and handler.on_update is not None and old and new:
            before = fresh(old)
            # A resync: nothing has changed, and handlers can tell by the identity.
            return handler.on_update(before, before if new is old else fresh(new))
        return None
