"""The API server as the controllers see it: what they follow, and the few special requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from matrixinfer_client import codec
from matrixinfer_client.flows import Request, Retries, call
from matrixinfer_client.names import name_segment, namespace_segment
from matrixinfer_client.resources import Resource
from matrixinfer_client.testing.simulation.holdings import Holdings
from matrixinfer_client.testing.simulation.kinds import (
    Event,
    EventList,
    Pod,
    PodList,
    Service,
    ServiceList,
)
from matrixinfer_client.testing.simulation.plainly import Plain, key_of, version_of

if TYPE_CHECKING:
    from matrixinfer_client.client import Client
    from matrixinfer_client.informers import Informer
    from matrixinfer_client.kinds import Kind
    from matrixinfer_client.names import NamespaceArg

__all__ = ["AGENT", "INFER_CONTROLLER", "MODEL_CONTROLLER", "SCHEDULER", "Cluster", "Heard"]

MODEL_CONTROLLER = "model-controller"
INFER_CONTROLLER = "infer-controller"
SCHEDULER = "kube-scheduler"
AGENT = "kubelet"

Heard = Callable[[Holdings, Any, bool], object]
"""Gets what an informer says: of which resource, the object, and whether it is gone."""

# Controllers try again by themselves, later, and `stop` must not wait for a pause.
_ONCE = Retries(attempts=1)


class Cluster:
    """What the controllers follow by informers, and what they only write.

    `models`, `infers`, `servers`, `routes` and `pods` are followed. Policies and bindings are
    looked up when a Model has any.
    """

    def __init__(self, client: Client, scope: NamespaceArg) -> None:
        # As clients in Go, which do not ask the server to be strict, and never only try.
        client = client.with_options(field_validation="Ignore", dry_run=False, retries=_ONCE)
        registry, networking = client.registry_v1alpha1, client.networking_v1alpha1
        self._client = client
        self.models = Holdings(registry.models, scope)
        self.infers = Holdings(client.workload_v1alpha1.model_infers, scope)
        self.servers = Holdings(networking.model_servers, scope)
        self.routes = Holdings(networking.model_routes, scope)
        self.pods = Holdings(lambda place: Resource(client, Pod, PodList, place), scope)
        self._followed = (self.models, self.infers, self.servers, self.routes, self.pods)
        self.policies = registry.autoscaling_policies
        self.bindings = registry.autoscaling_policy_bindings
        self._informers: list[Informer[Any]] = []

    def start(self, heard: Heard, on_error: Callable[[Exception], None]) -> None:
        """Begin to follow the server; what is new goes to `heard`, on other threads."""
        for holdings in self._followed:
            informer = holdings.resource.informer(on_error=on_error)
            _attach(informer, holdings, heard)
            self._informers.append(informer)
        for informer in self._informers:
            informer.start()

    def stop(self) -> None:
        """Follow no more."""
        for informer in self._informers:
            informer.stop(timeout=0.1)

    def is_synced(self) -> bool:
        """Whether the state that the server had at the start has been heard of."""
        return all(
            informer.synced and holdings.knows_of(informer.keys())
            for informer, holdings in zip(self._informers, self._followed, strict=True)
        )

    def is_in_step(self) -> bool:
        """Whether what is known is what the server has; asks the server."""
        return all(holdings.is_in_step() for holdings in self._followed)

    def events(self, namespace: str) -> Resource[Event, EventList]:
        """The events of a namespace."""
        return Resource(self._client, Event, EventList, namespace)

    def services(self, namespace: str) -> Resource[Service, ServiceList]:
        """The Services of a namespace."""
        return Resource(self._client, Service, ServiceList, namespace)

    def bind(self, pod: Plain, node: str) -> None:
        """Give a pod its node, as the scheduler does; no verb of the client can do that."""
        namespace, name = key_of(pod)
        uid = version_of(pod)[0]
        path = f"/api/v1/namespaces/{namespace_segment(namespace)}/pods/{name_segment(name, 'Pod')}"
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": uid},
            "target": target,
        }
        try:
            self._send("POST", f"{path}/binding", body)
        finally:
            # The answer does not have the pod; after a refusal it is not what it was.
            self.pods.refresh((namespace, name), uid)

    def replace_without_version(self, kind: Kind, body: Plain) -> None:
        """Update an object and leave its version out, as the model controller does by mistake.

        The client's own verb refuses that before it is sent.
        """
        namespace, name = key_of(body)
        path = (
            f"/apis/{kind.api_version}/namespaces/{namespace_segment(namespace)}/{kind.plural}"
            f"/{name_segment(name, kind.kind)}"
        )
        self._send("PUT", path, {"apiVersion": kind.api_version, "kind": kind.kind, **body})

    def _send(self, method: str, path: str, body: Plain) -> None:
        request = Request(method, path, body=codec.encode(body))
        self._client.driver.run(call(request, _ONCE))


def _attach(informer: Informer[Any], holdings: Holdings, heard: Heard) -> None:
    informer.add_handler(
        on_add=lambda new: heard(holdings, new, False),
        on_update=lambda _, new: heard(holdings, new, False),
        on_delete=lambda last: heard(holdings, last, True),
    )
