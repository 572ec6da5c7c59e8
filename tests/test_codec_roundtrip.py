"""Decode, then encode: for all kinds, whatever a server of any version might send."""

from __future__ import annotations

import copy
import json
import pickle
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any, cast

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matrixinfer_client import codec
from matrixinfer_client.api import KINDS
from matrixinfer_client.models import ApiList, ApiObject

REFERENCE = "#/components/schemas/"
SCHEMAS: dict[str, Any] = json.loads(
    files("matrixinfer_client.api").joinpath("openapi.json").read_bytes()
)["components"]["schemas"]

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
# Names that no field has, with all that may be in a key: labels, `f:spec`, `k:{"a":1}`.
strangers = words.map(lambda word: f"x/{word}")
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | words
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2)
)
times = st.sampled_from(
    [
        "2025-08-01T10:00:00Z",
        "2025-08-01T10:00:00.123456Z",
        "2025-08-01T10:00:00.000000Z",
        "2025-08-01T10:00:00.123456789Z",
        "2025-08-01T10:00:00.1+02:00",
        "2025-08-01t10:00:00z",
        "2025-08-01",
        "not a time",
        "",
    ]
)

SIMPLE: dict[str | None, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**63), 2**63),
    "number": numbers,
}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    for part in (*schema.get("allOf", ()), schema):
        if "$ref" in part:
            return resolved(SCHEMAS[part["$ref"].removeprefix(REFERENCE)])
    return schema


@st.composite
def values(draw: st.DrawFn, schema: dict[str, Any], depth: int = 0) -> Any:
    """A value of the schema, with nulls, unknown fields and wrong types now and then."""
    schema = resolved(schema)
    oddity = draw(st.integers(0, 40))
    if oddity == 0 and depth > 0:
        return draw(anything)
    if oddity == 1 and depth > 0:
        return None
    match schema.get("type"):
        case "object" if "properties" in schema:
            return draw(objects(schema["properties"], depth))
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            item = values(schema["additionalProperties"], depth + 1)
            return draw(st.dictionaries(words, item, max_size=2))
        case "object":
            return draw(st.dictionaries(words, anything, max_size=3))
        case "array":
            return draw(st.lists(values(schema["items"], depth + 1), max_size=2))
        case "string":
            return draw(times if schema.get("format") == "date-time" else words)
        case simple:
            mixed = schema.get("x-kubernetes-int-or-string")
            return draw(st.integers() | words if mixed else SIMPLE.get(simple, anything))


@st.composite
def objects(draw: st.DrawFn, properties: dict[str, Any], depth: int) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(sorted(properties)), max_size=3, unique=True))
    if depth == 0:
        names = sorted({*names, "metadata", "spec"} & set(properties))
    found = {name: draw(values(properties[name], depth + 1)) for name in names}
    return found | draw(st.dictionaries(strangers, anything, max_size=1))


def normal(schema: dict[str, Any], value: Any) -> Any:
    """What must come back: all of it, but for known fields that are null."""
    schema = resolved(schema)
    if isinstance(value, list) and "items" in schema:
        return [normal(schema["items"], item) for item in value]
    if not isinstance(value, dict):
        return value
    if "properties" in schema:
        known = schema["properties"]
        return {
            name: normal(known[name], item) if name in known else item
            for name, item in value.items()
            if item is not None or name not in known
        }
    inner = schema.get("additionalProperties")
    if isinstance(inner, dict):
        return {name: normal(inner, item) for name, item in value.items()}
    return value


def exactly(value: Any) -> str:
    """JSON text in which `1`, `1.0` and `true` differ."""
    return json.dumps(value, sort_keys=True)


@cache
def kinds() -> list[tuple[type[ApiObject], dict[str, Any]]]:
    found: list[tuple[type[ApiObject], dict[str, Any]]] = []
    for (api_version, kind), place in KINDS.items():
        module, _, name = place.partition(":")
        cls = getattr(import_module(module), name)
        group, _, version = api_version.partition("/")
        wanted = [{"group": group, "kind": kind, "version": version}]
        if issubclass(cls, ApiObject):
            found += [
                (cls, schema)
                for schema in SCHEMAS.values()
                if schema.get("x-kubernetes-group-version-kind") == wanted
            ]
    return found


def test_there_are_six_kinds_to_test() -> None:
    assert len(kinds()) == 6


slow = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("index", range(6))
@slow
@given(data=st.data())
def test_reading_and_writing_changes_nothing(index: int, data: st.DataObject) -> None:
    cls, schema = kinds()[index]
    identity = {"apiVersion": cls.KIND.api_version, "kind": cls.KIND.kind}
    sent = {**data.draw(values(schema)), **identity}
    text = json.dumps(sent)
    unread = codec.decode(cls, text)
    assert exactly(json.loads(codec.encode(unread))) == exactly(sent)

    read = codec.decode(cls, text)
    expected = exactly(normal(schema, sent))
    for name in ("metadata", "spec", "status"):
        getattr(read, name, None)
    assert exactly(json.loads(codec.encode(read))) == expected
    assert exactly(codec.to_dict(read)) == expected
    codec.check(read)
    assert read == unread
    given = codec.from_dict(cls, sent)
    assert given == read
    assert exactly(given.to_dict()) == expected


@pytest.mark.parametrize("index", range(6))
@slow
@given(data=st.data())
def test_duplicates_of_what_was_read_lose_nothing(index: int, data: st.DataObject) -> None:
    cls, schema = kinds()[index]
    text = json.dumps(data.draw(values(schema)))
    for name in ("metadata", "none"):
        original = codec.decode(cls, text)
        getattr(original, name, None)
        expected = exactly(original.to_dict())
        for twin in (
            copy.copy(original),
            copy.deepcopy(original),
            pickle.loads(pickle.dumps(original)),  # noqa: S301
        ):
            assert exactly(twin.to_dict()) == expected
            assert twin == original
        evolved = attrs.evolve(cast("Any", original))
        assert evolved == original
        assert exactly(normal(schema, evolved.to_dict())) == exactly(
            normal(schema, original.to_dict())
        )


@slow
@given(data=st.data())
def test_lists_keep_their_objects_and_what_surrounds_them(data: st.DataObject) -> None:
    cls, schema = kinds()[data.draw(st.integers(0, 5))]
    place = KINDS[cls.KIND.api_version, cls.KIND.list_kind]
    module, _, name = place.partition(":")
    list_cls: type[ApiList[Any]] = getattr(import_module(module), name)
    identity = {"apiVersion": cls.KIND.api_version, "kind": cls.KIND.kind}
    items = [{**item, **identity} for item in data.draw(st.lists(values(schema), max_size=3))]
    sent = {
        "apiVersion": cls.KIND.api_version,
        "kind": cls.KIND.list_kind,
        "metadata": {"resourceVersion": "1", "newer": None},
        "items": items,
        **data.draw(st.dictionaries(strangers, anything, max_size=2)),
    }
    read = codec.decode_list(list_cls, json.dumps(sent))
    assert [exactly(item.to_dict()) for item in read] == [exactly(item) for item in items]
    assert exactly(read.to_dict()) == exactly(sent)
    assert exactly(codec.from_dict(list_cls, sent).to_dict()) == exactly(
        {**sent, "items": [normal(schema, item) for item in items]}
    )
