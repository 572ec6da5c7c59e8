"""Where everything is when nothing moves any more, so that no stand-still stays unexplained."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, cast

_FRAMES = ("cr_frame", "ag_frame", "gi_frame")
_AWAITED = ("cr_await", "ag_await", "gi_yieldfrom")


class StandStillError(Exception):
    """A part of the run has not moved for too long; the text says what every part waits for."""


class Watchdog:
    """Raises `StandStillError` for a part that does not move."""

    def __init__(self, patience: float, describe: Callable[[], str]) -> None:
        self._patience = patience
        self._describe = describe
        self._moved: dict[str, tuple[object, float]] = {}

    def note(self, part: str, state: object) -> None:
        """Take down where a part is; a state of None has nothing to wait for."""
        now = time.monotonic()
        before, since = self._moved.get(part, (None, now))
        if state is None or state != before:
            self._moved[part] = (state, now)
        elif now - since > self._patience:
            raise StandStillError(
                f"{part} has not moved for {self._patience:g} s\n{self._describe()}"
            )

    def restart(self) -> None:
        """Forget how long nothing has moved, because it could not."""
        self._moved.clear()


def threads() -> str:
    """Where every thread of this process is; those that are at the same place are one entry."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    places: defaultdict[str, list[str]] = defaultdict(list)
    for ident, frame in sys._current_frames().items():
        text = "".join(f"  {_place(each)}\n" for each, _ in traceback.walk_stack(frame))
        places[text].append(names.get(ident, str(ident)))
    return "".join(f"threads {', '.join(sorted(who))}\n{text}" for text, who in places.items())


def tasks(loop: asyncio.AbstractEventLoop | None) -> str:
    """Where every task of a loop in another thread is, generators included."""
    if loop is None or loop.is_closed():
        return ""
    return "".join(
        f"task {task.get_name()}\n" + "".join(f"  {each}\n" for each in _awaited(task.get_coro()))
        for task in asyncio.all_tasks(loop)
    )


def _awaited(work: object) -> Iterator[str]:
    """The places of what waits for what, the outermost first."""
    while work is not None:
        frame = _first(work, _FRAMES)
        if frame is not None:
            yield _place(cast("FrameType", frame))
        following = _first(work, _AWAITED)
        if following is None and frame is None:
            # A call of an asynchronous generator does not say whose it is.
            owned = gc.get_referents(work)
            following = next((each for each in owned if hasattr(each, "ag_frame")), None)
        work = following


def _first(owner: object, names: Iterable[str]) -> object:
    return next((found for name in names if (found := getattr(owner, name, None))), None)


def _place(frame: FrameType) -> str:
    code = frame.f_code
    path = Path(code.co_filename)
    place = f"{path.parent.name}/{path.name}:{frame.f_lineno} in {code.co_name}"
    # What a driver is doing for a flow.
    step: Any = frame.f_locals.get("step")
    return place if step is None else f"{place}: {step!r:.300}"
