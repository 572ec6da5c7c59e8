"""How a story is told on a terminal, in a pipe and in a log: 80 columns, with or without colour."""

from __future__ import annotations

import os
import textwrap
from typing import Final

import click

__all__ = ["Teller"]

_WIDTH: Final = 79
_INDENT: Final = "   "


class Teller:
    """Writes to standard output; colours only where they are shown, and wanted."""

    def __init__(self) -> None:
        # None lets click find out whether there is a terminal (https://no-color.org).
        self._color = False if os.environ.get("NO_COLOR") else None

    def heading(self, text: str) -> None:
        """Begin a part."""
        self._write("")
        self._write(click.style(text, bold=True))

    def prose(self, text: str) -> None:
        """A sentence or two, wrapped."""
        self._write(textwrap.fill(" ".join(text.split()), _WIDTH))

    def code(self, statement: str) -> None:
        """A statement as a person would type it."""
        for number, line in enumerate(statement.splitlines()):
            sign = click.style("..." if number else ">>>", dim=True)
            self._write(f"{_INDENT}{sign} {click.style(line, fg='cyan')}")

    def file(self, text: str) -> None:
        """Lines of a file."""
        for line in text.splitlines():
            self._write(f"{_INDENT}{click.style('|', dim=True)} {line}")

    def output(self, text: str) -> None:
        """What came of it; long lines are wrapped, with what follows indented."""
        for line in text.splitlines():
            for part in _wrapped(line):
                self._write(f"{_INDENT}{part}")

    def _write(self, line: str) -> None:
        click.echo(line, color=self._color)


def _wrapped(line: str) -> list[str]:
    width = _WIDTH - len(_INDENT)
    if len(line) <= width:
        return [line]
    # Under the text after `cause: ` or `  | `, so that the words at the margin stand out.
    head = len(line) - len(line.lstrip(" |-"))
    label, colon, _ = line[head:].partition(": ")
    head = head or (7 if colon and len(label) < 6 else 2)
    rest = f"{line[:2]}| " if line.startswith("  |") else " " * head
    return textwrap.wrap(line, width, subsequent_indent=rest, break_on_hyphens=False)
