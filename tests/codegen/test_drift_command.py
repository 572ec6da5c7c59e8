from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from codegen.__main__ import main
from tests.codegen.definitions import WHERE, definition, our_document, spec_of
from tests.codegen.documents import (
    saved,
)

LIST = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture
def drift(tmp_path: Path) -> Callable[..., int]:
    """Runs the command on the document above."""
    path = saved(our_document(), tmp_path)
    return lambda *arguments: main(["--document", str(path), "drift", *map(str, arguments)])


def crds(directory: Path, *definitions: dict[str, Any]) -> Path:
    directory.mkdir()
    text = "\n---\n".join(json.dumps(one) for one in definitions)
    (directory / "crds.yaml").write_text(text, encoding="utf-8")
    return directory


def test_no_difference_is_one_line_and_status_zero(
    drift: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift("--crds", crds(tmp_path / "crds", definition())) == 0
    assert capsys.readouterr().out == "no structural difference in 1 kinds, 11 fields\n"


def test_a_difference_is_status_one(
    drift: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = definition()
    spec_of(made)["properties"]["ends"]["items"]["properties"]["bore"]["minimum"] = 0
    assert drift("--crds", crds(tmp_path / "crds", made)) == 1
    assert capsys.readouterr().out == (
        f"{WHERE} spec.ends[].bore: minimum is 1 in openapi.yaml, 0 in the definitions\n"
    )


def test_other_documents_next_to_definitions_are_passed_over(
    drift: Callable[..., int], tmp_path: Path
) -> None:
    directory = crds(tmp_path / "crds", {"kind": "ConfigMap"}, definition())
    (directory / "README.md").write_text("- [", encoding="utf-8")
    assert drift("--crds", directory) == 0
    assert drift("--crds", directory / "crds.yaml") == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "absent"),
        ("kind: ConfigMap\n", "no CustomResourceDefinition"),
        ("a: [", "crds.yaml"),
        ("kind: CustomResourceDefinition\nmetadata: {name: x}\n", "'x' has no group or kind"),
    ],
)
def test_definitions_that_cannot_be_read_are_one_message_and_status_two(
    drift: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str | None,
    message: str,
) -> None:
    path = tmp_path / ("absent.yaml" if text is None else "crds.yaml")
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert drift("--crds", path) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@respx.mock
def test_a_live_server_is_asked_with_the_token_of_the_file(
    drift: Callable[..., int], tmp_path: Path
) -> None:
    item = {name: value for name, value in definition().items() if name in ("metadata", "spec")}
    route = respx.get(f"https://cluster.example.com:6443{LIST}").respond(
        json={"kind": "CustomResourceDefinitionList", "items": [item]}
    )
    (tmp_path / "token").write_text("secret\n", encoding="utf-8")
    server = ("--server", "https://cluster.example.com:6443/")
    assert drift(*server, "--token-file", tmp_path / "token") == 0
    assert route.calls.last.request.headers["authorization"] == "Bearer secret"
    assert drift(*server, "--insecure-skip-tls-verify") == 0
    assert "authorization" not in route.calls.last.request.headers


@respx.mock
@pytest.mark.parametrize(
    "answer",
    [
        {"return_value": httpx.Response(403, json={"message": "no"})},
        {"return_value": httpx.Response(200, text="<html>")},
        {"side_effect": httpx.ConnectError("connection refused")},
    ],
)
def test_a_server_that_does_not_answer_is_one_message_and_status_two(
    drift: Callable[..., int], capsys: pytest.CaptureFixture[str], answer: dict[str, Any]
) -> None:
    respx.get(f"https://cluster.example.com{LIST}").mock(**answer)
    assert drift("--server", "https://cluster.example.com", "--token", "hidden") == 2
    error = capsys.readouterr().err
    assert "https://cluster.example.com" in error
    assert "hidden" not in error


def kubectl(directory: Path, output: str, status: int = 0) -> None:
    """A kubectl that notes its arguments and prints what it was given."""
    script = directory / "kubectl"
    (directory / "output").write_text(output, encoding="utf-8")
    script.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\n"
        f"here = pathlib.Path({str(directory)!r})\n"
        "(here / 'arguments').write_text(' '.join(sys.argv[1:]))\n"
        f"stream = sys.stderr if {status} else sys.stdout\n"
        "stream.write((here / 'output').read_text())\n"
        f"sys.exit({status})\n",
        encoding="utf-8",
    )
    script.chmod(0o755)


def test_without_options_kubectl_is_asked_for_the_current_context(
    drift: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    kubectl(tmp_path, json.dumps({"kind": "List", "items": [definition()]}))
    assert drift() == 0
    asked = (tmp_path / "arguments").read_text(encoding="utf-8")
    assert asked == "get customresourcedefinitions --output=json"
    assert drift("--context", "dev", "--kubeconfig", "/some/file") == 0
    asked = (tmp_path / "arguments").read_text(encoding="utf-8")
    assert asked.endswith("--kubeconfig=/some/file --context=dev")


def test_what_kubectl_complains_about_is_shown(
    drift: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    kubectl(tmp_path, "error: no context is set", status=1)
    assert drift() == 2
    assert "kubectl: error: no context is set" in capsys.readouterr().err
    monkeypatch.setenv("PATH", "")
    assert drift() == 2
    assert "there is no kubectl; say --server URL, or --crds" in capsys.readouterr().err
