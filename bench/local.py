"""Encoding, decoding and validating alone, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import orjson

from bench import data, structs
from bench.imports import Extra


def _encode(rounds: int) -> dict[str, float]:
    from matrixinfer_client import codec
    from matrixinfer_client.api.registry_v1alpha1 import Model

    plain = [data.model(number) for number in range(500)]
    objects = [Model.from_dict(value) for value in plain]
    for value in objects:
        # What a caller built or changed; an untouched section would go out as it came.
        value.metadata, value.spec, value.status
    typed = [msgspec.convert(value, structs.struct_for(Model)) for value in plain]
    jobs: dict[str, Callable[[], object]] = {
        "ours": lambda: [codec.encode(value) for value in objects],
        "orjson.dumps of the dict": lambda: [orjson.dumps(value) for value in plain],
        "msgspec structs": lambda: [msgspec.json.encode(value) for value in typed],
    }
    return _best(jobs, len(plain), rounds)


def _validate(rounds: int) -> dict[str, float]:
    from matrixinfer_client import codec
    from matrixinfer_client.api.registry_v1alpha1 import Model
    from matrixinfer_client.validation import validate

    plain = [data.model(number) for number in range(100)]
    for model in plain:
        for backend in model["spec"]["backends"]:
            # As in a cluster with the webhooks: without autoscaling there are no costs or ranges.
            backend.pop("scalingCost", None)
            backend["maxReplicas"] = backend["minReplicas"]
    assert validate(plain).ok
    texts = [codec.encode(value) for value in plain]

    def decode() -> None:
        for text in texts:
            value = codec.decode(Model, text)
            value.metadata, value.spec, value.status

    jobs: dict[str, Callable[[], object]] = {
        "ours": lambda: [validate(value) for value in plain],
        "decoding it": decode,
    }
    return _best(jobs, len(plain), rounds)


def _best(jobs: dict[str, Callable[[], object]], count: int, rounds: int) -> dict[str, float]:
    """The least disturbed of many turns, in microseconds for one object."""
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(5 * rounds):
        for name, job in jobs.items():
            started = time.process_time()
            job()
            best[name] = min(best[name], (time.process_time() - started) / count * 1e6)
    return best


def rows() -> list[Extra]:
    """The rows of this module."""
    return [
        Extra("encode", "encode a Model", "us", {"orjson.dumps of the dict": 6.0}, _encode),
        # 1,000 a second is the budget; decoding takes about a twentieth of a millisecond.
        Extra("validate", "validate a Model offline", "us", {"decoding it": 15.0}, _validate),
    ]
