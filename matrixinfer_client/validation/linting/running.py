"""`lint`: what a cluster accepts and then breaks on."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Literal

from matrixinfer_client.validation.access import block
from matrixinfer_client.validation.linting.registry import (
    RULES,
    Finding,
    Findings,
    Hit,
    Rule,
    Subject,
)
from matrixinfer_client.validation.objects import complete, identity_errors, structural_errors
from matrixinfer_client.validation.positions import comments
from matrixinfer_client.validation.rendering import render_path
from matrixinfer_client.validation.schemas import kind_schema
from matrixinfer_client.validation.sources import Given, Source, read
from matrixinfer_client.validation.webhooks import mutate

__all__ = ["INVALID", "lint"]

INVALID = "MI000"
"""The code for an object that is not valid, so that no rule can look at it."""

_SUPPRESSION = re.compile(r"\blint:\s*ignore=([A-Z0-9, ]+)")


def lint(
    source: Source,
    *,
    ignore: Collection[str] = (),
    other_kinds: Literal["error", "ignore"] = "error",
) -> Findings:
    """What these objects will not do although a cluster accepts them; empty when all is well.

    `source` is what `validate` takes. Several objects are also looked at together: routes and
    their servers, servers and the pods they select, bindings and their targets.

    Rules named in `ignore` are left out, and so are those named in a comment
    `# lint: ignore=MI001,MI002` of a YAML document, for that document. An object that is not valid
    gets one finding, MI000, since the rules need its structure; `validate` tells the rest.
    `other_kinds="ignore"` passes over objects that are not of MatrixInfer.

    Raises `ValueError` for a code that does not exist, `ManifestError` for a path that cannot be
    read.
    """
    unknown = sorted(set(ignore) - RULES.keys() - {INVALID})
    if unknown:
        raise ValueError(f"there is no rule {', '.join(unknown)}")
    findings = Findings()
    subjects: list[tuple[Given, Subject]] = []
    everything: list[Subject] = []
    for given in read(source):
        found = _subject(given, everything)
        if isinstance(found, Subject):
            subjects.append((given, found))
            everything.append(found)
        elif not (other_kinds == "ignore" and _is_foreign(given)):
            findings.append(found)
    for given, subject in subjects:
        findings += _look(given, subject)
    return _without(findings, set(ignore))


def _subject(given: Given, others: list[Subject]) -> Subject | Finding:
    """What the rules look at, or why they cannot."""
    if given.problem is not None:
        problem = given.problem
        return _invalid(given, problem.path, problem.message, problem.line, problem.column)
    errors = identity_errors(given.obj) or structural_errors(given.obj)
    if errors:
        first = given.placed(errors[0])
        return _invalid(given, first.path, first.message, first.line, first.column)
    kind = kind_schema(given.obj["kind"])
    stored, _ = complete(kind, given.obj)
    full = mutate(kind.kind, stored)
    return Subject(
        kind=kind.kind,
        name=given.ref.name,
        namespace=given.ref.namespace,
        spec=block(full, "spec"),
        given=given.obj.get("spec"),
        obj=given.obj,
        others=others,
    )


def _invalid(
    given: Given, path: str, message: str, line: int | None, column: int | None
) -> Finding:
    return Finding(
        code=INVALID,
        severity="error",
        path=path,
        title="The object is not valid",
        reason=f"No rule can look at it: {message}.",
        fix="correct what `validate` reports.",
        object=given.ref,
        file=given.file,
        line=line,
        column=column,
    )


def _look(given: Given, subject: Subject) -> Iterator[Finding]:
    silent = _suppressed(given)
    for code, rule in sorted(RULES.items()):
        if code not in silent and (subject.kind in rule.kinds or "*" in rule.kinds):
            for hit in rule.check(subject):
                yield _finding(rule, hit, given)


def _finding(rule: Rule, hit: Hit, given: Given) -> Finding:
    position = given.position(hit.parts)
    return Finding(
        code=rule.code,
        severity=rule.severity,
        path=render_path(hit.parts),
        title=rule.title,
        reason=hit.reason,
        fix=hit.fix,
        object=given.ref,
        file=given.file,
        line=None if position is None else position.line,
        column=None if position is None else position.column,
    )


def _suppressed(given: Given) -> set[str]:
    if "lint:" not in given.text:
        return set()
    codes: set[str] = set()
    for _, comment in comments(given.text, given.document):
        found = _SUPPRESSION.search(comment)
        if found is not None:
            codes |= {code.strip() for code in found[1].split(",")}
    return codes


def _is_foreign(given: Given) -> bool:
    api_version = given.obj.get("apiVersion")
    return isinstance(api_version, str) and ".matrixinfer.ai/" not in api_version


def _without(findings: Findings, ignored: set[str]) -> Findings:
    return Findings(finding for finding in findings if finding.code not in ignored)
