"""The ways to a FakeCluster, which it closes when it is closed."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from matrixinfer_client.errors import MatrixInferError

if TYPE_CHECKING:
    import os

    from matrixinfer_client.flows import Retries, TimeoutArg
    from matrixinfer_client.targets import FieldValidation
    from matrixinfer_client.testing.doors import AsyncFakeTransport, FakeTransport
    from matrixinfer_client.testing.exchange import Call, Caller, Reply
    from matrixinfer_client.testing.serving import Served
    from matrixinfer_client.wire import EventHooks

__all__ = ["ClientOptions", "Doors"]


class ClientOptions(TypedDict, total=False):
    """What a client of a FakeCluster takes of the options of `Client`."""

    namespace: str | None
    timeout: TimeoutArg
    retries: Retries | None
    field_manager: str | None
    field_validation: FieldValidation | None
    dry_run: bool | None
    event_hooks: EventHooks | None


class Doors:
    """Makes doors to what answers calls. The HTTP libraries are imported by the first of them."""

    def __init__(self, handle: Callable[[Call], Reply]) -> None:
        self._handle = handle
        self._doors: weakref.WeakSet[FakeTransport | AsyncFakeTransport] = weakref.WeakSet()
        self._served: list[Served] = []
        self.is_closed = False

    def check_open(self) -> None:
        """Raise `MatrixInferError` when this is closed."""
        if self.is_closed:
            raise MatrixInferError("this FakeCluster is closed; make another one, and its clients")

    def transport(self, caller: Caller) -> FakeTransport:
        """A blocking transport."""
        from matrixinfer_client.testing.doors import FakeTransport  # noqa: PLC0415

        self.check_open()
        door = FakeTransport(self._handle, caller)
        self._doors.add(door)
        return door

    def async_transport(self, caller: Caller) -> AsyncFakeTransport:
        """An asynchronous transport."""
        from matrixinfer_client.testing.doors import AsyncFakeTransport  # noqa: PLC0415

        self.check_open()
        door = AsyncFakeTransport(self._handle, caller)
        self._doors.add(door)
        return door

    def serve(
        self,
        *,
        port: int,
        tls: bool | None,
        token: str | None,
        users: Mapping[str, Sequence[str]] | None,
        kubeconfig: str | os.PathLike[str] | None,
    ) -> Served:
        """A server on the loopback interface."""
        from matrixinfer_client.testing.serving import serve  # noqa: PLC0415

        self.check_open()
        served = serve(
            self._handle, port=port, tls=tls, token=token, users=users, kubeconfig=kubeconfig
        )
        self._served.append(served)
        return served

    def close(self) -> None:
        """Close all doors, and end what waits at them."""
        self.is_closed = True
        for served in self._served:
            served.close()
        for door in list(self._doors):
            door.close()
