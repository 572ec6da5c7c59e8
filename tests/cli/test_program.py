"""The program as a whole: what it says when it is called in a wrong way, and what it costs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from matrixinfer_client.cli import main
from matrixinfer_client.version import VERSION
from tests.cli.running import PROGRAM, run
from tests.pages import ROOT


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"matrixinfer {VERSION}\n"


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_every_command_with_a_line(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([option]) == 0
    shown = capsys.readouterr().out
    assert "demo          Show what this is" in shown
    assert "fake-cluster  Serve an API server" in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dmeo"], "there is no command 'dmeo'; did you mean 'demo'?"),
        (["fakecluster"], "there is no command 'fakecluster'; did you mean 'fake-cluster'?"),
        (["xyz"], "there is no command 'xyz'; there are demo and fake-cluster"),
        (["--vresion"], "No such option '--vresion'"),
        (["demo", "--sped", "3"], "--speed"),
        (["demo", "--speed", "0"], "'--speed': it must be a number above 0, such as 2, not 0"),
        (["demo", "--speed", "inf"], "must be a number above 0"),
        (["demo", "--speed", "fast"], "'fast' is not a valid float"),
        (["demo", "--seed", "-1"], "'--seed': -1 is not in the range"),
        (["demo", "twice"], "unexpected extra argument"),
        (["fake-cluster", "--port", "99999"], "99999 is not in the range"),
        (["fake-cluster", "--simulate", "--speed", "nan"], "must be a number above 0"),
        (["fake-cluster", "--speed", "9"], "--speed is that of --simulate, which is not there"),
        ([], "Commands:"),
    ],
)
def test_a_wrong_call_exits_with_2_and_says_what_is_wrong(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "Traceback" not in err


def test_a_wrong_call_of_the_process_is_the_same() -> None:
    done = run("dmeo")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("there is no command 'dmeo'; did you mean 'demo'?\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no such device")
def test_a_full_disk_is_told_without_a_traceback() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "demo"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "matrixinfer: No space left on device\n")


def test_without_the_extra_it_says_what_to_install() -> None:
    done = python(
        "import sys; sys.modules['click'] = None\n"
        "from matrixinfer_client.cli import main\n"
        "sys.exit(main(['demo']))"
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "needs the package click, which is not installed" in done.stderr
    assert "pip install 'matrixinfer-client[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["demo", "fake-cluster"])
def test_without_the_library_for_rules_nothing_is_begun(command: str) -> None:
    done = python(
        "import sys; sys.modules['cel_expr_python'] = None\n"
        "from matrixinfer_client.cli import main\n"
        f"sys.exit(main(['{command}']))"
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("matrixinfer: a fake cluster evaluates the rules")
    assert done.stderr.endswith("pip install 'matrixinfer-client[cli]'\n")


def test_https_without_the_library_for_certificates_says_what_to_install() -> None:
    done = python(
        "import sys; sys.modules['cryptography'] = None\n"
        "from matrixinfer_client.cli import main\n"
        "sys.exit(main(['fake-cluster', '--tls']))"
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert 'pip install "matrixinfer-client[testing-tls]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_the_installed_program_is_the_same_function() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"matrixinfer": "matrixinfer_client.cli:main"}
    assert any(each.startswith("click") for each in project["optional-dependencies"]["cli"])


def test_help_loads_no_command_and_no_http_library() -> None:
    done = python(
        "import sys\n"
        "from matrixinfer_client.cli import main\n"
        "main(['--help'])\n"
        "heavy = {'httpx', 'aiohttp', 'matrixinfer_client.testing', 'matrixinfer_client.client',\n"
        "         'matrixinfer_client.cli.demo', 'matrixinfer_client.cli.fake_cluster'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_a_log_that_only_holds_ascii_gets_question_marks_and_no_error() -> None:
    done = python(
        "import io, sys\n"
        "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='ascii')\n"
        "from matrixinfer_client.cli import program\n"
        "code = program.run(['--version'])\n"
        "print('├──', flush=True)\n"
        "sys.exit(code)"
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "???"), done.stderr
