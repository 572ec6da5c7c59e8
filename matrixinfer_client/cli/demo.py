"""`matrixinfer demo`: the first minutes with MatrixInfer, on a simulated cluster."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import signal
import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from matrixinfer_client.cli.options import positive
from matrixinfer_client.cli.story import MANIFEST, Part, parts
from matrixinfer_client.cli.telling import Teller
from matrixinfer_client.errors import MatrixInferError

if TYPE_CHECKING:
    from types import FrameType

    from matrixinfer_client.testing import FakeCluster

__all__ = ["command"]

_LEFT: Final = (
    "/api/v1/pods",
    "/apis/registry.matrixinfer.ai/v1alpha1/models",
    "/apis/workload.matrixinfer.ai/v1alpha1/modelinfers",
    "/apis/networking.matrixinfer.ai/v1alpha1/modelservers",
    "/apis/networking.matrixinfer.ai/v1alpha1/modelroutes",
)
_SECONDS: Final = 30.0


@click.command("demo")
@click.option(
    "--speed",
    type=float,
    default=2.0,
    show_default=True,
    callback=positive,
    help="How fast the simulated controllers and pods are; 1 takes two seconds for a Model.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), help="The same names and UIDs in each run with it."
)
def command(*, speed: float, seed: int | None) -> None:
    """Show what this is, on a simulated cluster, in a few seconds.

    Creates a Model, waits for it, breaks one, finds out why, mends it and cleans up. Everything
    happens inside this process: no cluster, no network, no files. What is shown after >>> is
    Python, and is what runs.
    """
    from matrixinfer_client.testing.making import check_rules  # noqa: PLC0415

    check_rules("cli")
    with _leaving_at_once():
        _tell(speed, seed)


@contextlib.contextmanager
def _leaving_at_once() -> Generator[None]:
    """Have Ctrl-C end the process on the spot: there is nothing to be cleaned up.

    An exception would have to find its way out of waits, locks and callbacks, some of which
    swallow it.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        del frame
        # The terminal has written ^C into the line.
        os.write(2, b"\n")
        os._exit(128 + number)

    before = signal.getsignal(signal.SIGINT)
    # Whoever starts programs in the background may have it ignored.
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(speed: float, seed: int | None) -> None:
    teller = Teller()
    teller.prose(
        "MatrixInfer in a few seconds, on a simulated cluster inside this process; no real one "
        "is touched. What stands after >>> is Python, and is what runs here."
    )
    started = time.monotonic()
    variables: dict[str, Any] = {"manifest": MANIFEST}
    try:
        for number, part in enumerate(parts(speed=speed, seed=seed), start=1):
            _perform(number, part, variables, teller)
        _check_nothing_left(variables["cluster"])
    finally:
        if "cluster" in variables:
            variables["cluster"].close()
    teller.output("Nothing is left.")
    teller.heading("Where to go from here")
    teller.output(
        "matrixinfer fake-cluster --simulate  such a cluster for kubectl and programs\n"
        "examples/quickstart.ipynb            the same as a notebook\n"
        "docs/getting-started.md              the same with a cluster of your own"
    )
    click.echo(f"(done in {time.monotonic() - started:.1f} s)", err=True)


def _perform(number: int, part: Part, variables: dict[str, Any], teller: Teller) -> None:
    """Tell a part and have it happen; raises when it does not happen as told."""
    teller.heading(f"{number}. {part.title}")
    teller.prose(part.prose)
    if part.file:
        teller.file(part.file)
    for source, statement in _statements(part.code):
        teller.code(source)
        printed = io.StringIO()
        # As in an interactive session: a statement that is an expression shows its value.
        program = compile(ast.Interactive([statement]), "<demo>", "single")
        with contextlib.redirect_stdout(printed):
            # Its source is in this package, and running just what was shown keeps it honest.
            exec(program, variables)  # noqa: S102
        teller.output(printed.getvalue())
    if not part.holds(variables):
        raise MatrixInferError(f"part {number} of the demo did not happen as told; is this a bug?")


def _statements(code: str) -> Iterator[tuple[str, ast.stmt]]:
    for statement in ast.parse(code).body:
        yield ast.get_source_segment(code, statement) or "", statement


def _check_nothing_left(cluster: FakeCluster) -> None:
    """Wait until the pods have ended, too; raises when something stays."""
    deadline = time.monotonic() + _SECONDS
    while left := [path for path in _LEFT if cluster.request("GET", path)[1]["items"]]:
        if time.monotonic() > deadline:
            raise MatrixInferError(f"the demo left something behind: {', '.join(left)}")
        time.sleep(0.02)
