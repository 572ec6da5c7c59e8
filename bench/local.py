"""Encoding and decoding alone, in this process."""

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
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(5 * rounds):
        for name, job in jobs.items():
            started = time.process_time()
            job()
            best[name] = min(best[name], (time.process_time() - started) / len(plain) * 1e6)
    return best


def rows() -> list[Extra]:
    """The rows of this module."""
    return [Extra("encode", "encode a Model", "us", {"orjson.dumps of the dict": 6.0}, _encode)]
