"""Whether the current thread has met a value that does not have the type of its field.

Reading keeps such a value and writing sends it on, so neither stops for it. They note it here, off
the fast path, and whoever started them asks afterwards.
"""

from __future__ import annotations

from threading import get_ident
from typing import TypeVar

__all__ = ["Unencodable", "forget", "note", "was_noted"]

_T = TypeVar("_T")
_threads: set[int] = set()


class Unencodable(Exception):
    """A value that has no JSON form; the message says which type it has. Stays in the codec."""


def note(value: _T) -> _T:
    """Remember that the thread met an odd value, which is returned."""
    _threads.add(get_ident())
    return value


def forget() -> None:
    """Start afresh."""
    if _threads:
        _threads.discard(get_ident())


def was_noted() -> bool:
    """Whether the thread met an odd value since it started afresh."""
    return bool(_threads) and get_ident() in _threads
