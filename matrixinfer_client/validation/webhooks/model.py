"""The webhooks of Model: what they fill in, and what they refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matrixinfer_client.validation.access import Fields, items
from matrixinfer_client.validation.durations import MINUTE
from matrixinfer_client.validation.webhooks.problems import Problems, image_problem, nanoseconds

__all__ = ["mutate_model", "validate_model"]

_MOST_REPLICAS = 1_000_000
_LONGEST_GRACE = 30 * MINUTE
_SINGLE_SERVER = ("vLLM", "SGLang", "MindIE")
_DISAGGREGATED = {
    "vLLMDisaggregated": (("prefill", "decode"), "'prefill' or 'decode'"),
    "MindIEDisaggregated": (
        ("prefill", "decode", "controller", "coordinator"),
        "'prefill', 'decode', 'controller', or 'coordinator' (not 'server')",
    ),
}
_UNSET = "must not be provided when model-level autoscaling is not set"
_SET = "when model-level autoscaling is set"


def mutate_model(spec: dict[str, Any]) -> None:
    """Fill in what model-level autoscaling needs; nothing without it."""
    if spec.get("autoscalingPolicy") is None:
        return
    for backend in items(spec, "backends"):
        if backend.get("scaleToZeroGracePeriod") is None:
            backend["scaleToZeroGracePeriod"] = "30s"
    if spec.get("costExpansionRatePercent") is None:
        spec["costExpansionRatePercent"] = 200


def validate_model(name: str, spec: dict[str, Any]) -> Problems:
    """The errors in the order in which the webhook looks."""
    problems = Problems()
    backends: Sequence[Fields] = items(spec, "backends")
    _check_grace_periods(problems, backends)
    _check_bounds(problems, backends)
    _check_images(problems, backends)
    _check_autoscaling(problems, spec, backends)
    _check_workers(problems, backends)
    _check_adapters(problems, name, backends)
    return problems


def _check_grace_periods(problems: Problems, backends: Sequence[Fields]) -> None:
    field = "scaleToZeroGracePeriod"
    for index, backend in enumerate(backends):
        text = backend.get(field)
        period = nanoseconds(text)
        if text is None or period is None:
            continue
        place = ("spec", "backends", index, field)
        if period > _LONGEST_GRACE:
            problems.invalid_duration(place, text, f"{field} cannot exceed 1800 seconds")
        if period < 0:
            problems.invalid_duration(place, text, f"{field} cannot be negative")


def _check_bounds(problems: Problems, backends: Sequence[Fields]) -> None:
    for index, backend in enumerate(backends):
        if backend["minReplicas"] > backend["maxReplicas"]:
            place = ("spec", "backends", index, "minReplicas")
            detail = "minReplicas cannot be greater than maxReplicas"
            problems.invalid(place, backend["minReplicas"], detail)
    total = sum(backend["maxReplicas"] for backend in backends)
    if total > _MOST_REPLICAS:
        detail = f"sum of maxReplicas across all backends ({total}) cannot exceed {_MOST_REPLICAS}"
        problems.invalid(("spec", "backends"), total, detail)


def _check_images(problems: Problems, backends: Sequence[Fields]) -> None:
    for i, backend in enumerate(backends):
        for j, worker in enumerate(backend["workers"]):
            image = worker.get("image") or ""
            detail = image_problem(image)
            if detail is not None:
                problems.invalid(("spec", "backends", i, "workers", j, "image"), image, detail)


def _check_autoscaling(
    problems: Problems, spec: dict[str, Any], backends: Sequence[Fields]
) -> None:
    on_model = spec.get("autoscalingPolicy") is not None
    on_backend = any(backend.get("autoscalingPolicy") is not None for backend in backends)
    if on_model and on_backend:
        detail = (
            "spec.autoscalingPolicyRef and spec.backends[].autoscalingPolicyRef cannot both be "
            "set; choose model-level or backend-level autoscaling, not both"
        )
        said = "spec.autoscalingPolicyRef"
        problems.forbidden(("spec", "autoscalingPolicy"), detail, said=said)
    elif on_model:
        _check_with_model_policy(problems, spec, backends)
    else:
        _check_without_model_policy(problems, spec, backends, on_backend=on_backend)


def _check_without_model_policy(
    problems: Problems, spec: dict[str, Any], backends: Sequence[Fields], *, on_backend: bool
) -> None:
    for index, backend in enumerate(backends):
        place = ("spec", "backends", index)
        if backend.get("scalingCost"):
            said = f"spec.backends[{index}].cost"
            problems.forbidden((*place, "scalingCost"), f"cost {_UNSET}", said=said)
        if backend.get("scaleToZeroGracePeriod") is not None:
            field = "scaleToZeroGracePeriod"
            problems.forbidden((*place, field), f"{field} {_UNSET}")
    if spec.get("costExpansionRatePercent") is not None:
        field = "costExpansionRatePercent"
        problems.forbidden(("spec", field), f"{field} {_UNSET}")
    for index, backend in enumerate(backends):
        place = ("spec", "backends", index)
        least, most = backend["minReplicas"], backend["maxReplicas"]
        if on_backend and least < 1:
            detail = "minReplicas must be >= 1 when backend-level autoscaling is set"
            problems.invalid((*place, "minReplicas"), least, detail)
        if not on_backend and least != most:
            detail = "minReplicas and maxReplicas must be equal and > 0 when no autoscaling is set"
            problems.invalid(place, f"minReplicas={least}, maxReplicas={most}", detail)


def _check_with_model_policy(
    problems: Problems, spec: dict[str, Any], backends: Sequence[Fields]
) -> None:
    for index, backend in enumerate(backends):
        place = ("spec", "backends", index)
        if backend["minReplicas"] < 0:
            detail = f"minReplicas must be >= 0 {_SET}"
            problems.invalid((*place, "minReplicas"), backend["minReplicas"], detail)
        if not backend.get("scalingCost"):
            said = f"spec.backends[{index}].cost"
            problems.required((*place, "scalingCost"), f"cost must be provided {_SET}", said=said)
        if backend.get("scaleToZeroGracePeriod") is None:
            field = "scaleToZeroGracePeriod"
            problems.required((*place, field), f"{field} must be provided {_SET}")
    least = sum(backend["minReplicas"] for backend in backends)
    if least < 1:
        problems.invalid(("spec", "backends"), least, f"sum of all minReplicas must be >= 1 {_SET}")
    if spec.get("costExpansionRatePercent") is None:
        field = "costExpansionRatePercent"
        problems.required(("spec", field), f"{field} must be provided and > 0 {_SET}")


def _check_workers(problems: Problems, backends: Sequence[Fields]) -> None:
    for index, backend in enumerate(backends):
        kind, workers = backend["type"], backend["workers"]
        place = ("spec", "backends", index, "workers")
        if kind in _SINGLE_SERVER:
            start = f"If backend type is '{kind}',"
            if len(workers) != 1:
                problems.invalid(place, len(workers), f"{start} there must be exactly one worker")
            first = workers[0].get("type", "server") if workers else "server"
            if first != "server":
                detail = f"{start} the worker type must be 'server'"
                problems.invalid((*place, 0, "type"), first, detail)
        if kind in _DISAGGREGATED:
            allowed, words = _DISAGGREGATED[kind]
            detail = f"If backend type is '{kind}', all workers must be type {words}"
            for j, worker in enumerate(workers):
                given = worker.get("type", "server")
                if given not in allowed:
                    problems.invalid((*place, j, "type"), given, detail)


def _check_adapters(problems: Problems, name: str, backends: Sequence[Fields]) -> None:
    for index, backend in enumerate(backends):
        seen: set[str] = set()
        for j, adapter in enumerate(items(backend, "loraAdapters")):
            place = ("spec", "backends", index, "loraAdapters", j, "name")
            if adapter["name"] == name:
                problems.invalid(
                    place, adapter["name"], "lora name cannot be the same as model name"
                )
            if adapter["name"] in seen:
                problems.invalid(
                    place, adapter["name"], "lora name must be unique within the backend"
                )
            seen.add(adapter["name"])
