"""When work is done: by a thread as time passes, or by the caller, on a clock that jumps.

Work is done by one thread at a time and in the order of its due times. These are counted from the
due time of the work that caused it and not from the moment it was done at, so that the order does
not depend on how fast the server answers.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from matrixinfer_client.testing.simulation.agenda import Agenda, Entry, Work

__all__ = ["Worker"]

Call: TypeAlias = "Callable[[], object]"

# What has no end, such as the restarts of a crashing container, must not keep a processor busy
# when there are no delays. In seconds; at speed 10 it is a tenth of one.
_LONGEST_REST = 0.5
# How long to wait for informers until looking again whether they have caught up.
_GLANCE = 0.005


class Worker:
    """Performs work that is due.

    Args:
        perform: Does a piece of work; it must not raise.
        is_synced: Whether work can begin.
        is_in_step: Whether everything that happened so far has been heard of.
        speed: How much faster than the table of delays says.
        stepped: Have no thread: `step`, `settle` and `advance` do the work, without waiting for
            the time to pass.
    """

    def __init__(
        self,
        perform: Callable[[Work], None],
        *,
        is_synced: Callable[[], bool],
        is_in_step: Callable[[], bool],
        speed: float,
        stepped: bool,
    ) -> None:
        self.now = 0.0
        self._perform = perform
        self._is_synced = is_synced
        self._is_in_step = is_in_step
        self._speed = speed
        self._rest = min(_LONGEST_REST, speed / 100)
        self.is_stepped = stepped
        self._agenda = Agenda()
        self._inbox: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting: list[threading.Event] = []
        self._thread: threading.Thread | None = None
        self._began = 0.0
        self._ready = False
        self._stopped = False

    # For the controllers.

    def due(self, delay: float, *, background: bool = False) -> float:
        """The time after a delay, which is given in seconds at speed 1."""
        if self.is_stepped:
            return self.now + delay
        delay /= self._speed
        if not background:
            return self.now + delay
        # From now on, whatever should have been done by now.
        return max(self.now, self._clock()) + max(delay, self._rest)

    def schedule(self, work: Work, due: float, *, background: bool = False) -> None:
        """Have work done at a time."""
        self._agenda.put(work, due, background=background)

    # For everybody.

    def post(self, call: Call) -> None:
        """Have a function called between two pieces of work; for any thread."""
        self._inbox.put(call)

    def start(self) -> None:
        """Begin."""
        self._began = time.monotonic()
        if not self.is_stepped:
            self._thread = threading.Thread(target=self._run, name="simulation", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End. Work that is under way may end later."""
        self._stopped = True
        # To wake the thread.
        self._inbox.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(0.3)

    def settle(self, timeout: float) -> None:
        """Return when only background work is left and everything has been heard of.

        Raises:
            TimeoutError: There was still something to do.
        """
        if not self.is_stepped:
            settled = threading.Event()
            self.post(lambda: self._waiting.append(settled))
            if not settled.wait(timeout):
                raise TimeoutError(f"not settled after {timeout} seconds: {self._left()}")
            return
        deadline = time.monotonic() + timeout
        with self._lock:
            self._await_steps(deadline)
            while True:
                self._take_calls()
                entry = self._agenda.next()
                if entry is not None and not self._agenda.is_idle():
                    self._do(entry)
                elif self._is_in_step():
                    return
                else:
                    self._glance()
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not settled after {timeout} seconds: {self._left()}")

    def step(self, timeout: float) -> Work | None:
        """Do what is due first, background work included; None when there is nothing."""
        with self._lock:
            self._await_steps(time.monotonic() + timeout)
            entry = self._agenda.next()
            if entry is None:
                return None
            self._do(entry)
            return entry.work

    def advance(self, seconds: float, timeout: float) -> None:
        """Do all that is due within a time, in seconds at speed 1, and let that pass."""
        end = self.now + seconds
        deadline = time.monotonic() + timeout
        with self._lock:
            self._await_steps(deadline)
            while (entry := self._agenda.next()) is not None and entry.due <= end:
                self._do(entry)
                self._take_calls()
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"{seconds} seconds took longer than {timeout}: {self._left()}"
                    )
            self.now = end

    def _run(self) -> None:
        while not self._stopped:
            self._take_calls()
            if not self._ready:
                self._ready = self._is_synced()
                if not self._ready:
                    self._glance()
                continue
            entry = self._agenda.next()
            if entry is not None and entry.due <= self._clock():
                self._do(entry)
            elif self._waiting and self._agenda.is_idle():
                self._tell_settled()
            else:
                self._take_call(None if entry is None else max(0.0, entry.due - self._clock()))

    def _tell_settled(self) -> None:
        if not self._is_in_step():
            self._glance()
            return
        for event in self._waiting:
            event.set()
        self._waiting.clear()

    def _await_steps(self, deadline: float) -> None:
        """Wait until all that happened before has been heard of; for the caller's thread."""
        while True:
            self._take_calls()
            self._ready = self._ready or self._is_synced()
            if self._ready and self._is_in_step():
                return
            if time.monotonic() > deadline:
                raise TimeoutError("the informers of the simulation are not in step in time")
            self._glance()

    def _do(self, entry: Entry) -> None:
        self._agenda.take(entry)
        self.now = max(self.now, entry.due)
        self._perform(entry.work)

    def _glance(self) -> None:
        self._take_call(_GLANCE)

    def _take_calls(self) -> None:
        while self._take_call(0):
            pass

    def _take_call(self, timeout: float | None) -> bool:
        try:
            call = self._inbox.get(timeout=timeout) if timeout != 0 else self._inbox.get_nowait()
        except queue.Empty:
            return False
        self._pass_time()
        if call is not None:
            call()
        return True

    def _pass_time(self) -> None:
        # What comes from outside happens now, but not before work that should be done by now.
        if not self.is_stepped:
            entry = self._agenda.next()
            now = self._clock() if entry is None else min(self._clock(), entry.due)
            self.now = max(self.now, now)

    def _clock(self) -> float:
        return time.monotonic() - self._began

    def _left(self) -> str:
        entry = self._agenda.next()
        if entry is None:
            return "the informers are not in step"
        controller, namespace, name = entry.work
        return f"next is the {controller}'s work on {namespace}/{name}"
