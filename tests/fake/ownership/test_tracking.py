"""Creates, updates and patches: whoever changes a value owns it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from matrixinfer_client.testing.apiserver.ownership import keep_times, track
from tests.fake.ownership.samples import FIRST, LATER, VERSION, entries, model, owned, tracked
from tests.fake.ownership.things import THING_KIND
from tests.validation.samples import changed

BACKEND = 'k:{"name":"b1"}'


def thing(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "t"}
    return {"apiVersion": "ownership.test/v1", "kind": "Thing", "metadata": metadata, "spec": spec}


def tracked_thing(live: dict[str, Any] | None, new: dict[str, Any], manager: str) -> dict[str, Any]:
    return track(
        THING_KIND.root, live, new, manager=manager, api_version="ownership.test/v1", now=FIRST
    )


def test_the_creator_owns_all_that_is_set_and_what_holds_it() -> None:
    new = changed(model(), {"metadata.labels": {"a": "b"}, "metadata.finalizers": ["x.y/z"]})
    created = tracked(None, new)
    assert created["metadata"]["managedFields"] == [
        {
            "apiVersion": VERSION,
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {
                    "f:finalizers": {".": {}, 'v:"x.y/z"': {}},
                    "f:labels": {".": {}, "f:a": {}},
                },
                "f:spec": {
                    ".": {},
                    "f:backends": {
                        ".": {},
                        BACKEND: {
                            ".": {},
                            "f:cacheURI": {},
                            "f:maxReplicas": {},
                            "f:minReplicas": {},
                            "f:modelURI": {},
                            "f:name": {},
                            "f:type": {},
                            "f:workers": {},
                        },
                    },
                },
            },
            "manager": "first",
            "operation": "Update",
            "time": FIRST,
        }
    ]


def test_nobody_owns_what_the_server_sets() -> None:
    stamps = {
        "creationTimestamp": FIRST,
        "generation": 1,
        "namespace": "default",
        "resourceVersion": "5",
        "selfLink": "/x",
        "uid": "u",
    }
    new = model()
    new["metadata"] |= stamps
    assert "f:metadata" not in owned(tracked(None, new))


def test_a_changed_value_goes_to_who_changed_it() -> None:
    live = tracked(None, model(owner="anna", name="shown"))
    updated = tracked(live, changed(live, {"spec.owner": "berta"}), "second", now=LATER)
    assert owned(updated, "second") == {"f:spec": {"f:owner": {}}}
    assert "f:owner" not in owned(updated)["f:spec"]
    assert "f:name" in owned(updated)["f:spec"]


def test_a_value_that_is_set_again_stays_with_its_owner() -> None:
    live = tracked(None, model(owner="anna"))
    assert tracked(live, copy.deepcopy(live), "second", now=LATER) == live


def test_a_removed_field_leaves_all_sets_and_changes_no_time() -> None:
    live = tracked(None, model(owner="anna"))
    new = copy.deepcopy(live)
    del new["spec"]["owner"]
    updated = tracked(live, new, "second", now=LATER)
    assert entries(updated) == [("first", "Update", "")]
    assert "f:owner" not in owned(updated)["f:spec"]
    assert updated["metadata"]["managedFields"][0]["time"] == FIRST


def test_an_owner_without_fields_is_forgotten() -> None:
    live = tracked(None, model())
    live = tracked(live, changed(live, {"spec.owner": "anna"}), "second")
    taken = tracked(live, changed(live, {"spec.owner": "berta"}), "third")
    assert [manager for manager, *_ in entries(taken)] == ["first", "third"]


def test_changes_of_one_manager_add_up_and_renew_its_time() -> None:
    live = tracked(None, model())
    live = tracked(live, changed(live, {"spec.owner": "anna"}), "second")
    live = tracked(live, changed(live, {"spec.name": "shown"}), "second", now=LATER)
    assert owned(live, "second") == {"f:spec": {"f:name": {}, "f:owner": {}}}
    assert [row["time"] for row in live["metadata"]["managedFields"]] == [FIRST, LATER]


def test_items_of_lists_are_known_by_their_keys() -> None:
    live = tracked(None, model())
    second = {**live["spec"]["backends"][0], "name": "b2"}
    new = changed(live, {"spec.backends": [second, live["spec"]["backends"][0]]})
    updated = tracked(live, new, "second")
    assert list(owned(updated, "second")["f:spec"]["f:backends"]) == ['k:{"name":"b2"}']
    # The order is nobody's.
    turned = changed(updated, {"spec.backends": updated["spec"]["backends"][::-1]})
    assert entries(tracked(updated, turned, "third")) == entries(updated)


def test_atomic_lists_have_one_owner() -> None:
    live = tracked(None, model())
    updated = tracked(live, changed(live, {"spec.backends.0.workers.0.image": "i:2"}), "second")
    expected: Any = {"f:spec": {"f:backends": {BACKEND: {"f:workers": {}}}}}
    assert owned(updated, "second") == expected


def test_a_key_with_a_default_need_not_be_said() -> None:
    live = tracked_thing(None, thing(ports=[{"port": 80}]), "first")
    element = 'k:{"port":80,"protocol":"TCP"}'
    assert element in owned(live)["f:spec"]["f:ports"]
    new = copy.deepcopy(live)
    new["spec"]["ports"] = [{"port": 80, "protocol": "TCP"}, {"port": 80, "protocol": "UDP"}]
    updated = tracked_thing(live, new, "second")
    ports = owned(updated, "second")["f:spec"]["f:ports"]
    assert ports[element] == {"f:protocol": {}}
    assert list(ports) == [element, 'k:{"port":80,"protocol":"UDP"}']


def test_items_of_sets_are_known_by_their_value() -> None:
    live = tracked_thing(None, thing(tags=["a", "b"], numbers=[1, 10]), "first")
    spec = owned(live)["f:spec"]
    assert spec["f:tags"] == {".": {}, 'v:"a"': {}, 'v:"b"': {}}
    assert spec["f:numbers"] == {".": {}, "v:1": {}, "v:10": {}}
    new = copy.deepcopy(live)
    new["spec"]["tags"] = ["b", "c"]
    updated = tracked_thing(live, new, "second")
    assert owned(updated, "second") == {"f:spec": {"f:tags": {'v:"c"': {}}}}
    assert owned(updated)["f:spec"]["f:tags"] == {".": {}, 'v:"b"': {}}


def test_atomic_objects_have_one_owner_and_open_ones_an_owner_per_field() -> None:
    live = tracked_thing(None, thing(selector={"a": "1"}, any={"a": {"b": 1}, "c": [1]}), "first")
    spec = owned(live)["f:spec"]
    assert spec["f:selector"] == {}
    assert spec["f:any"] == {".": {}, "f:a": {".": {}, "f:b": {}}, "f:c": {}}


@pytest.mark.parametrize(("after", "is_change"), [(1.0, False), (True, True), ("1", True)])
def test_equal_numbers_are_no_change_and_other_types_are(after: Any, is_change: bool) -> None:
    live = tracked_thing(None, thing(any={"a": 1}), "first")
    updated = tracked_thing(live, changed(live, {"spec.any": {"a": after}}), "second")
    assert (owned(updated, "second") is not None) == is_change


def test_empty_is_not_absent_and_null_is_not_empty() -> None:
    live = tracked_thing(None, thing(any={}), "first")
    for before, after in (({}, None), (None, []), ([], {"a": 1}), ({"a": 1}, {})):
        live = tracked_thing(None, thing(any=before), "first")
        updated = tracked_thing(live, changed(live, {"spec.any": after}), "second")
        assert updated != live, (before, after)


def test_what_comes_twice_in_a_list_is_owned_as_a_whole() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    new = changed(model(), {"spec.backends.0.env": env})
    backend = owned(tracked(None, new))["f:spec"]["f:backends"][BACKEND]
    assert backend["f:env"] == {".": {}, 'k:{"name":"A"}': {}}


def test_the_status_is_owned_through_its_subresource_alone() -> None:
    status = {"observedGeneration": 1}
    live = tracked(None, {**model(), "status": status})
    assert "f:status" not in owned(live)
    del live["status"]
    updated = tracked(live, {**live, "status": status}, "second", "status")
    assert entries(updated) == [("first", "Update", ""), ("second", "Update", "status")]
    expected: Any = {"f:status": {".": {}, "f:observedGeneration": {}}}
    assert owned(updated, "second", "status") == expected
    # And the main resource cannot take it back.
    renewed = {**updated, "status": {"observedGeneration": 2}}
    assert tracked(updated, renewed, "third") == renewed


def test_the_spec_is_not_owned_through_the_status_but_labels_are() -> None:
    live = tracked(None, model(owner="anna"))
    new = changed(live, {"spec.owner": "berta", "metadata.labels": {"a": "b"}})
    updated = tracked(live, new, "second", "status")
    expected: Any = {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}
    assert owned(updated, "second", "status") == expected
    assert "f:owner" in owned(updated)["f:spec"]


def test_who_does_not_say_who_it_is_is_unknown() -> None:
    assert entries(tracked(None, model(), "")) == [("unknown", "Update", "")]


def test_more_than_ten_updaters_become_ancient_changes() -> None:
    live = tracked(None, model(), "m00")
    for number in range(1, 12):
        labels = {**live["metadata"].get("labels", {}), f"l{number}": "x"}
        new = changed(live, {"metadata.labels": labels})
        live = tracked(live, new, f"m{number:02}", now=f"2025-01-01T00:00:{number:02}Z")
    managers = [manager for manager, *_ in entries(live)]
    assert managers == ["ancient-changes", *(f"m{number:02}" for number in range(3, 12))]
    ancient = owned(live, "ancient-changes")
    assert list(ancient["f:metadata"]["f:labels"]) == [".", "f:l1", "f:l2"]
    assert "f:spec" in ancient
    assert live["metadata"]["managedFields"][0]["time"] == "2025-01-01T00:00:02Z"


def row(manager: str, **changes: Any) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": "Update",
        "apiVersion": VERSION,
        "time": FIRST,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:name": {}}},
        **changes,
    }


def with_rows(obj: dict[str, Any], *rows: Any) -> dict[str, Any]:
    return changed(obj, {"metadata.managedFields": list(rows)})


def test_entries_are_sorted_by_operation_time_and_manager() -> None:
    live = tracked(None, model())
    rows = [
        row("d", subresource="status"),
        row("d"),
        row("c", time=LATER),
        row("b"),
        row("z", operation="Apply", time=LATER),
        row("a", time=None),
    ]
    updated = tracked(live, with_rows(live, *rows))
    assert entries(updated) == [
        ("z", "Apply", ""),
        ("a", "Update", ""),
        ("b", "Update", ""),
        ("d", "Update", ""),
        ("d", "Update", "status"),
        ("c", "Update", ""),
    ]
    assert "time" not in updated["metadata"]["managedFields"][1]


def test_a_client_may_say_who_owns_what() -> None:
    live = tracked(None, model(owner="anna"))
    sent = with_rows(live, row("other", time="2025-01-01T01:00:00.5+01:00", extra=1))
    updated = tracked(live, changed(sent, {"spec.owner": "berta"}), "second", now=LATER)
    assert entries(updated) == [("other", "Update", ""), ("second", "Update", "")]
    assert updated["metadata"]["managedFields"][0]["time"] == FIRST
    assert owned(updated, "other") == {"f:spec": {"f:name": {}}}


@pytest.mark.parametrize(
    "bad",
    [
        {"operation": "Delete"},
        {"apiVersion": ""},
        {"fieldsType": ""},
        {"fieldsType": "FieldsV2"},
        {"fieldsV1": {"xx": {}}},
        {"fieldsV1": {"f:spec": 5}},
    ],
    ids=str,
)
def test_entries_that_are_not_valid_are_ignored_with_all_others(bad: dict[str, Any]) -> None:
    live = tracked(None, model())
    assert tracked(live, with_rows(live, row("good"), row("bad", **bad)), now=LATER) == live


def test_an_entry_without_fields_is_dropped() -> None:
    live = tracked(None, model())
    updated = tracked(live, with_rows(live, row("good"), row("bad", fieldsV1=None)))
    assert entries(updated) == [("good", "Update", "")]


def test_entries_without_a_manager_stay_so() -> None:
    live = tracked(None, model())
    updated = tracked(live, with_rows(live, row("")))
    assert "manager" not in updated["metadata"]["managedFields"][0]


def test_an_empty_entry_ends_the_tracking() -> None:
    live = tracked(None, model())
    reset = tracked(live, with_rows(live, {}))
    assert "managedFields" not in reset["metadata"]
    later = tracked(reset, changed(reset, {"spec.owner": "anna"}), "second")
    assert "managedFields" not in later["metadata"]


def test_an_empty_list_ends_the_tracking_of_core_objects_only() -> None:
    live = tracked(None, model())
    assert tracked(live, with_rows(live)) == live
    settings = {"manager": "first", "api_version": "v1", "now": FIRST}
    created = track(None, None, {"metadata": {"name": "c"}, "data": {"a": "b"}}, **settings)
    assert "managedFields" in created["metadata"]
    reset = track(None, created, with_rows(created), **settings)
    assert "managedFields" not in reset["metadata"]


def test_no_one_says_who_owns_what_through_a_subresource() -> None:
    live = tracked(None, model())
    for sent in (with_rows(live, row("other")), with_rows(live, {})):
        assert tracked(live, sent, "second", "status") == live


def test_an_entry_of_another_version_ends_the_tracking() -> None:
    live = tracked(None, model())
    sent = with_rows(live, row("good"), row("old", apiVersion="registry.matrixinfer.ai/v1"))
    assert "managedFields" not in tracked(live, sent)["metadata"]


def test_nobody_owns_a_part_of_what_is_atomic() -> None:
    live = tracked_thing(None, thing(selector={"a": "1"}, open={"x": {"y": 1}}), "first")
    fields = {"f:spec": {"f:selector": {"f:a": {}}, "f:open": {"f:x": {"f:z": {}}}}}
    sent = with_rows(live, row("other", apiVersion="ownership.test/v1", fieldsV1=fields))
    updated = tracked_thing(live, sent, "second")
    expected: Any = {"f:spec": {"f:selector": {}, "f:open": {"f:x": {"f:z": {}}}}}
    assert owned(updated, "other") == expected


def test_an_object_of_the_wrong_types_has_no_owners() -> None:
    new = changed(model(), {"spec.backends": [{"type": "vLLM"}]})
    assert tracked(None, new) == new


def test_core_objects_have_owners_by_what_is_in_them() -> None:
    new = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "labels": {"a": "b"}},
        "data": {"key": "value"},
    }
    created = track(None, None, new, manager="first", api_version="v1", now=FIRST)
    assert owned(created) == {
        "f:data": {".": {}, "f:key": {}},
        "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
    }
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}, "status": {"x": 1}}
    created = track(None, None, pod, manager="first", api_version="v1", now=FIRST)
    assert owned(created) == {"f:spec": {"f:containers": {}}}


def test_times_are_kept_if_nothing_else_changed() -> None:
    live = tracked(None, model(owner="anna"))
    new = copy.deepcopy(live)
    new["metadata"]["managedFields"][0]["time"] = LATER
    assert keep_times(live, new) == live
    assert keep_times(None, new) == new
    other = changed(new, {"spec.owner": "berta"})
    assert keep_times(live, other) == other
    more = with_rows(new, *new["metadata"]["managedFields"], row("other"))
    assert keep_times(live, more) == more
