"""When a wait is over, as one flow for one object and for many.

The objects are seen through one watch, which begins with a list and mends itself; a stream that
ends proves nothing. Besides what the watch reports there are three things that only time brings
about: the end of the wait, the end of a grace period, and a condition that has held long enough.
For these the flow sets an alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from matrixinfer_client.awaited import Awaited, Explain, WaitUpdate, Wish
from matrixinfer_client.errors import ApiError, error_from_status
from matrixinfer_client.flows import (
    Close,
    Emit,
    Flow,
    Open,
    Step,
    Stream,
    TimeIsUp,
    alarm,
    invoke,
    now,
    sleep,
)
from matrixinfer_client.looks import text
from matrixinfer_client.models import ApiObject
from matrixinfer_client.pacing import WatchPolicy, is_transient
from matrixinfer_client.targets import ListOptions, Target
from matrixinfer_client.views import Change, Remembered, View
from matrixinfer_client.waiterrors import (
    ConditionFailed,
    ConditionState,
    WaitError,
    WaitTimeout,
    wait_error,
)
from matrixinfer_client.watching import Settled, event_of, watch

if TYPE_CHECKING:
    from matrixinfer_client.diagnosis import Diagnosis

__all__ = ["wait"]

T = TypeVar("T", bound=ApiObject)

# A list is cheap next to what it costs to load a model; a change of the Model is looked at at once.
_CONFIRM_SECONDS = 3.0
_PAUSE_SECONDS = 1.0
_SLACK_SECONDS = 0.5
# For a wait that is only to look once.
_LOOK_SECONDS = 10.0


def wait(target: Target[T, Any], wish: Wish[T]) -> Flow[dict[str, T | None]]:
    """Wait until the condition holds for every name; the result has them in the given order.

    Survives whatever the watch survives, and lost connections of any kind once the objects were
    seen. Raises `WaitTimeout`, `ConditionFailed`, `NotFoundError`, and what the first list raises.
    """
    for name in wish.names:
        target.item_path(name)
    waiting = _Waiting(target, wish, (yield from now()))
    pause = 0.0
    while True:
        # Off first: an alarm that rings between two attempts belongs to neither.
        yield from alarm(None)
        yield from alarm(waiting.seconds_left((yield from now())))
        try:
            yield from sleep(pause)
            if (yield from waiting.follow()):
                return waiting.results()
        except TimeIsUp:
            pause = 0.0
            if (yield from waiting.time_is_up()):
                return waiting.results()
        except Exception as error:
            if not (waiting.settled and is_transient(error)):
                raise
            # The watch has paused and tried by itself before it gave up.
            pause = _PAUSE_SECONDS


class _Waiting(Generic[T]):
    """One wait in progress."""

    def __init__(self, target: Target[T, Any], wish: Wish[T], began: float) -> None:
        self.target = target
        self.wish = wish
        self.kind = target.cls.KIND.kind
        self.began = began
        self.settled = False
        self.all: dict[str, Awaited[T]] = {
            name: Awaited(
                name,
                wish.condition,
                uid=wish.uid,
                stable=wish.stable,
                grace=wish.grace,
                confirmed=wish.closer_look is None,
            )
            for name in wish.names
        }
        self.pending = dict(self.all)
        self.alarm_at: float | None = None
        names = list(self.all)
        selector = {"metadata.name": names[0]} if len(names) == 1 else None
        # Listed, not streamed: for one object a list is the faster answer.
        self.view: View[T] = View(
            target,
            ListOptions(field_selector=selector),
            WatchPolicy(streaming_lists=False),
            Remembered(),
        )

    @property
    def deadline(self) -> float | None:
        """The time at which the wait is over whatever has been seen."""
        seconds = self.wish.seconds
        if seconds is None:
            return None
        return self.began + (seconds if seconds or self.settled else _LOOK_SECONDS)

    def results(self) -> dict[str, T | None]:
        """The objects as they were last seen."""
        return {name: awaited.last for name, awaited in self.all.items()}

    def seconds_left(self, time: float) -> float | None:
        """Seconds until something has to be looked at even if nothing happens."""
        times = [awaited.due() for awaited in self.pending.values()]
        times.append(self.deadline)
        self.alarm_at = min((due for due in times if due is not None), default=None)
        return None if self.alarm_at is None else max(0.0, self.alarm_at - time)

    def follow(self) -> Flow[bool]:
        """Follow one watch until everything waited for has come true."""
        if not self.pending:
            return True
        inner = watch(self.view)
        streams: list[Stream] = []
        reply: object = None
        failure: Exception | None = None
        try:
            while True:
                step = inner.throw(failure) if failure is not None else inner.send(reply)
                reply = failure = None
                if isinstance(step, Open):
                    yield from self._hurry(step)
                if not isinstance(step, Emit):
                    reply, failure = yield from _performed(step, streams)
                elif (yield from self._take(step.value)):
                    return True
        except TimeIsUp:
            yield from alarm(None)
            for stream in streams:
                yield Close(stream)
            raise
        finally:
            inner.close()

    def _hurry(self, step: Open) -> Flow[None]:
        """Keep a blocking attempt to connect, which no alarm can end, from lasting too long."""
        if self.deadline is None:
            return
        # A little longer than the alarm, which is to ring first where it can.
        left = max(0.0, self.deadline - (yield from now())) + _SLACK_SECONDS
        limit = step.request.timeout
        if left < (float(limit) if isinstance(limit, int | float) else _LOOK_SECONDS):
            step.request.timeout = left

    def time_is_up(self) -> Flow[bool]:
        """See who is due; True when everything waited for has come true."""
        yield from alarm(None)
        time = yield from now()
        late = self.deadline is not None and time >= self.deadline
        if self.deadline is not None and not late:
            yield from alarm(self.deadline - time)
        try:
            for awaited in list(self.pending.values()):
                yield from self._settle(awaited, time)
        except TimeIsUp:
            late = True
        yield from alarm(None)
        if self.pending and late:
            raise (yield from self._timeout((yield from now()))) from None
        return not self.pending

    def _take(self, value: object) -> Flow[bool]:
        """Take what the watch emits."""
        time = yield from now()
        if isinstance(value, Change):
            event = event_of(cast("Change[T]", value))
            awaited = self.pending.get(event.object.name)
            if awaited is None:
                return False
            state = None if event.type == "DELETED" else event.object
            yield from self._saw(awaited, state, time)
        elif isinstance(value, Settled) and not self.settled:
            self.settled = True
            for awaited in list(self.pending.values()):
                if awaited.look is None:
                    yield from self._saw(awaited, None, time)
        before = self.alarm_at
        left = self.seconds_left(time)
        if self.pending and self.alarm_at != before:
            yield from alarm(left)
        return not self.pending

    def _saw(self, awaited: Awaited[T], state: T | None, time: float) -> Flow[None]:
        is_new = awaited.saw(state, time)
        yield from self._settle(awaited, time)
        if is_new:
            yield from self._tell(awaited, time)

    def _settle(self, awaited: Awaited[T], time: float) -> Flow[None]:
        """Take an object off the list when its wait is over; raise when it cannot succeed."""
        ended = awaited.ended(time)
        if ended is None:
            return
        match ended.how:
            case "met":
                del self.pending[awaited.name]
            case "missing":
                raise self._not_found(awaited)
            case "broken":
                raise (yield from self._failure(awaited, ended.why, time))
            case "failing":
                if not (yield from self._is_excused(awaited)):
                    raise (yield from self._failure(awaited, ended.why, time))
                awaited.excuse(time)
            case "unconfirmed":
                missing = yield from self._closer_look(awaited)
                awaited.confirm(missing, time + _CONFIRM_SECONDS)
                yield from self._tell(awaited, time)
                yield from self._settle(awaited, time)

    def _is_excused(self, awaited: Awaited[T]) -> Flow[bool]:
        if self.wish.excuse is None or awaited.look is None:
            return False
        return (yield from self.wish.excuse(awaited.look))

    def _closer_look(self, awaited: Awaited[T]) -> Flow[str | None]:
        look, closer = awaited.look, self.wish.closer_look
        if closer is None or look is None:
            raise AssertionError("only what was seen and has to be confirmed gets here")
        return (yield from closer(look))

    def _tell(self, awaited: Awaited[T], time: float) -> Flow[None]:
        if not self.wish.listeners:
            return
        update = WaitUpdate(
            kind=self.kind,
            name=awaited.name,
            object=None if awaited.look is None else awaited.last,
            met=awaited.name not in self.pending or awaited.is_met,
            text=awaited.line,
            elapsed=time - self.began,
            total=len(self.all),
            pending=len(self.pending),
        )
        # What the caller's function does is not cut off in the middle.
        yield from alarm(None)
        for listener in self.wish.listeners:
            yield from invoke(listener, update)
        yield from alarm(self.seconds_left((yield from now())))

    def _not_found(self, awaited: Awaited[T]) -> ApiError:
        kind = self.target.cls.KIND
        where = f" in namespace {self.target.scope!r}" if kind.namespaced else ""
        return error_from_status(
            {
                "code": 404,
                "reason": "NotFound",
                "message": f'{kind.resource} "{awaited.name}" not found{where}; to wait for one '
                'that is still to be created, use all_of("exists", ...)',
                "details": {"group": kind.group, "kind": kind.plural, "name": awaited.name},
            }
        )

    def _failure(self, awaited: Awaited[T], why: str, time: float) -> Flow[WaitError]:
        yield from self._tell(awaited, time)
        message = f"{self._subject(awaited)} will not become {self.wish.text}: {why}"
        if self.wish.condition.met_by_absence:
            message = f"{self._subject(awaited)}: {why}"
        return (yield from self._error(ConditionFailed, awaited, message, time))

    def _timeout(self, time: float) -> Flow[WaitError]:
        awaited = next(iter(self.pending.values()))
        message = (
            f"{self._subject(awaited)} was not {self.wish.text} after "
            f"{_seconds(time - self.began)} s: {awaited.missing()}"
        )
        if len(self.pending) > 1:
            others = [name for name in self.pending if name != awaited.name]
            message += f"; nor were {len(others)} others: {_names(others)}"
        trouble = self.view.statistics.last_error
        if trouble is not None:
            message += f"; the last contact with the server failed: {trouble}"
        return (yield from self._error(WaitTimeout, awaited, message, time))

    def _error(
        self, cls: type[WaitError], awaited: Awaited[T], message: str, time: float
    ) -> Flow[WaitError]:
        look = awaited.look
        diagnosis = None
        if self.wish.explain is not None:
            diagnosis = yield from _explained(self.wish.explain, awaited.name)
        return wait_error(
            cls,
            message,
            diagnosis,
            name=awaited.name,
            condition=self.wish.text,
            last=awaited.last,
            conditions=() if look is None else _states(look.conditions),
            generation=None if look is None else look.generation,
            observed_generation=None if look is None else look.observed_generation,
            pending=list(self.pending),
            elapsed=time - self.began,
        )

    def _subject(self, awaited: Awaited[T]) -> str:
        kind = self.target.cls.KIND
        where = f" in namespace {self.target.scope!r}" if kind.namespaced else ""
        return f"{kind.kind} {awaited.name!r}{where}"


def _performed(step: Step, streams: list[Stream]) -> Flow[tuple[object, Exception | None]]:
    """Have a step of the watch performed: its reply or how it failed; notes what it has open."""
    try:
        reply = yield step
    except TimeIsUp:
        # Not for the watch: it would take it for a dead connection.
        raise
    except Exception as error:  # noqa: BLE001 - the watch says what it survives
        return None, error
    if isinstance(step, Open):
        streams.append(cast("Stream", reply))
    elif isinstance(step, Close):
        streams.remove(step.stream)
    return reply, None


def _explained(explain: Explain, name: str) -> Flow[Diagnosis | None]:
    """The diagnosis; none rather than an error that hides the one it is for."""
    try:
        return (yield from explain(name))
    except Exception:  # noqa: BLE001 - whatever it is, the wait's own error matters more
        return None


def _seconds(elapsed: float) -> str:
    return f"{elapsed:.0f}" if elapsed >= 10 else f"{elapsed:.1g}"


def _states(conditions: Mapping[str, Mapping[str, Any]]) -> list[ConditionState]:
    return [
        ConditionState(
            name, text(row.get("status")), text(row.get("reason")), text(row.get("message"))
        )
        for name, row in conditions.items()
    ]


def _names(names: Sequence[str], shown: int = 5) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
