"""What `python -m tests.cluster.server` does while its server runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType


def run(command: Sequence[str], kubeconfig: Path) -> int:
    """Run a command against the server of this kubeconfig; return its exit code."""
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    try:
        with subprocess.Popen(command, env=environment) as process:
            return _wait(process)
    except OSError as error:
        say(f"{command[0]} cannot be run: {error.strerror}")
        return 127


def _wait(process: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            # The terminal told the command too; how it ends is its own decision.
            continue
        except SystemExit:
            process.terminate()
            raise
        # As a shell reports a command that a signal ended.
        return code if code >= 0 else 128 - code


def serve(url: str, kubeconfig: Path) -> int:
    """Print where the kubeconfig is and wait for Ctrl-C."""
    say(f"serving {url} until Ctrl-C; the kubeconfig is")
    sys.stdout.write(f"{kubeconfig}\n")
    sys.stdout.flush()
    try:
        signal.pause()
    except KeyboardInterrupt:
        say("stopping")
    return 0


def exit_on_signal(number: int, _: FrameType | None) -> None:
    """Unwind as `sys.exit` does: the default would stop Python on the spot."""
    sys.exit(128 + number)


def say(line: str) -> None:
    """Write a line for people: standard output belongs to the command."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
