"""JSON patch, merge patch and strategic merge patch on plain objects."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixinfer_client.testing.apiserver.patching import (
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_MERGE_PATCH,
    decode_patch,
    json_patch,
    merge_patch,
    patched_object,
    strategic_merge_patch,
)
from matrixinfer_client.testing.apiserver.refusals import Refusal

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.text(max_size=2), values, max_size=4)


def document() -> dict[str, Any]:
    return {"kind": "Model", "spec": {"list": [1, 2, 3], "a/b": {"c~d": "x"}, "none": None}}


def apply(*operations: Any) -> Any:
    return json_patch(document(), operations)


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ({"op": "add", "path": "/spec/list/-", "value": 4}, {"list": [1, 2, 3, 4]}),
        ({"op": "add", "path": "/spec/list/0", "value": 0}, {"list": [0, 1, 2, 3]}),
        ({"op": "add", "path": "/spec/list/3", "value": 0}, {"list": [1, 2, 3, 0]}),
        ({"op": "add", "path": "/spec/list/-1", "value": 0}, {"list": [1, 2, 3, 0]}),
        ({"op": "remove", "path": "/spec/list/-1"}, {"list": [1, 2]}),
        ({"op": "replace", "path": "/spec/list/1", "value": None}, {"list": [1, None, 3]}),
        ({"op": "replace", "path": "/spec/new", "value": 1}, {"new": 1}),
        ({"op": "add", "path": "/spec/a~1b/c~0d", "value": "y"}, {"a/b": {"c~d": "y"}}),
        ({"op": "add", "path": "/spec/new"}, {"new": None}),
        ({"op": "move", "from": "/spec/list/0", "path": "/spec/list/-"}, {"list": [2, 3, 1]}),
        ({"op": "copy", "from": "/spec/list", "path": "/spec/new"}, {"new": [1, 2, 3]}),
        ({"op": "copy", "from": "/spec/nothing", "path": "/spec/new"}, {"new": None}),
        ({"op": "test", "path": "/spec/none", "value": None}, {}),
        ({"op": "test", "path": "/spec/nothing", "value": None}, {}),
        ({"op": "test", "path": "", "value": document()}, {}),
        ({"op": "add", "path": "anything/spec/new", "value": 1}, {"new": 1}),
    ],
    ids=json.dumps,
)
def test_an_operation_changes_what_it_names(operation: Any, change: dict[str, Any]) -> None:
    expected = document()
    expected["spec"].update(change)
    assert apply(operation) == expected


@pytest.mark.parametrize(
    "operation",
    [
        None,
        1,
        {},
        {"op": "Add", "path": "/spec", "value": 1},
        {"op": ["add"], "path": "/spec", "value": 1},
        {"op": "add", "path": 3},
        {"op": "add", "value": 1},
        {"op": "add", "path": "", "value": {}},
        {"op": "add", "path": "spec", "value": {}},
        {"op": "add", "path": "/none/x", "value": 1},
        {"op": "add", "path": "/spec/none/x", "value": 1},
        {"op": "add", "path": "/kind/x", "value": 1},
        {"op": "add", "path": "/spec/list/4", "value": 1},
        {"op": "add", "path": "/spec/list/-5", "value": 1},
        {"op": "add", "path": "/spec/list/x", "value": 1},
        {"op": "add", "path": "/spec/list/1_0", "value": 1},
        {"op": "replace", "path": "/spec/list/3", "value": 1},
        {"op": "replace", "path": "/spec/list/-", "value": 1},
        {"op": "remove", "path": "/spec/nothing"},
        {"op": "remove", "path": "/spec/list/3"},
        {"op": "remove", "path": ""},
        {"op": "move", "from": "/spec/nothing", "path": "/spec/new"},
        {"op": "move", "path": "/spec/new"},
        {"op": "copy", "from": "/spec/list/3", "path": "/spec/new"},
        {"op": "test", "path": "/spec/list", "value": [1, 2]},
        {"op": "test", "path": "/spec/list/0", "value": 1.0},
        {"op": "test", "path": "/spec/list/0", "value": True},
        {"op": "test", "path": "/spec/list"},
    ],
    ids=json.dumps,
)
def test_an_operation_that_does_not_apply_is_unprocessable(operation: Any) -> None:
    with pytest.raises(Refusal) as caught:
        apply({"op": "add", "path": "/spec/new", "value": 1}, operation)
    assert (caught.value.status, caught.value.reason) == (422, "Invalid")


@settings(max_examples=60)
@given(objects, values)
def test_no_patch_changes_its_arguments(obj: dict[str, Any], value: Any) -> None:
    before = copy.deepcopy((obj, value))
    json_patch(obj, [{"op": "add", "path": "/x", "value": value}])
    merge_patch(obj, {"x": value, **obj})
    merge_patch(obj, value)
    assert (obj, value) == before


def patch_between(old: Any, new: Any) -> Any:
    """A merge patch that turns one value without nulls into another."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    gone = dict.fromkeys(old.keys() - new.keys())
    return gone | {key: patch_between(old.get(key), value) for key, value in new.items()}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=100)
