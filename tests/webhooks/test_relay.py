"""What a client sees of the platform's webhooks through an API server, in both modes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from matrixinfer_client import AsyncClient
from matrixinfer_client.errors import (
    BadRequestError,
    Cause,
    RejectedObjectError,
    ValidationFailedError,
    WebhookDeniedError,
    WebhookFailedError,
)
from matrixinfer_client.validation import defaults
from tests.behaviour.backends import only_on
from tests.behaviour.samples import MODEL, MODEL_INFER, MODEL_ROUTE, POLICY, model_backend
from tests.cluster.server import ApiServer
from tests.webhooks.conftest import register, unregister, until
from tests.webhooks.inventory import configurations, webhook_of
from tests.webhooks.server import WebhookServer

MODEL_WEBHOOK = "validate-registry-matrixinfer-ai-v1alpha1-model.matrixinfer.ai"


def costly() -> dict[str, Any]:
    body = MODEL.mapping("demo")
    body["spec"]["backends"] = [model_backend(maxReplicas=2, scalingCost=1)]
    return body


async def test_a_denial_arrives_as_400_without_a_reason_and_is_taken_apart(
    client: AsyncClient, guarded: str
) -> None:
    with pytest.raises(ValidationFailedError) as caught:
        await client.registry_v1alpha1.models(guarded).create(costly())
    error = caught.value
    assert isinstance(error, WebhookDeniedError)
    assert isinstance(error, BadRequestError)
    assert (error.status_code, error.reason, error.details) == (400, "", {})
    assert error.message == (
        f'admission webhook "{MODEL_WEBHOOK}" denied the request: validation failed:\n'
        "  - spec.backends[0].cost: Forbidden: cost must not be provided when model-level "
        "autoscaling is not set\n"
        '  - spec.backends[0]: Invalid value: "minReplicas=1, maxReplicas=2": minReplicas and '
        "maxReplicas must be equal and > 0 when no autoscaling is set"
    )
    assert error.causes[0] == Cause(
        "spec.backends[0].scalingCost",
        "FieldValueForbidden",
        "Forbidden: cost must not be provided when model-level autoscaling is not set",
        "spec.backends[0].cost",
    )
    assert str(error).startswith(error.message)
    assert "spec.backends[0].cost is the field spec.backends[0].scalingCost" in str(error)


async def test_the_denial_of_a_route_has_its_errors_on_one_line(
    client: AsyncClient, guarded: str
) -> None:
    body = MODEL_ROUTE.mapping("demo")
    body["spec"]["loraAdapters"] = ["", ""]
    with pytest.raises(WebhookDeniedError) as caught:
        await client.networking_v1alpha1.model_routes(guarded).create(body)
    assert caught.value.message.endswith(
        "denied the request: validation failed:   - spec.loraAdapters[0]: Invalid value: "
        '"": lora adapter name cannot be an empty string  - spec.loraAdapters[1]: Invalid value: '
        '"": lora adapter name cannot be an empty string'
    )
    assert [cause.field for cause in caught.value.causes] == [
        "spec.loraAdapters[0]",
        "spec.loraAdapters[1]",
    ]


async def test_updates_patches_and_applies_are_denied_too(
    client: AsyncClient, guarded: str
) -> None:
    infers = client.workload_v1alpha1.model_infers(guarded)
    created = await infers.create(MODEL_INFER.mapping("demo"))
    created.spec.scheduler_name = "kube"
    writes: list[Callable[[], Awaitable[Any]]] = [
        lambda: infers.update(created),
        lambda: infers.patch("demo", {"spec": {"schedulerName": "kube"}}),
        lambda: infers.apply(
            {"metadata": {"name": "demo"}, "spec": {"schedulerName": "kube"}}, force=True
        ),
    ]
    for write in writes:
        with pytest.raises(WebhookDeniedError) as caught:
            await write()
        assert [cause.field for cause in caught.value.causes] == ["spec.schedulerName"]
    assert (await infers.get("demo")).spec.scheduler_name == "volcano"


async def test_a_dry_run_is_denied_as_the_write_would_be(client: AsyncClient, guarded: str) -> None:
    models = client.registry_v1alpha1.models(guarded)
    with pytest.raises(WebhookDeniedError):
        await models.create(costly(), dry_run=True)
    made = await models.create(MODEL.mapping("demo"), dry_run=True)
    assert made.name == "demo"
    assert not await models.exists("demo")


@only_on("cluster", because="only a webhook on a port can tell whether it was asked")
async def test_what_is_checked_before_sending_never_reaches_the_server(
    client: AsyncClient, guarded: str, platform_webhooks: WebhookServer
) -> None:
    models = client.registry_v1alpha1.models(guarded)
    platform_webhooks.reviewed.clear()
    with pytest.raises(RejectedObjectError) as caught:
        await models.create(costly(), validate="client")
    assert platform_webhooks.reviewed == []
    with pytest.raises(ValidationFailedError) as from_server:
        await models.create(costly())
    assert caught.value.causes == from_server.value.causes
    await models.create(MODEL.mapping("demo"), validate="client")


# What is filled in: `None` for a block that is left out.

ABSENT = {
    "scaleDown": {
        "instances": 0,
        "percent": 100,
        "period": "1m0s",
        "selectPolicy": "Or",
        "stabilizationWindow": "5m0s",
    },
    "stablePolicy": {
        "instances": 4,
        "percent": 100,
        "period": "1m0s",
        "selectPolicy": "Or",
        "stabilizationWindow": "0s",
    },
    "panicPolicy": {
        "percent": 0,
        "period": "0s",
        "panicThresholdPercent": 200,
        "panicModeHold": "0s",
    },
}
GIVEN = {
    "scaleDown": {
        "instances": 1,
        "percent": 100,
        "period": "15s",
        "selectPolicy": "Or",
        "stabilizationWindow": "5m",
    },
    "stablePolicy": {
        "instances": 1,
        "percent": 100,
        "period": "15s",
        "selectPolicy": "Or",
        "stabilizationWindow": "0s",
    },
    "panicPolicy": {
        "percent": 1000,
        "period": "1m",
        "panicThresholdPercent": 200,
        "panicModeHold": "60s",
    },
}
_SECONDS = {"5m": "5m0s"}


def comparable(block: dict[str, Any]) -> dict[str, Any]:
    """A block in which durations that are the same are written the same."""
    return {
        key: _SECONDS.get(value, value) if isinstance(value, str) else value
        for key, value in block.items()
    }


@pytest.mark.parametrize(
    ("behavior", "down", "stable", "panic"),
    [
        (None, ABSENT, ABSENT, ABSENT),
        ({}, ABSENT, ABSENT, ABSENT),
        ({"scaleUp": {}}, ABSENT, ABSENT, ABSENT),
        ({"scaleDown": {}}, GIVEN, ABSENT, ABSENT),
        ({"scaleUp": {"stablePolicy": {}}}, ABSENT, GIVEN, ABSENT),
        ({"scaleUp": {"panicPolicy": {"period": "1m"}}}, ABSENT, ABSENT, GIVEN),
    ],
)
async def test_a_policy_is_filled_in_as_offline_defaults_say(
    *, client: AsyncClient, guarded: str, behavior: Any, down: Any, stable: Any, panic: Any
) -> None:
    body = POLICY.mapping("demo")
    if behavior is not None:
        body["spec"]["behavior"] = behavior
    stored = await client.registry_v1alpha1.autoscaling_policies(guarded).create(body)
    online = stored.to_dict()["spec"]
    filled = online["behavior"]
    assert comparable(filled["scaleDown"]) == comparable(down["scaleDown"])
    assert comparable(filled["scaleUp"]["stablePolicy"]) == comparable(stable["stablePolicy"])
    assert comparable(filled["scaleUp"]["panicPolicy"]) == comparable(panic["panicPolicy"])
    assert defaults(body).object["spec"] == online


async def test_a_model_with_autoscaling_is_filled_in_as_offline_defaults_say(
    client: AsyncClient, guarded: str
) -> None:
    body = costly()
    body["spec"]["autoscalingPolicy"] = {"metrics": [{"metricName": "m", "targetValue": 1}]}
    stored = await client.registry_v1alpha1.models(guarded).create(body)
    online = stored.to_dict()["spec"]
    assert online["backends"][0]["scaleToZeroGracePeriod"] == "30s"
    assert online["costExpansionRatePercent"] == 200
    assert defaults(body).object["spec"] == online


async def test_a_model_without_autoscaling_gets_none_of_that(
    client: AsyncClient, guarded: str
) -> None:
    stored = await client.registry_v1alpha1.models(guarded).create(MODEL.mapping("demo"))
    assert stored.spec.cost_expansion_rate_percent is None
    assert stored.spec.backends[0].scale_to_zero_grace_period is None


@only_on("cluster", because="only a webhook on a port can tell whether it was asked")
async def test_status_is_no_business_of_the_webhooks(
    client: AsyncClient, guarded: str, platform_webhooks: WebhookServer
) -> None:
    models = client.registry_v1alpha1.models(guarded)
    created = await models.create(MODEL.mapping("demo"))
    platform_webhooks.reviewed.clear()
    await models.patch("demo", {"status": {"observedGeneration": 1}}, subresource="status")
    assert platform_webhooks.reviewed == []
    assert created.name == "demo"


@pytest.fixture
def stopped(api_server: ApiServer) -> Iterator[str]:
    """Make a namespace in which the webhook of ModelInfer is registered and does not run."""
    labels = {"webhooks": "stopped"}
    webhook = webhook_of("modelinfers")
    objects = configurations(
        [webhook], "https://127.0.0.1:1", api_server.ca_pem, labels, suffix="-stopped"
    )
    name = api_server.create_namespace(labels=labels)
    register(api_server, objects)
    path = f"{MODEL_INFER.path(name)}?dryRun=All"
    until(
        lambda: api_server.request("POST", path, MODEL_INFER.mapping("probe"))[0] == 500,
        "a failed call of the webhook",
    )
    yield name
    unregister(api_server, objects)
    api_server.delete_namespace(name)


@only_on("cluster", because="the webhooks of a FakeCluster are in it, and always there")
async def test_a_webhook_that_is_down_is_named_and_no_fault_of_the_object(
    client: AsyncClient, stopped: str
) -> None:
    with pytest.raises(WebhookFailedError) as caught:
        await client.workload_v1alpha1.model_infers(stopped).create(MODEL_INFER.mapping("demo"))
    error = caught.value
    assert not isinstance(error, ValidationFailedError)
    assert error.status_code == 500
    assert error.webhook == "validate-workload-matrixinfer-ai-v1alpha1-model.matrixinfer.ai"
    assert "nothing was stored" in str(error.resolution)
    assert str(error).endswith("-n matrixinfer-system deployment/workload-webhook")
