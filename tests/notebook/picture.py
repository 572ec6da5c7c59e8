"""The picture in the docs: the part of the notebook in which something goes wrong."""

from __future__ import annotations

from pathlib import Path

from tests.notebook.browser import Browser
from tests.notebook.quickstart import Notebook, as_page, write
from tests.pages import ROOT

PICTURE = ROOT / "docs" / "images" / "notebook.png"
WIDTH = 840


def take(notebook: Notebook, browser: Browser, directory: Path, picture: Path) -> None:
    """Take the picture of an executed notebook."""
    shown = [cell for cell in notebook["cells"] if "picture" in cell["metadata"].get("tags", ())]
    assert shown
    part = directory / "part.ipynb"
    write({**notebook, "cells": shown}, part)
    browser.photograph(as_page(part, "light"), picture, WIDTH)
