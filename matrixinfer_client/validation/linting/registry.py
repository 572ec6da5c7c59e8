"""What a rule of the linter is, what it gets to see, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias

import attrs

from matrixinfer_client.validation.rendering import Parts
from matrixinfer_client.validation.results import ObjectRef

__all__ = ["RULES", "Finding", "Findings", "Hit", "Rule", "Severity", "Subject", "rule"]

Severity: TypeAlias = Literal["error", "warning", "info"]
"""`error`: it will not work; `warning`: it does not do what it says; `info`: good to know."""


@attrs.frozen(kw_only=True)
class Finding:
    """Something that a cluster accepts and that then does not do what it says.

    `code` is stable (`MI001`), `title` says what the rule is about, `reason` what happens here,
    and `fix` what to write instead. `url` is the page of the rule.
    """

    code: str
    severity: Severity
    path: str
    title: str
    reason: str
    fix: str
    object: ObjectRef = attrs.field(factory=ObjectRef)
    file: str | None = None
    line: int | None = None
    column: int | None = None

    @property
    def message(self) -> str:
        """Reason and fix."""
        return f"{self.reason} Fix: {self.fix}"

    @property
    def location(self) -> str:
        """`model.yaml:12:7`; empty when the object did not come from a document."""
        known = [self.file or "<text>", self.line, self.column]
        return "" if self.line is None else ":".join(str(item) for item in known if item)

    @property
    def url(self) -> str:
        """The page of the rule, relative to the root of the documentation."""
        return f"lint/{self.code}.md"

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.severity} {self.code} {self.object}: {self.path}: {self.message}"


class Findings(list[Finding]):
    """What the linter found: a list, empty when there is nothing; `str()` is a line for each."""

    @property
    def errors(self) -> list[Finding]:
        """The findings with which it will not work."""
        return [finding for finding in self if finding.severity == "error"]

    def __str__(self) -> str:
        return "\n".join(map(str, self)) if self else "nothing found"


@attrs.frozen(kw_only=True, eq=False)
class Subject:
    """One object as the rules see it.

    `spec` is complete, with what the server and the webhooks fill in; `given` is the spec as it
    was written, None without one. `others` are all objects that were handed in together.
    """

    kind: str
    name: str
    namespace: str | None
    spec: Mapping[str, Any]
    given: Mapping[str, Any] | None
    obj: Mapping[str, Any]
    others: list[Subject] = attrs.field(factory=list["Subject"])

    def near(self, kind: str) -> list[Subject]:
        """The other objects of a kind in the same namespace."""
        return [
            other
            for other in self.others
            if other is not self and other.kind == kind and other.namespace == self.namespace
        ]


@attrs.frozen
class Hit:
    """A place where a rule applies, and what it means there."""

    parts: Parts
    reason: str
    fix: str


Check: TypeAlias = Callable[[Subject], Iterable[Hit]]


@attrs.frozen
class Rule:
    """A rule of the linter."""

    code: str
    severity: Severity
    kinds: tuple[str, ...]
    title: str
    check: Check


_rules: dict[str, Rule] = {}

RULES: Mapping[str, Rule] = _rules
"""All rules by code, in the order of the codes once `lint` is imported."""


def rule(code: str, severity: Severity, kind: str, title: str) -> Callable[[Check], Check]:
    """Register a function as the check of a rule; `kind` is `*` for all kinds."""

    def register(check: Check) -> Check:
        if code in _rules:
            raise ValueError(f"the code {code} is taken")
        _rules[code] = Rule(code, severity, (kind,), title, check)
        return check

    return register
