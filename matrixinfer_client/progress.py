"""How a wait shows that it goes on: a line in a terminal, a table in a notebook, lines in a log.

All of it is readable without colour, and goes to standard error, so that a program's output stays
its own.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TextIO, TypeAlias

import attrs

from matrixinfer_client.markup import bar, block, line, mark, table

if TYPE_CHECKING:
    from matrixinfer_client.awaited import WaitUpdate

__all__ = ["Display", "ProgressArg", "showing"]

ProgressArg: TypeAlias = "bool | None"

# A reader sees that something is going on; more often would flicker over slow connections.
_TICK_SECONDS = 1.0
_TABLE_ROWS = 20


class Display(Protocol):
    """Shows what a wait has seen."""

    def update(self, update: WaitUpdate[Any]) -> None:
        """Take what was just seen of one object."""
        ...

    def close(self) -> None:
        """Show nothing more."""
        ...


@contextmanager
def showing(progress: ProgressArg, condition: str) -> Generator[Display | None]:
    """The display for a wait, closed when the wait ends.

    None shows progress in a notebook only, where somebody is looking; True always, in the form that
    fits; False never.
    """
    display = None if progress is False else _display(condition, always=progress is True)
    try:
        yield display
    finally:
        if display is not None:
            display.close()


def _display(condition: str, *, always: bool) -> Display | None:
    notebook = _notebook()
    if notebook is not None:
        return _Table(condition, notebook)
    if not always:
        return None
    # Standard error can be missing, as under pythonw.
    stream: TextIO | None = sys.stderr
    if stream is None:
        return None
    return _Line(condition, stream) if stream.isatty() else _Log(condition, stream)


def _notebook() -> Any:
    """IPython's `display` when this runs in a notebook; never imports IPython by itself."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from importlib import import_module  # noqa: PLC0415

    return import_module("IPython.display")


def _seconds(elapsed: float) -> str:
    if elapsed < 10:
        return f"{elapsed:.1f} s"
    minutes, seconds = divmod(int(elapsed), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def _sentence(condition: str, update: WaitUpdate[Any], elapsed: float) -> str:
    if update.total > 1:
        done = update.total - update.pending
        return (
            f"{update.kind}: {done} of {update.total} {condition} after {_seconds(elapsed)}; "
            f"{update.name}: {update.text}"
        )
    state = f"{condition} after" if update.met else f"not yet {condition} after"
    return f"{update.kind} {update.name}: {state} {_seconds(elapsed)}; {update.text}"


class _Log:
    """One line per change, for logs."""

    def __init__(self, condition: str, stream: TextIO) -> None:
        self._condition = condition
        self._stream = stream
        self._latest: dict[str, tuple[bool, str]] = {}

    def update(self, update: WaitUpdate[Any]) -> None:
        """Print a line, unless it would only tell another time."""
        said = update.met, update.text
        if self._latest.get(update.name) == said:
            return
        self._latest[update.name] = said
        print(_sentence(self._condition, update, update.elapsed), file=self._stream, flush=True)

    def close(self) -> None:
        """Do nothing: every line is complete."""


class _Line:
    """One line that is written over, for terminals; its seconds go on between the changes."""

    def __init__(self, condition: str, stream: TextIO) -> None:
        self._condition = condition
        self._stream = stream
        self._latest: WaitUpdate[Any] | None = None
        self._ticks = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="wait-progress", daemon=True)

    def update(self, update: WaitUpdate[Any]) -> None:
        """Write the line anew."""
        with self._lock:
            first, self._latest, self._ticks = self._latest is None, update, 0
            self._write(update)
        if first:
            self._thread.start()

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._closed.set()
        if self._latest is not None:
            self._thread.join()
            self._stream.write("\n")
            self._stream.flush()

    def _tick(self) -> None:
        while not self._closed.wait(_TICK_SECONDS):
            with self._lock:
                self._ticks += 1
                if self._latest is not None:
                    self._write(self._latest)

    def _write(self, update: WaitUpdate[Any]) -> None:
        width = shutil.get_terminal_size().columns - 1
        elapsed = update.elapsed + self._ticks * _TICK_SECONDS
        line = " ".join(_sentence(self._condition, update, elapsed).split())
        # A longer line would wrap, and could not be written over.
        shown = line if len(line) <= width else line[: max(width - 1, 0)] + "…"
        self._stream.write(f"\r{shown:<{width}}")
        self._stream.flush()


@attrs.define
class _Table:
    """A table that is updated in place, for notebooks."""

    condition: str
    ipython: Any
    _rows: dict[str, WaitUpdate[Any]] = attrs.field(
        factory=dict[str, "WaitUpdate[Any]"], init=False
    )
    _handle: Any = attrs.field(default=None, init=False)
    _latest: WaitUpdate[Any] | None = attrs.field(default=None, init=False)
    _updated: float = attrs.field(default=0.0, init=False)

    def update(self, update: WaitUpdate[Any]) -> None:
        """Show the table, or bring it up to date."""
        self._rows[update.name] = self._latest = update
        self._updated = time.monotonic()
        self._show(update)

    def close(self) -> None:
        """Leave the table as it is, with the time that was waited to the end."""
        if self._latest is None or self._latest.pending == 0:
            return
        passed = self._latest.elapsed + time.monotonic() - self._updated
        for name, row in self._rows.items():
            if not row.met:
                self._rows[name] = attrs.evolve(row, elapsed=passed)
        self._show(self._latest)

    def _show(self, latest: WaitUpdate[Any]) -> None:
        shown = self.ipython.HTML(self.html(latest))
        if self._handle is None:
            self._handle = self.ipython.display(shown, display_id=True)
        else:
            self._handle.update(shown)

    def html(self, latest: WaitUpdate[Any]) -> str:
        """The table, what is not done yet first."""
        rows = sorted(self._rows.values(), key=lambda row: row.met)
        cells = (
            (
                row.name,
                mark("yes", good=True) if row.met else "not yet",
                row.text,
                _seconds(row.elapsed),
            )
            for row in rows[:_TABLE_ROWS]
        )
        more = len(rows) - _TABLE_ROWS
        done = latest.total - latest.pending
        return block(
            bar(done, latest.total, f"{done} of {latest.total}") if latest.total > 1 else "",
            table((latest.kind, self.condition, "state", "after"), cells),
            line(f"and {more} more", faint=True) if more > 0 else "",
        )
