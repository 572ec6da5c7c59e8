"""An object that breaks a rule of the platform's webhooks, and the webhook's words.

The words are those of the platform's documentation of its rules, written out in the tables beside
this: a test that took them from the implementation would agree with any of them. `…` stands for a
value that Go prints in a form nobody promises.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.behaviour.samples import Sample

AUTOSCALING: Mapping[str, Any] = {
    "metrics": [{"metricName": "requests_waiting", "targetValue": 10}]
}
IMAGE = "invalid container image reference: image cannot"


@dataclass(frozen=True)
class Case:
    """An object and the errors expected of its webhook: `(path as printed, text)`."""

    name: str
    sample: Sample
    spec: Mapping[str, Any]
    expected: tuple[tuple[str, str], ...]
    object_name: str = "demo"

    def body(self) -> dict[str, Any]:
        return {**self.sample.mapping(self.object_name), "spec": copy.deepcopy(dict(self.spec))}
