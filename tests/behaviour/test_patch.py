"""Merge patch and JSON patch."""

from __future__ import annotations

import pytest

from matrixinfer_client import AsyncClient, InvalidError
from tests.behaviour.samples import MODEL, model_backend


async def test_a_merge_patch_sets_replaces_and_removes(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one", labels={"keep": "1", "drop": "2"}))
    patched = await models.patch(
        "one",
        {
            "metadata": {"labels": {"drop": None, "new": "3"}},
            "spec": {"owner": "anna"},
        },
    )
    assert patched.metadata.labels == {"keep": "1", "new": "3"}
    assert patched.spec.owner == "anna"
    removed = await models.patch("one", {"spec": {"owner": None}})
    assert removed.spec.owner is None
    assert removed.metadata.labels == {"keep": "1", "new": "3"}


async def test_a_merge_patch_replaces_lists_whole(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    body = MODEL.mapping("one")
    body["spec"] = {"backends": [model_backend(), model_backend(name="b2")]}
    await models.create(body)
    patched = await models.patch("one", {"spec": {"backends": [model_backend(name="b3")]}})
    assert [backend.name for backend in patched.spec.backends] == ["b3"]


async def test_typed_objects_may_stand_inside_a_patch(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    created = await models.create(MODEL.mapping("one"))
    backend = created.spec.backends[0]
    backend.route_weight = 0
    patched = await models.patch("one", {"spec": {"backends": [backend]}})
    assert patched.spec.backends == [backend]
    pointer = [{"op": "replace", "path": "/spec/backends/0", "value": created.spec.backends[0]}]
    assert (await models.patch("one", pointer)).spec.backends == [backend]


async def test_a_json_patch_is_done_in_order(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    patched = await models.patch(
        "one",
        [
            {"op": "test", "path": "/spec/backends/0/name", "value": "b1"},
            {"op": "add", "path": "/spec/owner", "value": "anna"},
            {"op": "copy", "from": "/spec/owner", "path": "/spec/name"},
            {"op": "remove", "path": "/spec/owner"},
            {"op": "replace", "path": "/spec/backends/0/routeWeight", "value": 5},
        ],
    )
    assert patched.spec.name == "anna"
    assert patched.spec.owner is None
    assert patched.spec.backends[0].route_weight == 5


async def test_a_json_patch_whose_test_fails_changes_nothing(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    with pytest.raises(InvalidError):
        await models.patch(
            "one",
            [
                {"op": "add", "path": "/spec/owner", "value": "anna"},
                {"op": "test", "path": "/spec/backends/0/name", "value": "other"},
            ],
        )
    assert (await models.get("one")).spec.owner is None


async def test_a_patch_whose_result_breaks_the_schema_is_refused(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    with pytest.raises(InvalidError) as caught:
        await models.patch("one", {"spec": {"costExpansionRatePercent": 1001}})
    assert [cause.field for cause in caught.value.causes] == ["spec.costExpansionRatePercent"]


async def test_a_patch_with_a_version_is_refused_when_the_object_has_another(
    client: AsyncClient, namespace: str
) -> None:
    from matrixinfer_client import ConflictError

    models = client.registry_v1alpha1.models(namespace)
    old = await models.create(MODEL.mapping("one"))
    await models.patch("one", {"spec": {"owner": "anna"}})
    version = {"resourceVersion": old.metadata.resource_version}
    with pytest.raises(ConflictError):
        await models.patch("one", {"metadata": version, "spec": {"owner": "berta"}})
