"""What the server warns of, in the header that clients show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["YAML_ERRORS", "warning_headers"]

YAML_ERRORS: Final = "yaml: unmarshal errors:\n"
"""How the list of what is wrong in YAML begins."""

_MOST_WARNED: Final = 4096
_LONGEST_WARNING: Final = 256


def warning_headers(problems: Iterable[str]) -> list[str]:
    """The `Warning` headers that tell of problems which are no errors.

    As in the server each text comes once, one with control characters is left out, and of more
    than 4096 characters each is cut at 256 and the last ones are left out.
    """
    texts = [text for text in dict.fromkeys(_lines(problems)) if text and _is_plain(text)]
    if sum(map(len, texts)) > _MOST_WARNED:
        texts = _cut(texts)
    return [f"299 - {_quoted(text)}" for text in texts]


def _lines(problems: Iterable[str]) -> Iterable[str]:
    """YAML's problems are one text, and one warning each."""
    for problem in problems:
        if YAML_ERRORS in problem:
            yield from map(str.strip, problem.partition(YAML_ERRORS)[2].split("\n"))
        else:
            yield problem


def _is_plain(text: str) -> bool:
    return all(ord(character) >= 0x20 and not 0x7F <= ord(character) < 0xA0 for character in text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _cut(texts: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for text in texts:
        if sum(map(len, kept)) >= _MOST_WARNED:
            break
        kept.append(text[:_LONGEST_WARNING])
    return kept
