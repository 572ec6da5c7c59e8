"""What a wait can wait for: words, kubectl's strings, functions, and combinations of them.

What can never be true of a kind is refused here, before anybody waits for it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NoReturn,
    TypeAlias,
    TypeVar,
    cast,
)

import attrs

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.facts import facts_of
from matrixinfer_client.jsonpath import parse_jsonpath
from matrixinfer_client.judging import (
    All,
    AnyOf,
    AtPath,
    Condition,
    Exists,
    Gone,
    Known,
    Literally,
    Predicate,
    StatusCondition,
)
from matrixinfer_client.models import ApiObject

if TYPE_CHECKING:
    from matrixinfer_client.kinds import Kind

__all__ = [
    "Combination",
    "ConditionArg",
    "Deleted",
    "StatusCondition",
    "all_of",
    "any_of",
    "resolve",
]

T = TypeVar("T", bound=ApiObject)

Deleted: TypeAlias = Literal["deleted", "delete"]


@attrs.frozen
class Combination:
    """Several conditions as one; made by `all_of` and `any_of`."""

    members: tuple[ConditionArg[Any], ...]
    every: bool


ConditionArg: TypeAlias = "str | StatusCondition | Combination | Callable[[T], object]"


def all_of(*conditions: ConditionArg[Any]) -> Combination:
    """All of the conditions at the same time.

    `all_of("exists", "Ready")` also waits for an object that is still to be created.
    """
    return _combination(conditions, every=True)


def any_of(*conditions: ConditionArg[Any]) -> Combination:
    """At least one of the conditions."""
    return _combination(conditions, every=False)


def _combination(conditions: Sequence[ConditionArg[Any]], *, every: bool) -> Combination:
    if not conditions:
        raise InvalidArgumentError(f"{'all_of' if every else 'any_of'} needs a condition")
    return Combination(tuple(conditions), every)


def resolve(condition: ConditionArg[Any], kind: Kind, *, any_generation: bool = False) -> Condition:
    """The condition for objects of a kind.

    Raises `InvalidArgumentError` for what cannot be understood, and for what can never be true of
    this kind, so that nobody waits for it.
    """
    if isinstance(condition, str):
        return _parse(condition, kind, any_generation)
    if isinstance(condition, StatusCondition):
        return _literal(condition, any_generation)
    if isinstance(condition, Combination):
        members = [
            resolve(member, kind, any_generation=any_generation) for member in condition.members
        ]
        return All(members) if condition.every else AnyOf(members)
    if not callable(condition):
        _refuse(repr(condition), kind)
    name = getattr(condition, "__name__", "<lambda>")
    return Predicate("the function" if name == "<lambda>" else name, condition)


_WORDS = re.compile(
    r"(?:condition\s*=\s*)?(?P<type>[A-Za-z][\w./-]*)(?:\s*==?\s*(?P<status>\w+))?", re.IGNORECASE
)
_PATH = re.compile(
    r"""jsonpath\s*=\s*(?P<quote>['"]?)(?P<path>\{.*?\})(?P=quote)(?:\s*==?\s*(?P<value>.*))?""",
    re.IGNORECASE | re.DOTALL,
)


def _parse(given: str, kind: Kind, any_generation: bool) -> Condition:
    words = given.strip()
    if words.lower() in ("exists", "create"):
        return Exists()
    if words.lower() in ("deleted", "delete"):
        return Gone()
    if words.lower().startswith("jsonpath"):
        return _parse_path(words)
    match = _WORDS.fullmatch(words)
    if match is None:
        _refuse(repr(given), kind)
    status = (match["status"] or "True").capitalize()
    if status not in ("True", "False", "Unknown"):
        raise InvalidArgumentError(
            f"a condition is True, False or Unknown, so {given!r} cannot be waited for; write "
            f'"{match["type"]}=False", or jsonpath={{.path}}=value for other fields'
        )
    facts = facts_of(kind)
    if facts is None:
        return _literal(StatusCondition(match["type"], cast("Any", status)), any_generation)
    name = next((name for name in facts.types if name.lower() == match["type"].lower()), None)
    if name is None:
        _refuse(repr(given), kind, match["type"])
    if status == "Unknown" or (status == "False" and name in facts.one_way):
        raise InvalidArgumentError(
            f"{name}={status} never happens on a {kind.kind}: its controller "
            + ("never writes Unknown" if status == "Unknown" else f"never takes {name} back")
        )
    return Known(text=words, name=name, wanted=status, facts=facts, any_generation=any_generation)


def _literal(wanted: StatusCondition, any_generation: bool) -> Condition:
    return Literally(f"{wanted.type}={wanted.status}", wanted, any_generation)


def _parse_path(words: str) -> Condition:
    match = _PATH.fullmatch(words)
    if match is None:
        raise InvalidArgumentError(
            f"{words!r} is not understood; write jsonpath={{.status.replicas}}=3, or without "
            "=value to wait until there is one"
        )
    value = match["value"]
    if value is not None and len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return AtPath(words, parse_jsonpath(match["path"]), value)


def _refuse(given: str, kind: Kind, wanted: str = "") -> NoReturn:
    facts = facts_of(kind)
    others = '"exists", "deleted", "jsonpath={.path}=value" or a function of the object'
    if facts is not None and not facts.types:
        raise InvalidArgumentError(
            f"{given} cannot be waited for: no controller writes a status to a {kind.kind}, so it "
            f"never has conditions. It can be waited for by {others}"
        )
    names = sorted(facts.types) if facts is not None else []
    close = difflib.get_close_matches(wanted.capitalize(), names, 1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    known = ", ".join(f'"{name}"' for name in names) or 'condition types like "Ready"'
    raise InvalidArgumentError(
        f"{given} is nothing that a {kind.kind} can be waited for{hint}. Known are {known}, each "
        f"also with =False; {others}; and all_of and any_of of them. For a condition of a newer "
        "platform use StatusCondition"
    )
