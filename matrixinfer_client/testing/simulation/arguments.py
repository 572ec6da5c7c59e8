"""A worker's `config` as the arguments of its engine, with the formatting of a Go program."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from matrixinfer_client.looks import mapping, rows, text

__all__ = ["BackendError", "config_of", "engine_arguments", "extra_arguments"]

_KV_EVENTS = {
    "enable_kv_cache_events": True,
    "publisher": "zmq",
    "endpoint": "tcp://*:5557",
    "topic": "kv-events",
}
_MISSING: Any = object()


class BackendError(Exception):
    """A backend that the model controller can make nothing of; the text is its own."""


def config_of(worker: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `config` of a worker.

    Raises `BackendError` when there is none, or when it is no object.
    """
    config = worker.get("config", _MISSING)
    if config is _MISSING:
        raise BackendError("failed to unmarshal config: unexpected end of JSON input")
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        raise BackendError(
            f"failed to unmarshal config: json: cannot unmarshal {_json_type(config)} into Go "
            "value of type map[string]interface {}"
        )
    return cast("Mapping[str, Any]", config)


def engine_arguments(config: Mapping[str, Any]) -> list[str]:
    """`--key value` for every key, sorted by it."""
    arguments: list[str] = []
    for key in sorted(config):
        arguments.append(f"--{key.replace('_', '-')}")
        value = _go(config[key])
        if value:
            arguments.append(value)
    return arguments


def extra_arguments(backend: Mapping[str, Any], paths: Mapping[str, str]) -> list[str]:
    """What is always added; `paths` are those of the adapters by name."""
    arguments = [
        "--kv-events-config",
        json.dumps(_KV_EVENTS, separators=(",", ":")),
        "--enforce-eager",
    ]
    adapters = [text(row.get("name")) for row in rows(backend.get("loraAdapters"))]
    if adapters:
        modules = [f"{name}={paths[name]}" for name in adapters]
        arguments += ["--enable-lora", "--lora-modules", *modules]
    return arguments


def _json_type(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "array"


def _go(value: object) -> str:
    """A value of JSON as Go prints it after decoding."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case str():
            return value
        case Mapping():
            known = mapping(cast("object", value))
            return "map[" + " ".join(f"{key}:{_go(known[key])}" for key in sorted(known)) + "]"
        case Sequence():
            return "[" + " ".join(map(_go, cast("Sequence[object]", value))) + "]"
        case _:
            return str(value)


# From a million on Go writes an exponent.
_LARGE = 6


def _number(value: float) -> str:
    sign, digits, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    if not isinstance(exponent, int):
        return str(value)
    figures = "".join(map(str, digits))
    power = len(figures) + exponent - 1 if any(digits) else 0
    if -5 < power < _LARGE or not any(digits):
        return f"{Decimal(repr(float(value))).normalize():f}"
    mantissa = figures[0] + ("." + figures[1:] if figures[1:] else "")
    return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
