"""The Kubernetes `Status` object: out of an answer, and into typed parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Cause", "causes_of", "decode_status", "foreign_message", "mapping", "text"]

# Enough of a proxy's HTML page to recognise it, not enough to bury the message.
_FOREIGN_BODY_LIMIT = 256


@attrs.frozen
class Cause:
    """One reason of a refusal.

    `field` is the path of the field (`spec.backends[0].minReplicas`), empty when the cause has
    none; `type` is the Kubernetes cause type (`FieldValueInvalid`; `UnknownField` and
    `DuplicateField` are this package's), empty when not given. `webhook_path` is the path that a
    webhook printed, where that is not the path of a field that exists.
    """

    field: str
    type: str
    message: str
    webhook_path: str | None = None

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


def causes_of(details: Mapping[str, Any]) -> tuple[Cause, ...]:
    """The causes in `Status.details`; whatever is not as it should be is left out."""
    causes = details.get("causes")
    if not isinstance(causes, list):
        return ()
    rows = [mapping(cause) for cause in cast("list[object]", causes)]
    return tuple(
        Cause(
            field=text(row.get("field")),
            type=text(row.get("reason")),
            message=text(row.get("message")),
        )
        for row in rows
    )


def decode_status(body: bytes) -> dict[str, Any] | None:
    """The `Status` in a body; None when it is something else."""
    if not body.lstrip().startswith(b"{"):
        return None
    # Here and not above: errors are imported by everything, JSON is needed when one happens.
    import json  # noqa: PLC0415

    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict) and cast("dict[str, Any]", value).get("kind") == "Status":
        return cast("dict[str, Any]", value)
    return None


def foreign_message(content_type: str, body: bytes) -> str:
    """The message for a body that is no `Status`: it is quoted, cut at 256 characters."""
    words = body[: 16 * _FOREIGN_BODY_LIMIT].decode("utf-8", "replace")
    if "html" in content_type or words.lstrip().lower().startswith(("<!doctype", "<html")):
        words = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]*>", " ", words)
    words = " ".join(words.split())
    if len(words) > _FOREIGN_BODY_LIMIT:
        words = words[:_FOREIGN_BODY_LIMIT] + "…"
    kind = content_type.split(";", maxsplit=1)[0].strip() or "no content type"
    if not words:
        return f"the answer has no body ({kind}), so it may not come from an API server"
    return f"the answer is no Kubernetes Status but {kind}: {words}"


def mapping(value: object) -> dict[str, Any]:
    """A copy of a mapping; empty for anything else."""
    return dict(cast("dict[str, Any]", value)) if isinstance(value, dict) else {}


def text(value: object) -> str:
    """The value if it is a text, else the empty one."""
    return value if isinstance(value, str) else ""
