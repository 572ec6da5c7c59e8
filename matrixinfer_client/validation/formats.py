"""Findings and field errors as text, as JSON, and as annotations of a CI service."""

from __future__ import annotations

import json
from collections.abc import Iterable

from matrixinfer_client.validation.linting.registry import Finding
from matrixinfer_client.validation.results import FieldError

__all__ = ["as_annotations", "as_json", "as_text"]

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def as_text(findings: Iterable[Finding | FieldError]) -> str:
    """A line for each, with file, line and column where they are known; empty for none."""
    return "".join(f"{finding}\n" for finding in findings)


def as_json(findings: Iterable[Finding | FieldError]) -> str:
    """A JSON array of objects; keys are stable, values that are not known are null."""
    return json.dumps([_plain(finding) for finding in findings], indent=2, ensure_ascii=False)


def as_annotations(findings: Iterable[Finding | FieldError]) -> str:
    """Workflow commands of GitHub Actions, which show at the lines of a pull request."""
    return "".join(f"{_command(finding)}\n" for finding in findings)


def _plain(finding: Finding | FieldError) -> dict[str, object]:
    about = finding.object
    common: dict[str, object] = {
        "severity": finding.severity if isinstance(finding, Finding) else "error",
        "object": {"kind": about.kind, "namespace": about.namespace, "name": about.name},
        "path": finding.path,
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
    }
    if isinstance(finding, Finding):
        own = {"title": finding.title, "reason": finding.reason, "fix": finding.fix}
        return {"code": finding.code, **common, **own, "docs": finding.url}
    return {"code": finding.type, **common, "message": finding.message, "source": finding.source}


def _command(finding: Finding | FieldError) -> str:
    if isinstance(finding, Finding):
        name, title = _COMMANDS[finding.severity], f"{finding.code} {finding.title}"
    else:
        name, title = "error", finding.type
    properties = {
        "file": finding.file,
        "line": finding.line,
        "col": finding.column,
        "title": title,
    }
    known = ",".join(
        f"{key}={_escape(str(value), ':,')}" for key, value in properties.items() if value
    )
    subject = f"{finding.object}: {finding.path}: " if finding.path else f"{finding.object}: "
    return f"::{name} {known}::{_escape(subject + finding.message)}"


def _escape(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
