"""What is waited for, and one object that is: what was seen of it, and whether that ends the wait.

Nothing here does I/O or reads a clock; every state comes with the time it was seen at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar, cast

import attrs

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.flows import NO_TIMEOUT, TimeoutArg
from matrixinfer_client.looks import Look, text
from matrixinfer_client.models import ApiObject

if TYPE_CHECKING:
    from matrixinfer_client.diagnosis import Diagnosis
    from matrixinfer_client.flows import Flow
    from matrixinfer_client.judging import Condition, Verdict

__all__ = ["Awaited", "Ended", "Explain", "WaitUpdate", "Wish", "summary"]

T = TypeVar("T", bound=ApiObject)

Explain: TypeAlias = "Callable[[str], Flow[Diagnosis | None]]"

DEFAULT_TIMEOUT = 600.0


@attrs.frozen
class WaitUpdate(Generic[T]):
    """What a wait has just seen of one object."""

    kind: str
    name: str
    object: T | None
    """The object; None while there is none. Do not change it."""
    met: bool
    """Whether it is as it is waited for."""
    text: str
    """Its state in one line."""
    elapsed: float
    """Seconds since the wait began."""
    total: int = 1
    """How many objects are waited for."""
    pending: int = 1
    """How many of them are not yet as they are waited for."""


@attrs.frozen
class Ended:
    """How the wait for one object ended, or what has to be found out to know."""

    how: Literal["met", "missing", "broken", "failing", "unconfirmed"]
    why: str = ""


@attrs.frozen(kw_only=True)
class Wish(Generic[T]):
    """What is waited for, for how long, and who is told."""

    names: Sequence[str]
    condition: Condition
    timeout: TimeoutArg = None
    grace: float | None = 30.0
    stable: float = 0.0
    uid: str | None = None
    listeners: Sequence[Callable[[WaitUpdate[T]], object]] = ()
    closer_look: Callable[[Look], Flow[str | None]] | None = None
    """Asked once the condition holds: what is missing all the same."""
    excuse: Callable[[Look], Flow[bool]] | None = None
    """Asked when a failure has lasted for the grace period: whether it is of the past."""
    explain: Explain | None = None
    """Asked for the reason when a wait ends without success."""
    text: str = attrs.field(default=attrs.Factory(lambda self: self.condition.text, True))
    """What is waited for, in words."""

    def __attrs_post_init__(self) -> None:
        for argument, value in (("grace", self.grace), ("stable", self.stable)):
            if value is not None and not value >= 0:
                raise InvalidArgumentError(f"{argument} cannot be negative, got {value!r}")
        if self.seconds is not None and not self.seconds >= 0:
            raise InvalidArgumentError(
                f"timeout must be a number of seconds, 0 to look once, None for "
                f"{DEFAULT_TIMEOUT:g} or NO_TIMEOUT, not {self.timeout!r}"
            )

    def also_telling(self, listener: Callable[[WaitUpdate[T]], object]) -> Wish[T]:
        """The same wish with one more listener."""
        return attrs.evolve(self, listeners=(*self.listeners, listener))

    @property
    def seconds(self) -> float | None:
        """The timeout; None for none."""
        if self.timeout is NO_TIMEOUT:
            return None
        return DEFAULT_TIMEOUT if self.timeout is None else float(cast("float", self.timeout))


class Awaited(Generic[T]):
    """One object that is waited for."""

    def __init__(
        self,
        name: str,
        condition: Condition,
        *,
        uid: str | None = None,
        stable: float = 0.0,
        grace: float | None = 30.0,
        confirmed: bool = True,
    ) -> None:
        self.name = name
        self.condition = condition
        self.last: T | None = None
        self.look: Look | None = None
        self.line = "not looked at yet"
        self._uid = uid
        self._stable = stable
        self._grace = grace
        self._verdict: Verdict | None = None
        self._met_since: float | None = None
        self._failing_since: float | None = None
        self._broken: Ended | None = None
        self._confirmed = confirmed
        self._needs_confirmation = not confirmed
        self._confirm_at: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the newest state is the one that is waited for."""
        return self._met_since is not None

    def saw(self, obj: T | None, now: float) -> bool:
        """Take a state; None is an object that is not there. True when it says something new."""
        look = None if obj is None else Look(obj)
        before = self.line, self.is_met
        if look is not None and self._uid and look.uid != self._uid:
            if self._replaced(look, now):
                return True
        elif look is None and self.look is not None and not self.condition.met_by_absence:
            self._broken = Ended("broken", "it was deleted")
        elif look is None and self.look is None and not self._may_be_absent():
            self._broken = Ended("missing")
        if look is not None:
            self._uid = self._uid or look.uid
            # Of a deletion the last state is worth more than nothing.
            self.last, self.look = obj, look
        if self._broken is None:
            self._judge(look, now)
        return before != (self.line, self.is_met)

    def _may_be_absent(self) -> bool:
        if self.condition.met_by_absence:
            # A combination returns the object, so there has to have been one.
            return self.condition.absent_at_first or self._uid is not None
        return self.condition.absent_at_first

    def _replaced(self, look: Look, now: float) -> bool:
        """Take an object that only has the name in common; True when that was waited for."""
        if self.condition.met_by_absence:
            self._met_since, self._broken = now, Ended("met")
            self.line = "gone; another object has its name now"
            return True
        self.line = (
            "it was deleted and created anew under the same name "
            f"(uid {self._uid} became {look.uid})"
        )
        self._broken = Ended("broken", self.line)
        return False

    def _judge(self, look: Look | None, now: float) -> None:
        verdict = self._verdict = self.condition.judge(look)
        if verdict.hopeless is not None:
            self._broken = Ended("broken", verdict.hopeless)
        if not verdict.met:
            self._met_since = None
        elif self._met_since is None:
            self._met_since = now
        if self._needs_confirmation:
            self._confirmed, self._confirm_at = False, now
        if verdict.failure is None:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = now
        self.line = "gone" if look is None and verdict.met else summary(look, verdict)

    def ended(self, now: float) -> Ended | None:
        """How the wait ended; None while it goes on."""
        if self._broken is not None:
            return self._broken
        if self._met_since is not None and now - self._met_since >= self._stable:
            if self._confirmed:
                return Ended("met")
            return Ended("unconfirmed") if now >= (self._confirm_at or 0.0) else None
        failure = None if self._verdict is None else self._verdict.failure
        if failure is not None and self._is_over(self._failing_since, self._grace, now):
            return Ended("failing", failure)
        return None

    @staticmethod
    def _is_over(since: float | None, period: float | None, now: float) -> bool:
        return since is not None and period is not None and now - since >= period

    def due(self) -> float | None:
        """The time at which the wait may end without anything new being seen."""
        if self._met_since is not None:
            stable_at = self._met_since + self._stable
            return stable_at if self._confirmed else max(stable_at, self._confirm_at or 0.0)
        if self._failing_since is not None and self._grace is not None:
            return self._failing_since + self._grace
        return None

    def excuse(self, now: float) -> None:
        """Let the failure that was found last for another grace period, at least a second."""
        self._failing_since = now - (self._grace or 0.0) + max(self._grace or 0.0, 1.0)

    def confirm(self, missing: str | None, again_at: float) -> None:
        """Take the result of a closer look: what is still missing, None for nothing."""
        self._confirmed, self._confirm_at = missing is None, again_at
        if missing is not None:
            self.line = missing

    def missing(self) -> str:
        """What is not as it is waited for, in words."""
        if self._verdict is not None and not self._verdict.met:
            words = self._verdict.missing
            return f"{words}; {self._verdict.failure}" if self._verdict.failure else words
        return self.line


def summary(look: Look | None, verdict: Verdict) -> str:
    """The state of an object in one line: its conditions and counters, and what is missing."""
    if look is None:
        return verdict.missing
    shown: list[str] = []
    for name, row in look.conditions.items():
        status = text(row.get("status"))
        # Controllers leave the message of an earlier time in a condition that became False.
        message = text(row.get("message")) if name == "Failed" and status == "True" else ""
        shown.append(f"{name}={status}" + (f" ({message})" if message else ""))
    if "availableReplicas" in look.status or "replicas" in look.status:
        counts = look.count("availableReplicas"), look.count("replicas")
        shown.append(f"{counts[0]}/{counts[1]} available")
    if not verdict.met and verdict.missing:
        shown.append(verdict.missing)
    return ", ".join(shown) or ("as wanted" if verdict.met else verdict.missing)
