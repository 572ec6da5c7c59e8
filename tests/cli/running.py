"""The program in a process of its own, as people run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

PROGRAM = (sys.executable, "-m", "matrixinfer_client")


# Children start with what this process does about it; a runner in the background ignores it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start the program; its output is collected."""
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        env=_environment() | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    process = start(*arguments, **environment)
    with process:
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What the program prints, up to the line with these words."""
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if words in line:
            return read
    raise AssertionError(
        f"it ended without {words!r}: {read}{process.stderr and process.stderr.read()}"
    )


def kubeconfig_of(told: str) -> Path:
    """The file that `fake-cluster` tells to use."""
    (line,) = [line for line in told.splitlines() if "export KUBECONFIG=" in line]
    return Path(line.partition("=")[2])


def _environment() -> dict[str, str]:
    hidden = {"KUBECONFIG", "NO_COLOR", "FORCE_COLOR"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return kept | {"PYTHONUTF8": "1"}
