"""What a diagnosis says, and how it looks as text, as HTML and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from matrixinfer_client.markup import Html, block, bold, joined, line, mark, pre, table

__all__ = ["Diagnosis", "Finding", "Node", "Unreadable"]


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that is wrong: what, and what to do about it."""

    code: str
    """A stable word for programs, such as `unschedulable` or `image-pull`."""
    subject: str
    """The object it was found at, such as `Pod demo-b1-0-leader-0-0`."""
    cause: str
    """One sentence."""
    action: str
    """One thing to do."""
    evidence: tuple[str, ...] = ()
    """The cluster's own words: messages, the end of a log."""
    rank: int = 50
    """Causes have lower ranks than their consequences."""

    def __str__(self) -> str:
        return f"{self.subject}: {self.cause}"


@attrs.frozen(kw_only=True)
class Node:
    """An object and what belongs to it."""

    kind: str
    name: str
    state: str
    """Its state in a few words."""
    healthy: bool | None = None
    """None for objects that say nothing of themselves."""
    children: tuple[Node, ...] = ()

    def __str__(self) -> str:
        return "\n".join(_lines(self))


@attrs.frozen
class Unreadable:
    """Something that could not be looked at, so that a cause may have been missed."""

    verb: str
    resource: str
    namespace: str
    why: str
    forbidden: bool = False

    def __str__(self) -> str:
        if self.forbidden:
            return (
                f"{self.resource}: you may not {self.verb} {self.resource} in namespace "
                f"{self.namespace!r} (kubectl auth can-i {self.verb} {self.resource} "
                f"-n {self.namespace})"
            )
        return f"{self.resource}: {self.why}"


@attrs.frozen(kw_only=True)
class Diagnosis:
    """Why an object is not as it should be, as far as the cluster tells.

    `str()` gives a text for logs and terminals; in a notebook it shows by itself.
    """

    root: Node
    """The object, with what belongs to it."""
    namespace: str
    findings: tuple[Finding, ...] = ()
    """What is wrong, causes before consequences."""
    unreadable: tuple[Unreadable, ...] = ()
    """What could not be looked at."""

    @property
    def cause(self) -> str | None:
        """The most likely cause in one sentence; None when nothing wrong was found."""
        return str(self.findings[0]) if self.findings else None

    @property
    def action(self) -> str | None:
        """One thing to do about the cause; None when nothing wrong was found."""
        return self.findings[0].action if self.findings else None

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data for JSON."""
        return {
            "namespace": self.namespace,
            "cause": self.cause,
            "action": self.action,
            "findings": [attrs.asdict(finding) for finding in self.findings],
            "unreadable": [attrs.asdict(item) for item in self.unreadable],
            "tree": attrs.asdict(self.root),
        }

    def __str__(self) -> str:
        parts = [*self._why(), str(self.root)]
        if len(self.findings) > 1:
            parts += ["also:", *(f"  - {finding}" for finding in self.findings[1:])]
        if self.unreadable:
            parts += ["not readable:", *(f"  - {item}" for item in self.unreadable)]
        return "\n".join(parts)

    def _why(self) -> Iterator[str]:
        if not self.findings:
            yield "cause: none found" + (" in what could be read" if self.unreadable else "")
            return
        first = self.findings[0]
        yield f"cause: {first}"
        yield from (f"  | {line}" for text in first.evidence for line in text.splitlines())
        yield f"do:    {first.action}"

    def to_html(self) -> Html:
        """All of it as a piece of HTML, in which nothing the cluster said is markup."""
        name = f"{self.root.kind} {self.root.name}"
        healthy = mark(name, good=None if self.root.healthy is False else True)
        unread = joined([line(str(item), faint=True) for item in self.unreadable])
        return block(
            _why(self.findings) or line(healthy, ": nothing wrong was found"),
            pre(_tree(self.root)),
            joined([line("not readable:"), unread]) if unread else "",
        )

    def _repr_html_(self) -> str:
        return self.to_html()


def _why(findings: Sequence[Finding]) -> Html:
    """Two rows for each finding; empty when there are none."""
    rows: list[tuple[str, str]] = []
    for number, finding in enumerate(findings):
        rows += [
            (bold("also" if number else "cause"), _cause(finding)),
            (bold("do"), finding.action),
        ]
    return table((), rows) if rows else Html()


def _cause(finding: Finding) -> str:
    if not finding.evidence:
        return str(finding)
    return joined([line(str(finding)), pre("\n".join(finding.evidence))])


def _tree(root: Node) -> Html:
    shown = [
        (label, node.state if node.healthy is None else mark(node.state, good=node.healthy))
        for label, node in _rows(root, "", "")
    ]
    width = _width([label for label, _ in shown])
    return joined([joined([f"{label:<{width}}  ", state]) for label, state in shown], "\n")


def _width(labels: Sequence[str]) -> int:
    """The width of the column; a very long name must not push all states out of sight."""
    return min(max(map(len, labels)), 60)


def _lines(root: Node) -> list[str]:
    rows = [(label, node.state) for label, node in _rows(root, "", "")]
    width = _width([label for label, _ in rows])
    return [f"{label:<{width}}  {state}".rstrip() for label, state in rows]


def _rows(node: Node, first: str, rest: str) -> Iterator[tuple[str, Node]]:
    yield f"{first}{node.kind} {node.name}", node
    for child, is_last in _marked(node.children):
        branch, trunk = ("└── ", "    ") if is_last else ("├── ", "│   ")
        yield from _rows(child, rest + branch, rest + trunk)


def _marked(children: Sequence[Node]) -> Iterator[tuple[Node, bool]]:
    for index, child in enumerate(children, 1):
        yield child, index == len(children)
