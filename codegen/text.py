"""The border between the document's text and the code that is generated.

Whatever the document's author wrote travels as `Text`, which refuses to become a string by itself:
a template that forgets to say what the text is to be fails instead of printing it. It leaves as a
docstring or as a literal, and nothing in it can end either of them.
"""

from __future__ import annotations

import math
import re
import textwrap
import unicodedata
from typing import Any, NoReturn

import attrs

__all__ = ["Text", "docstring", "first_sentence", "flat", "literal"]

_WIDTH = 100
_QUOTES = '"""'
# A line that starts like an item of a list is not joined to the line before it.
_ITEM = re.compile(r"(?:[-*+]|\d+[.)])\s")
# Control characters, invisible ones that reorder what is shown, and halves of surrogate pairs.
_DROPPED = {"Cc", "Cf", "Cs"}


@attrs.frozen
class Text:
    """Text of the document, which must not be printed as it is."""

    raw: str

    def __str__(self) -> NoReturn:
        raise TypeError("text of the document leaves through docstring(), literal() or flat()")

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("text of the document leaves through docstring(), literal() or flat()")

    def __bool__(self) -> bool:
        return bool(self.raw.strip())


def literal(value: Any) -> str:
    """Python source, ASCII only, of a plain value or of text of the document."""
    if isinstance(value, Text):
        return ascii(value.raw)
    if isinstance(value, str):
        return ascii(value)
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    if isinstance(value, tuple):
        # One item needs a comma; after several it would have the formatter use a line for each.
        return f"({', '.join(literal(item) for item in value)}{',' * (len(value) == 1)})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(k)}: {literal(v)}' for k, v in value.items())}}}"
    raise TypeError(f"no literal for {value!r}")


def docstring(text: Text, indent: int = 0) -> str:
    """A docstring, quotes included, for code that is indented by `indent` columns.

    Empty lines separate paragraphs and items of a list start a line; all else is filled anew.
    """
    lines: list[str] = []
    for paragraph in _paragraphs(text.raw):
        if lines:
            lines.append("")
        for block in paragraph:
            opening = "" if lines else _QUOTES
            lines += _fill(_escape(block), _WIDTH - indent, opening)
    if not lines:
        return _QUOTES * 2
    if len(lines) == 1 and len(lines[0]) + len(_QUOTES) <= _WIDTH - indent:
        return lines[0] + _QUOTES
    margin = " " * indent
    return "\n".join([lines[0], *(margin + line if line else "" for line in lines[1:])]) + (
        f"\n{margin}{_QUOTES}"
    )


def flat(text: Text) -> str:
    """The text in one line, for a message to a person."""
    return " ".join(_clean(text.raw).split())


def first_sentence(text: Text) -> Text:
    """What comes before the first full stop that ends a sentence, and the stop."""
    paragraph = text.raw.strip().partition("\n\n")[0]
    sentence = re.split(r"(?<=[.!?])\s+(?=[A-Z`])", paragraph, maxsplit=1)[0].strip()
    return Text(sentence if not sentence or sentence[-1] in ".!?" else f"{sentence}.")


def _paragraphs(raw: str) -> list[list[str]]:
    paragraphs: list[list[str]] = [[]]
    for line in raw.splitlines():
        words = " ".join(_clean(line).split())
        if not words:
            paragraphs.append([])
        elif paragraphs[-1] and not _ITEM.match(words):
            paragraphs[-1][-1] += " " + words
        else:
            paragraphs[-1].append(words)
    return [paragraph for paragraph in paragraphs if paragraph]


def _clean(text: str) -> str:
    return "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or unicodedata.category(char) not in _DROPPED
    )


def _escape(text: str) -> str:
    text = text.replace("\\", "\\\\").replace(_QUOTES, '\\"\\"\\"')
    # A quote at the end would run into the closing ones, unless an odd backslash escapes it.
    return re.sub(r'(?<!\\)((?:\\\\)*)"\Z', r'\1\\"', text)


def _fill(text: str, width: int, opening: str) -> list[str]:
    # A word is never broken, so neither is an escape sequence.
    return textwrap.wrap(
        text,
        width,
        initial_indent=opening,
        subsequent_indent="  " if _ITEM.match(text) else "",
        break_long_words=False,
        break_on_hyphens=False,
    )
