"""Objects and lists as a notebook shows them: as tables, the whole of an object folded up below."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from matrixinfer_client import yamlio
from matrixinfer_client.errors import InvalidObjectError
from matrixinfer_client.facts import facts_of
from matrixinfer_client.looks import Look, rows, text
from matrixinfer_client.markup import Html, block, bold, facts, folded, joined, line, mark, table
from matrixinfer_client.models import ApiList, ApiModel, ApiObject
from matrixinfer_client.times import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matrixinfer_client.config import Config
    from matrixinfer_client.targets import Options

__all__ = ["connected", "listing", "show"]

T = TypeVar("T")

# A notebook keeps what it shows in its file; nobody scrolls through ten thousand rows.
_ROWS = 100
# The attributes of a client that `codegen` writes, one per group and version.
_GROUP = re.compile(r"[a-z]\w*_v\d\w*")


def show(value: ApiModel) -> str | None:
    """HTML for a list (one row per object), a kind (its state, then YAML), or a part of one.

    None for an object under construction that has no wire form: a notebook then shows its `repr`.
    """
    try:
        if isinstance(value, ApiList):
            return _list(cast("Any", value))
        if isinstance(value, ApiObject):
            return _object(value)
        return block(folded(type(value).__name__, yamlio.dump(value.to_dict()), is_open=True))
    except InvalidObjectError:
        return None


def listing(items: Sequence[T], read: Callable[[T], ApiObject]) -> Html:
    """A row for each object, for the first hundred of them; only those are read."""
    looks = [Look(read(item)) for item in items[:_ROWS]]
    shown = table(
        ("NAME", "NAMESPACE", "AGE", "STATUS"),
        ((look.name, _namespace(look), _age(look), _marked(look)) for look in looks),
    )
    rest = len(items) - len(looks)
    return joined([shown, line(f"{rest} more are not shown", faint=True)]) if rest else shown


def connected(owner: object, config: Config, options: Options) -> str:
    """HTML for a client: where it connects, and the resources of each group it offers."""
    known = {
        "server": config.server,
        "from": config.source,
        "namespace": options.namespace,
        "dry run": "yes" if options.dry_run else None,
    }
    groups: dict[str, object] = {
        name: getattr(owner, name) for name in dir(owner) if _GROUP.fullmatch(name)
    }
    offered = {
        name: ", ".join(resource for resource in vars(type(group)) if not resource.startswith("_"))
        for name, group in groups.items()
    }
    return block(line(bold(type(owner).__name__)), facts({**known, **offered}))


def _list(value: ApiList[Any]) -> str:
    items = value.items or []
    counted = f": {len(items)} object{'' if len(items) == 1 else 's'}"
    if value.continue_token:
        counted += ", and more on the server"
    return block(
        line(bold(type(value).__name__), counted), listing(items, _itself) if items else ""
    )


def _itself(item: ApiObject) -> ApiObject:
    return item


def _object(value: ApiObject) -> str:
    look = Look(value)
    name = look.name or text(look.metadata.get("generateName"))
    where = f", namespace {_namespace(look)}" if _namespace(look) else ""
    age = f", {_age(look)} old" if _age(look) else ""
    labels = ", ".join(f"{key}={label}" for key, label in look.labels.items())
    status = _marked(look)
    # Who owns which field is longer than the rest, and kubectl hides it, too.
    metadata = {key: fact for key, fact in look.metadata.items() if key != "managedFields"}
    plain = {**look.wire, "metadata": metadata} if look.metadata else look.wire
    return block(
        line(bold(f"{type(value).__name__} {name}".rstrip()), f"{where}{age}"),
        line(status) if status else "",
        line(f"labels: {labels}", faint=True) if labels else "",
        _conditions(look),
        folded("YAML", yamlio.dump(plain)),
    )


def _conditions(look: Look) -> str:
    found = rows(look.status.get("conditions"))
    if not found:
        return ""
    names = ("type", "status", "reason", "message")
    return table(
        ("CONDITION", "STATUS", "REASON", "MESSAGE"),
        ([text(row.get(name)) for name in names] for row in found),
    )


def _marked(look: Look) -> str:
    """The status, with a sign where the platform's facts say whether that is good."""
    status = _status(look)
    known = facts_of(cast("ApiObject", look.object).KIND)
    if not status or look.is_deleting or known is None:
        return status
    if known.failure(look) is not None or known.stuck(look) is not None:
        return mark(status, good=False)
    ready = known.types.get("Ready")
    return mark(status, good=True if ready is not None and ready(look) == "True" else None)


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
