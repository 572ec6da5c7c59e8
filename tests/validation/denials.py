"""Every rule of the platform's webhooks (objects, what is wrong, what the webhook says of it)."""

from __future__ import annotations

from typing import Any

from tests.validation.samples import INFER, MODEL, POLICY, REMOVED, ROUTE

B0 = "spec.backends.0"
SCALE = POLICY["spec"]
ON_MODEL = {"spec.autoscalingPolicy": SCALE, f"{B0}.scalingCost": 1, f"{B0}.maxReplicas": 3}
SECOND = {**MODEL["spec"]["backends"][0], "name": "b2"}
ADAPTER = {"name": "a", "artifactURL": "hf://x"}
ROLLING = "spec.rolloutStrategy.rollingUpdateConfiguration"
R0 = "spec.template.roles.0"
UNSET = "must not be provided when model-level autoscaling is not set"
SET = "when model-level autoscaling is set"
IMAGE = "invalid container image reference: image cannot"
DISAGGREGATED = {f"{B0}.type": "vLLMDisaggregated"}
PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
    "'93%', regex used for validation is '[0-9]+%')"
)
LABEL = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)

Case = tuple[dict[str, Any], dict[str, Any], list[str]]

MODELS: list[Case] = [
    (
        MODEL,
        {**ON_MODEL, f"{B0}.scaleToZeroGracePeriod": "31m"},
        [
            (
                "spec.backends[0].scaleToZeroGracePeriod: Invalid value: 31m0s: "
                "scaleToZeroGracePeriod cannot exceed 1800 seconds"
            )
        ],
    ),
    (
        MODEL,
        {**ON_MODEL, f"{B0}.scaleToZeroGracePeriod": "-1s"},
        [
            (
                "spec.backends[0].scaleToZeroGracePeriod: Invalid value: -1s: "
                "scaleToZeroGracePeriod cannot be negative"
            )
        ],
    ),
    (
        MODEL,
        {f"{B0}.minReplicas": 5, f"{B0}.autoscalingPolicy": SCALE},
        [
            (
                "spec.backends[0].minReplicas: Invalid value: 5: minReplicas cannot be greater "
                "than "
                "maxReplicas"
            )
        ],
    ),
    (
        MODEL,
        {
            **ON_MODEL,
            f"{B0}.maxReplicas": 1000000,
            "spec.backends.1": {**SECOND, "scalingCost": 1},
        },
        [
            (
                "spec.backends: Invalid value: 1000001: sum of maxReplicas across all backends "
                "(1000001) cannot exceed 1000000"
            )
        ],
    ),
    (
        MODEL,
        {f"{B0}.workers.0.image": "  "},
        [
            (
                f'spec.backends[0].workers[0].image: Invalid value: "  ": {IMAGE} be empty or '
                "whitespace only"
            )
        ],
    ),
    (
        MODEL,
        {f"{B0}.workers.0.image": "a b"},
        [f'spec.backends[0].workers[0].image: Invalid value: "a b": {IMAGE} contain spaces'],
    ),
    (MODEL, {f"{B0}.workers.0.image": ""}, []),
    (MODEL, {f"{B0}.scalingCost": 1}, [f"spec.backends[0].cost: Forbidden: cost {UNSET}"]),
    (MODEL, {f"{B0}.scalingCost": 0}, []),
    (
        MODEL,
        {f"{B0}.scaleToZeroGracePeriod": "30s", "spec.costExpansionRatePercent": 10},
        [
            "spec.backends[0].scaleToZeroGracePeriod: Forbidden: scaleToZeroGracePeriod " + UNSET,
            f"spec.costExpansionRatePercent: Forbidden: costExpansionRatePercent {UNSET}",
        ],
    ),
    (
        MODEL,
        {f"{B0}.autoscalingPolicy": SCALE, f"{B0}.minReplicas": 0},
        [
            (
                "spec.backends[0].minReplicas: Invalid value: 0: minReplicas must be >= 1 when "
                "backend-level autoscaling is set"
            )
        ],
    ),
    (
        MODEL,
        {f"{B0}.maxReplicas": 3},
        [
            (
                'spec.backends[0]: Invalid value: "minReplicas=1, maxReplicas=3": minReplicas and '
                "maxReplicas must be equal and > 0 when no autoscaling is set"
            )
        ],
    ),
    (
        MODEL,
        {**ON_MODEL, f"{B0}.scalingCost": 0},
        [f"spec.backends[0].cost: Required value: cost must be provided {SET}"],
    ),
    (
        MODEL,
        {**ON_MODEL, f"{B0}.minReplicas": 0},
        [f"spec.backends: Invalid value: 0: sum of all minReplicas must be >= 1 {SET}"],
    ),
    (MODEL, {**ON_MODEL, "spec.costExpansionRatePercent": 0}, []),
    (
        MODEL,
        {**ON_MODEL, f"{B0}.autoscalingPolicy": SCALE},
        [
            (
                "spec.autoscalingPolicyRef: Forbidden: spec.autoscalingPolicyRef and "
                "spec.backends[].autoscalingPolicyRef cannot both be set; choose model-level or "
                "backend-level autoscaling, not both"
            )
        ],
    ),
    (
        MODEL,
        {f"{B0}.workers.1": {"type": "server"}},
        [
            (
                "spec.backends[0].workers: Invalid value: 2: If backend type is 'vLLM', there must "
                "be "
                "exactly one worker"
            )
        ],
    ),
    (
        MODEL,
        {f"{B0}.type": "SGLang", f"{B0}.workers.0.type": "decode"},
        [
            (
                'spec.backends[0].workers[0].type: Invalid value: "decode": If backend type is '
                "'SGLang', the worker type must be 'server'"
            )
        ],
    ),
    (
        MODEL,
        {f"{B0}.type": "MindIE", f"{B0}.workers.0.type": REMOVED},
        [],
    ),
    (
        MODEL,
        DISAGGREGATED,
        [
            (
                'spec.backends[0].workers[0].type: Invalid value: "server": If backend type is '
                "'vLLMDisaggregated', all workers must be type 'prefill' or 'decode'"
            )
        ],
    ),
    (
        MODEL,
        {f"{B0}.type": "MindIEDisaggregated"},
        [
            (
                'spec.backends[0].workers[0].type: Invalid value: "server": If backend type is '
                "'MindIEDisaggregated', all workers must be type 'prefill', 'decode', "
                "'controller', or "
                "'coordinator' (not 'server')"
            )
        ],
    ),
    (
        MODEL,
        {f"{B0}.loraAdapters": [{**ADAPTER, "name": "demo"}]},
        [
            (
                'spec.backends[0].loraAdapters[0].name: Invalid value: "demo": lora name cannot be '
                "the "
                "same as model name"
            )
        ],
    ),
    (
        MODEL,
        {f"{B0}.loraAdapters": [ADAPTER, ADAPTER]},
        [
            (
                'spec.backends[0].loraAdapters[1].name: Invalid value: "a": lora name must be '
                "unique "
                "within the backend"
            )
        ],
    ),
]

