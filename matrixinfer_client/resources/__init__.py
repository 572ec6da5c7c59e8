"""The resource clients: one handle per kind and namespace, with the verbs of the Go client."""

from __future__ import annotations

from matrixinfer_client.names import NamespaceArg
from matrixinfer_client.resources.awaiting import AsyncResource
from matrixinfer_client.resources.blocking import Resource

__all__ = ["AsyncResource", "NamespaceArg", "Resource"]