@given(objects, objects)
def test_a_merge_patch_leads_from_any_object_to_any_other(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    old, new = without_nulls(one), without_nulls(other)
    assert merge_patch(old, patch_between(old, new)) == new


def test_a_merge_patch_keeps_nulls_in_lists_and_drops_them_in_new_mappings() -> None:
    patched = merge_patch({"a": 1}, {"a": {"x": None, "y": [None, {"z": None}]}})
    assert patched == {"a": {"y": [None, {}]}}
    # The server's library looks for no nulls where a list takes the place of a mapping.
    assert merge_patch({"a": {}}, {"a": [{"z": None}]}) == {"a": [{"z": None}]}


def test_numbers_stay_what_they_are() -> None:
    large = 9_007_199_254_740_993
    patch, _ = decode_patch(f'{{"a": {large}, "b": 1.0}}'.encode(), MERGE_PATCH, strict="Strict")
    patched = merge_patch({"c": large}, patch)
    assert [type(patched[key]) for key in "abc"] == [int, float, int]
    assert patched["a"] == patched["c"] == large


def test_a_json_patch_is_read_strictly_unless_told_otherwise() -> None:
    body = b'[{"op":"add","path":"/x","value":{"a":1,"a":2},"by":1,"op":"add"}]'
    patch, problems = decode_patch(body, JSON_PATCH, strict="Warn")
    assert patch == [{"op": "add", "path": "/x", "value": {"a": 2}, "by": 1}]
    assert problems == [
        'json patch unknown field "[0].by"',
        'json patch duplicate field "[0].value.a"',
        'json patch duplicate field "[0].op"',
    ]
    assert decode_patch(body, JSON_PATCH, strict="Ignore")[1] == []


def test_more_than_ten_thousand_operations_are_too_many() -> None:
    operations = [{"op": "test", "path": "/a", "value": 1}] * 10_001
    with pytest.raises(Refusal, match="is 10000, got 10001") as caught:
        decode_patch(json.dumps(operations).encode(), JSON_PATCH, strict="Strict")
    assert caught.value.status == 413


def test_a_document_that_is_no_object_any_more_is_quoted() -> None:
    with pytest.raises(Refusal, match="Object 'Kind' is missing"):
        patched_object({"spec": 1})
    with pytest.raises(Refusal, match="cannot unmarshal array"):
        patched_object([])
    assert patched_object({"spec": 1}, core_kind="Pod") == {"spec": 1}


POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "labels": {"a": "1"}, "finalizers": ["x/a", "x/b"]},
    "spec": {
        "containers": [
            {"name": "c", "image": "i", "env": [{"name": "A", "value": "1"}], "args": ["x"]},
            {"name": "d", "image": "j", "ports": [{"containerPort": 80}]},
        ],
        "tolerations": [{"key": "k"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
    },
}


def merged(patch: dict[str, Any], *path: str | int) -> Any:
    found: Any = strategic_merge_patch(POD, patch)
    for part in path:
        found = found[part]
    return found


def test_containers_merge_by_name_and_their_variables_too() -> None:
    env = [{"name": "B", "value": "2"}, {"name": "A", "value": "9"}]
    patch = {"spec": {"containers": [{"name": "c", "env": env}]}}
    assert merged(patch, "spec", "containers", 0) == {
        "name": "c",
        "image": "i",
        "env": env,
        "args": ["x"],
    }
    assert merged(patch, "spec", "containers", 1) == POD["spec"]["containers"][1]


def test_lists_without_a_merge_key_are_replaced() -> None:
    assert merged({"spec": {"tolerations": [{"key": "q"}]}}, "spec", "tolerations") == [
        {"key": "q"}
    ]
    args = {"spec": {"containers": [{"name": "c", "args": ["y"]}]}}
    assert merged(args, "spec", "containers", 0, "args") == ["y"]


def test_new_items_come_first_as_on_the_server() -> None:
    assert merged({"metadata": {"finalizers": ["x/c"]}}, "metadata", "finalizers") == [
        "x/c",
        "x/a",
        "x/b",
    ]


def test_directives_delete_and_replace() -> None:
    gone = {"spec": {"containers": [{"name": "d", "$patch": "delete"}]}}
    assert [each["name"] for each in merged(gone, "spec", "containers")] == ["c"]
    only = {"spec": {"containers": [{"$patch": "replace"}, {"name": "e"}]}}
    assert merged(only, "spec", "containers") == [{"name": "e"}]
    labels = {"metadata": {"labels": {"$patch": "replace", "b": "2"}}}
    assert merged(labels, "metadata", "labels") == {"b": "2"}
    assert merged({"metadata": {"labels": {"$patch": "delete"}}}, "metadata", "labels") == {}
    fewer = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/a"]}}
    assert merged(fewer, "metadata", "finalizers") == ["x/b"]


def test_retained_keys_replace_a_union() -> None:
    volume = {"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "x"}}
    assert merged({"spec": {"volumes": [volume]}}, "spec", "volumes") == [
        {"name": "v", "configMap": {"name": "x"}}
    ]
    with pytest.raises(Refusal, match="invalid patch format of retainKeys") as caught:
        merged({"spec": {"$retainKeys": ["containers"], "nodeName": "x"}})
    assert caught.value.status == 400


def test_an_order_is_followed() -> None:
    order = {"spec": {"$setElementOrder/containers": [{"name": "d"}, {"name": "c"}]}}
    assert [each["name"] for each in merged(order, "spec", "containers")] == ["d", "c"]
    more = {"$setElementOrder/finalizers": ["x/c", "x/b", "x/a"], "finalizers": ["x/c"]}
    assert merged({"metadata": more}, "metadata", "finalizers") == ["x/c", "x/b", "x/a"]


def test_kind_and_version_cannot_be_patched_strategically() -> None:
    assert merged({"kind": "Foo", "apiVersion": None}) == POD


def test_a_service_merges_its_ports_by_port() -> None:
    service = {"kind": "Service", "spec": {"ports": [{"port": 80, "name": "a"}]}}
    patch = {"spec": {"ports": [{"port": 80, "name": "b"}, {"port": 81}]}}
    assert strategic_merge_patch(service, patch)["spec"]["ports"] == [
        {"port": 80, "name": "b"},
        {"port": 81},
    ]


DISORDER = """The order in patch list:
[map[image:k name:c]]
 doesn't match $setElementOrder list:
[map[name:d]]
"""


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"$patch": "x"}, "unknown patch type: x in map: map[$patch:x]"),
        (
            {"spec": {"containers": [{"image": "k"}]}},
            "map: map[image:k] does not contain declared merge key: name",
        ),
        (
            {"spec": {"containers": [{"$patch": "merge"}]}},
            "merging lists cannot yet be specified in the patch",
        ),
        ({"$setElementOrder/x": 3}, "expected a []interface {}, but received a int64"),
        (
            {
                "spec": {
                    "$setElementOrder/containers": [{"name": "d"}],
                    "containers": [{"name": "c", "image": "k"}],
                }
            },
            DISORDER,
        ),
    ],
)
def test_a_directive_that_cannot_be_followed_is_told_as_the_server_tells_it(
    patch: dict[str, Any], message: str
) -> None:
    with pytest.raises(Refusal) as caught:
        merged(patch)
    assert (caught.value.status, caught.value.message) == (500, message)


def test_a_strategic_patch_must_be_an_object() -> None:
    with pytest.raises(Refusal, match="cannot unmarshal array into Go value of type map") as caught:
        decode_patch(b"[]", STRATEGIC_MERGE_PATCH, strict="Strict")
    assert caught.value.status == 400
    assert decode_patch(b"null", STRATEGIC_MERGE_PATCH, strict="Strict") == ({}, [])
