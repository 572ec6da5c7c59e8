"""Who set which field, as the server keeps it in `metadata.managedFields`."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from matrixinfer_client import ApiError, ApiWarning, AsyncClient
from matrixinfer_client.api.registry_v1alpha1 import Model
from tests.behaviour.backends import Backend
from tests.behaviour.samples import MODEL, MODEL_INFER, SAMPLES, Sample

VERSION = MODEL.cls.KIND.api_version


def owners(model: Model) -> set[tuple[str | None, str | None, str | None]]:
    """Manager, operation and subresource of each entry."""
    entries = model.metadata.managed_fields or []
    return {(entry.manager, entry.operation, entry.subresource) for entry in entries}


def fields(model: Model, manager: str) -> Any:
    """What a manager owns."""
    entries = model.metadata.managed_fields or []
    (entry,) = [each for each in entries if each.manager == manager]
    assert (entry.api_version, entry.fields_type) == (VERSION, "FieldsV1")
    return entry.fields_v1


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
async def test_who_creates_owns_what_was_sent_and_what_was_filled_in(
    client: AsyncClient, namespace: str, sample: Sample
) -> None:
    made = await sample.resource(client, namespace).create(
        sample.mapping("one", labels={"a": "b"}), field_manager="me"
    )
    (entry,) = made.metadata.managed_fields or []
    assert (entry.manager, entry.operation, entry.subresource) == ("me", "Update", None)
    assert entry.fields_v1["f:metadata"] == {"f:labels": {".": {}, "f:a": {}}}
    owned = set(entry.fields_v1["f:spec"])
    assert owned == {".", *(f"f:{name}" for name in made.to_dict()["spec"])}


async def test_lists_of_the_schema_are_owned_by_key_and_others_whole(
    client: AsyncClient, namespace: str
) -> None:
    made = await client.registry_v1alpha1.models(namespace).create(
        MODEL.mapping("one"), field_manager="me"
    )
    assert fields(made, "me")["f:spec"] == {
        ".": {},
        "f:backends": {
            ".": {},
            'k:{"name":"b1"}': {
                ".": {},
                "f:cacheURI": {},
                "f:maxReplicas": {},
                "f:minReplicas": {},
                "f:modelURI": {},
                "f:name": {},
                "f:routeWeight": {},
                "f:type": {},
                "f:workers": {},
            },
        },
    }


async def test_who_changes_a_field_owns_it_from_then_on(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(
        {**MODEL.mapping("one"), "spec": {**MODEL.spec(), "owner": "anna", "name": "x"}},
        field_manager="first",
    )
    changed = await models.patch("one", {"spec": {"owner": "berta"}}, field_manager="second")
    assert fields(changed, "second") == {"f:spec": {"f:owner": {}}}
    assert "f:owner" not in fields(changed, "first")["f:spec"]
    assert "f:name" in fields(changed, "first")["f:spec"]


async def test_a_value_that_stays_the_same_keeps_its_owner(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(
        {**MODEL.mapping("one"), "spec": {**MODEL.spec(), "owner": "anna"}}, field_manager="first"
    )
    same = await models.patch("one", {"spec": {"owner": "anna"}}, field_manager="second")
    assert owners(same) == {("first", "Update", None)}


async def test_a_removed_field_is_nobodys(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(
        {**MODEL.mapping("one"), "spec": {**MODEL.spec(), "owner": "anna"}}, field_manager="first"
    )
    changed = await models.patch("one", {"spec": {"owner": None}}, field_manager="second")
    assert owners(changed) == {("first", "Update", None)}
    assert "f:owner" not in fields(changed, "first")["f:spec"]


async def test_the_status_has_entries_of_its_own(client: AsyncClient, namespace: str) -> None:
    infers = client.workload_v1alpha1.model_infers(namespace)
    await infers.create(MODEL_INFER.mapping("one"), field_manager="me")
    status = {"status": {"replicas": 1}}
    written = await infers.patch("one", status, subresource="status", field_manager="me")
    entries = written.metadata.managed_fields or []
    assert {(entry.operation, entry.subresource) for entry in entries} == {
        ("Update", None),
        ("Update", "status"),
    }
    (entry,) = [entry for entry in entries if entry.subresource == "status"]
    assert entry.fields_v1 == {"f:status": {".": {}, "f:replicas": {}}}


async def test_one_manager_has_an_entry_for_updates_and_one_for_applies(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.apply(MODEL.mapping("one"), field_manager="me")
    changed = await models.patch("one", {"spec": {"owner": "anna"}}, field_manager="me")
    assert owners(changed) == {("me", "Apply", None), ("me", "Update", None)}


async def test_an_empty_list_of_entries_begins_the_tracking_anew(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.apply(MODEL.mapping("one"), field_manager="first")
    patch: dict[str, Any] = {"metadata": {"managedFields": [{}]}}
    cleared = await models.patch("one", patch, field_manager="second")
    assert not cleared.metadata.managed_fields


async def test_an_object_without_entries_gets_one_for_what_was_there_before_an_apply(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    await models.patch("one", {"metadata": {"managedFields": [{}]}})
    body = {"metadata": {"name": "one"}, "spec": {"owner": "anna"}}
    applied = await models.apply(body, field_manager="me")
    assert owners(applied) == {
        ("me", "Apply", None),
        ("before-first-apply", "Update", None),
    }


async def test_an_update_without_entries_keeps_them(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    made = await models.create(MODEL.mapping("one"), field_manager="me")
    made.metadata.managed_fields = None
    made.spec.owner = "anna"
    updated = await models.update(made, field_manager="me")
    assert owners(updated) == {("me", "Update", None)}
    assert "f:owner" in fields(updated, "me")["f:spec"]


def test_without_a_name_the_manager_is_who_the_user_agent_says(
    backend: Backend, namespace: str
) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "some-tool/1.2 (linux)"}
    body = json.dumps(MODEL.mapping("one")).encode()
    answer = backend.ask("POST", MODEL.path(namespace), body, headers)
    assert answer.status == 201, answer.body
    (entry,) = answer.body["metadata"]["managedFields"]
    assert entry["manager"] == "some-tool"


@pytest.mark.parametrize(
    ("manager", "message"),
    [
        ("x" * 129, "may not be more than 128 bytes"),
        ("a\x01b", "invalid character"),
    ],
)
def test_a_manager_must_be_short_and_printable(
    backend: Backend, namespace: str, manager: str, message: str
) -> None:
    path = f"{MODEL.path(namespace)}?fieldManager={quote(manager)}"
    status, answer = backend.request("POST", path, MODEL.mapping("one"))
    assert (status, answer["reason"]) == (422, "Invalid")
    assert message in answer["message"]


async def test_an_apply_with_entries_of_its_own_is_refused(
    backend: Backend, namespace: str
) -> None:
    body = MODEL.mapping("one", managedFields=[{"manager": "x", "operation": "Apply"}])
    path = f"{MODEL.path(namespace, 'one')}?fieldManager=me"
    status, answer = backend.request("PATCH", path, body, "application/apply-patch+yaml")
    assert status == 400
    assert "metadata.managedFields must be nil" in answer["message"]


async def test_an_apply_needs_a_manager(backend: Backend, namespace: str) -> None:
    path = MODEL.path(namespace, "one")
    status, answer = backend.request(
        "PATCH", path, MODEL.mapping("one"), "application/apply-patch+yaml"
    )
    assert status == 422
    assert "fieldManager: Required value: is required for apply patch" in answer["message"]


async def test_a_status_that_is_applied_owns_no_spec(client: AsyncClient, namespace: str) -> None:
    infers = client.workload_v1alpha1.model_infers(namespace)
    await infers.create(MODEL_INFER.mapping("one"), field_manager="me")
    body = {**MODEL_INFER.mapping("one"), "status": {"replicas": 1}}
    applied = await infers.apply_status(body, field_manager="you")
    (entry,) = [each for each in applied.metadata.managed_fields or [] if each.manager == "you"]
    assert entry.fields_v1 == {"f:status": {"f:replicas": {}}}


async def test_managers_that_want_different_items_of_a_list_do_not_conflict(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.apply(MODEL.mapping("one"), field_manager="first")
    second = {
        "metadata": {"name": "one"},
        "spec": {"backends": [{**MODEL.spec()["backends"][0], "name": "b2"}]},
    }
    both = await models.apply(second, field_manager="second")
    assert [backend.name for backend in both.spec.backends] == ["b1", "b2"]
    alone = await models.apply(MODEL.mapping("one"), field_manager="second", force=True)
    assert [backend.name for backend in alone.spec.backends] == ["b1"]


async def test_a_list_without_keys_is_replaced_whole_by_who_applies_it(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.apply(MODEL.mapping("one"), field_manager="first")
    body = MODEL.mapping("one")
    worker = body["spec"]["backends"][0]["workers"][0]
    body["spec"]["backends"][0]["workers"] = [{**worker, "pods": 2}, worker]
    with pytest.raises(ApiError) as caught:
        await models.apply(body, field_manager="second")
    assert [cause.field for cause in caught.value.causes] == ['.spec.backends[name="b1"].workers']
    forced = await models.apply(body, field_manager="second", force=True)
    assert [worker.pods for worker in forced.spec.backends[0].workers] == [2, 1]


async def test_a_list_with_a_key_twice_cannot_be_applied(
    client: AsyncClient, namespace: str
) -> None:
    body = MODEL.mapping("one")
    body["spec"]["backends"] *= 2
    with pytest.raises(ApiError) as caught:
        await client.registry_v1alpha1.models(namespace).apply(body)
    assert "duplicate" in caught.value.message


async def test_finalizers_are_owned_one_by_one(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.apply(MODEL.mapping("one", finalizers=["example.test/a"]), field_manager="first")
    second = {"metadata": {"name": "one", "finalizers": ["example.test/b"]}}
    both = await models.apply(second, field_manager="second")
    assert both.metadata.finalizers == ["example.test/a", "example.test/b"]
    assert fields(both, "second") == {"f:metadata": {"f:finalizers": {'v:"example.test/b"': {}}}}
    left = await models.apply(MODEL.mapping("one"), field_manager="first")
    assert left.metadata.finalizers == ["example.test/b"]
    await models.patch("one", {"metadata": {"finalizers": None}})


async def test_owners_that_a_patch_repeats_are_the_patchers(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}
    new = MODEL.mapping("one")
    new["metadata"]["ownerReferences"] = [owner]
    await models.create(new, field_manager="me")
    twice = {"metadata": {"ownerReferences": [owner, owner]}}
    with pytest.warns(ApiWarning, match="duplicate entries after mutating admission"):
        patched = await models.patch("one", twice, field_manager="you")
    assert [each.uid for each in patched.metadata.owner_references or []] == ["1"]
    assert fields(patched, "you")["f:metadata"] == {"f:ownerReferences": {'k:{"uid":"1"}': {}}}
    assert fields(patched, "me")["f:metadata"] == {"f:ownerReferences": {}}


def test_what_an_apply_empties_is_tidied_up_by_the_next_write(
    backend: Backend, namespace: str
) -> None:
    path = MODEL.path(namespace)
    apply = f"{path}/one?fieldManager=me&force=true"
    bare = {"apiVersion": VERSION, "kind": "Model", "metadata": {"name": "one"}}
    labelled = {**bare, "metadata": {"name": "one", "labels": {"a": "b"}}}
    backend.request("POST", f"{path}?fieldManager=you", MODEL.mapping("one", labels={"a": "c"}))
    backend.request("PATCH", apply, labelled, "application/apply-patch+yaml")
    _, emptied = backend.request("PATCH", apply, bare, "application/apply-patch+yaml")
    assert "labels" not in emptied["metadata"]
    # The server has an empty map in its store, which readers do not get to see.
    versions = [emptied["metadata"]["resourceVersion"]]
    for _ in range(2):
        status, same = backend.request("PATCH", f"{path}/one", [], "application/json-patch+json")
        assert status == 200
        versions.append(same["metadata"]["resourceVersion"])
    assert versions[0] != versions[1] == versions[2]
