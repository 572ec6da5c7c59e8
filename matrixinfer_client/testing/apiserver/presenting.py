"""How an answer is shown: as JSON or YAML, whole, as a table, or as metadata alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
from msgspec import json

from matrixinfer_client.testing.apiserver.accepting import Wanted, wanted
from matrixinfer_client.testing.apiserver.catalog import ResourceType
from matrixinfer_client.testing.apiserver.refusal import Refusal
from matrixinfer_client.testing.apiserver.tables import (
    Include,
    include_of,
    partial,
    partial_list,
    table,
)
from matrixinfer_client.testing.exchange import Call, Reply
from matrixinfer_client.yamlio import dump

__all__ = ["Presentation", "presentation"]

# What people read with; the API server indents for them unless told not to.
_READERS: Final = ("curl", "Wget", "Mozilla/5.0")


@attrs.frozen(kw_only=True)
class Presentation:
    """A way to show objects and lists."""

    wanted: Wanted = attrs.field(factory=Wanted)
    include: Include = "Metadata"
    """What the rows of a table have of their objects."""
    pretty: bool = False

    @property
    def content_type(self) -> tuple[str, str]:
        """The header."""
        return "Content-Type", self.wanted.media_type

    def reply(self, kind: ResourceType, obj: Mapping[str, Any], status: int = 200) -> Reply:
        """The answer with an object, a list or a Status."""
        body = self._encoded(self._shown(kind, obj))
        return Reply(status=status, body=body, headers=[self.content_type])

    def event(self, kind: ResourceType) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """How objects are shown inside the events of one watch; call it for each watch."""
        version = self.wanted.version
        if self.wanted.form == "object":
            return lambda obj: obj
        if self.wanted.form == "table":
            return _Rows(kind, self.include, version)
        return lambda obj: partial(obj, version=version)

    def _shown(self, kind: ResourceType, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        form, version = self.wanted.form, self.wanted.version
        if form == "object" or obj.get("kind") == "Status":
            return obj
        is_list = obj.get("kind") == kind.kind.list_kind
        if form == "table":
            objects = obj.get("items") or () if is_list else (obj,)
            metadata = obj.get("metadata", {})
            return table(kind, objects, metadata=metadata, include=self.include, version=version)
        if (form == "metadata list") != is_list:
            raise _mismatch(kind, is_list=is_list)
        return partial_list(obj, version=version) if is_list else partial(obj, version=version)

    def _encoded(self, obj: Mapping[str, Any]) -> bytes:
        if self.wanted.media_type == "application/yaml":
            return dump(dict(obj)).encode()
        body = json.encode(obj)
        return json.format(body, indent=2) if self.pretty else body + b"\n"


def presentation(call: Call, kind: ResourceType, verb: str) -> Presentation:
    """What the request asks for; raises the server's 406, or 400 for a bad `includeObject`."""
    found = wanted(call.headers.get("accept", ""), custom=kind.custom, verb=verb)
    include = include_of(call.option("includeObject")) if found.form == "table" else "Metadata"
    return Presentation(wanted=found, include=include, pretty=_pretty(call, found))


@attrs.define
class _Rows:
    """Shows each event of a watch as a table of one row; only the first has the columns."""

    _kind: ResourceType
    _include: Include
    _version: str
    _first: bool = True

    def __call__(self, obj: dict[str, Any]) -> dict[str, Any]:
        headers, self._first = self._first, False
        return table(
            self._kind,
            (obj,),
            metadata=obj.get("metadata", {}),
            include=self._include,
            version=self._version,
            headers=headers,
        )


def _pretty(call: Call, found: Wanted) -> bool:
    if found.pretty:
        return True
    if call.option("pretty"):
        return call.flag("pretty")
    return call.headers.get("user-agent", "").startswith(_READERS)


def _mismatch(kind: ResourceType, *, is_list: bool) -> Refusal:
    """The metadata of one object was asked for, and this is a list; or the other way round."""
    if kind.custom and not is_list:
        return Refusal(500, "content is not a list")
    asked, is_ = ("", "a list") if is_list else ("List", "not a list")
    if kind.custom:
        type_ = "unstructured.UnstructuredList"
    else:
        name = kind.kind.list_kind if is_list else kind.kind.kind
        type_ = f"{kind.kind.group.partition('.')[0] or 'core'}.{name}"
    message = (
        f"you requested PartialObjectMetadata{asked}, but the requested object is {is_} (*{type_})"
    )
    return Refusal(406, message, reason="NotAcceptable")
