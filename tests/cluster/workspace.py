"""The directory of one server: its data, keys, tokens and logs, gone when the server is.

It lives in memory where that is possible. A process that is killed cannot clean up after
itself, and what it leaves in memory stays taken, so every new workspace removes those whose
owner is dead.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_PREFIX = "matrixinfer-cluster-"
_MEMORY = Path("/dev/shm")  # noqa: S108 - the directory inside it is private (mkdtemp)
# etcd allocates its log in files of 64 MB; containers often have 64 MB in all.
_NEEDED_BYTES = 1 << 30
# Long enough for a new workspace to take its lock before it can look abandoned.
_MINIMUM_AGE_SECONDS = 60.0


class Workspace:
    """A private directory, locked for as long as its owner lives."""

    def __init__(self) -> None:
        parent = _choose_parent()
        _remove_abandoned(parent)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        # The lock goes with the process, however it ends.
        self._lock = (self.path / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def write(self, name: str, content: bytes) -> Path:
        """Write a file that only the owner can read, and return its path."""
        path = self.path / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        return path

    def remove(self) -> None:
        """Delete the directory with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def _choose_parent() -> Path:
    with suppress(OSError):
        if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _NEEDED_BYTES:
            return _MEMORY
    return Path(tempfile.gettempdir())


def _remove_abandoned(parent: Path) -> None:
    for path in parent.glob(f"{_PREFIX}*"):
        # Another user's, or removed by another process at this moment.
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _MINIMUM_AGE_SECONDS and _is_abandoned(path):
                shutil.rmtree(path, ignore_errors=True)


def _is_abandoned(path: Path) -> bool:
    with (path / "lock").open("r") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
