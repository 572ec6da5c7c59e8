"""Server-side apply: ownership of fields, and what happens to those that are left out."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client import AsyncClient, ConflictError
from matrixinfer_client.api.core_v1 import EnvVar
from matrixinfer_client.api.meta_v1 import ObjectMeta
from matrixinfer_client.api.registry_v1alpha1 import Model
from tests.behaviour.samples import MODEL, model_backend


def wanted(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "one"}, "spec": {"backends": [model_backend()], **spec}}


async def test_apply_says_who_owns_what(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    applied = await models.apply(wanted(owner="anna"))
    (entry,) = applied.metadata.managed_fields or []
    assert (entry.manager, entry.operation) == ("matrixinfer-client", "Apply")
    assert entry.fields_v1 is not None
    assert "f:owner" in entry.fields_v1["f:spec"]


async def test_a_field_that_is_left_out_afterwards_is_removed(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.apply(wanted(owner="anna", name="shown"))
    await models.patch("one", {"metadata": {"labels": {"by": "somebody"}}}, field_manager="other")
    applied = await models.apply(wanted(name="shown"))
    assert applied.spec.owner is None
    assert applied.spec.name == "shown"
    assert applied.metadata.labels == {"by": "somebody"}


async def test_applying_the_same_again_changes_nothing(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    first = await models.apply(wanted())
    second = await models.apply(wanted())
    assert first.metadata.resource_version == second.metadata.resource_version


async def test_a_field_of_another_manager_is_a_conflict_that_names_both(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.apply(wanted(owner="anna"), field_manager="first")
    with pytest.raises(ConflictError) as caught:
        await models.apply(wanted(owner="berta"), field_manager="second")
    (cause,) = caught.value.causes
    assert cause.field == ".spec.owner"
    assert cause.type == "FieldManagerConflict"
    assert 'conflict with "first"' in cause.message
    assert (await models.get("one")).spec.owner == "anna"


async def test_force_takes_the_field_over(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.apply(wanted(owner="anna"), field_manager="first")
    forced = await models.apply(wanted(owner="berta"), field_manager="second", force=True)
    assert forced.spec.owner == "berta"
    # The first manager no longer owns it, so leaving it out does not remove it.
    assert (await models.apply(wanted(), field_manager="first")).spec.owner == "berta"


async def test_two_managers_may_want_the_same(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.apply(wanted(owner="anna"), field_manager="first")
    await models.apply(wanted(owner="anna"), field_manager="second")
    # One of the owners is left, so the field stays.
    assert (await models.apply(wanted(), field_manager="first")).spec.owner == "anna"


async def test_backends_and_their_variables_are_merged_by_name(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.apply(wanted(), field_manager="first")
    other: dict[str, Any] = {
        "metadata": {"name": "one"},
        "spec": {"backends": [{"name": "b1", "env": [{"name": "A", "value": "1"}]}]},
    }
    both = await models.apply(other, field_manager="second")
    assert len(both.spec.backends) == 1
    assert both.spec.backends[0].env == [EnvVar(name="A", value="1")]
    assert both.spec.backends[0].model_uri == "hf://org/model"


async def test_an_object_that_was_read_can_be_applied(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(Model.from_dict(MODEL.mapping("one")))
    read = await models.get("one")
    assert read.metadata.managed_fields
    read.spec.owner = "anna"
    applied = await models.apply(read, force=True)
    assert applied.spec.owner == "anna"
    # The caller's object is as it was.
    assert read.metadata.managed_fields


async def test_what_was_read_and_applied_says_when_it_is_outdated(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    read = await models.create(Model.from_dict(MODEL.mapping("one")))
    await models.patch("one", {"spec": {"owner": "anna"}})
    with pytest.raises(ConflictError, match="the object has been modified"):
        await models.apply(read, force=True)


async def test_only_what_is_set_is_applied(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    created = await models.create(Model.from_dict(MODEL.mapping("one")))
    typed = Model(metadata=ObjectMeta(name="one", labels={"a": "b"}), spec=created.spec)
    applied = await models.apply(typed, field_manager="labels", force=True)
    owned = next(
        entry for entry in applied.metadata.managed_fields or [] if entry.manager == "labels"
    )
    assert set(owned.fields_v1 or {}) == {"f:metadata", "f:spec"}
