"""Informers: typed stores, handlers and indexes, in both modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

from matrixinfer_client import (
    AsyncInformer,
    AsyncResource,
    Handler,
    Informer,
    Resource,
    WatchStatistics,
    without_managed_fields,
)
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList


def by_owner(model: Model) -> list[str]:
    return [model.spec.owner] if model.spec.owner else []


def changed(before: Model, after: Model) -> None:
    assert_type(before.name, str)
    assert_type(after.name, str)


async def added(model: Model) -> None:
    assert_type(model, Model)


def failed(error: Exception) -> None:
    raise error


def reading(models: Resource[Model, ModelList]) -> None:
    with models.informer(
        indexers={"owner": by_owner},
        transform=without_managed_fields,
        resync=600,
        on_error=failed,
    ) as informer:
        assert_type(informer, Informer[Model])
        informer.wait_for_sync(timeout=30)
        assert_type(informer.get("demo"), Model | None)
        assert_type(informer.list(label_selector={"a": "b"}), Sequence[Model])
        assert_type(informer.by_index("owner", "me"), Sequence[Model])
        assert_type(len(informer), int)
        assert_type(informer.statistics, WatchStatistics)
        handler = informer.add_handler(on_update=changed)
        assert_type(handler, Handler[Model])
        informer.remove_handler(handler)


async def following(models: AsyncResource[Model, ModelList]) -> None:
    async with models.informer() as informer:
        assert_type(informer, AsyncInformer[Model])
        await informer.wait_for_sync()
        informer.add_handler(on_add=added, on_update=changed)
        assert_type(informer.get("demo"), Model | None)
