"""The rules for Models."""

from __future__ import annotations

from typing import Any

from tests.behaviour.samples import MODEL, model_backend
from tests.webhooks.case import AUTOSCALING, IMAGE, Case


def _model(name: str, expected: Any, backend: Any = None, **spec: Any) -> Case:
    body = {"backends": [model_backend(**(backend or {}))], **spec}
    return Case(f"Model: {name}", MODEL, body, expected)


def scaled(name: str, expected: Any, backend: Any = None, **spec: Any) -> Case:
    """With model-level autoscaling, which brings rules of its own."""
    fields = {"scalingCost": 1, "maxReplicas": 2, **(backend or {})}
    return _model(name, expected, fields, autoscalingPolicy=AUTOSCALING, **spec)


def _worker(**changes: Any) -> dict[str, Any]:
    return {
        "type": "server",
        "image": "engine:tag",
        "replicas": 1,
        "pods": 1,
        "config": {},
        **changes,
    }


def _adapter(name: str) -> dict[str, Any]:
    return {"name": name, "artifactURL": "hf://org/adapter"}


B0 = "spec.backends[0]"
_SET = "when model-level autoscaling is set"
_UNSET = "when model-level autoscaling is not set"

MODEL_CASES = [
    scaled(
        "a grace period of more than half an hour",
        (
            (
                f"{B0}.scaleToZeroGracePeriod",
                "Invalid value: 31m0s: scaleToZeroGracePeriod cannot exceed 1800 seconds",
            ),
        ),
        {"scaleToZeroGracePeriod": "31m"},
    ),
    scaled(
        "a negative grace period",
        (
            (
                f"{B0}.scaleToZeroGracePeriod",
                "Invalid value: -1s: scaleToZeroGracePeriod cannot be negative",
            ),
        ),
        {"scaleToZeroGracePeriod": "-1s"},
    ),
    _model(
        "more replicas at least than at most",
        (
            (
                f"{B0}.minReplicas",
                "Invalid value: 5: minReplicas cannot be greater than maxReplicas",
            ),
        ),
        {"minReplicas": 5, "autoscalingPolicy": AUTOSCALING},
    ),
    _model(
        "too many replicas together",
        (
            (
                "spec.backends",
                (
                    "Invalid value: …: sum of maxReplicas across all backends (1200000) cannot "
                    "exceed 1000000"
                ),
            ),
        ),
        backends=[
            model_backend(name=name, minReplicas=600_000, maxReplicas=600_000)
            for name in ("b1", "b2")
        ],
    ),
    _model(
        "an image of spaces only",
        (
            (
                f"{B0}.workers[0].image",
                f'Invalid value: "  ": {IMAGE} be empty or whitespace only',
            ),
        ),
        {"workers": [_worker(image="  ")]},
    ),
    _model(
        "an image with a space",
        ((f"{B0}.workers[0].image", f'Invalid value: "a b": {IMAGE} contain spaces'),),
        {"workers": [_worker(image="a b")]},
    ),
    _model(
        "a cost without autoscaling",
        ((f"{B0}.cost", f"Forbidden: cost must not be provided {_UNSET}"),),
        {"scalingCost": 3},
    ),
    _model(
        "a grace period without autoscaling",
        (
            (
                f"{B0}.scaleToZeroGracePeriod",
                f"Forbidden: scaleToZeroGracePeriod must not be provided {_UNSET}",
            ),
        ),
        {"scaleToZeroGracePeriod": "10s"},
    ),
    _model(
        "an expansion rate without autoscaling",
        (
            (
                "spec.costExpansionRatePercent",
                f"Forbidden: costExpansionRatePercent must not be provided {_UNSET}",
            ),
        ),
        costExpansionRatePercent=100,
    ),
    _model(
        "no replica at least with autoscaling of the backend",
        (
            (
                f"{B0}.minReplicas",
                "Invalid value: 0: minReplicas must be >= 1 when backend-level autoscaling is set",
            ),
        ),
        {"minReplicas": 0, "autoscalingPolicy": AUTOSCALING},
    ),
    _model(
        "a range of replicas without autoscaling",
        (
            (
                B0,
                (
                    'Invalid value: "minReplicas=1, maxReplicas=2": minReplicas and maxReplicas '
                    "must be equal and > 0 when no autoscaling is set"
                ),
            ),
        ),
        {"maxReplicas": 2},
    ),
    scaled(
        "no cost with autoscaling",
        ((f"{B0}.cost", f"Required value: cost must be provided {_SET}"),),
        {"scalingCost": 0},
    ),
    scaled(
        "no replica at least in any backend",
        (("spec.backends", f"Invalid value: …: sum of all minReplicas must be >= 1 {_SET}"),),
        {"minReplicas": 0},
    ),
    scaled(
        "autoscaling of the model and of a backend",
        (
            (
                "spec.autoscalingPolicyRef",
                (
                    "Forbidden: spec.autoscalingPolicyRef and spec.backends[].autoscalingPolicyRef "
                    "cannot both be set; choose model-level or backend-level autoscaling, not both"
                ),
            ),
        ),
        {"autoscalingPolicy": AUTOSCALING},
    ),
    *(
        _model(
            f"two workers of {kind}",
            (
                (
                    f"{B0}.workers",
                    (
                        f"Invalid value: 2: If backend type is '{kind}', there must be exactly one "
                        "worker"
                    ),
                ),
            ),
            {"type": kind, "workers": [_worker(), _worker()]},
        )
        for kind in ("vLLM", "SGLang", "MindIE")
    ),
    *(
        _model(
            f"a prefill worker of {kind}",
            (
                (
                    f"{B0}.workers[0].type",
                    (
                        f"Invalid value: \"prefill\": If backend type is '{kind}', the worker type "
                        "must be 'server'"
                    ),
                ),
            ),
            {"type": kind, "workers": [_worker(type="prefill")]},
        )
        for kind in ("vLLM", "SGLang", "MindIE")
    ),
    _model(
        "a server in vLLMDisaggregated",
        (
            (
                f"{B0}.workers[1].type",
                (
                    "Invalid value: \"server\": If backend type is 'vLLMDisaggregated', all "
                    "workers must be type 'prefill' or 'decode'"
                ),
            ),
        ),
        {"type": "vLLMDisaggregated", "workers": [_worker(type="prefill"), _worker()]},
    ),
    _model(
        "a server in MindIEDisaggregated",
        (
            (
                f"{B0}.workers[1].type",
                (
                    "Invalid value: \"server\": If backend type is 'MindIEDisaggregated', all "
                    "workers must be type 'prefill', 'decode', 'controller', or "
                    "'coordinator' (not 'server')"
                ),
            ),
        ),
        {"type": "MindIEDisaggregated", "workers": [_worker(type="controller"), _worker()]},
    ),
    _model(
        "an adapter with the name of the model",
        (
            (
                f"{B0}.loraAdapters[0].name",
                'Invalid value: "demo": lora name cannot be the same as model name',
            ),
        ),
        {"loraAdapters": [_adapter("demo")]},
    ),
    _model(
        "two adapters of one name",
        (
            (
                f"{B0}.loraAdapters[1].name",
                'Invalid value: "a": lora name must be unique within the backend',
            ),
        ),
        {"loraAdapters": [_adapter("a"), _adapter("a")]},
    ),
    _model(
        "errors of several rules, in the order of the rules",
        (
            (
                f"{B0}.minReplicas",
                "Invalid value: 5: minReplicas cannot be greater than maxReplicas",
            ),
            (f"{B0}.workers[0].image", f'Invalid value: "a b": {IMAGE} contain spaces'),
            (f"{B0}.cost", f"Forbidden: cost must not be provided {_UNSET}"),
            (
                B0,
                (
                    'Invalid value: "minReplicas=5, maxReplicas=1": minReplicas and maxReplicas '
                    "must be equal and > 0 when no autoscaling is set"
                ),
            ),
            (
                f"{B0}.loraAdapters[0].name",
                'Invalid value: "demo": lora name cannot be the same as model name',
            ),
        ),
        {
            "minReplicas": 5,
            "scalingCost": 1,
            "workers": [_worker(image="a b")],
            "loraAdapters": [_adapter("demo")],
        },
    ),
]
