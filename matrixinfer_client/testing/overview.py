"""What is in a FakeCluster, at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from matrixinfer_client.markup import block, bold, line, table
from matrixinfer_client.testing.apiserver.catalog import catalog
from matrixinfer_client.testing.apiserver.state import State

__all__ = ["Counts", "counts", "html"]

Counts = Sequence[tuple[str, int]]
"""Plurals, and how many objects there are."""


def counts(state: State) -> Counts:
    """Of each resource that there are objects of, MatrixInfer's first."""
    with state.lock:
        found = dict(state.storage.tables())
    types = sorted(catalog().types, key=lambda each: not each.custom)
    return [(each.kind.plural, found[each.key]) for each in types if each.key in found]


def html(title: str, counted: Counts) -> str:
    """For notebooks."""
    rows = ([plural, str(number)] for plural, number in counted)
    return block(line(bold(title)), table(("RESOURCE", "OBJECTS"), rows))
