"""Reading an object with all that belongs to it, as far as one is allowed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import attrs

from matrixinfer_client.diagnosis.controllers import expected_pods
from matrixinfer_client.diagnosis.pods import Crash, crashes, is_ready
from matrixinfer_client.diagnosis.report import Unreadable
from matrixinfer_client.errors import (
    ApiError,
    ForbiddenError,
    InvalidArgumentError,
    NotFoundError,
    TransportError,
)
from matrixinfer_client.facts import (
    MODEL_INFER_LABEL,
    MODEL_UID_LABEL,
    NETWORKING,
    REGISTRY,
)
from matrixinfer_client.flows import Flow
from matrixinfer_client.looks import Look, mapping, rows, text
from matrixinfer_client.plain import MODEL_INFERS, PODS, Plain, PlainResource, Reader

__all__ = ["Survey", "resource_of", "survey"]

R = TypeVar("R")

MODELS = PlainResource(REGISTRY, "v1alpha1", "models", "Model")
POLICIES = PlainResource(REGISTRY, "v1alpha1", "autoscalingpolicies", "AutoscalingPolicy")
BINDINGS = PlainResource(
    REGISTRY, "v1alpha1", "autoscalingpolicybindings", "AutoscalingPolicyBinding"
)
SERVERS = PlainResource(NETWORKING, "v1alpha1", "modelservers", "ModelServer")
ROUTES = PlainResource(NETWORKING, "v1alpha1", "modelroutes", "ModelRoute")
EVENTS = PlainResource("", "v1", "events", "Event")
QUOTAS = PlainResource("", "v1", "resourcequotas", "ResourceQuota")

KINDS: Mapping[str, PlainResource] = {
    resource.kind: resource
    for resource in (MODELS, MODEL_INFERS, SERVERS, ROUTES, POLICIES, BINDINGS)
}

_CHILDREN = (SERVERS, ROUTES, POLICIES, BINDINGS)
# One reason is enough to go on, and a log may take a second to fetch.
_LOGS = 3
_LOG_LINES = 30
# A Model has one per backend; more than these would bury the reader.
_INFERS = 20


@attrs.define
class Survey:
    """What was read. None stands for what could not be, which is not the same as nothing."""

    namespace: str
    root: Look
    children: dict[str, Sequence[Look] | None] = attrs.field(
        factory=dict[str, "Sequence[Look] | None"]
    )
    """By kind: what belongs to the root, pods apart."""
    pods: dict[str, Sequence[Look] | None] = attrs.field(factory=dict[str, "Sequence[Look] | None"])
    """By name of the ModelInfer, ModelServer or ModelRoute's target they belong to."""
    events: Sequence[Plain] = ()
    """Warnings about pods."""
    quotas: Sequence[Plain] = ()
    logs: dict[tuple[str, str], str] = attrs.field(factory=dict[tuple[str, str], str])
    """The end of the logs of containers that crashed, by pod and container."""
    missing: list[str] = attrs.field(factory=list[str])
    """Objects that others refer to and that do not exist, as `Kind name`."""
    unreadable: list[Unreadable] = attrs.field(factory=list[Unreadable])

    @property
    def infers(self) -> Sequence[Look] | None:
        """The ModelInfers; None when they were not readable."""
        if self.root.kind == "ModelInfer":
            return (self.root,)
        return self.children.get("ModelInfer", ())

    def all_pods(self) -> Sequence[Look]:
        """Every pod once."""
        unique = {pod.name: pod for pods in self.pods.values() for pod in pods or ()}
        return list(unique.values())


def resource_of(kind: str) -> PlainResource:
    """The resource of a kind that can be diagnosed."""
    resource = KINDS.get(kind)
    if resource is None:
        raise InvalidArgumentError(
            f"{kind!r} cannot be diagnosed; the kinds are {', '.join(sorted(KINDS))}"
        )
    return resource


def survey(reader: Reader, root: Look) -> Flow[Survey]:
    """Read what belongs to an object, as far as possible; nothing that is missing is an error."""
    found = Survey(reader.namespace, root)
    surveyor = _Surveyor(reader, found)
    yield from _PARTS[root.kind](surveyor)
    yield from surveyor.details()
    return found


