"""A request as both sides get it, with names in place of what each side makes up for itself.

Versions, UIDs and continue tokens differ between two servers. In an operation they stand as
`<<version:models/a>>`: the version that the side's last answer gave for that object.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from random import Random
from typing import Any, Final

import attrs

from tests.validation.mutations import mutate

__all__ = ["WATCH", "Memory", "Operation", "Request", "Stored", "merged"]

WATCH: Final = "WATCH"
"""In place of the method: a watch that is opened now, and read when all is over."""

_PLACEHOLDER: Final = re.compile(r"<<(\w+)(?::([^<>]*))?>>")
_MISSING: Final = "1"


@attrs.frozen(kw_only=True)
class Stored:
    """A body that begins with the object as it was last seen."""

    key: str
    merge: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    mutations: int = 0
    seed: int = 0


@attrs.frozen(kw_only=True)
class Operation:
    """One request."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    body: Any = None
    """JSON, a text that is sent as it is, or `Stored`."""

    def request(self, memory: Memory) -> Request:
        """The request as it is sent to the side that has this memory."""
        return Request(
            method=self.method,
            path=memory.fill(self.path),
            query=[(name, memory.fill(value)) for name, value in self.query],
            headers=dict(self.headers),
            body=self._payload(memory),
        )

    def _payload(self, memory: Memory) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, str):
            return memory.fill(self.body).encode()
        body = _resolved(self.body, memory) if isinstance(self.body, Stored) else self.body
        return memory.fill(json.dumps(body, ensure_ascii=False)).encode()


@attrs.frozen(kw_only=True)
class Request:
    """What goes over the wire."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@attrs.define
class Memory:
    """What a side has answered until now."""

    namespace: str
    objects: dict[str, dict[str, Any]] = attrs.field(factory=dict[str, dict[str, Any]])
    tokens: dict[str, str] = attrs.field(factory=dict[str, str])
    versions: dict[str, str] = attrs.field(factory=dict[str, str])
    """Of lists."""
    first: str = ""
    """Where the sequence begins, for lists that were not asked for yet.

    Anything older may be forgotten: the real server has a history that did not begin here.
    """

    def fill(self, text: str) -> str:
        """The text with what the placeholders stand for."""
        return _PLACEHOLDER.sub(self._value, text)

    def learn(self, path: str, body: Any) -> None:
        """Remember what an answer to a request for a path had in it."""
        if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
            return
        parts = path.removesuffix("/status").split("/")
        plural = next((part for part in reversed(parts) if part in _PLURALS), "")
        metadata = body["metadata"]
        if isinstance(body.get("items"), list):
            self.tokens[plural] = metadata.get("continue", "")
            self.versions[plural] = metadata.get("resourceVersion", "")
            for item in body["items"]:
                self._note(plural, item)
        elif body.get("kind") != "Status":
            self._note(plural, body)

    def _note(self, plural: str, obj: Any) -> None:
        metadata = obj.get("metadata") or {}
        # What a dry run answers has no version.
        if metadata.get("resourceVersion"):
            self.objects[f"{plural}/{metadata.get('name')}"] = obj

    def _value(self, match: re.Match[str]) -> str:
        what, key = match[1], match[2] or ""
        if what == "ns":
            return self.namespace
        if what == "continue":
            return self.tokens.get(key, "")
        if what == "list":
            return self.versions.get(key) or self.first
        metadata = self.objects.get(self.fill(key), {}).get("metadata", {})
        field = {"version": "resourceVersion", "uid": "uid"}[what]
        return str(metadata.get(field) or _MISSING)


def _resolved(stored: Stored, memory: Memory) -> Any:
    found = memory.objects.get(memory.fill(stored.key), {"metadata": {}})
    # The order of the fields is each server's own, and the damage depends on it.
    obj = json.loads(json.dumps(found, sort_keys=True))
    random = Random(stored.seed)  # noqa: S311 - damage, not secrets
    for _ in range(stored.mutations):
        if isinstance(obj.get("spec"), dict) and obj["spec"]:
            mutate(obj, random)
    return merged(obj, stored.merge)


def merged(target: Any, change: Any) -> Any:
    """The target after a merge patch."""
    if not isinstance(change, Mapping):
        return copy.deepcopy(change)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


_PLURALS: Final = frozenset(
    {
        "models",
        "autoscalingpolicies",
        "autoscalingpolicybindings",
        "modelinfers",
        "modelservers",
        "modelroutes",
        "configmaps",
        "secrets",
        "pods",
        "events",
        "namespaces",
    }
)
