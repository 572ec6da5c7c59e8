"""`Client` and `AsyncClient`: a connection with one attribute per API group and version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matrixinfer_client.api.clientset import AsyncClientset, Clientset

if TYPE_CHECKING:
    from matrixinfer_client.diagnosis import Diagnosis
    from matrixinfer_client.models import ApiObject

__all__ = ["AsyncClient", "Client"]


class Client(Clientset):
    """A connection to a cluster with MatrixInfer, one attribute per API group and version.

    `Client()` connects as kubectl would, or as the pod's service account; see `Connection` for the
    arguments. A client is thread-safe, survives a fork, pickles by its configuration, and is
    closed with `close()` or as a context manager.
    """

    def diagnose(
        self,
        what: str | type[ApiObject] | ApiObject,
        name: str | None = None,
        namespace: str | None = None,
    ) -> Diagnosis:
        """Find out why an object is not as it should be; see `Resource.diagnose`.

        Args:
            what: A kind such as `"Model"` or `Model`, with `name`; or an object that was read.
            name: The object's name.
            namespace: Its namespace. Default: that of the object, else the client's.

        Raises:
            InvalidArgumentError: No such kind, or no name.
            NotFoundError: There is no such object.
        """
        from matrixinfer_client.wishes import diagnosing_any  # noqa: PLC0415

        return self.driver.run(diagnosing_any(self.options, what, name, namespace))


class AsyncClient(AsyncClientset):
    """A connection to a cluster with MatrixInfer, for asyncio.

    `AsyncClient()` connects as kubectl would, or as the pod's service account; see `Connection`
    for the arguments. It may be used from one event loop after another and is closed with
    `await close()` or as an asynchronous context manager.
    """

    async def diagnose(
        self,
        what: str | type[ApiObject] | ApiObject,
        name: str | None = None,
        namespace: str | None = None,
    ) -> Diagnosis:
        """See `Client.diagnose`."""
        from matrixinfer_client.wishes import diagnosing_any  # noqa: PLC0415

        return await self.driver.run(diagnosing_any(self.options, what, name, namespace))
