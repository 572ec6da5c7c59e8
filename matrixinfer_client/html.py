"""Objects and lists as a notebook shows them: tables, with the whole of an object folded up below.

Everything in them was written by somebody else and is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, cast

from matrixinfer_client import yamlio
from matrixinfer_client.errors import InvalidObjectError
from matrixinfer_client.looks import Look, rows, text
from matrixinfer_client.models import ApiList, ApiModel, ApiObject
from matrixinfer_client.times import parse

__all__ = ["show"]

# A notebook keeps what it shows in its file; nobody scrolls through ten thousand rows.
_ROWS = 100
_WORDS = 200


def show(value: ApiModel) -> str | None:
    """HTML for a list (one row per object), a kind (its state, then YAML), or a part of one.

    None for an object under construction that has no wire form: a notebook then shows its `repr`.
    """
    try:
        if isinstance(value, ApiList):
            return _list(cast("Any", value))
        if isinstance(value, ApiObject):
            return _object(value)
        return _folded(type(value).__name__, value.to_dict(), is_open=True)
    except InvalidObjectError:
        return None


def _list(value: ApiList[Any]) -> str:
    items = value.items or []
    name = type(value).__name__
    counted = f"{name}: {len(items)} object{'' if len(items) == 1 else 's'}"
    if value.continue_token:
        counted += ", and more on the server"
    looks = [Look(item) for item in items[:_ROWS]]
    table = _table(
        ("NAME", "NAMESPACE", "AGE", "STATUS"),
        ((look.name, _namespace(look), _age(look), _status(look)) for look in looks),
    )
    rest = len(items) - len(looks)
    more = f"<p>{rest} more are not shown</p>" if rest else ""
    return f"<p>{escape(counted)}</p>{table}{more}"


def _object(value: ApiObject) -> str:
    look = Look(value)
    labels = ", ".join(f"{key}={label}" for key, label in look.labels.items())
    facts = {
        type(value).__name__: look.name or text(look.metadata.get("generateName")),
        "namespace": _namespace(look),
        "age": _age(look),
        "status": _status(look),
        "labels": labels,
    }
    shown = ((name, fact) for name, fact in facts.items() if fact)
    # Who owns which field is longer than the rest, and kubectl hides it, too.
    metadata = {key: fact for key, fact in look.metadata.items() if key != "managedFields"}
    plain = {**look.wire, "metadata": metadata} if look.metadata else look.wire
    conditions = _conditions(look)
    return f"{_table((), shown)}{conditions}{_folded('YAML', plain, is_open=False)}"


def _conditions(look: Look) -> str:
    found = rows(look.status.get("conditions"))
    if not found:
        return ""
    names = ("type", "status", "reason", "message")
    return _table(
        ("CONDITION", "STATUS", "REASON", "MESSAGE"),
        ([_cut(text(row.get(name))) for name in names] for row in found),
    )


def _status(look: Look) -> str:
    """What one wants to know first: going away, conditions that hold, or the counters."""
    if look.is_deleting:
        return "being deleted"
    if look.conditions:
        held = [name for name, row in look.conditions.items() if row.get("status") == "True"]
        return ", ".join(held) or "no condition is true"
    counted = {
        name: number
        for name, number in look.status.items()
        if isinstance(number, int) and "eplicas" in name
    }
    return ", ".join(f"{name} {number}" for name, number in counted.items())


def _namespace(look: Look) -> str:
    return text(look.metadata.get("namespace"))


def _age(look: Look) -> str:
    """In one unit, about as kubectl shows it; empty for what was not created yet."""
    created = parse(text(look.metadata.get("creationTimestamp")))
    if isinstance(created, str):
        return ""
    seconds = max(0, int((datetime.now(UTC) - created).total_seconds()))
    for unit, length, limit in (("s", 1, 120), ("m", 60, 120), ("h", 3600, 48)):
        if seconds < limit * length:
            return f"{seconds // length}{unit}"
    return f"{seconds // 86400}d"


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines
    )
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def _folded(title: str, plain: Mapping[str, Any], *, is_open: bool) -> str:
    opened = " open" if is_open else ""
    yaml = escape(yamlio.dump(plain))
    return f"<details{opened}><summary>{escape(title)}</summary><pre>{yaml}</pre></details>"


def _cut(words: str) -> str:
    return words if len(words) <= _WORDS else f"{words[:_WORDS]}…"
