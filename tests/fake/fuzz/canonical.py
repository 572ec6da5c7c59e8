"""Answers without what differs between any two servers, and everything that still differs.

What is left out, and why:

- UIDs, versions and generated names are each server's own. They become `uid-1`, `version-2` in the
  order in which they are first seen, so that it still shows when one changes that should not.
- Times become `TIME`; the order of `managedFields`, which depends on them, is that of the names.
- The version of a list moves with everything that a real server does at the same time.
- The server finds the causes of a 422 in the order of Go's maps, which is random; they are sorted.
  The message says the same errors in the same order and is sorted with them; so are the errors of
  an apply that does not fit the schema. Of fields that the schema does not declare an apply names
  whichever it came across first, and none is compared.
- The columns of a table have Kubernetes' descriptions on one side and our own on the other.
- Who owns which container of a pod: core objects have no schema in the fake, which takes their
  lists for whole values.
- Addresses of Go structs (`0xc000…`) in messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from tests.fake.fuzz.sides import Answer

__all__ = ["Canon", "Difference", "differences"]

_UID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_POINTER: Final = re.compile(r"0xc[0-9a-f]+")
_GENERATED: Final = re.compile(r"(zz-gen-\d+-)[a-z0-9]{5}\b")
# Before a version in a message, or in an object that is quoted in one.
_BEFORE_A_VERSION: Final = (
    r"resource version: ",
    r"current: ",
    r"too old resource version: \d+ \(",
    r"in the precondition \(",
    r"in record \(",
    r'resourceVersion\\*": ?\\*"',
)
_VERSIONS: Final = re.compile(rf"({'|'.join(_BEFORE_A_VERSION)})(\d+)")
_UNDECLARED: Final = re.compile(
    r"(failed to create typed patch object \([^)]*\):)(?=.*: field not declared in schema).*",
    re.DOTALL,
)
_TYPED_ERRORS: Final = re.compile(r"(?<=errors:\n)(  \..*\n?)+")
_AGE: Final = re.compile(r"\d+(s|m\d*s?)")
_IS_INVALID: Final = " is invalid: "


@attrs.frozen
class Difference:
    """Something on which the servers do not agree."""

    operation: int
    """Its number in the sequence."""
    place: str
    """Where in the answer."""
    real: Any
    fake: Any

    def __str__(self) -> str:
        return f"{self.place}\n    real: {self.real!r}\n    fake: {self.fake!r}"


_ABSENT: Final = "(absent)"


def differences(real: Any, fake: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ, as deep inside as can be told."""
    if isinstance(real, Mapping) and isinstance(fake, Mapping):
        for name in sorted({*real, *fake}):
            yield from differences(
                real.get(name, _ABSENT), fake.get(name, _ABSENT), f"{place}.{name}"
            )
    elif isinstance(real, list) and isinstance(fake, list) and len(real) == len(fake):
        for index, (one, other) in enumerate(zip(real, fake, strict=True)):
            yield from differences(one, other, f"{place}[{index}]")
    elif real != fake or type(real) is not type(fake):
        yield place, real, fake