PERIOD = "stable policy period must be between 0 and 30 minutes"
WINDOW = "stable policy stabilization window must be between 0 and 30 minutes"

POLICIES: list[Case] = [
    (
        POLICY,
        {"spec.metrics.0.targetValue": "0"},
        [
            (
                'spec.metrics[0].targetValue: Invalid value: "0": metric target value must be '
                "greater "
                "than 0 and not equal to infinity"
            )
        ],
    ),
    (POLICY, {"spec.metrics.0.targetValue": "1n"}, []),
    (
        POLICY,
        {"spec.metrics.1": POLICY["spec"]["metrics"][0]},
        [
            (
                'spec.metrics[1].metricName: Invalid value: "waiting": duplicate metric name '
                "waiting "
                "is not allowed"
            )
        ],
    ),
    (
        POLICY,
        {"spec.behavior": {"scaleDown": {"period": "31m", "stabilizationWindow": "-1s"}}},
        [
            f"spec.behavior.scaleDown.period: Invalid value: 31m0s: {PERIOD}",
            f"spec.behavior.scaleDown.stabilizationWindow: Invalid value: -1s: {WINDOW}",
        ],
    ),
    (
        POLICY,
        {"spec.behavior": {"scaleUp": {"stablePolicy": {"period": "1h"}}}},
        [f"spec.behavior.scaleUp.stablePolicy.period: Invalid value: 1h0m0s: {PERIOD}"],
    ),
    (POLICY, {"spec.behavior": {"scaleDown": {"period": "30m"}}}, []),
    (
        POLICY,
        {"spec.behavior": {"scaleUp": {"panicPolicy": {"period": "31m", "panicModeHold": "32m"}}}},
        [
            (
                "spec.behavior.scaleUp.panicPolicy.period: Invalid value: 31m0s: panic policy "
                "period "
                "must be between 0 and 30 minutes"
            ),
            (
                "spec.behavior.scaleUp.panicPolicy.panicModeHold: Invalid value: 32m0s: panic "
                "policy "
                "panic mode hold must be between 0 and 30 minutes"
            ),
        ],
    ),
]

