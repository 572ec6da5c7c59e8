"""Go's regular expressions in Python's dialect.

Go's `$` matches at the very end only, Python's before a final newline too; and Go's classes such as
`\\d` are ASCII. Everything else that occurs in schemas means the same in both.
"""

from __future__ import annotations

import re
from functools import cache

__all__ = ["compile_pattern"]


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The compiled pattern; to be used with `search`, for Go does not anchor either."""
    translated = ""
    in_class = False
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            pair = pattern[position : position + 2]
            translated += r"\Z" if pair == r"\z" and not in_class else pair
            position += 2
            continue
        if character == "[" and not in_class:
            in_class = True
        elif character == "]" and in_class:
            in_class = False
        elif character == "$" and not in_class:
            character = r"\Z"
        translated += character
        position += 1
    return re.compile(translated, re.ASCII)
