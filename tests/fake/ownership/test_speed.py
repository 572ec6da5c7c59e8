"""What tracking costs: tests make hundreds of objects."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from matrixinfer_client.testing.apiserver.ownership import FieldSet, track
from matrixinfer_client.validation.schemas import kind_schema
from tests.fake.ownership.samples import FIRST, VERSION, backends, model, tracked
from tests.validation.samples import changed


def milliseconds(work: Callable[[], object], runs: int) -> float:
    """The time of the processor for one run, in the best of five rounds."""
    rounds: list[float] = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(runs):
            work()
        rounds.append((time.process_time() - start) / runs * 1000)
    return min(rounds)


def written(live: Any, new: Any) -> dict[str, Any]:
    root = kind_schema("Model").root
    return track(root, live, new, manager="second", api_version=VERSION, now=FIRST)


def test_a_small_model_costs_little_to_create() -> None:
    new = model()
    assert milliseconds(lambda: written(None, new), 50) < 0.3


def test_an_update_of_an_object_with_a_thousand_fields_takes_a_few_milliseconds() -> None:
    items = [
        {
            **each,
            "name": f"b{index}",
            "env": [{"name": f"E{env}", "value": "x"} for env in range(5)],
        }
        for index, each in enumerate(backends("x" * 50))
    ]
    live = tracked(None, model(backends=items))
    fields = FieldSet.from_fields_v1(live["metadata"]["managedFields"][0]["fieldsV1"])
    assert len(fields) > 1000
    new = changed(live, {"spec.backends.7.minReplicas": 0})
    assert milliseconds(lambda: written(live, new), 3) < 30
