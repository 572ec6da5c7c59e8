"""How a notebook shows an error that nobody handled, when where it was raised tells nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["callers_only", "rendered"]

_PACKAGE = str(Path(__file__).parent)


def rendered(error: BaseException) -> list[str]:
    """The lines that IPython shows, with the caller's frames and none of this package.

    IPython asks for them by the method `_render_traceback_` of an error, so it is there.
    """
    shell: Any = sys.modules["IPython"].get_ipython()
    trace = callers_only(error.__traceback__)
    # The first frame is IPython's own, which runs the cell.
    lines: list[str] = shell.InteractiveTB.structured_traceback(
        type(error), error, trace, tb_offset=1
    )
    return lines


def callers_only(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback before it enters this package, as a copy."""
    if trace is None or trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        return None
    return TracebackType(
        callers_only(trace.tb_next), trace.tb_frame, trace.tb_lasti, trace.tb_lineno
    )
