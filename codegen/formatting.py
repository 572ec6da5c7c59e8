"""Formats generated Python with ruff: imports sorted, lines of 100 columns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["FormattingError", "formatted"]


class FormattingError(RuntimeError):
    """Ruff could not read what was generated, which is a defect of the generator."""


def formatted(files: dict[str, str], first_party: set[str]) -> dict[str, str]:
    """The same Python files, formatted; `first_party` packages are sorted below the others.

    Nothing from outside has a say: no configuration file, no cache.
    """
    known = f"lint.isort.known-first-party={sorted(first_party)}"
    with TemporaryDirectory() as directory:
        root = Path(directory)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        _ruff(root, "check", "--fix", "--select=I", "--config", known)
        _ruff(root, "format")
        return {name: (root / name).read_text(encoding="utf-8") for name in files}


def _ruff(root: Path, command: str, *options: str) -> None:
    shared = ("--isolated", "--no-cache", "--quiet", "--line-length=100", "--target-version=py311")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", command, *shared, *options, "."],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FormattingError(f"ruff {command}: {done.stdout}{done.stderr}".strip())
