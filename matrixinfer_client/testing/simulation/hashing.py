"""Short hashes of what an object was made from."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["revision"]

# Those that Kubernetes uses for generated names: no vowels and no look-alikes, so no words.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_PRIME, _BASIS, _MASK = 0x01000193, 0x811C9DC5, 0xFFFFFFFF
_encode = msgspec.json.Encoder(order="deterministic").encode


def revision(source: Any) -> str:
    """A label value that changes with `source`, and with nothing else."""
    value = _BASIS
    for byte in _encode(source):
        value = (value * _PRIME & _MASK) ^ byte
    return "".join(_LETTERS[int(digit)] for digit in str(value))
