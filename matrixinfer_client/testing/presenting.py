"""How an answer is shown: as JSON, as a table, or as metadata alone, as `Accept` asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
from msgspec import json

from matrixinfer_client.testing.catalog import ResourceType
from matrixinfer_client.testing.exchange import Call, Reply

__all__ = ["Presentation", "presentation"]

_JSON: Final = ("Content-Type", "application/json")


@attrs.frozen
class Presentation:
    """A way to show objects and lists."""

    content_type: tuple[str, str] = _JSON

    def reply(self, kind: ResourceType, obj: Mapping[str, Any], status: int = 200) -> Reply:
        """The answer with an object, a list or a Status."""
        return Reply(status=status, body=json.encode(obj) + b"\n", headers=[self.content_type])

    def event(self, kind: ResourceType) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """How objects are shown inside the events of a watch."""
        return lambda obj: obj


def presentation(call: Call) -> Presentation:
    """What the request asks for."""
    return Presentation()
