"""What a watch or the handlers of an informer were told, compared with what happened."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from matrixinfer_client.pacing import WatchStatistics
from tests.faults.writers import Life


@dataclass
class Seen:
    """What was told about one life."""

    added: int = 0
    deleted: int = 0
    versions: list[int] = field(default_factory=list)


@dataclass
class Record:
    """Everything one consumer was told, in order, and the state that follows from it."""

    name: str
    lives: dict[str, Seen] = field(default_factory=dict)
    state: dict[str, tuple[str, int]] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter[str])
    newest: int = 0
    wrong: list[str] = field(default_factory=list)
    """What must not happen, as it happened."""

    def __post_init__(self) -> None:
        self.lock = threading.Lock()

    def note(self, kind: str, obj: Any, *, synthetic: bool = False, ordered: bool = True) -> None:
        """Take down one event, and what is wrong with it."""
        with self.lock:
            name, uid, version = obj.name, obj.uid or "", int(obj.resource_version)
            self.events[kind] += 1
            seen = self.lives.setdefault(uid, Seen())
            if ordered and not (kind == "DELETED" and synthetic):
                if version <= self.newest:
                    self._blame(f"{kind} of {name} at {version} after version {self.newest}")
                self.newest = max(self.newest, version)
            if kind == "DELETED":
                seen.deleted += 1
                if self.state.pop(name, ("", 0))[0] != uid or seen.deleted > 1:
                    self._blame(f"{name} ({uid}) was deleted without being there")
                return
            seen.added += kind == "ADDED"
            if (kind == "ADDED") == (name in self.state) or seen.added != 1:
                self._blame(f"{kind} of {name} ({uid}), which is at {self.state.get(name)}")
            if seen.versions and version <= seen.versions[-1]:
                self._blame(f"{name} went from {seen.versions[-1]} to {version}")
            seen.versions.append(version)
            self.state[name] = (uid, version)

    def compare(
        self,
        truth: Mapping[str, Life],
        server: Mapping[str, tuple[str, int]],
        statistics: WatchStatistics,
        begun_at: int,
    ) -> list[str]:
        """What is wrong with all of it. `begun_at` is the version of the first state."""
        wrong = list(self.wrong)
        if self.state != server:
            different = {k for k in {*self.state, *server} if self.state.get(k) != server.get(k)}
            wrong.append(f"the state differs from the server's in {sorted(different)[:5]}")
        gaps = [(int(known or 0), int(read or 0)) for known, read in statistics.gaps]
        if len(gaps) != statistics.relists:
            wrong.append(f"{statistics.relists} relists, but {len(gaps)} gaps are known")
        gaps.append((0, begun_at))
        missed = 0
        for life in truth.values():
            seen = self.lives.get(life.uid, Seen())
            versions = set(seen.versions)
            lost = [version for version in life.versions if version not in versions]
            missed += len(lost)
            wrong += [
                f"{life.name}: version {version} is lost, and not in a gap"
                for version in lost
                if not _is_within(version, gaps)
            ]
            if seen.versions and seen.deleted != life.deleted:
                wrong.append(f"{life.name} ({life.uid}): deleted {life.deleted}, seen {seen}")
        strangers = {uid for uid in self.lives if uid not in truth}
        if strangers:
            wrong.append(f"events of objects that never were: {sorted(strangers)[:5]}")
        self.missed = missed
        return [f"{self.name}: {each}" for each in wrong]

    def _blame(self, text: str) -> None:
        self.wrong.append(text)


def _is_within(version: int, gaps: Iterable[tuple[int, int]]) -> bool:
    return any(known < version <= read for known, read in gaps)
