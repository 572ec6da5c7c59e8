"""A server process that does not outlive the process which started it."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_TAIL_BYTES = 32 * 1024
_TAIL_LINES = 25
_PR_SET_PDEATHSIG = 1
# Below the range from which systems give ports to outgoing connections: a connection could
# otherwise take a port that a server has chosen, or that it gave up for a restart.
_PORTS = range(20_000, 32_000)


class ProcessFailedError(Exception):
    """A server process ended or did not become ready; the message ends with its last lines."""


class ServerProcess:
    """One child process with its log file.

    It gets a session of its own, so that Ctrl-C in a terminal reaches only the parent, which
    can then stop it in order. On Linux the kernel kills it when the parent dies without doing
    that. The kernel counts the death of the *thread* that called `start`, so call it from a
    thread that lives as long as the server should.
    """

    def __init__(self, name: str, command: Sequence[str | Path], log: Path) -> None:
        self.name = name
        self._command = [str(part) for part in command]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the last start."""
        if self._process is None:
            raise ProcessFailedError(f"{self.name} was never started")
        return self._process.pid

    def start(self) -> None:
        """Start the program; its output is appended to the log file."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._log.parent,
                start_new_session=True,
                # What it does is safe after a fork in a program with threads; see there.
                preexec_fn=_die_with_parent(),  # noqa: PLW1509
            )

    def wait_until(self, is_ready: Callable[[], bool], timeout: float) -> None:
        """Poll until `is_ready`; raise `ProcessFailedError` on its death or after `timeout`."""
        deadline = time.monotonic() + timeout
        while True:
            ready = is_ready()
            # Looked at after the answer: it may have come from a stranger on the same port.
            code = self._process.poll() if self._process else None
            if code is not None:
                raise ProcessFailedError(
                    f"{self.name} ended with code {code} before it was ready; its last lines:\n"
                    f"{self.log_tail()}"
                )
            if ready:
                return
            if time.monotonic() > deadline:
                raise ProcessFailedError(
                    f"{self.name} was not ready after {timeout:.0f} s; its last lines:\n"
                    f"{self.log_tail()}"
                )
            time.sleep(0.05)

    def stop(self, grace: float = 10.0) -> None:
        """Ask the process to end, and kill it if it has not done so within `grace` seconds."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        try:
            with self._log.open("rb") as log:
                log.seek(max(0, self._log.stat().st_size - _TAIL_BYTES))
                text = log.read().decode(errors="replace")
        except FileNotFoundError:
            return "(no log)"
        return "\n".join(text.splitlines()[-_TAIL_LINES:])


def free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens on now; another process may still be faster."""
    held: list[socket.socket] = []
    try:
        for port in random.sample(_PORTS, 500):
            candidate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                candidate.close()
                continue
            held.append(candidate)
            if len(held) == count:
                return [taken.getsockname()[1] for taken in held]
    finally:
        for taken in held:
            taken.close()
    raise ProcessFailedError(f"no {count} free ports on the loopback interface")


def _die_with_parent() -> Callable[[], None] | None:
    """Return what the child does first, where the kernel can tie it to its parent's life."""
    if sys.platform != "linux":
        return None
    # Loaded here: between fork and exec nothing may allocate, lock or import.
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have died before the call took effect.
        if os.getppid() != parent:
            os._exit(1)

    return tie
