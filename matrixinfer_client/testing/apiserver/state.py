"""Everything that the fake API server knows while it runs."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from matrixinfer_client.testing.apiserver.storage import Storage

__all__ = ["Logs", "State"]

Logs: TypeAlias = Callable[[str, str, str, bool], "str | None"]
"""Namespace, pod, container and whether the previous run is meant, to what the container wrote."""

# Without vowels and what looks alike, as the API server generates names.
_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
_MOST_BASE: Final = 58


class State:
    """The store, the clock, and where names and UIDs come from.

    With a `seed`, names and UIDs are the same in every run.
    """

    def __init__(
        self,
        *,
        webhooks: bool = True,
        garbage_collection: bool = True,
        seed: int | None = None,
        history: int | None = None,
    ) -> None:
        self.lock = threading.RLock()
        """Held by whoever reads or changes anything here."""
        self.storage = Storage() if history is None else Storage(history=history)
        self.webhooks = webhooks
        self.garbage_collection = garbage_collection
        self.has_nodes = False
        """Whether somebody plays the nodes and ends pods that are deleted."""
        self.logs: Logs = _no_logs
        self.leftovers: dict[str, tuple[str, ...]] = {}
        """By UID, what an apply left in the store though nobody can read it; see `writing`."""
        self._random = random.Random(seed)  # noqa: S311 - names of test objects

    def now(self) -> str:
        """The time as Kubernetes writes it: to the second."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def new_uid(self) -> str:
        """A UID that nothing had before."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def new_name(self, prefix: str) -> str:
        """A name that begins with `generateName`."""
        letters = "".join(self._random.choices(_LETTERS, k=5))
        return f"{prefix[:_MOST_BASE]}{letters}"


def _no_logs(namespace: str, pod: str, container: str, previous: bool) -> str | None:  # noqa: ARG001
    return None
