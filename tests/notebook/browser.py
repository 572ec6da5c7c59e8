"""A page in a headless Chromium: how it looks, and a picture of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

REQUIRED = os.environ.get("MATRIXINFER_REQUIRE_CHROMIUM") == "1"

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless",
    # The pages are our own, and as root there is no sandbox.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--hide-scrollbars",
    "--no-first-run",
    # Whatever a page asks for from elsewhere does not come.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_SCRIPT = Path(__file__).parent / "look.js"


def find() -> str | None:
    """The browser's program; None when there is none."""
    found = (shutil.which(name) for name in _NAMES)
    return next((path for path in found if path), None)


class Browser:
    """A Chromium with a profile and pages of its own in a directory."""

    def __init__(self, program: str, directory: Path) -> None:
        self._program = program
        self._directory = directory

    def look(self, page: str, width: int = 1000) -> dict[str, Any]:
        """How a page looks in a window of this width; see look.js."""
        script = f"<script>{_SCRIPT.read_text(encoding='utf-8')}</script>"
        dom = self._run(script + page, "--dump-dom", f"--window-size={width},2000")
        found = re.search(r'<pre id="look"[^>]*>(.*?)</pre>', dom, re.DOTALL)
        assert found is not None, f"the page did not load: {dom[-2000:]}"
        look: dict[str, Any] = json.loads(unescape(found[1]))
        return look

    def photograph(self, page: str, picture: Path, width: int = 1000) -> None:
        """Write the whole page as a PNG."""
        height = self.look(page, width)["height"]
        self._run(page, f"--screenshot={picture}", f"--window-size={width},{height + 12}")

    def _run(self, page: str, *arguments: str) -> str:
        file = self._directory / "page.html"
        file.write_text(page, encoding="utf-8")
        profile = f"--user-data-dir={self._directory / 'profile'}"
        done = subprocess.run(
            [self._program, *_FLAGS, profile, *arguments, file.as_uri()],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=90,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
