"""Conditions at work: each looks at one state of an object and says what is missing.

They know nothing of time, streams or requests.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import attrs

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.facts import KindFacts
from matrixinfer_client.jsonpath import JsonPath, as_text
from matrixinfer_client.looks import Look, texts

__all__ = [
    "All",
    "AnyOf",
    "AtPath",
    "Condition",
    "Exists",
    "Gone",
    "Known",
    "Literally",
    "Predicate",
    "StatusCondition",
    "Verdict",
]

ConditionStatus: TypeAlias = Literal["True", "False", "Unknown"]


@attrs.frozen
class Verdict:
    """What a condition says about one state of an object."""

    met: bool
    missing: str = ""
    """What does not hold yet, in words."""
    failure: str | None = None
    """What the controller reports as failed, or what needs somebody to act; it may pass."""
    hopeless: str | None = None
    """Why the condition cannot come true for the object as it is."""


class Condition:
    """Something about an object that is true or not; made by `conditions.resolve`."""

    text: str
    """The condition in words, for messages."""
    absent_at_first = False
    """Whether the object may be missing when the wait begins."""
    met_by_absence = False

    def judge(self, look: Look | None) -> Verdict:
        """Look at one state; None is an object that is not there."""
        raise NotImplementedError


@attrs.frozen
class StatusCondition:
    """A condition of the status by its literal type, also one that this client does not know.

    `"Ready"` and the like are checked against what the platform's controllers write; this is the
    way around that check, for a newer platform.
    """

    type: str
    status: ConditionStatus = "True"
    reason: str | None = None
    """Only with this reason. Default: any."""


def _unseen(look: Look) -> str:
    seen = look.observed_generation
    return (
        f"the controller has not seen generation {look.generation} yet"
        f" ({'it has seen none' if seen is None else f'last seen {seen}'})"
    )


@attrs.frozen(kw_only=True)
class Known(Condition):
    """A condition that the platform's controllers write, or that follows from what they write."""

    text: str
    name: str
    wanted: str
    facts: KindFacts
    any_generation: bool

    def judge(self, look: Look | None) -> Verdict:
        """See `Condition.judge`."""
        if look is None:
            return Verdict(False, "does not exist")
        ready = self.name in self.facts.readiness and self.wanted == "True"
        if look.is_deleting:
            return Verdict(False, "is being deleted")
        stuck = self.facts.stuck(look) if ready else None
        current = self.any_generation or look.observed
        idle = self.facts.idle(look) if ready else None
        if not current:
            return Verdict(False, _unseen(look), failure=idle, hopeless=stuck)
        status = self.facts.types[self.name](look)
        if status == self.wanted:
            return Verdict(True)
        failure = (self.facts.failure(look) or idle) if ready else None
        return Verdict(False, f"{self.name} is {status or 'not set'}", failure, stuck)


@attrs.frozen
class Literally(Condition):
    """A condition by its literal type, on any kind."""

    text: str
    wanted: StatusCondition
    any_generation: bool

    def judge(self, look: Look | None) -> Verdict:
        """See `Condition.judge`."""
        if look is None:
            return Verdict(False, "does not exist")
        if look.is_deleting:
            return Verdict(False, "is being deleted")
        types = {name.lower(): row for name, row in look.conditions.items()}
        row = types.get(self.wanted.type.lower(), {})
        if not self.any_generation and not self._current(look, row.get("observedGeneration")):
            return Verdict(False, _unseen(look))
        if row.get("status") != self.wanted.status:
            return Verdict(False, f"{self.wanted.type} is {row.get('status') or 'not set'}")
        if self.wanted.reason is not None and row.get("reason") != self.wanted.reason:
            return Verdict(False, f"{self.wanted.type} has the reason {row.get('reason')}")
        return Verdict(True)

    @staticmethod
    def _current(look: Look, of_condition: object) -> bool:
        # Kinds of others may keep the generation in the condition, or not at all.
        if look.observed_generation is not None:
            return look.observed
        return not isinstance(of_condition, int) or of_condition >= look.generation