INFERS: list[Case] = [
    (
        INFER,
        {"metadata.name": "a" * 60},
        [
            (
                f'metadata.name: Invalid value: "{"a" * 60}": invalid name: must be no more than '
                "63 "
                "characters"
            )
        ],
    ),
    (
        INFER,
        {"metadata.name": "1a", f"{R0}.name": "Leader"},
        [f'metadata.name: Invalid value: "1a": invalid name: {LABEL}'],
    ),
    (
        INFER,
        {"spec.schedulerName": "default"},
        [
            (
                'spec.schedulerName: Invalid value: "default": invalid SchedulerName: default, '
                "modelInfer support: volcano ..."
            )
        ],
    ),
    (
        INFER,
        {f"{R0}.entryTemplate.spec.containers.0.image": "a b"},
        [
            (
                "spec.template.roles[0].entryTemplate.spec.containers[0].image: Invalid value: "
                f'"a b": {IMAGE} contain spaces'
            )
        ],
    ),
    (
        INFER,
        {f"{R0}.workerTemplate": {"spec": {"containers": [{"name": "w", "image": " "}]}}},
        [
            (
                "spec.template.roles[0].workerTemplate.spec.containers[0].image: Invalid value: "
                f'" ": {IMAGE} be empty or whitespace only'
            )
        ],
    ),
    (
        INFER,
        {"spec.replicas": -1},
        [
            "spec.replicas: Invalid value: -1: replicas must be a positive integer",
        ],
    ),
    (INFER, {"spec.replicas": 0}, []),
    (
        INFER,
        {f"{R0}.replicas": -1, f"{R0}.workerReplicas": -2},
        [
            (
                "spec.template.roles[0].replicas: Invalid value: -1: role replicas must be a "
                "positive "
                "integer"
            ),
            (
                "spec.template.roles[0].workerReplicas: Invalid value: -2: workerReplicas must be "
                "a "
                "non-negative integer"
            ),
        ],
    ),
    (
        INFER,
        {ROLLING: {"maxUnavailable": "x", "maxSurge": "101%"}},
        [
            f'{ROLLING}.maxUnavailable: Invalid value: "x": {PERCENT}',
            f'{ROLLING}.maxUnavailable: Invalid value: "x": validate maxUnavailable',
            f'{ROLLING}.maxSurge: Invalid value: "101%": must be a valid percent value (0-100)',
        ],
    ),
    (
        INFER,
        {ROLLING: {"maxSurge": -1}},
        [f"{ROLLING}.maxSurge: Invalid value: -1: must be a non-negative integer"],
    ),
    (
        INFER,
        {ROLLING: {"maxUnavailable": 0}},
        [f'{ROLLING}: Invalid value: "": maxUnavailable and maxSurge cannot both be 0'],
    ),
    (
        INFER,
        {ROLLING: {"partition": -1}},
        [f"{ROLLING}.partition: Invalid value: -1: partition must be greater than or equal to 0"],
    ),
    (
        INFER,
        {ROLLING: {"partition": 2}},
        [f"{ROLLING}.partition: Invalid value: 2: partition must be less than replicas (2)"],
    ),
    (
        INFER,
        {"spec.template.gangSchedule": {"minRoleReplicas": {"x": 1, "leader": 2}}},
        [
            (
                'spec.template.gangSchedule.minRoleReplicas[x]: Invalid value: "x": role x does '
                "not "
                "exist in template.roles"
            ),
            (
                "spec.template.gangSchedule.minRoleReplicas[leader]: Invalid value: 2: "
                "minRoleReplicas "
                "(2) for role leader cannot exceed total replicas (1)"
            ),
        ],
    ),
    (
        INFER,
        {"spec.template.gangSchedule": {"minRoleReplicas": {"leader": -1}}},
        [
            (
                "spec.template.gangSchedule.minRoleReplicas[leader]: Invalid value: -1: "
                "minRoleReplicas for role leader must be non-negative"
            )
        ],
    ),
]

ROUTES: list[Case] = [
    (
        ROUTE,
        {"spec.loraAdapters": ["a", ""]},
        ['spec.loraAdapters[1]: Invalid value: "": lora adapter name cannot be an empty string'],
    ),
]

DENIALS = [*MODELS, *POLICIES, *INFERS, *ROUTES]
