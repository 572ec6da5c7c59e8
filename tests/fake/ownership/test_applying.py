"""Server-side apply: merging, ownership, conflicts."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from matrixinfer_client.testing.apiserver.ownership import ApplyConflictError, TypedError, apply
from tests.fake.ownership.samples import (
    FIRST,
    LATER,
    ORDERS,
    VERSION,
    applied,
    backends,
    config,
    entries,
    model,
    owned,
    tracked,
)
from tests.fake.ownership.things import THING_KIND
from tests.validation.samples import changed

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def names(items: Any) -> list[str]:
    return [item["name"] for item in items]


def test_an_apply_creates_what_is_not_there() -> None:
    created = applied(None, model(owner="anna"))
    assert created["spec"] == model(owner="anna")["spec"]
    assert entries(created) == [("first", "Apply", "")]
    backend: Any = {
        name: {} for name in sorted(f"f:{name}" for name in model()["spec"]["backends"][0])
    }
    expected: Any = {"f:backends": {'k:{"name":"b1"}': {".": {}, **backend}}, "f:owner": {}}
    # Not what holds the fields, unlike the creator.
    assert owned(created) == {"f:spec": expected}


def test_applying_the_same_again_changes_nothing_not_even_the_time() -> None:
    live = applied(None, model(owner="anna"))
    assert applied(live, model(owner="anna"), now=LATER) == live


def test_what_has_been_defaulted_since_is_no_change_and_not_owned() -> None:
    live = applied(None, model())
    live["spec"]["backends"][0]["routeWeight"] = 100
    assert applied(live, model(), now=LATER) == live


def test_a_field_that_is_left_out_is_removed() -> None:
    live = applied(None, model(owner="anna", name="shown"))
    after = applied(live, model(name="shown"), now=LATER)
    assert "owner" not in after["spec"]
    assert "f:owner" not in owned(after)["f:spec"]
    assert after["metadata"]["managedFields"][0]["time"] == LATER


def test_a_field_that_somebody_else_owns_too_stays() -> None:
    live = applied(None, model(owner="anna"))
    live = applied(live, config(owner="anna"), "second")
    assert applied(live, model())["spec"]["owner"] == "anna"


def test_a_field_that_an_updater_has_changed_stays_when_it_is_left_out() -> None:
    live = applied(None, model(owner="anna"))
    live = tracked(live, changed(live, {"spec.owner": "berta"}), "second")
    assert applied(live, model())["spec"]["owner"] == "berta"


def test_an_item_that_is_left_out_is_removed_but_for_what_others_own() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    live = applied(None, changed(model(), {"spec.backends.0.env": env}))
    shared = {"backends": [{"name": "b1", "env": [{"name": "B", "value": "2"}]}]}
    live = applied(live, config(**shared), "second")
    after = applied(live, model())
    assert after["spec"]["backends"][0]["env"] == [{"name": "B", "value": "2"}]
    live = applied(live, config(backends=[{"name": "b1"}]), "second")
    assert names(live["spec"]["backends"][0]["env"]) == ["A", "B"]
    assert "env" not in applied(live, model())["spec"]["backends"][0]


def test_a_list_whose_items_are_all_removed_is_null_for_who_owns_it_empty() -> None:
    live = tracked(None, changed(model(), {"spec.backends.0.env": []}), "second")
    live = applied(live, config(backends=[{"name": "b1", "env": [{"name": "A"}]}]))
    after = applied(live, config(backends=[{"name": "b1"}]))
    assert after["spec"]["backends"][0]["env"] is None


def test_an_apply_that_leaves_out_all_gives_up_all() -> None:
    live = tracked(None, model(owner="anna"), "second")
    live = applied(live, config(owner="anna"))
    after = applied(live, config(), now=LATER)
    assert entries(after) == [("second", "Update", "")]
    assert after["spec"] == live["spec"]


def test_who_only_claims_what_is_there_has_no_time() -> None:
    live = tracked(None, model(owner="anna"), "second")
    after = applied(live, config(owner="anna"))
    assert "time" not in after["metadata"]["managedFields"][0]
    assert owned(after) == {"f:spec": {"f:owner": {}}}


def test_a_null_is_owned_and_stays_a_null() -> None:
    live = tracked(None, model(), "second")
    after = applied(live, config(owner=None))
    assert after["spec"]["owner"] is None
    assert owned(after) == {"f:spec": {"f:owner": {}}}


def test_a_null_does_not_remove_what_is_in_a_list_or_an_object() -> None:
    live = tracked(None, model(), "second")
    after = applied(live, config(backends=None))
    assert after["spec"] == live["spec"]
    assert owned(after) == {"f:spec": {"f:backends": {}}}


def test_a_field_of_another_manager_is_a_conflict() -> None:
    live = applied(None, model(owner="anna"), now=LATER)
    with pytest.raises(ApplyConflictError) as caught:
        applied(live, config(owner="berta"), "second")
    (conflict,) = caught.value.conflicts
    assert (conflict.manager, conflict.path, conflict.time) == ("first", ".spec.owner", LATER)
    assert (conflict.operation, conflict.api_version) == ("Apply", VERSION)
    assert caught.value.message == (
        'Apply failed with 1 conflict: conflict with "first": .spec.owner'
    )
    assert caught.value.causes() == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "first"',
            "field": ".spec.owner",
        }
    ]


def test_several_conflicts_are_told_by_manager() -> None:
    live = tracked(None, model(owner="anna", name="shown"), "creator")
    live = applied(live, config(name="shown"), "applier")
    wanted = config(owner="x", name="y", backends=[{"name": "b1", "minReplicas": 0}])
    with pytest.raises(ApplyConflictError) as caught:
        applied(live, wanted)
    assert caught.value.message == (
        'Apply failed with 4 conflicts: conflicts with "applier":\n'
        "- .spec.name\n"
        f'conflicts with "creator" using {VERSION}:\n'
        "- .spec.name\n"
        "- .spec.owner\n"
        '- .spec.backends[name="b1"].minReplicas'
    )
    assert [cause["field"] for cause in caught.value.causes()] == [
        ".spec.name",
        ".spec.name",
        ".spec.owner",
        '.spec.backends[name="b1"].minReplicas',
    ]


def test_a_conflict_names_the_subresource() -> None:
    live = tracked(None, model())
    status = {"observedGeneration": 1}
    live = tracked(live, {**live, "status": status}, "second", "status")
    with pytest.raises(ApplyConflictError) as caught:
        applied(live, config(status={"observedGeneration": 2}), "third", "status")
    assert caught.value.message == (
        'Apply failed with 1 conflict: conflict with "second" with subresource "status" '
        f"using {VERSION}: .status.observedGeneration"
    )


def test_paths_print_keys_values_and_numbers_as_the_server_does() -> None:
    def wanted(text: str) -> dict[str, Any]:
        spec = {"ports": [{"port": port, "name": text} for port in (1_000_000, 80, 9)]}
        identity = {"apiVersion": "ownership.test/v1", "kind": "Thing", "metadata": {"name": "t"}}
        return {**identity, "spec": {**spec, "limits": {"a.b": text}}}

    settings: Any = {"api_version": "ownership.test/v1", "now": FIRST, "force": False}
    live = apply(THING_KIND.root, None, wanted("a"), manager="first", **settings)
    with pytest.raises(ApplyConflictError) as caught:
        apply(THING_KIND.root, live, wanted("b"), manager="second", **settings)
    assert [conflict.path for conflict in caught.value.conflicts] == [
        ".spec.limits.a.b",
        '.spec.ports[port=9,protocol="TCP"].name',
        '.spec.ports[port=80,protocol="TCP"].name',
        '.spec.ports[port=1e+06,protocol="TCP"].name',
    ]


def test_a_manager_that_updates_is_another_than_the_one_that_applies() -> None:
    live = tracked(None, model(owner="anna"))
    with pytest.raises(ApplyConflictError, match='conflict with "first" using'):
        applied(live, config(owner="berta"))


def test_force_takes_fields_over() -> None:
    live = applied(None, model(owner="anna"))
    taken = applied(live, config(owner="berta"), "second", force=True)
    assert taken["spec"]["owner"] == "berta"
    assert "f:owner" not in owned(taken)["f:spec"]
    # So the first one can leave it out, and it stays.
    assert applied(taken, model())["spec"]["owner"] == "berta"


def test_two_managers_may_want_the_same() -> None:
    live = applied(None, model(owner="anna"))
    after = applied(live, config(owner="anna"), "second")
    assert owned(after)["f:spec"]["f:owner"] == owned(after, "second")["f:spec"]["f:owner"] == {}


def test_items_of_others_keep_their_place_among_those_that_are_applied() -> None:
    live = tracked(None, model(backends=backends("abcd")), "second")
    for wanted, expected in ORDERS:
        after = applied(live, config(backends=backends(wanted)))
        assert "".join(names(after["spec"]["backends"])) == expected, wanted


def test_atomic_values_are_replaced() -> None:
    live = tracked(None, model(), "second")
    workers = [{"image": "other"}]
    after = applied(live, config(backends=[{"name": "b1", "workers": workers}]), force=True)
    assert after["spec"]["backends"][0]["workers"] == workers


def test_the_status_is_not_applied_to_the_main_resource_nor_owned_there() -> None:
    live = applied(None, {**model(), "status": {"observedGeneration": 1}})
    assert "f:status" not in owned(live)


def test_labels_applied_through_the_status_are_owned() -> None:
    live = tracked(None, model(), "second")
    wanted = config(metadata={"labels": {"a": "b"}}, status={"observedGeneration": 1})
    after = applied(live, wanted, subresource="status")
    assert owned(after, subresource="status") == {
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:status": {"f:observedGeneration": {}},
    }


def test_what_nobody_tracked_belongs_to_before_the_first_apply() -> None:
    live = changed(model(owner="anna"), {"metadata.uid": "u"})
    with pytest.raises(ApplyConflictError, match='conflict with "before-first-apply" using'):
        applied(live, config(owner="berta"))
    after = applied(live, config(owner="berta"), force=True, now=LATER)
    assert entries(after) == [("first", "Apply", ""), ("before-first-apply", "Update", "")]


def kubectl_live(spec: dict[str, Any]) -> dict[str, Any]:
    """An object that `kubectl apply` has made, and that somebody has changed since."""
    last = json.dumps({**config(**spec)})
    live = changed(model(**spec), {"metadata.annotations": {LAST_APPLIED: last}})
    return tracked(None, live, "kubectl-client-side-apply")


def test_kubectl_takes_over_what_it_applied_on_the_client_side() -> None:
    live = kubectl_live({"owner": "anna", "name": "shown"})
    after = applied(live, config(owner="berta", name="shown"), "kubectl")
    assert after["spec"]["owner"] == "berta"
    text = after["metadata"]["annotations"][LAST_APPLIED]
    assert text.endswith('"spec":{"name":"shown","owner":"berta"}}\n')
    with pytest.raises(ApplyConflictError):
        applied(live, config(owner="berta"), "another")


def test_kubectl_has_conflicts_about_what_changed_since() -> None:
    live = kubectl_live({"owner": "anna", "name": "shown"})
    live = tracked(live, changed(live, {"spec.owner": "carla"}), "second")
    with pytest.raises(ApplyConflictError) as caught:
        applied(live, config(owner="berta", name="other"), "kubectl")
    assert [conflict.path for conflict in caught.value.conflicts] == [".spec.owner"]


@pytest.mark.parametrize("text", ["{", "[]", '{"kind":"Model"}', '{"spec":5}'])
def test_kubectl_has_conflicts_if_its_annotation_says_nothing(text: str) -> None:
    live = changed(model(owner="anna"), {"metadata.annotations": {LAST_APPLIED: text}})
    live = tracked(None, live, "second")
    with pytest.raises(ApplyConflictError):
        applied(live, config(owner="berta"), "kubectl")


@pytest.mark.parametrize("rows", [[], [{}]], ids=str)
def test_managed_fields_must_not_be_applied(rows: list[Any]) -> None:
    with pytest.raises(TypedError) as caught:
        applied(None, config(metadata={"managedFields": rows}))
    refusal = (caught.value.message, caught.value.status, caught.value.reason)
    assert refusal == ("metadata.managedFields must be nil", 400, "BadRequest")
    assert applied(None, config(metadata={"managedFields": None}))


@pytest.mark.parametrize(
    ("identity", "told"),
    [
        ({"apiVersion": "registry.matrixinfer.ai/v1"}, "registry.matrixinfer.ai/v1, Kind=Model"),
        ({"apiVersion": "v1"}, "/v1, Kind=Model"),
        ({"apiVersion": None}, "/, Kind=Model"),
        ({"apiVersion": "a/b/c"}, "/, Kind="),
        ({"kind": "Foo"}, f"{VERSION}, Kind=Foo"),
        ({"kind": None}, f"{VERSION}, Kind="),
    ],
)
def test_an_object_of_another_type_must_not_be_applied(identity: Any, told: str) -> None:
    with pytest.raises(TypedError) as caught:
        applied(None, config() | identity)
    refusal = (caught.value.message, caught.value.status, caught.value.reason)
    assert refusal == (f"invalid object type: {told}", 400, "BadRequest")


def test_what_is_stored_twice_is_left_alone() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}, {"name": "B"}]
    live = tracked(None, changed(model(), {"spec.backends.0.env": env}), "second")
    after = applied(live, config(backends=[{"name": "b1", "env": [{"name": "C"}]}]))
    assert after["spec"]["backends"][0]["env"] == [*env, {"name": "C"}]


def test_the_same_apply_twice_is_the_same_for_any_state() -> None:
    live = tracked(None, model(owner="anna"), "second")
    wanted = config(owner="x", metadata={"labels": {"a": "b"}, "finalizers": ["x.y/z"]})
    once = applied(live, wanted, force=True)
    assert applied(copy.deepcopy(once), wanted, now=LATER) == once
