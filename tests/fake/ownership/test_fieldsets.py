"""Sets of fields, on the wire and as sets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixinfer_client.testing.apiserver.ownership import FieldSet

Paths = set[tuple[str, ...]]

_ELEMENTS = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"x"', "i:0"])
_PATHS = st.sets(st.lists(_ELEMENTS, min_size=1, max_size=3).map(tuple), max_size=8)


def set_of(paths: Paths) -> FieldSet:
    result = FieldSet()
    for path in paths:
        result.insert(path)
    return result


@given(_PATHS)
def test_a_set_is_the_same_after_a_way_over_the_wire(paths: Paths) -> None:
    fields = set_of(paths)
    assert FieldSet.from_fields_v1(fields.to_fields_v1()) == fields
    assert set(fields) == paths
    assert len(fields) == len(paths)
    assert bool(fields) == bool(paths)


@given(_PATHS, _PATHS)
def test_operations_on_sets_are_those_on_their_paths(left: Paths, right: Paths) -> None:
    one, other = set_of(left), set_of(right)
    assert one.union(other) == set_of(left | right)
    assert one.intersection(other) == set_of(left & right)
    assert one.difference(other) == set_of(left - right)
    below = {path for path in left if any(path[: len(each)] == each for each in right)}
    assert one.without(other) == set_of(left - below)
    assert (one, other) == (set_of(left), set_of(right))


@given(_PATHS, st.lists(_ELEMENTS, max_size=3).map(tuple))
def test_only_what_was_added_is_in_a_set(paths: Paths, path: tuple[str, ...]) -> None:
    assert (path in set_of(paths)) == (path in paths)


def test_a_field_with_others_below_it_is_marked_with_a_dot() -> None:
    fields = set_of({("f:a",), ("f:a", "f:b"), ("f:c", "f:d")})
    assert fields.to_fields_v1() == {"f:a": {".": {}, "f:b": {}}, "f:c": {"f:d": {}}}


def test_keys_come_in_the_order_in_which_the_server_sends_them() -> None:
    paths = {("v:1",), ('k:{"b":1}',), ("f:z",), ("i:0",), ("f:a",), ("f:a", "f:b")}
    fields = set_of({("f:top",), *(("f:top", *path) for path in paths)}).to_fields_v1()
    assert list(fields["f:top"]) == [".", "f:a", "f:z", "i:0", 'k:{"b":1}', "v:1"]
    assert list(fields["f:top"]["f:a"]) == [".", "f:b"]


def test_paths_come_members_first_and_numbers_by_their_value() -> None:
    paths = {
        ("f:b",),
        ("f:a", "f:z"),
        ('k:{"port":80}', "f:n"),
        ('k:{"port":9}', "f:n"),
        ('k:{"port":"x"}', "f:n"),
    }
    assert list(set_of(paths)) == [
        ("f:b",),
        ("f:a", "f:z"),
        ('k:{"port":9}', "f:n"),
        ('k:{"port":80}', "f:n"),
        ('k:{"port":"x"}', "f:n"),
    ]


# What the server makes of them was asked of it.
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('k:{"b":1.0, "a":"<"}', 'k:{"a":"\\u003c","b":1}'),
        ("v:1.50", "v:1.5"),
        ('v:"é\\u0001<"', 'v:"é\\u0001\\u003c"'),
        ("v:1e21", "v:1e+21"),
        ("v:1000000", "v:1000000"),
        ("v:null", "v:null"),
        ("v:true", "v:true"),
        ("v:[1, 2]", "v:[1,2]"),
        ('v:{"b": 2,"a":1}', 'v:{"a":1,"b":2}'),
        ("v:1e-7", "v:1e-7"),
        ('v:"a\\\\\\b"', 'v:"a\\\\\\u0008"'),
        ("i:3", "i:3"),
        ("f:", "f:"),
    ],
)
def test_elements_have_one_way_to_be_written(sent: str, kept: str) -> None:
    assert FieldSet.from_fields_v1({sent: {}}).to_fields_v1() == {kept: {}}


def test_elements_of_a_kind_that_is_not_known_are_left_out() -> None:
    sent: Any = {"x:foo": {"f:a": {}}, "f:spec": {"x:foo": {}}, ".": {}}
    assert FieldSet.from_fields_v1(sent).to_fields_v1() == {"f:spec": {}}


def test_null_is_a_set_without_fields() -> None:
    assert FieldSet.from_fields_v1(None) == FieldSet()
    assert FieldSet.from_fields_v1({"f:a": None}).to_fields_v1() == {"f:a": {}}


@pytest.mark.parametrize(
    "sent",
    [
        5,
        [],
        "x",
        {"f": {}},
        {"xx": {}},
        {"f:a": 5},
        {"f:a": []},
        {"f:a": ""},
        {"i:x": {}},
        {"k:{": {}},
        {"k:5": {}},
        {"v:": {}},
    ],
    ids=str,
)
def test_what_is_no_set_of_fields_is_refused(sent: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        FieldSet.from_fields_v1(sent)
