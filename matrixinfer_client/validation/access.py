"""Reading plain objects in which anything may be absent, with types that checkers can follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

__all__ = ["Fields", "block", "items"]

Fields: TypeAlias = Mapping[str, Any]
"""An object as plain data."""

_NOTHING: Fields = {}


def block(holder: Fields | None, *names: str) -> Fields:
    """The object below the names; an empty one where any of them is absent."""
    found = holder
    for name in names:
        if not found:
            break
        found = found.get(name)
    return found or _NOTHING


def items(holder: Fields | None, *names: str) -> Sequence[Any]:
    """The list below the names; an empty one where any of them is absent."""
    found: Sequence[Any] | None = block(holder, *names[:-1]).get(names[-1])
    return found or ()
