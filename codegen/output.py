"""Files on disk against files that should be there: compares, writes, prunes.

It knows nothing of what it writes, except that a directory is its own if the first line of its
`__init__.py` has the marker; it touches no other.
"""

from __future__ import annotations

import difflib
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["OutputError", "differences", "write"]

# A document in one line of JSON is of no use in a difference.
_LONGEST = 2000


class OutputError(RuntimeError):
    """The directory is not one that was generated, so nothing in it is changed."""


def write(files: Mapping[str, str], directory: Path, marker: str) -> list[str]:
    """Make the directory hold these files and no others; returns the paths that changed."""
    _check(directory, marker)
    changed = [path for path, text in files.items() if _read(directory / path) != text]
    for path in changed:
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(files[path], encoding="utf-8", newline="\n")
    stale = [path for path in _present(directory) if path not in files]
    for path in stale:
        (directory / path).unlink()
    for folder in sorted((path for path in directory.rglob("*") if path.is_dir()), reverse=True):
        _remove_if_empty(folder)
    return sorted(changed + stale)


def differences(files: Mapping[str, str], directory: Path, marker: str) -> Iterator[str]:
    """Lines of a unified diff from what is there to what should be; none if it is the same."""
    _check(directory, marker)
    for path in sorted({*files, *_present(directory)}):
        before, after = _read(directory / path), files.get(path)
        if before == after:
            continue
        yield from difflib.unified_diff(
            _lines(before),
            _lines(after),
            "/dev/null" if before is None else f"a/{path}",
            "/dev/null" if after is None else f"b/{path}",
            lineterm="",
        )


def _check(directory: Path, marker: str) -> None:
    if not directory.exists() or not any(_present(directory)):
        return
    first = (_read(directory / "__init__.py") or "").partition("\n")[0]
    if marker not in first:
        raise OutputError(
            f"{directory} has files, but no __init__.py that says {marker!r} on its first line; "
            "empty it or choose another directory"
        )


def _present(directory: Path) -> Iterator[str]:
    for path in sorted(directory.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(directory).as_posix()


def _read(path: Path) -> str | None:
    # Not read_text: a carriage return is a difference.
    return path.read_bytes().decode("utf-8", "replace") if path.is_file() else None


def _lines(text: str | None) -> list[str]:
    lines = [] if text is None else text.split("\n")
    return [line if len(line) < _LONGEST else _shortened(line) for line in lines]


def _shortened(line: str) -> str:
    # The digest keeps two long lines apart that begin alike.
    digest = hashlib.sha256(line.encode()).hexdigest()[:12]
    return f"{line[:60]}... ({len(line)} characters, sha256 {digest}...)"


def _remove_if_empty(folder: Path) -> None:
    if folder.name == "__pycache__":
        return
    caches = [path for path in folder.iterdir() if path.name == "__pycache__"]
    if len(caches) < len([*folder.iterdir()]):
        return
    for cache in caches:
        for compiled in cache.iterdir():
            compiled.unlink()
        cache.rmdir()
    folder.rmdir()
