"""The guide to testing, and the example of a test file, as people would run them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from tests.pages import ROOT, blocks

GUIDE = ROOT / "docs" / "guides" / "testing.md"


def pytest(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run pytest as a user would, whatever this run was started with."""
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_the_programs_and_tests_of_the_guide_run(tmp_path: Path) -> None:
    # Importing it runs the programs, one after the other.
    page = "\n".join(blocks(GUIDE, "python"))
    (tmp_path / "test_page.py").write_text(page, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    done = pytest("-s", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{page.count('def test_')} passed" in done.stdout
    for printed in (
        "[429, 429, 201]",
        "patch models",
        "cause: none found",
        "not on a Friday",
        'User "visitor" cannot create',
    ):
        assert printed in done.stdout, done.stdout


def test_the_example_needs_nothing_that_only_the_tests_here_need() -> None:
    done = pytest("examples/test_fleet.py", "--collect-only", "-p", "no:timeout", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_twenty_tests_of_the_example_compute_for_less_than_two_seconds() -> None:
    def seconds(*arguments: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = pytest("examples/test_fleet.py", *arguments, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        assert arguments or "20 passed" in done.stdout
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before

    # Without what pytest itself takes to start here, with the plugins of others.
    collecting = seconds("--collect-only")
    assert seconds() - collecting < 2
