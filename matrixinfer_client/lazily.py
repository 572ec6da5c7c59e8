"""Modules that are imported when something of theirs is first used.

asyncio costs a third of what importing httpx does, and a program that only blocks never uses it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["later"]


class _Later(ModuleType):
    """Stands in for a module and fetches from it what is asked for."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)
        return value


def later(name: str) -> ModuleType:
    """The module, or a stand-in if nobody has imported it yet."""
    return sys.modules.get(name) or _Later(name)
