"""The notebook of the examples: executing it, and what of its outputs is the same in every run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from tests.pages import ROOT

NOTEBOOK = ROOT / "examples" / "quickstart.ipynb"

Notebook = dict[str, Any]

# Times, and what follows from who was faster.
_UNSTABLE = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2025-01-01T00:00:00Z"),
    (
        re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        "0" * 8 + "-0000-0000-0000-" + "0" * 12,
    ),
    (re.compile(r"(resourceVersion: )\S+"), r"\g<1>'1'"),
    (re.compile(r"\b[01]\.\d s\b"), "1.0 s"),
    (re.compile(r"\b[2-9]\.\d s\b"), "2.0 s"),
    (re.compile(r"\b\d+s old"), "1s old"),
    (re.compile(r"<td>\d+s</td>"), "<td>1s</td>"),
    (re.compile(r"(<td>events</td><td>)\d+"), r"\g<1>10"),
)


def read(path: Path = NOTEBOOK) -> Notebook:
    """A notebook as it is in its file."""
    notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def write(notebook: Notebook, path: Path) -> None:
    """Write a notebook the way Jupyter does."""
    text = json.dumps(notebook, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def executed(path: Path = NOTEBOOK) -> Notebook:
    """The notebook after all its cells ran; raises when one of them fails."""
    notebook: Notebook = json.loads(_nbconvert("--to", "notebook", "--execute", str(path)))
    return notebook


def cleaned(notebook: Notebook) -> Notebook:
    """The notebook as it is committed: what differs from run to run is the same, or left out."""
    return {
        **notebook,
        "metadata": {**notebook["metadata"], "language_info": {"name": "python"}},
        "cells": [_cleaned(cell) for cell in notebook["cells"]],
    }


def as_page(path: Path, theme: Literal["light", "dark"]) -> str:
    """The notebook as a page that needs no network and runs no scripts."""
    page = _nbconvert("--to", "html", "--theme", theme, str(path))
    return re.sub(r"<script\b.*?</script>", "", page, flags=re.DOTALL)


def html_of(notebook: Notebook) -> Iterator[str]:
    """Everything that is shown as HTML, in order."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            yield "".join(output.get("data", {}).get("text/html", ""))


def _cleaned(cell: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in cell["metadata"].items() if name != "execution"}
    clean = {**cell, "metadata": metadata}
    if "outputs" in cell:
        clean["outputs"] = [_stable(output) for output in cell["outputs"]]
    return clean


def _stable(output: Mapping[str, Any]) -> Mapping[str, Any]:
    data = output.get("data")
    if data is None:
        return output
    # What is shown as HTML is not kept a second time as a wall of text.
    kept = {"text/html": data["text/html"]} if "text/html" in data else data
    return {**output, "data": {name: _lines("".join(value)) for name, value in kept.items()}}


def _lines(text: str) -> list[str]:
    for pattern, constant in _UNSTABLE:
        text = pattern.sub(constant, text)
    return text.splitlines(keepends=True)


def _nbconvert(*arguments: str) -> str:
    command = [sys.executable, "-m", "nbconvert", "--log-level", "ERROR", "--stdout", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=300
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout
