"""The program: its commands by name, each loaded when it is called, and its exit codes."""

from __future__ import annotations

import difflib
import io
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final, cast

import attrs
import click

from matrixinfer_client.errors import MatrixInferError
from matrixinfer_client.version import VERSION

__all__ = ["Entry", "run"]

_INTERRUPTED: Final = 130


@attrs.frozen
class Entry:
    """A command: the module that has it under the name `command`, and what `--help` says of it."""

    module: str
    summary: str


COMMANDS: Final[Mapping[str, Entry]] = {
    "demo": Entry("demo", "Show what this is, on a simulated cluster, in a few seconds."),
    "fake-cluster": Entry("fake_cluster", "Serve an API server of one process, for kubectl too."),
}


class _Program(click.Group):
    """A group that knows its commands by their entries and imports only what is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = import_module(f"matrixinfer_client.cli.{entry.module}")
        return cast("click.Command", module.command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].summary) for name in sorted(COMMANDS)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            close = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {_listed()}"
            raise click.UsageError(f"there is no command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


def _listed() -> str:
    *others, last = sorted(COMMANDS)
    return f"{', '.join(others)} and {last}"


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="matrixinfer", message="%(prog)s %(version)s")
def _program() -> None:
    """MatrixInfer on the command line: large language models on Kubernetes."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program; see `matrixinfer_client.cli.main`."""
    for stream in (sys.stdout, sys.stderr):
        # A log of ASCII only gets question marks for what it cannot hold, not an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code: object = _program.main(
            None if arguments is None else list(arguments),
            prog_name="matrixinfer",
            standalone_mode=False,
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except MatrixInferError as error:
        click.echo(f"matrixinfer: {error}", err=True)
        return 1
    except OSError as error:
        # Such as a full disk behind a redirection; nothing here is read or written but for people.
        click.echo(f"matrixinfer: {error.strerror or error}", err=True)
        return 1
    return code if isinstance(code, int) else 0
