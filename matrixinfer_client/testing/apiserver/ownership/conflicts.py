"""What keeps an apply from being carried out, in the server's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import attrs

from matrixinfer_client.validation.rendering import quote

__all__ = ["ApplyConflictError", "Conflict", "TypedError"]


class TypedError(Exception):
    """An applied configuration that cannot be merged.

    Attributes: `message` (the server's), `status` (the HTTP code: 500 for a configuration that
    does not have the types of the schema, 400 for one that must not be applied here) and `reason`
    (`BadRequest` for 400; the server gives none for 500).
    """

    def __init__(self, message: str, *, status: int = 500, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason


@attrs.frozen(kw_only=True)
class Conflict:
    """A field that an apply would change and that another manager owns.

    `path` is as the server prints it (`.spec.owner`); `time` (RFC 3339) is None for an entry
    without one.
    """

    manager: str
    path: str
    operation: str
    api_version: str
    subresource: str = ""
    time: str | None = None

    @property
    def owner(self) -> str:
        """Who owns the field: `"first" with subresource "status" using example.com/v1`."""
        text = quote(self.manager)
        if self.subresource:
            text += f" with subresource {quote(self.subresource)}"
        # An applier keeps its fields when it goes to another version, so none is told.
        return text if self.operation == "Apply" else f"{text} using {self.api_version}"


class ApplyConflictError(Exception):
    """Other managers own what an apply would change: 409, reason `Conflict`.

    Attributes: `conflicts` (sorted by manager) and `message` (the server's).
    """

    def __init__(self, conflicts: Iterable[Conflict]) -> None:
        self.conflicts: Sequence[Conflict] = tuple(conflicts)
        self.message = _message(self.conflicts)
        super().__init__(self.message)

    def causes(self) -> list[dict[str, str]]:
        """The `details.causes` of the server's `Status`."""
        return [
            {
                "reason": "FieldManagerConflict",
                "message": f"conflict with {conflict.owner}",
                "field": conflict.path,
            }
            for conflict in self.conflicts
        ]


def _message(conflicts: Sequence[Conflict]) -> str:
    if len(conflicts) == 1:
        (only,) = conflicts
        return f"Apply failed with 1 conflict: conflict with {only.owner}: {only.path}"
    lines: list[str] = []
    for owner, rows in groupby(conflicts, key=lambda conflict: conflict.owner):
        lines += [f"conflicts with {owner}:", *(f"- {row.path}" for row in rows)]
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
