"""The committed notebook runs, shows what is committed, and looks right in a real browser."""

from __future__ import annotations

import difflib
import re
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pytest

from matrixinfer_client import ApiObject, WaitTimeout
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList
from matrixinfer_client.diagnosis import Diagnosis, Finding, Node
from tests.notebook import browser, quickstart
from tests.notebook.picture import PICTURE, WIDTH, take
from tests.notebook.quickstart import Notebook
from tests.pages import ROOT

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
HOSTILE = "</pre><script>document.body.innerHTML = ''</script><img src=x onerror='throw 1'>"
LONG = "x" * 900


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebook after a run."""
    if find_spec("nbconvert") is None and not browser.REQUIRED:
        pytest.skip("nbconvert is not installed; `nox -s notebook` brings it")
    path = tmp_path_factory.mktemp("notebook") / "executed.ipynb"
    quickstart.write(quickstart.executed(), path)
    return path


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> browser.Browser:
    program = browser.find()
    if program is None:
        reason = "no Chromium on PATH, so that nobody has looked at the notebook"
        if browser.REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    return browser.Browser(program, tmp_path_factory.mktemp("browser"))


def test_a_run_shows_what_is_committed(executed: Path) -> None:
    now = quickstart.cleaned(quickstart.read(executed))
    committed = quickstart.read()
    assert [cell["source"] for cell in now["cells"]] == [
        cell["source"] for cell in committed["cells"]
    ]
    difference = difflib.unified_diff(timeless(committed), timeless(now), "committed", "now", n=1)
    assert list(difference) == [], "`nox -s notebook -- write` renews it"


def timeless(notebook: Notebook) -> list[str]:
    """What is shown, however long a busy machine took."""
    shown = "\n".join(quickstart.html_of(notebook))
    return re.sub(r"\d+\.\d s", "N s", shown).splitlines()


def test_what_is_committed_is_clean() -> None:
    notebook = quickstart.read()
    assert notebook == quickstart.cleaned(notebook)
    text = quickstart.NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 60_000
    for path in (str(ROOT), str(Path.home()), "ipykernel_", "site-packages"):
        assert path not in text
    numbers = [cell["execution_count"] for cell in notebook["cells"] if "outputs" in cell]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.fixture(scope="module", params=THEMES)
def look(
    request: pytest.FixtureRequest, executed: Path, chromium: browser.Browser
) -> dict[str, Any]:
    """How the executed notebook looks in a theme."""
    return chromium.look(quickstart.as_page(executed, request.param))


def test_the_tables_are_there_with_their_cells(look: dict[str, Any]) -> None:
    tables = [table for block in look["blocks"] for table in block["tables"]]
    lines = [row for table in tables for row in table]
    for row in (
        ["server", "https://fake-cluster"],
        ["registry_v1alpha1", "autoscaling_policies, autoscaling_policy_bindings, models"],
        ["Active", "True", "ModelAvailable", "Model is ready"],
        ["modelinfers", "1"],
        [
            "do",
            (
                "add nodes with free nvidia.com/gpu, free some, or ask for less in the worker's "
                "resources"
            ),
        ],
    ):
        assert row in lines
    waits = [row[:3] for row in lines if len(row) == 4 and row[1] in ("✓ yes", "not yet")]
    assert waits == [
        ["demo", "✓ yes", "Initialized=True, Active=True"],
        ["large", "not yet", "Initialized=True, Active=False, Ready is False"],
        ["large", "✓ yes", "Initialized=True, Active=True"],
        ["demo", "✓ yes", "Initialized=True, Active=True"],
        ["large", "✓ yes", "Initialized=True, Active=True"],
        ["demo", "✓ yes", "gone"],
        ["large", "✓ yes", "gone"],
    ]
    listed = [(row[0], row[3]) for row in lines if len(row) == 4 and row[1] == "default"]
    assert listed == [
        ("demo", "✓ Initialized, Active"),
        ("large", "✓ Initialized, Active"),
        ("demo-server", "✓ Available"),
        ("large-server", "✓ Available"),
    ]


def test_the_tree_is_there_in_a_font_that_keeps_its_lines(look: dict[str, Any]) -> None:
    trees = [block for block in look["blocks"] if "└── ModelRoute" in block["text"]]
    assert len(trees) == 3
    assert "│   └── Pod large-server-0-leader-0-0  ✗ Pending, Unschedulable" in trees[1]["text"]
    assert all("mono" in font for block in trees for font in block["fonts"])


def test_nothing_overflows_runs_or_fails(look: dict[str, Any]) -> None:
    assert look["errors"] == []
    assert look["scripts"] == 0
    assert look["needed"] <= look["width"]
    assert [block["text"] for block in look["blocks"] if block["scrolls"]] == []
    assert all(block["left"] for block in look["blocks"])


def test_every_text_can_be_read_in_both_themes(look: dict[str, Any]) -> None:
    # 4.5 is what the guidelines ask for; signs say by their shape what their colour says.
    assert min(block["contrast"] for block in look["blocks"]) >= 3.0


def test_hostile_and_endless_texts_break_nothing(
    chromium: browser.Browser, tmp_path: Path, executed: Path
) -> None:
    path = tmp_path / "hostile.ipynb"
    quickstart.write(showing(quickstart.read(executed), *hostile_objects()), path)
    for theme in THEMES:
        look = chromium.look(quickstart.as_page(path, theme), width=600)
        assert look["errors"] == []
        assert look["scripts"] == 0
        assert len(look["blocks"]) == 4
        assert "<script>" in look["blocks"][0]["text"]
        assert look["needed"] <= look["width"]


def hostile_objects() -> list[Any]:
    row = {"type": HOSTILE, "status": LONG, "reason": HOSTILE, "message": LONG}
    model = Model.from_dict(
        {
            "metadata": {"name": HOSTILE, "namespace": LONG, "labels": {HOSTILE: LONG}},
            "spec": {},
            "status": {"conditions": [row]},
        }
    )
    assert isinstance(model, ApiObject)
    finding = Finding(code="x", subject=LONG, cause=HOSTILE, action=LONG, evidence=(LONG, HOSTILE))
    root = Node(kind="Model", name=LONG, state=HOSTILE, healthy=False)
    why = Diagnosis(root=root, namespace=HOSTILE, findings=(finding, finding))
    return [model, ModelList(items=[model]), why, WaitTimeout(LONG + HOSTILE)]


def showing(notebook: Notebook, *values: Any) -> Notebook:
    """The notebook with these outputs instead of its cells."""
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": value._repr_html_()}}
        for value in values
    ]
    cell = {
        "cell_type": "code",
        "id": "hostile",
        "execution_count": 1,
        "metadata": {},
        "source": "",
        "outputs": outputs,
    }
    return {**notebook, "cells": [cell]}


def test_an_error_that_nobody_handles_shows_the_cell_and_why(
    executed: Path, tmp_path: Path
) -> None:
    failing = (
        "from matrixinfer_client.cli.story import MANIFEST\n"
        "from matrixinfer_client.api.registry_v1alpha1 import Model\n"
        "from matrixinfer_client.testing import FakeCluster\n"
        "models = FakeCluster().client().registry_v1alpha1.models()\n"
        "models.create(Model.from_yaml(MANIFEST))\n"
        "models.wait_for('demo', 'Ready', timeout=0.1)\n"
    )
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "failing",
        "execution_count": None,
        "metadata": {"tags": ["raises-exception"]},
        "source": failing,
        "outputs": [],
    }
    path = tmp_path / "failing.ipynb"
    quickstart.write({**quickstart.read(executed), "cells": [cell]}, path)
    (output,) = [
        output
        for output in quickstart.executed(path)["cells"][0]["outputs"]
        if output["output_type"] == "error"
    ]
    shown = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output["traceback"]))
    assert output["ename"] == "WaitTimeout"
    assert "----> 6 models.wait_for('demo', 'Ready', timeout=0.1)" in shown
    assert "no status yet" in shown
    assert "matrixinfer_client/" not in shown
    assert len(shown.splitlines()) < 40


def test_the_picture_in_the_docs_is_one_and_can_be_taken_again(
    executed: Path, chromium: browser.Browser, tmp_path: Path
) -> None:
    again = tmp_path / "notebook.png"
    take(quickstart.cleaned(quickstart.read(executed)), chromium, tmp_path, again)
    assert size_of(again)[0] == WIDTH
    assert size_of(PICTURE)[0] == WIDTH
    # Fonts differ between machines, what is on it does not.
    assert abs(size_of(again)[1] - size_of(PICTURE)[1]) < 120
    assert PICTURE.stat().st_size < 150_000


def size_of(picture: Path) -> tuple[int, int]:
    header = picture.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", header[16:24])
    return width, height
