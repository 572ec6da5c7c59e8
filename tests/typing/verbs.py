"""The verbs, blocking: what they take and what they give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, assert_type

from matrixinfer_client import (
    NO_TIMEOUT,
    Event,
    Preconditions,
    Resource,
    Watch,
    WatchPolicy,
    WatchStatistics,
)
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList

Models = Resource[Model, ModelList]


def reading(models: Models) -> None:
    assert_type(models.get("demo"), Model)
    assert_type(models.get("demo", resource_version="0", timeout=NO_TIMEOUT), Model)
    assert_type(models.get("demo", subresource="status"), Model)
    assert_type(models.exists("demo"), bool)
    assert_type(models.list(label_selector={"team": "a"}, limit=10), ModelList)
    assert_type(models.list(label_selector="team in (a, b)", timeout=2.5), ModelList)
    assert_type(models.iterate(limit=100), Iterator[Model])


def watching(models: Models) -> None:
    policy = WatchPolicy(idle_timeout=100, streaming_lists=False)
    with models.watch(resource_version="1", timeout=60, policy=policy) as watch:
        assert_type(watch, Watch[Model])
        for event in watch:
            assert_type(event, Event[Model])
            assert_type(event.type, Literal["ADDED", "MODIFIED", "DELETED"])
            assert_type(event.object, Model)
            assert_type(event.synthetic, bool)
    assert_type(watch.statistics, WatchStatistics)
    assert_type(watch.resource_version, str | None)


def writing(models: Models, model: Model) -> None:
    assert_type(models.create(model, dry_run=True), Model)
    assert_type(models.update(model, field_manager="ci"), Model)
    assert_type(models.update_status(model), Model)
    assert_type(models.apply(model, force=True, field_validation="Warn"), Model)
    assert_type(models.apply_status(model), Model)
    assert_type(models.create_or_update(model), Model)


def a_mapping_goes_in_and_a_typed_object_comes_out(
    models: Models, manifest: dict[str, Any]
) -> None:
    assert_type(models.create(manifest), Model)
    assert_type(models.update(manifest), Model)
    assert_type(models.apply({"metadata": {"name": "demo"}, "spec": {}}), Model)
    assert_type(models.create_or_update(manifest), Model)


def patching(models: Models) -> None:
    assert_type(models.patch("demo", {"spec": {"owner": None}}), Model)
    assert_type(models.patch("demo", [{"op": "remove", "path": "/spec/owner"}]), Model)
    assert_type(models.patch("demo", {"status": {}}, subresource="status"), Model)


def scale(model: Model) -> None:
    model.spec.backends[0].max_replicas = 2


def replace(model: Model) -> Model:
    return model


def mutating(models: Models) -> None:
    assert_type(models.mutate("demo", scale), Model)
    assert_type(models.mutate("demo", replace, attempts=3, subresource="status"), Model)


def deleting(models: Models) -> None:
    models.delete("demo", propagation_policy="Foreground", ignore_not_found=True)
    models.delete("demo", preconditions=Preconditions(uid="u", resource_version="1"))
    models.delete_collection(label_selector={"team": "a"}, grace_period_seconds=0)
