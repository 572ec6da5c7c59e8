"""Model objects of the official Python client, taken wherever a mapping is.

Its classes (`V1EnvVar`, `V1PodSpec` ...) are recognised by their package, which is only looked up
among the modules that the program has imported already.
"""

from __future__ import annotations

import sys
from typing import Any, cast

__all__ = ["as_mapping", "is_model"]

_PACKAGES = ("kubernetes", "kubernetes_asyncio")


def is_model(value: object) -> bool:
    """Whether `value` is a model object of the official client or of its asyncio twin."""
    cls = type(value)
    return cls.__module__.partition(".")[0] in _PACKAGES and hasattr(cls, "to_dict")


def as_mapping(value: object) -> dict[str, Any]:
    """The wire form of such an object, as that client would send it."""
    package = type(value).__module__.partition(".")[0]
    client: Any = sys.modules[f"{package}.client"].ApiClient
    # Without its constructor, which opens connection pools; the method uses none of them.
    return cast("dict[str, Any]", client.sanitize_for_serialization(_Sanitizer(client), value))


class _Sanitizer:
    """Stands in for the official `ApiClient`: what its conversion calls on itself."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._client, name)
        return member.__get__(self) if callable(member) else member
