from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.__main__ import main
from codegen.document import load
from tests.codegen.documents import PREFIX, document, saved

ROOT = Path(__file__).parent.parent.parent
HOSE = {f"{PREFIX}.Hose": {"type": "object", "properties": {"length": {"type": "integer"}}}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a document, and nothing generated yet."""
    saved(document(HOSE), tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "hose-client"\n', encoding="utf-8")
    return tmp_path


def run(project: Path, *arguments: str) -> int:
    return main(["--document", str(project / "openapi.yaml"), *arguments])


def test_what_is_in_the_repository_is_what_the_document_gives() -> None:
    assert main(["--check"]) == 0


def test_the_package_is_that_of_the_project_next_to_the_document(project: Path) -> None:
    assert run(project) == 0
    written = project / "hose_client" / "api" / "gadgets_v1" / "hose.py"
    assert "from hose_client.models import ApiModel, model" in written.read_text(encoding="utf-8")


def test_the_whole_document_is_packaged_in_one_line_of_json(project: Path) -> None:
    run(project)
    text = (project / "hose_client/api/openapi.json").read_text(encoding="utf-8")
    assert json.loads(text) == load(project / "openapi.yaml")
    assert text.count("\n") == 1
    assert ": " not in text


def test_check_prints_the_difference_fails_and_writes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(project, "--check") == 1
    assert "+    length: int | None = None" in capsys.readouterr().out
    assert not (project / "hose_client").exists()


def test_check_is_silent_after_writing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(project)
    assert "hose.py" in capsys.readouterr().out
    assert run(project, "--check") == 0
    assert capsys.readouterr() == ("", "")


def test_an_edited_file_is_noticed_and_written_again(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(project)
    edited = project / "hose_client/api/gadgets_v1/hose.py"
    original = edited.read_text(encoding="utf-8")
    edited.write_text(original.replace("length: int", "length: str"), encoding="utf-8")
    assert run(project, "--check") == 1
    out = capsys.readouterr().out
    assert "-    length: str | None = None\n+    length: int | None = None" in out
    assert run(project) == 0
    assert edited.read_text(encoding="utf-8") == original


def test_output_and_package_can_be_said(project: Path) -> None:
    output = project / "elsewhere"
    arguments = ("--output", str(output), "--package", "tools.hoses", "--runtime", "base.kit")
    assert run(project, *arguments) == 0
    door = (output / "gadgets_v1/__init__.py").read_text(encoding="utf-8")
    assert "from base.kit.models import lazy_names" in door
    assert "from tools.hoses.gadgets_v1.hose import Hose" in door


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"openapi.yaml": "- no\n"}, "not one YAML mapping"),
        ({"openapi.yaml": "openapi: 3.0.3\n"}, "is not valid"),
        ({"pyproject.toml": ""}, "say --package"),
        ({"pyproject.toml": "[["}, "say --package"),
        ({"hose_client/api/mine.py": "x = 1\n"}, "choose another directory"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_status_two(
    project: Path, capsys: pytest.CaptureFixture[str], change: dict[str, str], message: str
) -> None:
    for name, text in change.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    assert run(project) == 2
    error = capsys.readouterr().err
    assert error.startswith("codegen: ")
    assert message in error
    assert "Traceback" not in error


def test_warnings_of_the_parser_are_shown_and_do_not_fail(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {"properties": {"a": {"type": "string", "default": 5, "enum": ["a", "a"]}}}
    saved(document({**HOSE, f"{PREFIX}.Broken": broken}), project)
    assert run(project) == 0
    assert "codegen: warning: " in capsys.readouterr().err


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_output_does_not_depend_on_the_order_of_sets(project: Path, seed: str) -> None:
    # The repository's tree was written with some seed; two others must agree with it.
    done = subprocess.run(
        [sys.executable, "-m", "codegen", "--check"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_generator_knows_no_word_of_this_platform() -> None:
    schemas = load(ROOT / "openapi.yaml")["components"]["schemas"]
    kinds = [
        name.rpartition(".")[2]
        for name, schema in schemas.items()
        if "x-kubernetes-custom-resource" in schema
    ]
    forbidden = re.compile(rf"\b(?:{'|'.join(kinds)})(?:List|Spec|Status)?\b|(?i:matrix.?infer)")
    sources = [*(ROOT / "codegen").rglob("*.py"), *(ROOT / "codegen").rglob("*.jinja")]
    assert len(kinds) == 6
    assert len(sources) > 20
    found = {path.name: forbidden.findall(path.read_text(encoding="utf-8")) for path in sources}
    assert {name: words for name, words in found.items() if words} == {}
