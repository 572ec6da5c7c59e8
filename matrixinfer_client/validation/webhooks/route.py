"""The webhook of ModelRoute. The one of ModelServer has no rules."""

from __future__ import annotations

from typing import Any

from matrixinfer_client.validation.access import items
from matrixinfer_client.validation.webhooks.problems import Problems

__all__ = ["validate_route"]


def validate_route(_name: str, spec: dict[str, Any]) -> Problems:
    """The errors of a ModelRoute."""
    problems = Problems()
    adapters = items(spec, "loraAdapters")
    if not spec.get("modelName") and not adapters:
        problems.required(("spec",), "either modelName or loraAdapters must be specified")
    for index, adapter in enumerate(adapters):
        if not adapter:
            detail = "lora adapter name cannot be an empty string"
            problems.invalid(("spec", "loraAdapters", index), adapter, detail)
    return problems
