"""When the faults that were injected act: on which calls, how often, by which chance."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from random import Random
from types import TracebackType
from typing import Final, Self

import attrs

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.testing.amounts import is_number, is_whole
from matrixinfer_client.testing.exchange import Call, Reply
from matrixinfer_client.testing.faults import Fault, Occasion, check_faults
from matrixinfer_client.testing.matching import Match, Subject

__all__ = ["Chance", "Injection", "Injector"]


@attrs.frozen(kw_only=True)
class Chance:
    """How often a fault acts among the calls that match."""

    times: int | None = 1
    """How many times each fault acts; None for ever."""
    after: int = 0
    """How many matching calls go well before the first that may not."""
    probability: float = 1.0
    """By which chance it acts on one of the others."""

    def __attrs_post_init__(self) -> None:
        if self.times is not None and not is_whole(self.times, 1):
            raise InvalidArgumentError(f"times must be 1 or more, or None, not {self.times!r}")
        if not is_whole(self.after, 0):
            raise InvalidArgumentError(f"after must be 0 or more, not {self.after!r}")
        if not (is_number(self.probability) and 0 < self.probability <= 1):
            raise InvalidArgumentError(
                f"probability must be above 0 and at most 1, not {self.probability!r}"
            )


class Injection:
    """Faults that were injected; made by `FakeCluster.inject`.

    As a context manager, it removes them at the end of the block.
    """

    def __init__(
        self,
        faults: Sequence[Fault],
        match: Match,
        chance: Chance,
        remove: Callable[[Injection], None],
    ) -> None:
        self._faults = tuple(faults)
        self._match = match
        self._chance = chance
        self._remove = remove
        self._seen = 0
        self._hits = 0

    @property
    def hits(self) -> int:
        """On how many calls they have acted."""
        return self._hits

    @property
    def names_caller(self) -> bool:
        """Whether they were injected for one caller."""
        return self._match.caller is not None

    def remove(self) -> None:
        """Let them act no more. Streams that they are at work on stay as they are."""
        self._remove(self)

    def draw(self, subject: Subject, random: Random) -> Fault | None:
        """The fault that acts on a call, if any does; then it counts as a hit."""
        fault = self._faults[self._hits % len(self._faults)]
        times = self._chance.times
        if times is not None and self._hits >= times * len(self._faults):
            return None
        fits = fault.verbs is None or subject.verb in fault.verbs
        if not fits or not self._match.matches(subject):
            return None
        self._seen += 1
        if self._seen <= self._chance.after:
            return None
        if self._chance.probability < 1 and random.random() >= self._chance.probability:
            return None
        self._hits += 1
        return fault

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"Injection({', '.join(map(repr, self._faults))}, hits={self._hits})"


class Injector:
    """The faults of a cluster. Calls of the `spared` callers only meet those that name them."""

    def __init__(self, seed: int, spared: Collection[str] = ()) -> None:
        self._random: Final = Random(seed)  # noqa: S311 - faults on purpose
        self._spared = frozenset(spared)
        self._lock = threading.Lock()
        self._injections: tuple[Injection, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether there are no faults at all."""
        return not self._injections

    def add(self, faults: Sequence[Fault], match: Match, chance: Chance) -> Injection:
        """Inject faults, which act in turn."""
        if not faults:
            raise InvalidArgumentError(
                "inject needs a fault, such as error(500) of matrixinfer_client.testing"
            )
        check_faults(faults)
        for fault in faults:
            if fault.verbs and match.verbs and not fault.verbs & match.verbs:
                raise InvalidArgumentError(
                    f"{fault} happens to {_words(fault.verbs)}, never to {_words(match.verbs)}"
                )
        injection = Injection(faults, match, chance, self._remove)
        with self._lock:
            self._injections = (*self._injections, injection)
        return injection

    def answer(self, subject: Subject, handle: Callable[[Call], Reply]) -> Reply:
        """Answer a call as the server would, unless something goes wrong."""
        return self._pass(subject, self._injections, handle)

    def _pass(
        self, subject: Subject, rest: Sequence[Injection], handle: Callable[[Call], Reply]
    ) -> Reply:
        for index, injection in enumerate(rest, 1):
            fault = self._draw(injection, subject)
            if fault is not None:
                answer = partial(self._pass, subject, rest[index:], handle)
                return fault.act(Occasion(subject=subject, answer=answer, random=self._random))
        return handle(subject.call)

    def _draw(self, injection: Injection, subject: Subject) -> Fault | None:
        if subject.caller in self._spared and not injection.names_caller:
            return None
        with self._lock:
            return injection.draw(subject, self._random)

    def _remove(self, injection: Injection) -> None:
        with self._lock:
            self._injections = tuple(each for each in self._injections if each is not injection)


def _words(verbs: Iterable[str]) -> str:
    return " or ".join(sorted(verbs))
