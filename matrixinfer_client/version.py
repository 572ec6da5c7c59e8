"""The version, as a value: asking the installation for it costs more than a request."""

from __future__ import annotations

from typing import Final

__all__ = ["VERSION"]

VERSION: Final = "0.1.0"