@attrs.define
class Canon:
    """Makes the answers of one side comparable."""

    uids: dict[str, str] = attrs.field(factory=dict[str, str])
    versions: dict[str, str] = attrs.field(factory=dict[str, str])

    def answer(self, answer: Answer) -> dict[str, Any]:
        """All of an answer that is to be compared."""
        body = answer.body
        if isinstance(body, dict) and body.get("kind") == "Status":
            body = self._status(body)
        return {
            "status": answer.status,
            "type": answer.content_type,
            "warnings": [self._text(text) for text in answer.warnings],
            "body": self._value(body),
        }

    def events(self, events: list[Any]) -> list[Any]:
        """The events of a watch."""
        return [
            {"type": event["type"], "object": self._value(self._seen(event))} for event in events
        ]

    def _seen(self, event: Any) -> Any:
        obj = event["object"]
        if event["type"] == "BOOKMARK":
            # Some kinds have empty fields besides.
            return {**_kind_of(obj), "metadata": _of_list(obj["metadata"])}
        return self._status(obj) if obj.get("kind") == "Status" else obj

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _object(self, value: dict[str, Any]) -> dict[str, Any]:
        listed = "items" in value or "rows" in value
        result: dict[str, Any] = {}
        for name, item in value.items():
            if name == "metadata" and listed and isinstance(item, dict):
                result[name] = _of_list(item)
            elif name == "resourceVersion" and isinstance(item, str):
                result[name] = self._version(item)
            elif name == "managedFields" and isinstance(item, list):
                entries = [_without_containers(self._value(entry)) for entry in item]
                result[name] = sorted(entries, key=_entry_key)
            elif name == "columnDefinitions" and isinstance(item, list):
                result[name] = [{**column, "description": "WORDS"} for column in item]
            elif name == "rows" and isinstance(item, list):
                result[name] = [self._row(row) for row in item]
            else:
                result[self._text(name)] = self._value(item)
        return result

    def _row(self, row: Any) -> Any:
        cells = [
            "AGE" if isinstance(cell, str) and _AGE.fullmatch(cell) else cell
            for cell in row["cells"]
        ]
        return self._value({**row, "cells": cells})

    def _status(self, status: dict[str, Any]) -> dict[str, Any]:
        details = status.get("details")
        causes = details.get("causes") if isinstance(details, dict) else None
        if not causes or not isinstance(details, dict):
            return status
        ordered = sorted(causes, key=_cause_key)
        message = _sorted_message(status.get("message", ""), causes)
        return {**status, "message": message, "details": {**details, "causes": ordered}}

    def _text(self, text: str) -> str:
        text = _UID.sub(lambda match: self._uid(match[0]), text)
        text = _POINTER.sub("POINTER", _TIME.sub("TIME", text))
        text = _GENERATED.sub(r"\1#", text)
        text = _UNDECLARED.sub(r"\1 FIELDS", text)
        text = _TYPED_ERRORS.sub(lambda match: "\n".join(sorted(match[0].splitlines())), text)
        return _VERSIONS.sub(lambda match: match[1] + self._known(match[2]), text)

    def _uid(self, uid: str) -> str:
        return self.uids.setdefault(uid, f"uid-{len(self.uids) + 1}")

    def _version(self, version: str) -> str:
        return self.versions.setdefault(version, f"version-{len(self.versions) + 1}")

    def _known(self, version: str) -> str:
        return self.versions.get(version, "LIST")


def _kind_of(obj: dict[str, Any]) -> dict[str, Any]:
    return {name: obj.get(name) for name in ("apiVersion", "kind")}


def _of_list(metadata: dict[str, Any]) -> dict[str, Any]:
    kept = dict(metadata)
    if kept.get("creationTimestamp", "") is None:
        del kept["creationTimestamp"]
    if "resourceVersion" in kept:
        kept["resourceVersion"] = "LIST"
    if kept.get("continue"):
        kept["continue"] = "TOKEN"
    return kept


def _without_containers(entry: Any) -> Any:
    match entry:
        case {"apiVersion": "v1", "fieldsV1": {"f:spec": {"f:containers": _, **kept}} as fields}:
            return {**entry, "fieldsV1": {**fields, "f:spec": kept}}
    return entry


def _entry_key(entry: dict[str, Any]) -> str:
    names = ("operation", "manager", "subresource", "apiVersion")
    return " ".join(str(entry.get(name, "")) for name in names)


def _cause_key(cause: dict[str, Any]) -> tuple[str, str, str]:
    return cause.get("field", ""), cause.get("reason", ""), cause.get("message", "")


def _sorted_message(message: str, causes: list[dict[str, Any]]) -> str:
    """The message with its errors in order; as it is, when it is no sequence of the causes."""
    head, found, tail = message.partition(_IS_INVALID)
    if not found:
        return message
    texts = {f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in causes}
    rest = tail
    for text in sorted(texts, key=len, reverse=True):
        if text not in rest:
            return message
        rest = rest.replace(text, "", 1)
    if rest.strip("[], "):
        return message
    return f"{head}{found}{rest}{' | '.join(sorted(texts))}"
