"""What clients asked of a FakeCluster, for assertions, as the Go fake clientset records it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import attrs

from matrixinfer_client import yamlio
from matrixinfer_client.errors import ManifestError
from matrixinfer_client.testing.exchange import Reply
from matrixinfer_client.testing.matching import Match, Subject, body_name

__all__ = ["Action", "Recorder"]

_PATCHES: Final = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
    "application/apply-patch+cbor": "apply",
}


@attrs.frozen(kw_only=True)
class Action:
    """One request about a resource, and what became of it. What was not said is empty."""

    verb: str
    """As in RBAC rules; `apply` for a server-side apply."""
    resource: str
    """The plural, such as `models`."""
    group: str
    """The API group; empty in the core group."""
    kind: str
    """Such as `Model`."""
    namespace: str
    name: str
    """Of a create also when the server made it from `generateName`."""
    subresource: str
    patch_type: str
    """`json`, `merge`, `strategic` or `apply`."""
    dry_run: bool
    field_manager: str
    field_validation: str
    label_selector: str
    field_selector: str
    caller: str
    """The user; of a request that impersonates, the one it acts as."""
    status_code: int | None
    """What was answered; None when the connection was lost instead."""
    content: bytes = attrs.field(default=b"", repr=False)
    """The body as it was sent."""

    @property
    def key(self) -> tuple[str, str]:
        """Group and plural."""
        return self.group, self.resource

    @property
    def body(self) -> Any:
        """The body, decoded anew each time; None without one."""
        if not self.content:
            return None
        try:
            # An apply may be YAML, and JSON is.
            return next(iter(yamlio.load_all(self.content))).value
        except (ManifestError, StopIteration):
            return self.content

    def __str__(self) -> str:
        what = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        where = "/".join(part for part in (self.namespace, self.name) if part)
        facts = [
            f"{self.patch_type} patch" if self.verb == "patch" else "",
            f"manager {self.field_manager}" if self.verb == "apply" else "",
            f"labels {self.label_selector}" if self.label_selector else "",
            f"fields {self.field_selector}" if self.field_selector and not self.name else "",
            "dry run" if self.dry_run else "",
            f"as {self.caller}" if self.caller != "admin" else "",
        ]
        said = ", ".join(filter(None, facts))
        parts = [self.verb, what, where, f"({said})" if said else ""]
        return f"{' '.join(filter(None, parts))}: {self.status_code or 'no answer'}"


class Recorder:
    """The newest actions: so many, with so many bytes of bodies; older ones are dropped."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._actions: deque[Action] = deque()

    @property
    def actions(self) -> Sequence[Action]:
        """The actions, oldest first."""
        with self._lock:
            return list(self._actions)

    def matching(self, match: Match) -> Sequence[Action]:
        """Those that are meant, oldest first."""
        return [each for each in self.actions if match.fits(each)]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._actions.clear()
            self._bytes = 0

    def record(self, subject: Subject, reply: Reply) -> None:
        """Note a request, unless it is about no resource."""
        if subject.type is None:
            return
        action = _action(subject, reply)
        with self._lock:
            self._actions.append(action)
            self._bytes += len(action.content)
            while len(self._actions) > 1 and self._is_too_much:
                self._bytes -= len(self._actions.popleft().content)

    @property
    def _is_too_much(self) -> bool:
        return len(self._actions) > self._most or self._bytes > self._most_bytes


def _action(subject: Subject, reply: Reply) -> Action:
    call, kind = subject.call, subject.type
    if kind is None:
        raise AssertionError("only what is about a resource is recorded")
    name = subject.name
    if subject.verb == "create" and not name and 200 <= reply.status < 300:
        name = body_name(reply.body)
    patches = subject.verb in ("patch", "apply")
    media_type = call.headers.get("content-type", "").partition(";")[0].strip()
    return Action(
        verb=subject.verb,
        resource=kind.kind.plural,
        group=kind.kind.group,
        kind=kind.kind.kind,
        namespace=subject.namespace,
        name=name,
        subresource=subject.subresource,
        patch_type=_PATCHES.get(media_type, media_type) if patches else "",
        dry_run=bool(call.option("dryRun")),
        field_manager=call.option("fieldManager"),
        field_validation=call.option("fieldValidation"),
        label_selector=call.option("labelSelector"),
        field_selector=call.option("fieldSelector"),
        caller=subject.caller,
        status_code=None if reply.lost else reply.status,
        content=call.body,
    )
