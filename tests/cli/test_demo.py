"""`matrixinfer demo`: what it tells is what happened, wherever it is told."""

from __future__ import annotations

import os
import pty
import re
import resource
import signal
from collections.abc import Mapping
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import attrs
import pytest

from matrixinfer_client.cli import demo, main
from matrixinfer_client.cli.story import Part, parts
from matrixinfer_client.cli.telling import Teller
from tests.cli.running import PROGRAM, read_until, start

Told = Mapping[str, str]


def user_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


@pytest.fixture(scope="module")
def told() -> Told:
    """What two runs with a seed wrote to their outputs, and what the CPU did for it."""
    before = user_seconds()
    runs = [start("demo", "--seed", "7") for _ in range(2)]
    outputs = [each.communicate(timeout=100) for each in runs]
    assert [each.returncode for each in runs] == [0, 0], outputs
    (first, progress), (second, _) = outputs
    seconds = (user_seconds() - before) / 2
    return {"out": first, "again": second, "err": progress, "cpu": f"{seconds:.1f}"}


def test_it_creates_waits_breaks_explains_mends_and_cleans_up(told: Told) -> None:
    titles = [line for line in told["out"].splitlines() if re.match(r"\d\. ", line)]
    assert titles == [f"{n}. {part.title}" for n, part in enumerate(parts(speed=2, seed=7), 1)]
    for line in (
        "   | kind: Model",
        "   ├── ModelInfer demo-server            Available, 1/1 groups available",
        "   │   └── Pod demo-server-0-leader-0-0  Running",
        "   cause: Pod large-server-0-leader-0-0: cannot be scheduled: none of 2 nodes",
        "          has enough nvidia.com/gpu (it asks for 16)",
        "   do:    add nodes with free nvidia.com/gpu, free some, or ask for less in the",
        "   │   └── Pod large-server-0-leader-0-0  Pending, Unschedulable",
        "   (0, 0)",
        "   Nothing is left.",
    ):
        assert line in told["out"].splitlines()


def test_the_same_seed_tells_the_same_to_the_letter(told: Told) -> None:
    assert told["out"] == told["again"]
    assert "seed=7)" in told["out"]


def test_it_fits_80_columns_and_needs_no_colour(told: Told) -> None:
    assert max(map(len, told["out"].splitlines())) <= 80
    assert "\x1b" not in told["out"] + told["err"]
    assert [line for line in told["out"].splitlines() if line != line.rstrip()] == []


def test_progress_and_times_go_to_standard_error(told: Told) -> None:
    lines = told["err"].splitlines()
    assert any(line.startswith("Model demo: Ready after ") for line in lines)
    assert any(line.startswith("Model large: rolled out after ") for line in lines)
    assert re.fullmatch(r"\(done in \d+\.\d s\)", lines[-1])


def test_it_computes_for_less_than_four_seconds(told: Told) -> None:
    # Of the time on the clock the rest is simulated waiting; a busy machine must not fail this.
    assert float(told["cpu"]) < 4


def test_the_lines_it_shows_are_a_program(told: Told) -> None:
    lines = told["out"].splitlines()
    manifest = "\n".join(line[5:] for line in lines if line.startswith("   | "))
    program = "\n".join(line[7:] for line in lines if line.startswith(("   >>> ", "   ... ")))
    here: dict[str, Any] = {"manifest": manifest}
    try:
        exec(compile(program, "demo", "exec"), here)  # noqa: S102 - it is our own
        assert here["why"].findings[0].code == "unschedulable"
        assert len(here["models"].list()) == 0
    finally:
        here["cluster"].close()


def test_a_terminal_gets_colours_and_a_line_of_progress_that_is_written_over() -> None:
    shown = in_a_terminal({})
    assert "\x1b[36mclient = cluster.client()\x1b[0m" in shown
    assert re.search(r"\rModel demo: not yet Ready .*\rModel demo: Ready after ", shown)


def test_a_terminal_without_colours_gets_none() -> None:
    assert "\x1b" not in in_a_terminal({"NO_COLOR": "1"})


def in_a_terminal(environment: Mapping[str, str]) -> str:
    """What a terminal of 80 columns is sent until the first wait is over."""
    ours, theirs = pty.openpty()
    with Popen(
        [*PROGRAM, "demo", "--speed", "5"],
        env={**os.environ, "COLUMNS": "80", **environment},
        stdin=DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        while b"4. See" not in shown:
            shown += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        while process.poll() is None:
            try:
                os.read(ours, 4096)
            except OSError:
                break
    os.close(ours)
    assert process.returncode == 130
    return shown.decode()


def test_ctrl_c_ends_it_at_once_with_130_and_without_a_traceback() -> None:
    process = start("demo")
    with process:
        read_until(process, "3. Wait until it serves")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "matrixinfer:" not in err


def test_a_reader_who_leaves_ends_it_without_a_traceback() -> None:
    with Popen([*PROGRAM, "demo"], stdin=DEVNULL, stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_a_story_that_does_not_happen_as_told_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *_ = parts(speed=2, seed=1)
    otherwise = attrs.evolve(first, holds=lambda _: False)
    monkeypatch.setattr(demo, "parts", lambda **_: [otherwise])
    assert main(["demo"]) == 1
    assert capsys.readouterr().err.startswith("matrixinfer: part 1 of the demo did not happen")


def test_an_error_in_the_story_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *_ = parts(speed=2, seed=1)
    missing = Part(title="x", prose="", code='models.get("none")', holds=lambda _: True)
    monkeypatch.setattr(demo, "parts", lambda **_: [first, missing])
    assert main(["demo"]) == 1
    assert 'models.registry.matrixinfer.ai "none" not found' in capsys.readouterr().err


def test_long_lines_are_wrapped_under_their_text(capsys: pytest.CaptureFixture[str]) -> None:
    words = "word " * 20
    Teller().output(f"cause: {words}\n  | {words}\n  - {words}")
    assert capsys.readouterr().out.splitlines() == [
        "   cause: word word word word word word word word word word word word word word",
        "          word word word word word word",
        "     | word word word word word word word word word word word word word word",
        "     | word word word word word word",
        "     - word word word word word word word word word word word word word word",
        "       word word word word word word",
    ]
