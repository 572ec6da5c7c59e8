"""Reading objects that the client has no classes for, as plain data.

The paths are made of checked segments only: whatever a caller or another object says, a request
reaches the resource that is named here and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import urlencode

import attrs

from matrixinfer_client import codec
from matrixinfer_client.flows import Flow, Request, Retries, call
from matrixinfer_client.looks import mapping, rows
from matrixinfer_client.names import name_segment, namespace_segment

__all__ = ["MODEL_INFERS", "PODS", "Plain", "PlainResource", "Reader"]

Plain: TypeAlias = Mapping[str, Any]


@attrs.frozen
class PlainResource:
    """A namespaced resource of any API group."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def full_name(self) -> str:
        """The name that RBAC rules and kubectl use."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def named(self, obj: Plain) -> Plain:
        """The object with its kind, which the items of a list do not say."""
        group = f"{self.group}/{self.version}" if self.group else self.version
        return {"apiVersion": group, "kind": self.kind, **obj}

    def path(self, namespace: str, name: str | None = None, subresource: str = "") -> str:
        """The path of the collection, of one object, or of its subresource."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        path = f"{root}/namespaces/{namespace_segment(namespace)}/{self.plural}"
        if name is None:
            return path
        item = f"{path}/{name_segment(name, self.kind)}"
        return f"{item}/{subresource}" if subresource else item


MODEL_INFERS = PlainResource("workload.matrixinfer.ai", "v1alpha1", "modelinfers", "ModelInfer")
PODS = PlainResource("", "v1", "pods", "Pod")


@attrs.frozen
class Reader:
    """Reads plain objects of one namespace."""

    namespace: str
    timeout: float = 10.0
    """Seconds for each part of an answer."""
    retries: Retries = attrs.field(factory=lambda: Retries(attempts=2))

    def get(self, resource: PlainResource, name: str) -> Flow[Plain]:
        """Read one object."""
        body = yield from self._body(resource.path(self.namespace, name))
        return resource.named(mapping(codec.decode_json(body)))

    def list(
        self,
        resource: PlainResource,
        *,
        labels: Mapping[str, str] | None = None,
        fields: str = "",
        limit: int = 500,
    ) -> Flow[Sequence[Plain]]:
        """Read a collection, `limit` objects at the most."""
        query = {"limit": str(limit)}
        if labels:
            query["labelSelector"] = ",".join(f"{key}={value}" for key, value in labels.items())
        if fields:
            query["fieldSelector"] = fields
        body = yield from self._body(resource.path(self.namespace), query)
        items = rows(mapping(codec.decode_json(body)).get("items"))
        return [resource.named(item) for item in items]

    def log(self, pod: str, container: str, *, previous: bool, lines: int) -> Flow[str]:
        """The end of a container's log."""
        query = {
            "container": container,
            "tailLines": str(lines),
            # Enough for a traceback; a model server can write very long lines.
            "limitBytes": "16384",
            "previous": "true" if previous else "false",
        }
        body = yield from self._body(PODS.path(self.namespace, pod, "log"), query)
        return body.decode("utf-8", "replace")

    def _body(self, path: str, query: Mapping[str, str] | None = None) -> Flow[bytes]:
        request = Request(
            "GET", path, urlencode(query or {}), timeout=self.timeout, repeatable=True
        )
        response = yield from call(request, self.retries)
        return response.body
