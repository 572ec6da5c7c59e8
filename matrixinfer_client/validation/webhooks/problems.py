"""Field errors as the platform's webhooks write them."""

from __future__ import annotations

from typing import Any

import attrs

from matrixinfer_client.validation.durations import format_duration, parse_duration
from matrixinfer_client.validation.rendering import Parts, render_path, render_value
from matrixinfer_client.validation.results import FieldError

__all__ = ["Problems", "at_key", "image_problem", "nanoseconds"]


class Problems(list[FieldError]):
    """Collects the errors of one object, with Go's `field.Error` texts.

    `said` is the path in the webhook's text where that is not the path of a real field.
    """

    def invalid(
        self,
        parts: Parts,
        value: Any,
        detail: str,
        *,
        said: str | None = None,
        shown: str | None = None,
    ) -> None:
        """`Invalid value: <value>: <detail>`."""
        text = render_value(value) if shown is None else shown
        self._add(parts, "FieldValueInvalid", f"Invalid value: {text}: {detail}", value, said)

    def invalid_duration(self, parts: Parts, text: str, detail: str) -> None:
        """As `invalid`; a duration is printed in its canonical form and without quotes."""
        self.invalid(parts, text, detail, shown=format_duration(parse_duration(text)))

    def forbidden(self, parts: Parts, detail: str, *, said: str | None = None) -> None:
        """`Forbidden: <detail>`."""
        self._add(parts, "FieldValueForbidden", f"Forbidden: {detail}", None, said)

    def required(self, parts: Parts, detail: str, *, said: str | None = None) -> None:
        """`Required value: <detail>`."""
        self._add(parts, "FieldValueRequired", f"Required value: {detail}", None, said)

    def internal(self, parts: Parts, detail: str, *, said: str | None = None) -> None:
        """`Internal error: <detail>`."""
        self._add(parts, "InternalError", f"Internal error: {detail}", None, said)

    def _add(self, parts: Parts, type: str, message: str, value: Any, said: str | None) -> None:
        path = render_path(parts)
        error = FieldError(
            path=path,
            parts=parts,
            type=type,
            message=message,
            source="webhook",
            value=value,
            webhook_path=said if said != path else None,
        )
        self.append(error)


def at_key(error: FieldError, key: str) -> FieldError:
    """The error with a map's key in brackets, as webhooks write it: `minRoleReplicas[leader]`."""
    parent = render_path(error.parts[:-1])
    return attrs.evolve(error, path=f"{parent}[{key}]")


def image_problem(image: str) -> str | None:
    """What the webhooks object to in the reference of a container image; empty is not checked."""
    if not image:
        return None
    prefix = "invalid container image reference: image cannot"
    if not image.strip():
        return f"{prefix} be empty or whitespace only"
    return f"{prefix} contain spaces" if " " in image else None


def nanoseconds(text: Any) -> int | None:
    """A duration that is there, in nanoseconds."""
    return parse_duration(text) if isinstance(text, str) else None
