"""`Client` and `AsyncClient`: a connection with one attribute per API group and version."""

from __future__ import annotations

from matrixinfer_client.api.clientset import AsyncClientset, Clientset

__all__ = ["AsyncClient", "Client"]


class Client(Clientset):
    """A connection to a cluster with MatrixInfer, one attribute per API group and version.

    `Client()` connects as kubectl would, or as the pod's service account; see `Connection` for the
    arguments. A client is thread-safe, survives a fork, pickles by its configuration, and is
    closed with `close()` or as a context manager.
    """


class AsyncClient(AsyncClientset):
    """A connection to a cluster with MatrixInfer, for asyncio.

    `AsyncClient()` connects as kubectl would, or as the pod's service account; see `Connection`
    for the arguments. It may be used from one event loop after another and is closed with
    `await close()` or as an asynchronous context manager.
    """
