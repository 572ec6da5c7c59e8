"""The core kinds that a simulation reads and writes, as plain data.

The client has no classes for them; these are enough for its verbs and informers.
"""

from __future__ import annotations

from typing import Any, ClassVar

from matrixinfer_client.kinds import Kind
from matrixinfer_client.models import ApiList, ApiModel, ApiObject, model, wire

__all__ = ["Event", "EventList", "Pod", "PodList", "Service", "ServiceList"]


@model
class PageMeta(ApiModel):
    """What the metadata of a list has."""

    resource_version: str | None = wire("resourceVersion", default=None)
    continue_: str | None = wire("continue", default=None)


@model
class Pod(ApiObject):
    """A pod of core/v1."""

    KIND: ClassVar[Kind] = Kind(
        group="",
        version="v1",
        kind="Pod",
        plural="pods",
        singular="pod",
        subresources=("status",),
    )

    api_version: str = wire("apiVersion", default="v1")
    kind: str = "Pod"
    metadata: dict[str, Any]
    spec: dict[str, Any] | None = None
    status: dict[str, Any] | None = None


@model
class PodList(ApiList[Pod]):
    """A page of pods."""

    KIND: ClassVar[Kind] = Pod.KIND

    api_version: str = wire("apiVersion", default="v1")
    kind: str = "PodList"
    metadata: PageMeta | None = None
    items: list[Pod]


@model
class Service(ApiObject):
    """A Service of core/v1."""

    KIND: ClassVar[Kind] = Kind(
        group="", version="v1", kind="Service", plural="services", singular="service"
    )

    api_version: str = wire("apiVersion", default="v1")
    kind: str = "Service"
    metadata: dict[str, Any]
    spec: dict[str, Any] | None = None


@model
class ServiceList(ApiList[Service]):
    """A page of Services."""

    KIND: ClassVar[Kind] = Service.KIND

    api_version: str = wire("apiVersion", default="v1")
    kind: str = "ServiceList"
    metadata: PageMeta | None = None
    items: list[Service]


@model
class Event(ApiObject):
    """An Event of core/v1; what is special about it is in `unknown_fields`."""

    KIND: ClassVar[Kind] = Kind(
        group="", version="v1", kind="Event", plural="events", singular="event"
    )

    api_version: str = wire("apiVersion", default="v1")
    kind: str = "Event"
    metadata: dict[str, Any]


@model
class EventList(ApiList[Event]):
    """A page of Events."""

    KIND: ClassVar[Kind] = Event.KIND

    api_version: str = wire("apiVersion", default="v1")
    kind: str = "EventList"
    metadata: PageMeta | None = None
    items: list[Event]
