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

    ```python
    with Client(context="dev", namespace="research") as client:
        client.registry_v1alpha1.models().get("demo")
    ```

    `Client()` connects as kubectl would, or as the pod's service account. Or say where, by
    `kubeconfig` and `context`, or by `server` with `token` or `token_file` and `ca_file`, or by a
    `Config`. What calls inherit: `namespace` (default: the context's), `timeout` (30 seconds for
    each part of an answer, 5 for connecting), `retries`, `field_manager`, `field_validation`
    (`Strict`), `dry_run` (False). `help(Connection)` explains each.

    A client is thread-safe, survives a fork, pickles by its configuration, and is closed with
    `close()` or as a context manager. Raises `ConfigError` when it is not known where to connect.
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

    ```python
    async with AsyncClient() as client:
        await client.registry_v1alpha1.models("default").get("demo")
    ```

    It takes the arguments of `Client`. It may be used from one event loop after another and is
    closed with `await close()` or as an asynchronous context manager.
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
