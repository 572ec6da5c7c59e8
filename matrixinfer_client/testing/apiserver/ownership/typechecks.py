"""What is wrong with the types of an applied configuration, in the server's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import attrs

from matrixinfer_client.testing.apiserver.ownership.atoms import Atom, ListAtom, MapAtom, deduce
from matrixinfer_client.testing.apiserver.ownership.conflicts import TypedError
from matrixinfer_client.testing.apiserver.ownership.elements import field, render
from matrixinfer_client.testing.apiserver.ownership.gotext import plain_text, source_text, type_text
from matrixinfer_client.testing.apiserver.ownership.walking import item_element

__all__ = ["check_types"]


@attrs.define(slots=True)
class _Problem:
    message: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def check_types(atom: Atom, value: Any) -> None:
    """Raise `TypedError` with all that does not fit.

    The server goes through the fields of an object in no order, and past the first that is not
    declared in none of them; here they come sorted.
    """
    problems = _check(atom, value)
    if problems:
        texts = list(map(str, problems))
        raise TypedError(
            texts[0] if len(texts) == 1 else "\n".join(["errors:", *(f"  {t}" for t in texts)])
        )


def _check(atom: Atom, value: Any) -> list[_Problem]:
    atom = deduce(atom, value)
    if value is None:
        return []
    if atom.map is not None:
        if not isinstance(value, dict):
            return [_Problem(f"expected map, got &{{{plain_text(value)}}}")]
        return _check_fields(atom.map, cast("dict[str, Any]", value))
    if atom.scalar:
        return _check_scalar(atom.scalar, value)
    if not isinstance(value, list):
        return [_Problem(f"expected list, got &{{{plain_text(value)}}}")]
    return [] if atom.list is None else _check_items(atom.list, cast("Sequence[Any]", value))


def _check_scalar(wanted: str, value: Any) -> list[_Problem]:
    if wanted == "numeric":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        message = f"expected numeric (int or float), got {type_text(value)}"
        return [] if is_number else [_Problem(message)]
    if wanted == "string":
        source = f"&value.valueUnstructured{{Value:{source_text(value)}}}"
        return [] if isinstance(value, str) else [_Problem(f"expected string, got {source}")]
    if wanted == "boolean":
        message = f"expected boolean, got &{{{plain_text(value)}}}"
        return [] if isinstance(value, bool) else [_Problem(message)]
    if isinstance(value, list | dict):
        return [_Problem(f"expected any scalar, got &{{{plain_text(value)}}}")]
    return []


def _check_fields(atom: MapAtom, value: dict[str, Any]) -> list[_Problem]:
    problems: list[_Problem] = []
    for name, child in sorted(value.items()):
        element = field(name)
        below = atom.below(name)
        if below is None:
            return [*problems, _Problem("field not declared in schema", render(element))]
        problems += _placed(element, _check(below, child))
    return problems


def _check_items(atom: ListAtom, items: Sequence[Any]) -> list[_Problem]:
    problems: list[_Problem] = []
    seen: set[str] = set()
    for index, item in enumerate(items):
        element = f"i:{index}"
        if not atom.atomic:
            try:
                element = item_element(atom, item)
            except TypedError as error:
                # Without an element there is no path for what else is wrong.
                return [*problems, _Problem(f"element {index}: {error.message}")]
            if element in seen:
                problems.append(_Problem(f"duplicate entries for key {render(element)}"))
            seen.add(element)
        problems += _placed(element, _check(atom.items, item))
    return problems


def _placed(element: str, problems: Iterable[_Problem]) -> list[_Problem]:
    placed = list(problems)
    for problem in placed:
        problem.path = render(element) + problem.path
    return placed
