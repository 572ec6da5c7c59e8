"""What validation finds: typed field errors, and a list of them that reads well."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from matrixinfer_client.errors import InvalidObjectError, Problem
from matrixinfer_client.validation.rendering import Parts, render_value

__all__ = ["FieldError", "ObjectRef", "Report", "Source", "forbidden", "invalid", "required"]

Source: TypeAlias = Literal["strict", "schema", "cel", "webhook", "name", "reference", "document"]
"""Who finds the error: strict decoding (unknown and duplicate fields), the schema, a CEL rule, an
admission webhook of the platform, the rules for names and metadata, a check across the objects
that were given together, or the reader of the document."""


@attrs.frozen(kw_only=True)
class ObjectRef:
    """The object that an error or finding is about."""

    kind: str = ""
    name: str = ""
    namespace: str | None = None

    def __str__(self) -> str:
        name = self.name or "(no name)"
        return f"{self.kind or 'object'} {f'{self.namespace}/' if self.namespace else ''}{name}"


@attrs.frozen(kw_only=True)
class FieldError:
    """One reason for which the API server or a webhook would refuse an object.

    `path` is the real path of the field (`spec.backends[0].scalingCost`), `type` the Kubernetes
    cause type (`FieldValueInvalid`; `UnknownField`, `DuplicateField` and `DocumentInvalid` are
    our own), `message` the server's text without the path. `value` is the bad value where there
    is one. `webhook_path` is the path that the webhook's own text gives, when that names a field
    which does not exist. `file`, `line` and `column` (from 1) say where in a manifest it is.
    """

    path: str
    type: str
    message: str
    source: Source
    value: Any = None
    webhook_path: str | None = None
    object: ObjectRef = attrs.field(factory=ObjectRef)
    file: str | None = None
    line: int | None = None
    column: int | None = None
    parts: Parts = attrs.field(default=(), repr=False, eq=False)

    @property
    def location(self) -> str:
        """`model.yaml:12:7`; empty when the object did not come from a document."""
        known = [self.file or "<text>", self.line, self.column]
        return "" if self.line is None else ":".join(str(item) for item in known if item)

    @property
    def said(self) -> str:
        """Path and message as the webhook or the server prints them."""
        path = self.webhook_path or self.path
        return f"{path}: {self.message}" if path else self.message

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        subject = f"{self.object}: " if self.object.kind or self.object.name else ""
        return (
            f"{where}{subject}{self.path}: {self.message}"
            if self.path
            else (f"{where}{subject}{self.message}")
        )


class Report(list[FieldError]):
    """The field errors of one or several objects: a list, empty when all is well.

    `str()` of it is one line for each error.
    """

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self

    def raise_for_errors(self) -> None:
        """Raise `InvalidObjectError` with every error as a problem, if there are any."""
        if self:
            subjects = {str(error.object) for error in self}
            subject = subjects.pop() if len(subjects) == 1 else "objects"
            problems = [Problem(path=error.path, message=error.message) for error in self]
            raise InvalidObjectError(problems, subject=subject)

    def __str__(self) -> str:
        return "\n".join(map(str, self)) if self else "no errors"


def invalid(
    parts: Parts, path: str, value: Any, detail: str, *, source: Source, shown: str | None = None
) -> FieldError:
    """`Invalid value: <value>: <detail>`; `shown` replaces how the value is printed."""
    text = render_value(value) if shown is None else shown
    return FieldError(
        path=path,
        parts=parts,
        type="FieldValueInvalid",
        message=f"Invalid value: {text}: {detail}",
        source=source,
        value=value,
    )


def required(parts: Parts, path: str, detail: str = "", *, source: Source) -> FieldError:
    """`Required value`, with a detail if there is one."""
    message = f"Required value: {detail}" if detail else "Required value"
    return FieldError(
        path=path, parts=parts, type="FieldValueRequired", message=message, source=source
    )


def forbidden(parts: Parts, path: str, detail: str, *, source: Source) -> FieldError:
    """`Forbidden: <detail>`."""
    return FieldError(
        path=path,
        parts=parts,
        type="FieldValueForbidden",
        message=f"Forbidden: {detail}",
        source=source,
    )
