"""Every rule has a page, and what the page says about the rule is so."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from matrixinfer_client.validation import RULES, Finding, lint, validate
from matrixinfer_client.validation.linting import INVALID
from tests.pages import ROOT, blocks

DIRECTORY = ROOT / "docs" / "lint"
PAGES = {page.stem: page for page in sorted(DIRECTORY.glob("MI*.md"))}
CODES = [INVALID, *RULES]


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    assert sorted(PAGES) == sorted(CODES)
    assert len(RULES) >= 25
    assert all(re.fullmatch(r"MI\d{3}", code) for code in CODES)


def hits(text: str, code: str) -> list[Finding]:
    return [finding for finding in lint(io.StringIO(text)) if finding.code == code]


@pytest.mark.parametrize("code", CODES)
def test_the_bad_example_is_found_and_the_good_one_is_not(code: str) -> None:
    bad, good = blocks(PAGES[code], "yaml")
    found = hits(bad, code)
    assert found, "the bad example must be found"
    assert hits(good, code) == []
    assert {finding.url for finding in found} == {PAGES[code].relative_to(ROOT / "docs").as_posix()}
    assert all(finding.line for finding in found)


@pytest.mark.parametrize("code", CODES)
def test_the_page_says_code_severity_reason_and_fix(code: str) -> None:
    page = PAGES[code].read_text(encoding="utf-8")
    finding = hits(blocks(PAGES[code], "yaml")[0], code)[0]
    assert page.startswith(f"# {code}: {finding.title}\n")
    assert f"| `{code}` | {finding.severity} |" in page
    assert f"**Reason.** {finding.reason}\n" in page
    assert f"**Fix.** {finding.fix[0].upper()}{finding.fix[1:]}\n" in page


@pytest.mark.parametrize("code", sorted(RULES))
def test_both_examples_are_valid_so_that_only_the_linter_can_tell(code: str) -> None:
    for example in blocks(PAGES[code], "yaml"):
        report = validate(io.StringIO(example))
        assert report.ok, str(report)


def test_the_index_lists_all_rules() -> None:
    index = (DIRECTORY / "index.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(MI\d+)\]\((MI\d+)\.md\) \| (\w+) \| .* \| (.*) \|$", index, re.M)
    assert [row[0] for row in rows] == sorted(CODES)
    assert all(row[0] == row[1] for row in rows)
    for code, _, severity, title in rows[1:]:
        assert (severity, title) == (RULES[code].severity, RULES[code].title)


def test_pages_are_short(tmp_path: Path) -> None:
    assert tmp_path.is_dir()
    assert all(len(page.read_text().splitlines()) < 120 for page in PAGES.values())
