"""What watches and informers hold: little more than the objects, and no more after a long time."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from matrixinfer_client import codec
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList
from matrixinfer_client.flows import Retries
from matrixinfer_client.pacing import WatchPolicy
from matrixinfer_client.store import Store, without_managed_fields
from matrixinfer_client.stream import fresh
from matrixinfer_client.targets import ListOptions, Options, Target
from matrixinfer_client.views import View
from tests.watch.simulated import Action, History, Play

OBJECTS = 10_000
HOUR = 3600.0


def realistic(number: int) -> dict[str, Any]:
    """A Model as a cluster has it: defaults, conditions, and two managers' fields."""
    worker = {
        "type": "server",
        "image": "vllm/vllm-openai:v0.10.0",
        "replicas": 1,
        "pods": 1,
        "config": {"max-model-len": 32768, "gpu-memory-utilization": 0.9, "served-model-name": "m"},
        "resources": {"limits": {"nvidia.com/gpu": "1", "cpu": "8", "memory": "64Gi"}},
    }
    backend = {
        "name": "backend1",
        "type": "vLLM",
        "modelURI": f"hf://Qwen/Qwen2.5-{number}B-Instruct",
        "cacheURI": "hostpath:///tmp/cache",
        "minReplicas": 1,
        "maxReplicas": 3,
        "routeWeight": 100,
        "env": [{"name": f"VARIABLE_{index}", "value": "x" * 20} for index in range(4)],
        "workers": [worker],
    }
    owned: dict[str, Any] = {f"f:{key}": {} for key in backend} | {
        "f:config": {f"f:{k}": {} for k in worker}
    }
    manager = {
        "apiVersion": "registry.matrixinfer.ai/v1alpha1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {".": {}, "f:backends": {'k:{"name":"backend1"}': owned}}},
        "manager": "matrixinfer-client",
        "operation": "Update",
        "time": "2026-11-23T10:00:00Z",
    }
    conditions = [
        {
            "type": kind,
            "status": "True",
            "reason": f"Model{kind}",
            "message": f"Model is {kind.lower()}",
            "lastTransitionTime": "2026-11-23T10:00:00Z",
        }
        for kind in ("Initialized", "Active")
    ]
    return {
        "apiVersion": "registry.matrixinfer.ai/v1alpha1",
        "kind": "Model",
        "metadata": {
            "name": f"model-{number:05}",
            "namespace": f"team-{number % 20}",
            "uid": f"c5bbe695-ec61-400e-b3a2-{number:012}",
            "resourceVersion": str(100_000 + number),
            "creationTimestamp": "2026-11-23T10:00:00Z",
            "generation": 1,
            "labels": {"app.kubernetes.io/name": f"model-{number}", "team": f"t{number % 20}"},
            "managedFields": [manager, {**manager, "subresource": "status"}],
        },
        "spec": {"backends": [backend]},
        "status": {"conditions": conditions, "observedGeneration": 1},
    }


def listed() -> bytes:
    return json.dumps(
        {
            "apiVersion": "registry.matrixinfer.ai/v1alpha1",
            "kind": "ModelList",
            "metadata": {"resourceVersion": "200000"},
            "items": [realistic(number) for number in range(OBJECTS)],
        },
        separators=(",", ":"),
    ).encode()


@contextmanager
def tracing() -> Iterator[Callable[[], int]]:
    """Count the bytes that are allocated inside and still held."""
    gc.collect()
    tracemalloc.start()
    try:
        begun = tracemalloc.get_traced_memory()[0]

        def held() -> int:
            gc.collect()
            return tracemalloc.get_traced_memory()[0] - begun

        yield held
    finally:
        tracemalloc.stop()


def filled(body: bytes, transform: Any = None) -> Store[Model]:
    store: Store[Model] = Store({}, transform, lambda _: None, _fail)
    view = View(Target(Model, ModelList, None, Options()), ListOptions(), WatchPolicy(), store)
    found = codec.decode_list(ModelList, body)
    state = dict(view.noted(item) for item in found.items)
    for _ in view.differences(state, found.resource_version):
        pass
    view.settle(found.resource_version)
    return store


def _fail(error: Exception) -> None:
    raise error


def test_an_informer_holds_little_more_than_the_decoded_list() -> None:
    body = listed()
    with tracing() as held:
        decoded = codec.decode_list(ModelList, body)
        size_of_list = held()
    assert len(decoded) == OBJECTS
    del decoded
    with tracing() as held:
        store = filled(body)
        size_of_store = held()
        for record in store.records():
            _ = fresh(record).spec.backends[0].name
        store.select(label_selector="team=t1")
        assert held() < 1.01 * size_of_store, "reading does not make it grow"
    assert len(store) == OBJECTS
    assert size_of_store <= 1.5 * size_of_list
    del store
    with tracing() as held:
        slim = filled(body, without_managed_fields)
        assert held() <= 0.75 * size_of_store
    assert len(slim) == OBJECTS


def test_a_day_of_changes_and_faults_leaves_no_growth() -> None:
    history = History()
    policy = WatchPolicy(streaming_lists=True)
    options = Options(retries=Retries(attempts=10_000))
    counted = [0]
    store: Store[Model] = Store(
        {"generation": lambda model: [str((model.metadata.generation or 0) % 7)]},
        None,
        lambda _: None,
        _fail,
    )
    sizes: list[tuple[float, int]] = []

    def count(_: Any) -> None:
        counted[0] += 1

    play = Play(history, policy=policy, options=options, memory=store, record=count)

    def refill() -> list[Action]:
        """The next quarter of an hour."""
        if not sizes or play.clock - sizes[-1][0] >= HOUR:
            gc.collect()
            sizes.append((play.clock, tracemalloc.get_traced_memory()[0]))
        if play.clock >= 24 * HOUR:
            return []
        for grown in (play.requests, play.slept, play.emitted):
            grown.clear()
        history.forget(100)
        play.clock += HOUR / 4
        return _quarter(int(play.clock / HOUR * 4))

    play.refill = refill
    tracemalloc.start()
    try:
        play.run()
    finally:
        tracemalloc.stop()
    assert play.error is None
    assert play.clock >= 24 * HOUR
    assert counted[0] > 10_000
    statistics = play.view.statistics
    assert min(statistics.relists, statistics.reconnects, statistics.dead_connections) > 20
    early = max(size for clock, size in sizes if 2 * HOUR <= clock <= 6 * HOUR)
    late = max(size for clock, size in sizes if clock >= 20 * HOUR)
    # What still grows are the versions of the last relists, of which 1,000 are kept.
    assert late - early < 64 * 1024


def _quarter(number: int) -> list[Action]:
    """Two hundred changes, and one of every fault, in an order that differs each time."""
    actions: list[Action] = []
    for change in range(200):
        kind = ("create", "update", "update", "delete")[(change + number) % 4]
        actions += [(kind, change // 4 + number), ("deliver", 0)]
    faults = ["close", "reset", "silence", "silence", "garbage", "error", "bookmark", "interrupt"]
    faults += ["unavailable", "slow down", "gone", "too new", "compact"]
    for index, fault in enumerate(faults):
        actions.insert((index * 29 + number) % len(actions), (fault, number))
    return actions
