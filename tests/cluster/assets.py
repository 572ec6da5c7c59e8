"""Finds the programs of the real API server and kubectl, and builds them once with Go.

They are looked for in this order, which is the convention of the Go ecosystem with a build
added: the directory named by `KUBEBUILDER_ASSETS`, the user's cache, a build from the Go
modules that `go.mod` beside this file pins. `python -m tests.cluster.assets` does the same
and prints the directory, so that a slow first build can be a step of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

PROGRAMS: Mapping[str, str] = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
}
# What a server needs; a directory without kubectl serves all tests but those of kubectl.
SERVERS = ("etcd", "kube-apiserver")
ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"

_MODULE = Path(__file__).resolve().parent
# Both packages carry a copy of the version variables: one is served at /version and printed by
# `kubectl version`, the other goes into the programs' own User-Agent.
_VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
_BUILD_FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")
# A workspace file or flags of the user would change what is built, but not the cache key.
_BUILD_ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""}
_HEARTBEAT_SECONDS = 20.0
_ALL = "etcd, kube-apiserver and kubectl"

Progress: TypeAlias = Callable[[str], None]


class AssetsMissingError(Exception):
    """The programs can neither be found nor built; the message says what would help."""


def find_assets(progress: Progress | None = None) -> Path:
    """Return the directory with etcd and kube-apiserver, and kubectl if it was built.

    The first call on a machine may build them, which takes minutes; `progress` is told about
    it in lines meant for people. Raises `AssetsMissingError`.
    """
    named = os.environ.get(ASSETS_VARIABLE)
    if named:
        return _check_named_directory(Path(named))
    go = shutil.which("go")
    if go is None:
        return _find_any_cached()
    return _Builder(go, progress or _ignore).cached_or_built()


def find_kubectl(assets: Path) -> Path:
    """Return the kubectl among the programs, or raise `AssetsMissingError`."""
    path = assets / "kubectl"
    if not _is_program(path):
        raise AssetsMissingError(
            f"no kubectl in {assets}. Point {ASSETS_VARIABLE} to a directory that has it, for "
            f"example the one that `setup-envtest use -p path` prints, or unset it to have it "
            f"built with Go."
        )
    return path


def cache_directory() -> Path:
    """Return where built programs are kept: outside the tree, shared by all checkouts."""
    # The XDG specification says to ignore values that are empty or relative.
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    root = configured if configured.is_absolute() else Path.home() / ".cache"
    return root / "matrixinfer-client" / "assets"


def sources_digest() -> str:
    """Return a digest of all that decides what is built, apart from the Go version."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        digest.update((_MODULE / name).read_bytes())
    recipe = (dict(PROGRAMS), _VERSION_PACKAGES, _BUILD_FLAGS, _BUILD_ENVIRONMENT)
    digest.update(repr(recipe).encode())
    return digest.hexdigest()[:16]


def _check_named_directory(directory: Path) -> Path:
    """Use what the variable names or fail: falling back would test another server silently."""
    missing = [name for name in SERVERS if not _is_program(directory / name)]
    if missing:
        raise AssetsMissingError(
            f"{ASSETS_VARIABLE} is {directory}, but there is no {' and no '.join(missing)} in it. "
            f"Point it to a directory that has both, for example the one that "
            f"`setup-envtest use -p path` prints, or unset it to have them built with Go."
        )
    return directory


def _find_any_cached() -> Path:
    """Return the programs of these sources that any Go version built."""
    for directory in sorted(cache_directory().glob(f"{sources_digest()}-*")):
        if all(_is_program(directory / name) for name in PROGRAMS):
            return directory
    raise AssetsMissingError(
        f"no etcd and kube-apiserver for the cluster tests: {ASSETS_VARIABLE} is not set, nothing "
        f"is cached for this version in {cache_directory()}, and there is no `go` on PATH to "
        f"build them. Install Go 1.24 or newer and run `python -m tests.cluster.assets`, or "
        f"point {ASSETS_VARIABLE} to a directory that has both programs."
    )


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _ignore(_: str) -> None:
    """Stand in for a progress report that nobody asked for."""


