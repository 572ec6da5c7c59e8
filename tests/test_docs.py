"""What the pages say is so: names exist, programs compile, links and commands lead somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from tests.pages import PAGES, ROOT, blocks, title

PROGRAMS = [
    pytest.param(block, id=f"{title(page)}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page, "python"), start=1)
]


def test_the_pages_are_found() -> None:
    assert len(PAGES) > 15
    assert len(PROGRAMS) > 25


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_compile_and_import_what_exists(program: str) -> None:
    tree = ast.parse(program)
    names: dict[str, Any] = {}
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module([*imports], []), "page", "exec"), names)  # noqa: S102 - our own pages
    assert all(names[alias.asname or alias.name] for node in imports for alias in node.names)


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_relative_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def sessions() -> set[str]:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {
        function.name
        for function in functions
        if any("nox.session" in ast.unparse(decorator) for decorator in function.decorator_list)
    }


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_sessions_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"nox -s ([a-z]+)", page.read_text(encoding="utf-8"))
    assert set(named) <= sessions()


def test_every_session_is_explained_to_contributors() -> None:
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE)) == sessions()


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if f": {page}\n" not in navigation] == []
