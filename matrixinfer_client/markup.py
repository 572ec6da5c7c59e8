"""HTML for notebooks: a few pieces that fit together, in which every text is a text.

What is shown was written by somebody else, so a plain string is escaped wherever it goes; only
`Html`, which this module makes, is taken as it is. Colours are those of the notebook's theme, and
nothing depends on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

__all__ = [
    "Html",
    "bar",
    "block",
    "bold",
    "facts",
    "folded",
    "joined",
    "line",
    "mark",
    "pre",
    "table",
]

_WORDS = 300

# Notebooks align cells to the right, as is good for numbers. Long texts wrap, what cannot wrap can
# be scrolled, and no cell makes the page wider.
_STYLE = """<style>
.matrixinfer {overflow-x: auto; line-height: 1.4}
.matrixinfer table {border-collapse: collapse; margin: .4em 0}
.matrixinfer th, .matrixinfer td {text-align: left !important; vertical-align: top !important;
  padding: .2em 1.4em .2em .4em; max-width: 56em; overflow-wrap: break-word}
.matrixinfer td p, .matrixinfer td pre {margin: 0; padding: 0}
.matrixinfer th {font-weight: 600; white-space: nowrap}
.matrixinfer p {margin: .3em 0}
.matrixinfer pre {margin: .4em 0; padding: 0; background: none; white-space: pre-wrap;
  word-break: normal; overflow-wrap: break-word;
  font-family: var(--jp-code-font-family, ui-monospace, monospace); font-size: .93em}
.matrixinfer td pre {opacity: .7}
.matrixinfer summary {cursor: pointer}
.matrixinfer .good {color: var(--jp-success-color1, #2a9d5c)}
.matrixinfer .bad {color: var(--jp-error-color1, #e0483e)}
.matrixinfer .faint {opacity: .7}
</style>"""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def block(*parts: str) -> Html:
    """Everything that is shown of one thing."""
    return Html(f'{_STYLE}<div class="matrixinfer">{joined(parts)}</div>')


def joined(parts: Iterable[str], by: str = "") -> Html:
    """Several pieces as one, with `by` between them."""
    return Html(_safe(by).join(map(_safe, parts)))


def line(*parts: str, faint: bool = False) -> Html:
    """A line of text; its parts follow each other without a space."""
    kind = ' class="faint"' if faint else ""
    return Html(f"<p{kind}>{joined(parts)}</p>")


def bold(text: str) -> Html:
    """A text that is read first."""
    return Html(f"<b>{_safe(text)}</b>")


def bar(done: int, total: int, text: str) -> Html:
    """How far something is, as a bar and in words."""
    return Html(f'<p><progress value="{done:d}" max="{total:d}"></progress> {_safe(text)}</p>')


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """A table; without `heads` it has no head."""
    head = "".join(f"<th>{_safe(cell)}</th>" for cell in heads)
    lines = [f"<tr>{head}</tr>"] if heads else []
    lines += [f"<tr>{''.join(f'<td>{_cut(cell)}</td>' for cell in row)}</tr>" for row in rows]
    return Html(f"<table>{''.join(lines)}</table>")


def facts(known: Mapping[str, object]) -> Html:
    """A table of names and values; what is None or empty is left out."""
    return table(
        (), ([name, str(value)] for name, value in known.items() if value not in (None, ""))
    )


def pre(text: str) -> Html:
    """Lines as they are, in a font in which columns stay columns."""
    return Html(f"<pre>{_safe(text)}</pre>")


def folded(title: str, text: str, *, is_open: bool = False) -> Html:
    """Lines that can be folded up and opened."""
    opened = " open" if is_open else ""
    return Html(f"<details{opened}><summary>{_safe(title)}</summary>{pre(text)}</details>")


def mark(text: str, good: bool | None) -> Html:
    """A text with a sign of whether that is good; None for what is neither."""
    if good is None:
        return Html(_safe(text))
    kind, sign = ("good", "✓") if good else ("bad", "✗")
    return Html(f'<span class="{kind}">{sign}</span> {_safe(text)}')


def _safe(text: str) -> str:
    return text if isinstance(text, Html) else escape(text)


def _cut(text: str) -> str:
    """A cell; a text that nobody reads in a table is cut."""
    if isinstance(text, Html) or len(text) <= _WORDS:
        return _safe(text)
    return f"{escape(text[:_WORDS])}…"