class Exists(Condition):
    """There is an object of that name."""

    text = "exists"
    absent_at_first = True

    def judge(self, look: Look | None) -> Verdict:
        """See `Condition.judge`."""
        return Verdict(look is not None, "" if look is not None else "does not exist")


class Gone(Condition):
    """There is none, or another one under the same name."""

    text = "deleted"
    absent_at_first = True
    met_by_absence = True

    def judge(self, look: Look | None) -> Verdict:
        """See `Condition.judge`."""
        if look is None:
            return Verdict(True)
        if look.is_deleting:
            held = ", ".join(texts(look.metadata.get("finalizers")))
            return Verdict(False, "is being deleted" + (f", held by {held}" if held else ""))
        return Verdict(False, "still exists")


@attrs.frozen
class AtPath(Condition):
    """A field has a value; without one given, any but nothing."""

    text: str
    path: JsonPath
    value: str | None

    def judge(self, look: Look | None) -> Verdict:
        """See `Condition.judge`."""
        if look is None:
            return Verdict(False, "does not exist")
        found = [as_text(value) for value in self.path.find(look.wire) if value is not None]
        if self.value is None:
            return Verdict(any(found), "" if any(found) else f"{self.path.text} has no value")
        if found and all(value == self.value for value in found):
            return Verdict(True)
        return Verdict(False, f"{self.path.text} is {', '.join(found) or 'not set'}")


@attrs.frozen
class Predicate(Condition):
    """A function of the typed object says yes."""

    text: str
    function: Callable[[Any], object]

    def judge(self, look: Look | None) -> Verdict:
        """See `Condition.judge`."""
        if look is None:
            return Verdict(False, "does not exist")
        answer = self.function(look.object)
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            raise InvalidArgumentError(
                "the function to wait for must be a plain one that returns at once; it is called "
                "with each state of the object"
            )
        return Verdict(bool(answer), "" if answer else f"{self.text} is not true yet")


class _Group(Condition):
    word = ""

    def __init__(self, members: Sequence[Condition]) -> None:
        self.members = members
        self.text = f" {self.word} ".join(member.text for member in members)

    def _verdicts(self, look: Look | None) -> list[Verdict]:
        return [member.judge(look) for member in self.members]


class All(_Group):
    """All of several conditions at the same time."""

    word = "and"

    def __init__(self, members: Sequence[Condition]) -> None:
        super().__init__(members)
        if any(member.met_by_absence for member in members) and len(members) > 1:
            raise InvalidArgumentError(
                'nothing else can be true of an object that is deleted; wait for "deleted" alone'
            )
        self.met_by_absence = any(member.met_by_absence for member in members)
        # Whoever asks for existence too, asks for an object that may still have to come.
        self.absent_at_first = any(member.absent_at_first for member in members)

    def judge(self, look: Look | None) -> Verdict:
        """See `Condition.judge`."""
        verdicts = self._verdicts(look)
        return Verdict(
            all(verdict.met for verdict in verdicts),
            next((verdict.missing for verdict in verdicts if not verdict.met), ""),
            next((verdict.failure for verdict in verdicts if verdict.failure), None),
            next((verdict.hopeless for verdict in verdicts if verdict.hopeless), None),
        )


class AnyOf(_Group):
    """At least one of several conditions."""

    word = "or"

    def __init__(self, members: Sequence[Condition]) -> None:
        super().__init__(members)
        self.met_by_absence = any(member.met_by_absence for member in members)
        self.absent_at_first = any(
            member.absent_at_first and not member.met_by_absence for member in members
        )

    def judge(self, look: Look | None) -> Verdict:
        """See `Condition.judge`."""
        verdicts = self._verdicts(look)
        if any(verdict.met for verdict in verdicts):
            return Verdict(True)
        # One way to come true is enough: it fails only when every way has failed.
        failures = [verdict.failure or verdict.hopeless for verdict in verdicts]
        hopeless = [verdict.hopeless for verdict in verdicts]
        return Verdict(
            False,
            " and ".join(verdict.missing for verdict in verdicts),
            failures[0] if all(failures) else None,
            hopeless[0] if all(hopeless) else None,
        )
