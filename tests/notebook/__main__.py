"""Renew what is committed: `python -m tests.notebook` writes the outputs and the docs' picture."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.notebook import browser
from tests.notebook.picture import PICTURE, take
from tests.notebook.quickstart import NOTEBOOK, cleaned, executed, write


def main() -> int:
    """Execute the notebook and write it; take its picture if there is a browser."""
    notebook = cleaned(executed())
    write(notebook, NOTEBOOK)
    sys.stdout.write(f"wrote {NOTEBOOK.name}\n")
    program = browser.find()
    if program is None:
        sys.stderr.write(f"no Chromium on PATH: {PICTURE.name} stays as it is\n")
        return 1
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        take(notebook, browser.Browser(program, Path(directory)), Path(directory), PICTURE)
    sys.stdout.write(f"wrote {PICTURE.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
