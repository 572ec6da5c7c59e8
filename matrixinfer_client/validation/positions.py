"""Where in a YAML or JSON text a field is. Looked up only when there is something to report."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import attrs
import yaml

from matrixinfer_client.validation.rendering import Parts

if TYPE_CHECKING:
    from yaml import SafeLoader
else:
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

__all__ = ["Position", "comments", "locate"]


@attrs.frozen
class Position:
    """A line and a column, both from one."""

    line: int
    column: int


def locate(text: str, document: int, parts: Parts) -> Position | None:
    """The position of a path in the document with this number (from one).

    What is not there (a field that is missing) has the position of what should hold it; None when
    the text cannot be taken apart.
    """
    nodes = _nodes(text)
    if not 0 < document <= len(nodes):
        return None
    node = nodes[document - 1]
    mark = node.start_mark
    for part in parts:
        found = _step(node, part)
        if found is None:
            break
        mark, node = found
    return Position(mark.line + 1, mark.column + 1)


def comments(text: str, document: int) -> list[tuple[int, str]]:
    """The lines of a document that have a `#`, each with what follows it."""
    starts = [1, *(node.start_mark.line + 1 for node in _nodes(text)[1:]), 1 << 62]
    lines = enumerate(text.splitlines(), 1)
    last = starts[document] if document < len(starts) else 1 << 62
    first = starts[document - 1] if document > 1 else 1
    return [
        (number, line.partition("#")[2])
        for number, line in lines
        if first <= number < last and "#" in line
    ]


def _step(node: yaml.Node, part: str | int) -> tuple[Any, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        items = cast("list[yaml.Node]", node.value)
        return (items[part].start_mark, items[part]) if part < len(items) else None
    if not isinstance(node, yaml.MappingNode):
        return None
    merged: list[yaml.Node] = []
    for key, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
        if key.value == part:
            return key.start_mark, value
        if key.value == "<<":
            merged += (
                cast("list[yaml.Node]", value.value)
                if isinstance(value, yaml.SequenceNode)
                else [value]
            )
    steps = (_step(each, part) for each in merged)
    return next((found for found in steps if found is not None), None)


@lru_cache(maxsize=8)
def _nodes(text: str) -> list[yaml.Node]:
    nodes: list[yaml.Node] = []
    # The documents before one that is broken are found.
    with suppress(yaml.YAMLError, RecursionError):
        nodes.extend(cast("Any", yaml).compose_all(text.removeprefix("\ufeff"), Loader=SafeLoader))
    return nodes
