"""The pages that people read, and the programs in them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

# Indented inside a tab of a page, at the margin everywhere else.
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of one language on a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [textwrap.dedent(body) for _, name, body in _BLOCK.findall(text) if name == language]


def title(page: Path) -> str:
    """What to call a page in the name of a test."""
    return page.relative_to(ROOT).as_posix()
