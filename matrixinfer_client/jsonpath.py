"""The part of kubectl's JSONPath that says where in an object a value is.

Supported: `{.status.replicas}`, `['dotted.key']`, `[0]`, `[-1]`, `[*]`, and equality filters such
as `[?(@.type=="Active")]`. The braces and the leading dot may be left out. Not supported: ranges,
recursive descent, other operators; they are refused when the path is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, cast

import attrs

from matrixinfer_client.errors import InvalidArgumentError

__all__ = ["JsonPath", "parse_jsonpath"]

_Step: TypeAlias = Callable[[Any], Iterator[Any]]

_KEY = re.compile(r"\.?([A-Za-z_][\w/-]*)")
_QUOTED = re.compile(r"""\.?\[\s*(?:'([^']*)'|"([^"]*)")\s*\]""")
_INDEX = re.compile(r"\.?\[\s*(-?\d+|\*)\s*\]")
_FILTER = re.compile(
    r"""\.?\[\?\(\s*@(?P<path>[^=<>!~]+?)\s*==\s*
        (?P<value>'[^']*'|"[^"]*"|true|false|-?\d+(?:\.\d+)?)\s*\)\]""",
    re.VERBOSE,
)


@attrs.frozen
class JsonPath:
    """A parsed path."""

    text: str
    _steps: Sequence[_Step]

    def find(self, value: object) -> list[Any]:
        """All values that the path leads to; empty when it leads nowhere."""
        found: list[Any] = [value]
        for step in self._steps:
            found = [item for parent in found for item in step(parent)]
        return found


def parse_jsonpath(text: str) -> JsonPath:
    """Parse a path, with or without braces; raises `InvalidArgumentError` at what it cannot."""
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1].strip()
    inner = inner.removeprefix("$")
    steps = _parse(inner, text)
    if not steps:
        raise InvalidArgumentError(f"the JSONPath {text!r} is empty; write {{.status.replicas}}")
    return JsonPath(text, steps)


def _parse(inner: str, whole: str) -> list[_Step]:
    steps: list[_Step] = []
    position = 0
    while position < len(inner):
        for pattern, make in _STEPS:
            match = pattern.match(inner, position)
            # Without a dot between them two keys would run into one another.
            if match is not None and (position == 0 or inner[position] in ".["):
                steps.append(make(match))
                position = match.end()
                break
        else:
            raise InvalidArgumentError(
                f"the JSONPath {whole!r} is not understood from {inner[position:]!r} on; supported "
                "are .key, ['dotted.key'], [0], [*] and filters like [?(@.type==\"Active\")]"
            )
    return steps


def _key(match: re.Match[str]) -> _Step:
    return _member(next(group for group in match.groups() if group is not None))


def _member(key: str) -> _Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and key in value:
            yield cast("dict[str, Any]", value)[key]

    return step


def _index(match: re.Match[str]) -> _Step:
    wanted = match[1]

    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and wanted == "*":
            yield from cast("dict[str, Any]", value).values()
        if not isinstance(value, list):
            return
        items = cast("list[object]", value)
        if wanted == "*":
            yield from items
        elif -len(items) <= int(wanted) < len(items):
            yield items[int(wanted)]

    return step


def _filter(match: re.Match[str]) -> _Step:
    path = JsonPath(match["path"], _parse(match["path"].strip(), match[0]))
    literal = match["value"]
    wanted = literal[1:-1] if literal[0] in "'\"" else literal

    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            for item in cast("list[object]", value):
                if any(as_text(found) == wanted for found in path.find(item)):
                    yield item

    return step


def as_text(value: object) -> str:
    """A scalar as kubectl prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


_STEPS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], _Step]], ...] = (
    (_KEY, _key),
    (_QUOTED, _key),
    (_INDEX, _index),
    (_FILTER, _filter),
)
