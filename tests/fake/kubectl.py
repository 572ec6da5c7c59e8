"""Runs `kubectl` against the fake and against the real API server, and compares what it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import attrs

__all__ = ["Both", "Kubectl", "Result", "stable"]

# What differs from run to run. A resource version stands in quotes or at the end of a line.
_CHANGING: Sequence[tuple[str, str]] = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [+-]\d{4}", "<time>"),
    (r"(?i)(resource ?version\"?:\s*\"?)\d+", r"\1<version>"),
    (r"(?m)(?<=\s)(\d+[smh]|\d+m\d+s)(?=\s|$)", "<age>"),
    (r"/(tmp|var|private|dev/shm)/\S*", "<file>"),
    (r"https?://127\.0\.0\.1:\d+", "<server>"),
    # The width of columns follows from the above.
    (r"(?<=\S) {2,}", "  "),
    (r"(?m) +$", ""),
)


def stable(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, replacement in _CHANGING:
        text = re.sub(pattern, replacement, text)
    return text


@attrs.frozen
class Result:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str = ""

    @property
    def text(self) -> str:
        """Both outputs."""
        return self.out + self.err

    def stable(self) -> Result:
        """Without what differs from run to run."""
        return Result(self.code, stable(self.out), stable(self.err))


@attrs.frozen
class Kubectl:
    """`kubectl` for one server, with a home directory that is empty but for what it caches."""

    program: Path
    kubeconfig: Path
    home: Path
    namespace: str

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command line; kubectl's own help is in the way of an error's text."""
        return [str(self.program), f"--namespace={self.namespace}", *arguments]

    @property
    def environment(self) -> Mapping[str, str]:
        """Nothing of the user's but the path, where `kubectl diff` finds its helper."""
        path = os.environ.get("PATH", os.defpath)
        return {"HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig), "PATH": path}

    def __call__(self, *arguments: str, stdin: str = "", timeout: float = 60.0) -> Result:
        """Run a command to its end."""
        done = subprocess.run(
            self.command(arguments),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=self.environment,
            cwd=self.home,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[IO[str]]:
        """Run a command that does not end by itself, and give what it writes."""
        with subprocess.Popen(
            self.command(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            cwd=self.home,
        ) as process:
            assert process.stdout is not None
            try:
                yield process.stdout
            finally:
                process.kill()


@attrs.frozen
class Both:
    """The same command for both servers, which must give the same."""

    fake: Kubectl
    real: Kubectl
    _pool: ThreadPoolExecutor

    @property
    def namespace(self) -> str:
        """The namespace, which is called the same on both."""
        return self.fake.namespace

    def within(self, namespace: str) -> Both:
        """The same for another namespace."""
        fake, real = (attrs.evolve(each, namespace=namespace) for each in (self.fake, self.real))
        return Both(fake, real, self._pool)

    def each(self, act: Callable[[Kubectl], Any]) -> tuple[Any, Any]:
        """Do something with both at the same time."""
        fake, real = [self._pool.submit(act, each) for each in (self.fake, self.real)]
        return fake.result(), real.result()

    def __call__(self, *arguments: str, stdin: str = "", code: int = 0) -> Result:
        """Run it on both, compare, and return what the fake gave, in its stable form."""
        fake: Result
        real: Result
        fake, real = self.each(lambda kubectl: kubectl(*arguments, stdin=stdin))
        found, expected = fake.stable(), real.stable()
        words = f"kubectl {' '.join(arguments)}"
        assert found == expected, f"{words}\nfake: {found}\nreal: {expected}"
        assert expected.code == code, expected.text
        return found

    def whole(self, *what: str) -> dict[str, Any]:
        """An object with its managed fields, the same on both; what the fake has."""
        arguments = ("get", *what, "-o", "json", "--show-managed-fields")
        found: dict[str, Any]
        found, expected = self.each(lambda kubectl: _sorted(json.loads(kubectl(*arguments).out)))
        assert found == expected
        return found


def _sorted(obj: dict[str, Any]) -> dict[str, Any]:
    """In a stable form: managers of the same second are in another order than others."""
    stable_: dict[str, Any] = json.loads(stable(json.dumps(obj, sort_keys=True)))
    stable_["metadata"]["managedFields"].sort(key=json.dumps)
    return stable_
