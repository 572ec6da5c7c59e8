"""Informers: the store, the handlers, and what happens to errors. In both modes."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from matrixinfer_client import ALL_NAMESPACES
from matrixinfer_client.errors import (
    ForbiddenError,
    InvalidArgumentError,
    MatrixInferError,
    NotSyncedError,
    SyncTimeout,
)
from matrixinfer_client.pacing import WatchPolicy
from matrixinfer_client.store import without_managed_fields
from tests.watch.conftest import Open
from tests.watch.either import EitherInformer, until
from tests.watch.served import Served


def names(informer: EitherInformer, **selection: Any) -> list[str]:
    return [each.name for each in informer.informer.list(**selection)]


async def test_the_store_follows_the_server(served: Served, opened: Open) -> None:
    served.create("a")
    async with opened() as client, client.informed() as informed:
        await informed.wait_for_sync()
        informer = informed.informer
        assert informer.synced
        assert names(informed) == ["a"]
        served.create("b")
        served.update("a")
        served.delete("b")
        await until(lambda: informer.resource_version == "104")
        assert names(informed) == ["a"]
        found = informer.get("a")
        assert found is not None
        assert found.resource_version == "103"
        assert informer.get("b") is None
        assert informer.keys() == [("default", "a")]
        assert len(informer) == 1


async def test_reading_sends_nothing(served: Served, opened: Open) -> None:
    served.create("a")
    async with opened() as client, client.informed(policy=WatchPolicy()) as informed:
        await informed.wait_for_sync()
        for _ in range(100):
            informed.informer.get("a")
            informed.informer.list()
        assert len(served.requests) == 1


async def test_what_is_handed_out_may_be_changed(served: Served, opened: Open) -> None:
    served.create("a")
    changed: list[Any] = []

    def spoil(obj: Any) -> None:
        obj.metadata.name = "spoiled"
        obj.spec.backends = None
        changed.append(obj)

    async with opened() as client, client.informed() as informed:
        informed.informer.add_handler(on_add=spoil)
        await informed.wait_for_sync()
        await until(lambda: changed)
        for obj in (informed.informer.get("a"), *informed.informer.list()):
            assert obj is not None
            assert (obj.metadata.name, obj.spec.backends) == ("a", [])
            obj.metadata.name = "spoiled, too"
        assert names(informed) == ["a"]


async def test_indexes_follow_the_objects(served: Served, opened: Open) -> None:
    for name in ("a", "b"):
        served.create(name)
    indexers = {"generation": lambda model: [str(model.metadata.generation)]}
    async with opened() as client, client.informed(indexers=indexers) as informed:
        await informed.wait_for_sync()
        informer = informed.informer
        assert [each.name for each in informer.by_index("generation", "1")] == ["a", "b"]
        served.update("b")
        await until(lambda: informer.index_values("generation") == ["1", "2"])
        assert [each.name for each in informer.by_index("generation", "2")] == ["b"]
        served.delete("b")
        await until(lambda: informer.index_values("generation") == ["1"])
        assert list(informer.by_index("generation", "2")) == []
        with pytest.raises(InvalidArgumentError, match=r"no index 'owner' \(it has: 'generation'"):
            informer.by_index("owner", "x")


async def test_an_index_that_fails_costs_an_object_its_entry_only(
    served: Served, opened: Open
) -> None:
    served.create("a")
    errors: list[Exception] = []
    options: Any = {"indexers": {"bad": lambda _: 1 / 0}, "on_error": errors.append}
    async with opened() as client, client.informed(**options) as informed:
        await informed.wait_for_sync()
        await until(lambda: errors)
        assert names(informed) == ["a"]
        assert isinstance(errors[0], ZeroDivisionError)


async def test_a_transform_changes_what_is_stored_and_told(served: Served, opened: Open) -> None:
    served.create("a")
    labels: list[Any] = []

    def mark(obj: Any) -> Any:
        obj.metadata.labels = {"marked": "yes"}
        return None if obj.name == "a" else obj

    async with opened() as client, client.informed(transform=mark) as informed:
        informed.informer.add_handler(
            on_add=lambda obj: labels.append(obj.metadata.labels),
            on_delete=lambda obj: labels.append(obj.metadata.labels),
        )
        await informed.wait_for_sync()
        served.create("b")
        served.delete("a")
        await until(lambda: len(labels) == 3)
        assert labels == [{"marked": "yes"}] * 3
        assert names(informed, label_selector="marked=yes") == ["b"]


async def test_a_transform_that_fails_leaves_the_object_as_it_came(
    served: Served, opened: Open
) -> None:
    served.create("a")
    errors: list[Exception] = []
    options: Any = {"transform": lambda obj: obj.nothing, "on_error": errors.append}
    async with opened() as client, client.informed(**options) as informed:
        await informed.wait_for_sync()
        assert names(informed) == ["a"]
        await until(lambda: errors)


def test_managed_fields_can_be_left_out() -> None:
    from matrixinfer_client.api.registry_v1alpha1 import Model

    fields = [{"manager": "x", "operation": "Apply"}]
    model = Model.from_dict({"metadata": {"name": "a", "managedFields": fields}, "spec": {}})
    assert "managedFields" not in without_managed_fields(model).to_dict()["metadata"]


async def test_a_refusal_is_raised_to_whoever_waits_for_the_sync_and_may_be_mended(
    served: Served, opened: Open
) -> None:
    errors: list[Exception] = []
    served.refuse(403, "Forbidden", times=3)
    served.create("a")
    async with opened() as client, client.informed(on_error=errors.append) as informed:
        with pytest.raises(ForbiddenError):
            await informed.wait_for_sync()
        await until(lambda: informed.informer.synced)
        await informed.wait_for_sync()
        assert names(informed) == ["a"]
        assert [type(error) for error in errors] == [ForbiddenError] * 3


async def test_a_sync_that_takes_too_long_says_what_was_wrong(served: Served, opened: Open) -> None:
    served.refuse(503, "ServiceUnavailable", times=10_000)
    options: Any = {"on_error": lambda _: None}
    async with opened() as client, client.informed(**options) as informed:
        started = time.monotonic()
        with pytest.raises(SyncTimeout, match=r"not in step .* after 0.3 seconds.*503") as caught:
            await informed.wait_for_sync(0.3)
        assert time.monotonic() - started < 1.0
        assert isinstance(caught.value, TimeoutError)


async def test_a_store_without_a_state_is_not_read(served: Served, opened: Open) -> None:
    served.silent_heads = True
    async with opened() as client:
        informer = client.models().informer()
        with pytest.raises(NotSyncedError, match="the informer is not started"):
            informer.list()
        async with client.informed() as informed:
            for read in (informed.informer.list, lambda: informed.informer.get("a")):
                with pytest.raises(NotSyncedError, match=r"call wait_for_sync\(\) first"):
                    read()


async def test_waiting_ends_when_the_informer_is_stopped(served: Served, opened: Open) -> None:
    served.silent_heads = True
    async with opened() as client, client.informed() as informed:
        waiting = asyncio.ensure_future(informed.wait_for_sync(30))
        await asyncio.sleep(0.1)
        await informed.stop()
        with pytest.raises(NotSyncedError, match="stopped before"):
            await waiting


async def test_stopping_is_quick_and_leaves_nothing_behind(served: Served, opened: Open) -> None:
    served.create("a")
    async with opened() as client:
        async with client.informed(policy=WatchPolicy(), resync=60) as informed:
            informed.informer.add_handler(on_add=lambda _: None)
            await informed.wait_for_sync()
            started = time.monotonic()
        assert time.monotonic() - started < 0.5
        await until(lambda: not served.streams)
        threads = [thread.name for thread in threading.enumerate()]
        assert not [name for name in threads if name.startswith("informer")]
        assert len(asyncio.all_tasks()) == 1
        assert names(informed) == ["a"], "what it has can be read on"


async def test_a_handler_may_stop_its_own_informer(served: Served, opened: Open) -> None:
    served.create("a")
    async with opened() as client, client.informed() as informed:
        stop: Any = informed.informer.stop
        called = []

        def stop_it(_: Any) -> Any:
            called.append(1)
            return stop()

        informed.informer.add_handler(on_add=stop_it)
        await until(lambda: called)
        await until(lambda: not served.streams)


async def test_an_informer_starts_only_once(opened: Open) -> None:
    async with opened() as client, client.informed() as informed:
        with pytest.raises(MatrixInferError, match="starts only once"):
            await informed.start()


async def test_an_informer_of_a_closed_client_breaks_and_says_so(
    served: Served, opened: Open
) -> None:
    errors: list[Exception] = []
    options: Any = {"on_error": errors.append, "policy": WatchPolicy()}
    async with opened() as client, client.informed(**options) as informed:
        await informed.wait_for_sync()
        await client.close()
        await until(lambda: any("client is closed" in str(error) for error in errors))
        with pytest.raises(NotSyncedError, match="the informer broke: this client is closed"):
            informed.informer.list()


async def test_in_all_namespaces_a_name_needs_its_namespace(served: Served, opened: Open) -> None:
    served.create("a")
    served.streaming = False
    async with opened() as client, client.informed(namespace=ALL_NAMESPACES) as informed:
        await informed.wait_for_sync()
        assert informed.informer.get("a", "default") is not None
        assert informed.informer.get("a", "other") is None
        assert names(informed, namespace="other") == []
        with pytest.raises(InvalidArgumentError, match="say which namespace 'a' is in"):
            informed.informer.get("a")


async def test_a_resync_must_be_a_time(opened: Open) -> None:
    async with opened() as client:
        with pytest.raises(InvalidArgumentError, match="resync must be above 0 seconds, not -1"):
            client.models().informer(resync=-1)
