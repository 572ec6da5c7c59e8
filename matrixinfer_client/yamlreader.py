"""The parser's events to plain data.

Not PyYAML's own composer, for three reasons: with libyaml it crashes the process on deep nesting,
it shares aliased values, and it does not tell where a key stood that came twice.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, cast

import yaml

from matrixinfer_client.errors import ManifestError
from matrixinfer_client.scalars import is_null, number_of, read_bool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from yaml import SafeLoader
else:
    # With libyaml where PyYAML was built with it; ten times as fast.
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

__all__ = ["Reader", "at"]

_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"

# Nobody nests deeper, and Python's stack does not go much deeper.
_DEEPEST = 150
# More values than anybody means to repeat; a few aliases of aliases make billions.
_MOST_REPEATED = 100_000


class Reader:
    """Builds the documents of one text; `source` names it in errors.

    `on_repeat` makes it as forgiving as an API server: of a key that comes twice the last value
    counts, and it is called with the key and the line of the value; a key that is no string
    becomes one.
    """

    def __init__(
        self, text: str, source: str, *, on_repeat: Callable[[str, int], None] | None = None
    ) -> None:
        self.source = source
        self.on_repeat = on_repeat
        self.events = cast("Iterator[Any]", yaml.parse(text, Loader=SafeLoader))
        self.depth = 0
        self.repeated = 0
        # What each anchor names; `_OPEN` while its value is being built.
        self.anchors: dict[str, Any] = {}

    def documents(self) -> Iterator[tuple[Any, int]]:
        """Each document's value with the line, from one, on which it begins."""
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors.clear()
                first = next(self.events)
                yield self._value(first), first.start_mark.line + 1

    def _value(self, event: Any) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = _OPEN
        built = self._scalar(event) if isinstance(event, yaml.ScalarEvent) else self._nested(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = built
        return built

    def _nested(self, event: Any) -> Any:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._error(event, f"nested more than {_DEEPEST} deep")
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _TAG + ("map" if is_mapping else "seq")):
            raise self._error(event, f"the tag {event.tag} has no meaning in a manifest")
        built: Any = self._mapping() if is_mapping else self._sequence()
        self.depth -= 1
        return built

    def _sequence(self) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._value(event))
        return items

    def _mapping(self) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if _is_merge(event):
                merged = self._merged(next(self.events)) | merged
                continue
            key = self._key(event)
            if key in own and self.on_repeat is None:
                raise self._error(event, f"the key {key!r} comes twice in a mapping")
            first = next(self.events)
            value = self._value(first)
            if key in own and self.on_repeat is not None:
                self.on_repeat(key, first.start_mark.line + 1)
            own[key] = value
        return merged | own

    def _merged(self, event: Any) -> dict[str, Any]:
        value = self._value(event)
        merged: dict[str, Any] = {}
        for each in cast("Sequence[Any]", value) if isinstance(value, list) else [value]:
            if not isinstance(each, dict):
                raise self._error(event, "<< takes a mapping or a list of mappings")
            merged = cast("dict[str, Any]", each) | merged
        return merged

    def _key(self, event: Any) -> str:
        key = self._value(event)
        if self.on_repeat is not None and isinstance(key, bool | int | float):
            return str(key).lower()
        if not isinstance(key, str):
            is_scalar = isinstance(event, yaml.ScalarEvent)
            hint = f"; quote it: '{event.value}'" if is_scalar else ""
            raise self._error(event, f"a key must be a string, got {type(key).__name__}{hint}")
        return key

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            raise self._error(event, f"the alias *{event.anchor} has no anchor before it")
        value = self.anchors[event.anchor]
        if value is _OPEN:
            raise self._error(event, "the value contains itself")
        return self._copy(value, event)

    def _copy(self, value: Any, event: Any) -> Any:
        if not isinstance(value, dict | list):
            return value
        self.repeated += 1 + len(cast("list[Any]", value))
        if self.repeated > _MOST_REPEATED:
            raise self._error(event, f"aliases repeat more than {_MOST_REPEATED:,} values")
        if isinstance(value, list):
            return [self._copy(item, event) for item in cast("Sequence[Any]", value)]
        pairs = cast("dict[str, Any]", value).items()
        return {key: self._copy(item, event) for key, item in pairs}

    def _scalar(self, event: Any) -> Any:
        text = cast("str", event.value)
        if event.tag in (None, "!"):
            return self._plain(event, text) if event.implicit[0] else text
        name = str(event.tag).removeprefix(_TAG)
        if name == "str":
            return text
        if name not in ("null", "bool", "int", "float"):
            raise self._error(event, f"the tag {event.tag} has no meaning in a manifest")
        if name == "null" and is_null(text):
            return None
        value: float | None = read_bool(text)
        if name != "bool":
            value = number_of(text, is_float=name == "float")
        if name == "null" or value is None:
            raise self._error(event, f"{text!r} is no {name}")
        return value

    def _plain(self, event: Any, text: str) -> Any:
        if is_null(text):
            return None
        value: float | None = read_bool(text)
        if value is None:
            value = number_of(text)
        if value is not None and not isfinite(value):
            raise self._error(event, f"{text} is not a JSON number")
        return text if value is None else value

    def _error(self, event: Any, problem: str) -> ManifestError:
        return at(event.start_mark, self.source, problem)


_OPEN = object()


def _is_merge(event: Any) -> bool:
    is_plain = isinstance(event, yaml.ScalarEvent) and event.implicit[0]
    return is_plain and event.value == _MERGE


def at(mark: Any, source: str, problem: str) -> ManifestError:
    """The error for a problem at a place of the text."""
    return ManifestError(f"{source}, line {mark.line + 1}, column {mark.column + 1}: {problem}")
