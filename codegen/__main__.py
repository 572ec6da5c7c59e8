"""The command: `python -m codegen` writes, `--check` compares, `drift` compares with a cluster."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from codegen import drift
from codegen.document import DocumentError, read
from codegen.names import NamingError
from codegen.output import OutputError, differences, write
from codegen.render import HEADER, render
from codegen.understand import understand

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT = Path(__file__).parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 1 for differences, 2 for what cannot be done."""
    options = _parser().parse_args(arguments)
    try:
        return drift.run(options) if options.command == "drift" else _generate(options)
    except (DocumentError, NamingError, OutputError, drift.DriftError) as error:
        print(f"codegen: {error}", file=sys.stderr)
        return 2


def _generate(options: argparse.Namespace) -> int:
    package = options.package or f"{_project(options.document.parent)}.api"
    runtime = options.runtime or package.partition(".")[0]
    output = options.output or options.document.parent.joinpath(*package.split("."))
    document = read(options.document)
    for warning in document.warnings:
        print(f"codegen: warning: {warning}", file=sys.stderr)
    files = render(understand(document), document, package, runtime)
    if options.check:
        lines = [*differences(files, output, HEADER)]
        print("\n".join(lines), end="\n" if lines else "")
        return 1 if lines else 0
    for path in write(files, output, HEADER):
        print(output / path)
    return 0


def _project(directory: Path) -> str:
    """The import name of the project that a directory belongs to."""
    try:
        project = tomllib.loads((directory / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["name"]).replace("-", "_")
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise OutputError(
            f"no project is named in a pyproject.toml next to the document ({error}); say --package"
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m codegen",
        description="Generate typed resources and group clients from an OpenAPI document.",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; print the difference, exit 1 if any"
    )
    parser.add_argument(
        "--document",
        type=Path,
        default=_ROOT / "openapi.yaml",
        help="the document (default: openapi.yaml of this project)",
    )
    parser.add_argument(
        "--package",
        help="import name of what is generated (default: `api` in the package of the project that "
        "pyproject.toml next to the document names)",
    )
    parser.add_argument(
        "--runtime",
        help="package with models, kinds, connection and resources, which generated code imports "
        "(default: the first part of --package)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="the directory to write (default: that of --package, next to the document)",
    )
    drift.add_arguments(parser.add_subparsers(dest="command", metavar="[drift]"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
