"""How a wait shows itself: in terminals, logs and notebooks, and not at all unless wanted."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from matrixinfer_client.awaited import WaitUpdate
from matrixinfer_client.progress import showing


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def update(text: str = "Active=False", **given: Any) -> WaitUpdate[Any]:
    fields: dict[str, Any] = {"name": "demo", "met": False, "elapsed": 75.0, **given}
    return WaitUpdate(kind="Model", object=None, text=text, **fields)


def show(*updates: WaitUpdate[Any], progress: bool | None = True, on: io.StringIO) -> str:
    """Show updates where standard error is `on`; the result is all that it got."""
    with contextlib.redirect_stderr(on), showing(progress, "Ready") as display:
        for each in updates:
            if display is not None:
                display.update(each)
    return on.getvalue()


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "60")
    return Terminal()


@pytest.mark.parametrize("progress", [None, False])
def test_a_program_shows_nothing_unless_it_is_asked_to(
    log: io.StringIO, progress: bool | None
) -> None:
    assert show(update(), progress=progress, on=log) == ""


def test_a_log_gets_one_line_per_change(log: io.StringIO) -> None:
    done = update("Active=True", met=True, elapsed=76.9, pending=0)
    assert show(update(), done, on=log).splitlines() == [
        "Model demo: not yet Ready after 1 min 15 s; Active=False",
        "Model demo: Ready after 1 min 16 s; Active=True",
    ]


def test_a_log_does_not_tell_the_same_twice(log: io.StringIO) -> None:
    shown = show(update(elapsed=1.0), update(elapsed=2.0), update("other", elapsed=3.0), on=log)
    assert [line.partition("after ")[2] for line in shown.splitlines()] == [
        "1.0 s; Active=False",
        "3.0 s; other",
    ]


def test_a_log_of_many_objects_counts_them(log: io.StringIO) -> None:
    latest = update("Active=True", met=True, total=500, pending=13, elapsed=3)
    assert show(latest, on=log) == "Model: 487 of 500 Ready after 3.0 s; demo: Active=True\n"


def test_a_terminal_has_one_line_that_is_written_over(terminal: Terminal) -> None:
    done = update("Active=True\nand more", met=True)
    shown = show(update("x" * 200), done, on=terminal)
    assert shown.endswith("\n")
    lines = shown.removesuffix("\n").split("\r")[1:]
    assert [len(line) for line in lines] == [59, 59]
    assert lines[0].endswith("x…")
    assert lines[1].rstrip() == "Model demo: Ready after 1 min 15 s; Active=True and more"
    assert "\x1b" not in shown


def test_in_a_terminal_the_seconds_go_on_between_changes(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matrixinfer_client.progress._TICK_SECONDS", 0.02)
    with contextlib.redirect_stderr(terminal), showing(True, "Ready") as display:
        assert display is not None
        display.update(update(elapsed=1.0))
        deadline = time.monotonic() + 5
        while terminal.getvalue().count("\r") < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert terminal.getvalue().count("\r") >= 4


def test_a_wait_that_never_saw_anything_leaves_the_terminal_alone(terminal: Terminal) -> None:
    assert show(on=terminal) == ""


def test_without_standard_error_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with showing(True, "Ready") as display:
        assert display is None


class Notebook:
    """What IPython offers in a notebook, as far as it is used."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[str] = []
        shell = SimpleNamespace(kernel=object())
        display = SimpleNamespace(HTML=str, display=self.display)
        ipython = SimpleNamespace(get_ipython=lambda: shell)
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", display)

    def display(self, html: str, *, display_id: bool) -> Any:
        assert display_id
        self.shown.append(html)
        return SimpleNamespace(update=self.shown.append)


@pytest.mark.parametrize("progress", [None, True])
def test_a_notebook_shows_a_table_that_is_brought_up_to_date(
    monkeypatch: pytest.MonkeyPatch, log: io.StringIO, progress: bool | None
) -> None:
    notebook = Notebook(monkeypatch)
    first_of_two = update("<b>", name="a", total=2, pending=2)
    second_of_two = update("Active=True", name="b", met=True, total=2, pending=1)
    assert show(first_of_two, second_of_two, progress=progress, on=log) == ""
    first, second, *_ = notebook.shown
    assert "&lt;b&gt;" in first
    assert "1 of 2</p><table>" in second
    assert second.index("<td>a</td>") < second.index("<td>b</td>")


def test_a_notebook_can_be_kept_quiet(monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    notebook = Notebook(monkeypatch)
    show(update(), progress=False, on=log)
    assert notebook.shown == []


def test_a_table_ends_with_the_time_that_was_waited_for_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    notebook = Notebook(monkeypatch)
    with contextlib.redirect_stderr(log), showing(None, "Ready") as display:
        assert display is not None
        display.update(update(elapsed=0.1))
        time.sleep(0.11)
    assert "<td>0.1 s</td>" in notebook.shown[0]
    assert re.search(r"<td>not yet</td>.*<td>0\.[2-9] s</td>", notebook.shown[-1])


def test_a_table_of_hundreds_shows_those_that_are_missing_first(
    monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    notebook = Notebook(monkeypatch)
    done = [update(name=f"m{number}", met=True, total=100) for number in range(99)]
    show(*done, update(name="last", total=100, pending=1), on=log)
    assert "<td>last</td>" in notebook.shown[-1]
    assert "and 80 more" in notebook.shown[-1]