class _Surveyor:
    def __init__(self, reader: Reader, found: Survey) -> None:
        self.reader = reader
        self.found = found
        self._refused: set[str] = set()

    def model(self) -> Flow[None]:
        found = self.found
        labels = {MODEL_UID_LABEL: found.root.uid}
        for resource in (MODEL_INFERS, *_CHILDREN):
            found.children[resource.kind] = yield from self._list(resource, labels)
        for infer in (found.infers or ())[:_INFERS]:
            yield from self._pods_of(infer)

    def infer(self) -> Flow[None]:
        yield from self._pods_of(self.found.root)

    def server(self) -> Flow[None]:
        yield from self._selected(self.found.root)

    def route(self) -> Flow[None]:
        names = {
            text(target.get("modelServerName")): None
            for rule in rows(self.found.root.spec.get("rules"))
            for target in rows(rule.get("targetModels"))
        }
        servers = yield from self._named(SERVERS, names)
        for server in servers:
            yield from self._selected(server)

    def policy(self) -> Flow[None]:
        bindings = yield from self._list(BINDINGS, None)
        name = self.found.root.name
        self.found.children[BINDINGS.kind] = [
            binding
            for binding in bindings or ()
            if mapping(binding.spec.get("policyRef")).get("name") == name
        ]

    def binding(self) -> Flow[None]:
        spec = self.found.root.spec
        policy = text(mapping(spec.get("policyRef")).get("name"))
        yield from self._named(POLICIES, {policy: None})
        scaling = mapping(spec.get("scalingConfiguration"))
        params = rows(mapping(spec.get("optimizerConfiguration")).get("params"))
        references = [
            mapping(mapping(part.get("target")).get("targetRef")) for part in (scaling, *params)
        ]
        names = {
            text(ref.get("name")): None for ref in references if ref.get("kind") == "ModelInfer"
        }
        for infer in (yield from self._named(MODEL_INFERS, names)):
            yield from self._pods_of(infer)

    def details(self) -> Flow[None]:
        """What only helps where something is wrong: events, quotas, logs."""
        found = self.found
        ill = [pod for pod in found.all_pods() if not is_ready(pod)]
        if ill:
            names = {pod.name for pod in ill}
            events = yield from self._read("list", EVENTS, self._warnings())
            found.events = [
                event
                for event in events or ()
                if mapping(event.get("involvedObject")).get("name") in names
            ]
        if any(self._is_short(infer) for infer in found.infers or ()):
            quotas = yield from self._read("list", QUOTAS, self.reader.list(QUOTAS))
            found.quotas = quotas or ()
        crashed = [crash for pod in ill for crash in crashes(pod)]
        for crash in crashed[:_LOGS]:
            yield from self._log(crash)

    def _warnings(self) -> Flow[Sequence[Plain]]:
        return self.reader.list(EVENTS, fields="type=Warning,involvedObject.kind=Pod")

    def _is_short(self, infer: Look) -> bool:
        pods = self.found.pods.get(infer.name)
        return pods is not None and len(pods) < expected_pods(infer)

    def _log(self, crash: Crash) -> Flow[None]:
        reading = self.reader.log(
            crash.pod, crash.container, previous=crash.previous, lines=_LOG_LINES
        )
        log = yield from self._read("get", _LOG, reading)
        if log:
            self.found.logs[crash.pod, crash.container] = log

    def _pods_of(self, infer: Look) -> Flow[None]:
        pods = yield from self._list(PODS, {MODEL_INFER_LABEL: infer.name})
        # A label can be anybody's; the owner's uid cannot.
        self.found.pods[infer.name] = (
            None if pods is None else [pod for pod in pods if _owner(pod) in ("", infer.uid)]
        )

    def _selected(self, server: Look) -> Flow[None]:
        selector = mapping(mapping(server.spec.get("workloadSelector")).get("matchLabels"))
        labels = {key: str(value) for key, value in selector.items()}
        self.found.pods[server.name] = yield from self._list(PODS, labels)

    def _named(self, resource: PlainResource, names: Mapping[str, None]) -> Flow[Sequence[Look]]:
        """The objects of these names; those that do not exist are noted."""
        there: list[Look] = []
        for name in names:
            try:
                item = yield from self._read("get", resource, self.reader.get(resource, name))
            except (NotFoundError, InvalidArgumentError):
                self.found.missing.append(f"{resource.kind} {name!r}")
                continue
            if item is not None:
                there.append(Look(item))
        self.found.children[resource.kind] = there
        return there

    def _list(
        self, resource: PlainResource, labels: Mapping[str, str] | None
    ) -> Flow[Sequence[Look] | None]:
        reading = self.reader.list(resource, labels=labels)
        items = yield from self._read("list", resource, reading)
        return None if items is None else [Look(item) for item in items]

    def _read(self, verb: str, resource: PlainResource, reading: Flow[R]) -> Flow[R | None]:
        """Read something that may not be readable; noted once, and then not tried again."""
        name = resource.full_name
        if name in self._refused:
            reading.close()
            return None
        try:
            return (yield from reading)
        except NotFoundError:
            if verb == "get" and resource is not _LOG:
                raise
            # No such resource on this server, or a log that is gone.
            return None
        except (ApiError, TransportError) as error:
            self._refused.add(name)
            forbidden = isinstance(error, ForbiddenError)
            self.found.unreadable.append(
                Unreadable(verb, name, self.found.namespace, str(error), forbidden)
            )
            return None


def _owner(pod: Look) -> str:
    """The uid of the ModelInfer that made a pod; empty when it does not say."""
    owners: list[Any] = [
        owner for owner in rows(pod.metadata.get("ownerReferences")) if owner.get("controller")
    ]
    return text(owners[0].get("uid")) if owners else ""


_LOG = PlainResource("", "v1", "pods/log", "Pod")
_PARTS = {
    "Model": _Surveyor.model,
    "ModelInfer": _Surveyor.infer,
    "ModelServer": _Surveyor.server,
    "ModelRoute": _Surveyor.route,
    "AutoscalingPolicy": _Surveyor.policy,
    "AutoscalingPolicyBinding": _Surveyor.binding,
}
