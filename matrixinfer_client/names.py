"""What a caller may put into a path: names and namespaces, checked before they become one."""

from __future__ import annotations

import difflib
import re
from typing import Final, TypeAlias
from urllib.parse import quote

from matrixinfer_client.errors import InvalidArgumentError

__all__ = ["ALL_NAMESPACES", "AllNamespaces", "NamespaceArg", "name_segment", "namespace_segment"]


class AllNamespaces:
    """The type of `ALL_NAMESPACES`."""

    def __repr__(self) -> str:
        return "ALL_NAMESPACES"

    def __reduce__(self) -> str:
        return "ALL_NAMESPACES"


ALL_NAMESPACES: Final = AllNamespaces()
"""Every namespace; for `list`, `iterate`, `watch` and `delete_collection` only."""

NamespaceArg: TypeAlias = str | AllNamespaces | None

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
# The two shapes that the API server's own validation allows (apimachinery `util/validation`).
_NAMESPACE = re.compile(_LABEL)
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")


def name_segment(name: object, kind: str) -> str:
    """`name` as one path segment.

    Raises `InvalidArgumentError` for anything that no object can be called, so that a slip is
    reported as such and nothing reaches another path.
    """
    return _segment(name, f"name of a {kind}", _NAME, 253, 'letters, digits, "-" and "."')


def namespace_segment(namespace: object) -> str:
    """`namespace` as one path segment; raises `InvalidArgumentError` like `name_segment`."""
    return _segment(namespace, "namespace", _NAMESPACE, 63, 'letters, digits and "-"')


def _segment(value: object, what: str, shape: re.Pattern[str], longest: int, allowed: str) -> str:
    if not isinstance(value, str):
        raise InvalidArgumentError(
            f"the {what} must be a string, not {type(value).__name__}: {value!r}"
        )
    if not value:
        raise InvalidArgumentError(f"the {what} is empty")
    if len(value) <= longest and shape.fullmatch(value):
        return quote(value, safe="")
    raise InvalidArgumentError(
        f"{value!r} cannot be the {what}: " + _why(value, shape, longest, allowed)
    )


def _why(value: str, shape: re.Pattern[str], longest: int, allowed: str) -> str:
    if "/" in value and shape is _NAME:
        return 'it contains "/"; give the name alone, the namespace goes to the resource method'
    if len(value) > longest:
        return f"it has {len(value)} characters, {longest} are allowed"
    rule = f"only lower-case {allowed} are allowed, with a letter or digit at both ends"
    guess = re.sub(r"[^a-z0-9.-]+", "-", value.lower()).strip("-.")
    if not shape.fullmatch(guess):
        guess = guess.replace(".", "-")
    alike = difflib.SequenceMatcher(None, guess, value.lower()).ratio() > 0.6
    if alike and guess != value and shape.fullmatch(guess):
        return f"{rule}; did you mean {guess!r}?"
    return rule