class _Builder:
    """Builds the programs of `go.mod` into the cache, once for all concurrent callers."""

    def __init__(self, go: str, progress: Progress) -> None:
        self._go = go
        self._progress = progress

    def cached_or_built(self) -> Path:
        platform = self._query("env", "GOVERSION", "GOOS", "GOARCH").split()
        directory = cache_directory() / "-".join([sources_digest(), *platform])
        if directory.is_dir():
            return directory
        directory.parent.mkdir(parents=True, exist_ok=True)
        with self._lock(directory.parent / f".lock-{directory.name}"):
            # Another process may have built them while this one waited for the lock.
            if not directory.is_dir():
                self._build_into(directory)
        return directory

    @contextmanager
    def _lock(self, path: Path) -> Generator[None]:
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._progress(f"another process is building {_ALL}; waiting")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _build_into(self, directory: Path) -> None:
        self._progress(f"building {_ALL} from Go modules; once, for minutes")
        prefix = f".partial-{directory.name}-"
        # Whoever holds the lock is the only builder, so these are of builders that were killed.
        for abandoned in directory.parent.glob(f"{prefix}*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=prefix, dir=directory.parent))
        started = time.monotonic()
        try:
            # Also downloads the sources, which the heartbeat then tells apart from compiling.
            self._run("fetching the sources", "list", "-deps", "-f", "", *PROGRAMS.values())
            flags = [*_BUILD_FLAGS, f"-ldflags={self._linker_flags()}"]
            for name, package in PROGRAMS.items():
                self._run(f"compiling {name}", "build", *flags, "-o", str(partial / name), package)
            partial.chmod(0o755)
            # Whoever sees the final name sees all programs, complete.
            partial.rename(directory)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        self._progress(f"built in {time.monotonic() - started:.0f} s: {directory}")

    def _linker_flags(self) -> str:
        """Strip symbols, and set the version that a release build would report."""
        version = self._query("list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")
        major, minor = version.removeprefix("v").split(".")[:2]
        values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
        settings = [
            f"-X {package}.{name}={value}"
            for package in _VERSION_PACKAGES
            for name, value in values.items()
        ]
        return " ".join(["-s", "-w", *settings])

    def _query(self, *arguments: str) -> str:
        return self._run("", *arguments).strip()

    def _run(self, step: str, *arguments: str) -> str:
        """Run `go` in the module's directory and return what it printed."""
        with self._heartbeat(step):
            done = subprocess.run(
                [self._go, *arguments],
                cwd=_MODULE,
                env={**os.environ, **_BUILD_ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()[-15:]
            raise AssetsMissingError(
                f"`go {' '.join(arguments)}` failed while {_ALL} were built for the cluster tests "
                f"(point {ASSETS_VARIABLE} to a directory that has them to do without a build):\n"
                + "\n".join(lines)
            )
        return done.stdout

    @contextmanager
    def _heartbeat(self, step: str) -> Generator[None]:
        """Say that a long step is still at work: CI ends jobs that are silent for long."""
        if not step:
            yield
            return
        self._progress(step)
        started = time.monotonic()
        finished = threading.Event()

        def beat() -> None:
            while not finished.wait(_HEARTBEAT_SECONDS):
                self._progress(f"{step}: {time.monotonic() - started:.0f} s so far")

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            finished.set()
            thread.join()


def main() -> int:
    """Print the directory with the programs; build them first if need be."""
    try:
        directory = find_assets(lambda line: _write_line(sys.stderr.fileno(), line))
    except AssetsMissingError as error:
        _write_line(sys.stderr.fileno(), str(error))
        return 1
    _write_line(sys.stdout.fileno(), str(directory))
    return 0


def _write_line(descriptor: int, line: str) -> None:
    os.write(descriptor, f"{line}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
