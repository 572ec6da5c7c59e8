"""What the API server adds to an object, and what it refuses by schema and by CEL."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client import AsyncClient, InvalidError
from tests.behaviour.samples import BINDING, MODEL, MODEL_ROUTE, model_backend

_OPTIMIZER = {"params": [{"minReplicas": 1, "maxReplicas": 2}]}


async def test_defaults_of_the_schema_arrive_typed(client: AsyncClient, namespace: str) -> None:
    model = await client.registry_v1alpha1.models(namespace).create(
        {
            "metadata": {"name": "one"},
            "spec": {
                "backends": [model_backend()],
                "autoscalingPolicy": {
                    "metrics": [{"metricName": "m", "targetValue": "10"}],
                    "behavior": {"scaleDown": {}},
                },
            },
        }
    )
    assert model.spec.backends[0].route_weight == 100
    policy = model.spec.autoscaling_policy
    assert policy is not None
    assert policy.tolerance_percent == 10
    assert policy.behavior is not None
    down = policy.behavior.scale_down
    assert down is not None
    assert (down.instances, down.percent, down.period) == (1, 100, "15s")
    assert down.select_policy == "Or"


async def test_defaults_below_a_missing_block_are_not_invented(
    client: AsyncClient, namespace: str
) -> None:
    bindings = client.registry_v1alpha1.autoscaling_policy_bindings(namespace)
    body: Any = BINDING.mapping("one")
    without = await bindings.create(body)
    body["metadata"]["name"] = "two"
    body["spec"]["scalingConfiguration"]["target"]["metricEndpoint"] = {}
    given = await bindings.create(body)
    assert without.spec.scaling_configuration is not None
    assert without.spec.scaling_configuration.target is not None
    assert without.spec.scaling_configuration.target.metric_endpoint is None
    assert given.spec.scaling_configuration is not None
    assert given.spec.scaling_configuration.target is not None
    endpoint = given.spec.scaling_configuration.target.metric_endpoint
    assert endpoint is not None
    assert (endpoint.uri, endpoint.port) == ("/metrics", 8100)


@pytest.mark.parametrize("both", [True, False], ids=["both", "neither"])
async def test_a_binding_has_exactly_one_configuration(
    client: AsyncClient, namespace: str, both: bool
) -> None:
    body: Any = BINDING.mapping("one")
    if both:
        body["spec"]["optimizerConfiguration"] = _OPTIMIZER
    else:
        del body["spec"]["scalingConfiguration"]
    with pytest.raises(InvalidError) as caught:
        await client.registry_v1alpha1.autoscaling_policy_bindings(namespace).create(body)
    (cause,) = caught.value.causes
    assert cause.field == "spec"
    assert cause.message.endswith(
        "Either optimizerConfiguration or scalingConfiguration must be set, but not both."
    )


async def test_a_route_needs_a_name_to_serve(client: AsyncClient, namespace: str) -> None:
    body: Any = MODEL_ROUTE.mapping("one")
    body["spec"]["modelName"] = ""
    body["spec"]["loraAdapters"] = []
    with pytest.raises(InvalidError) as caught:
        await client.networking_v1alpha1.model_routes(namespace).create(body)
    assert [cause.field for cause in caught.value.causes] == ["spec"]
    assert "ModelName and LoraAdapters cannot both be empty" in str(caught.value)


async def test_the_model_name_of_a_route_cannot_be_changed(
    client: AsyncClient, namespace: str
) -> None:
    routes = client.networking_v1alpha1.model_routes(namespace)
    route = await routes.create(MODEL_ROUTE.mapping("one"))
    route.spec.model_name = "other"
    with pytest.raises(InvalidError) as caught:
        await routes.update(route)
    (cause,) = caught.value.causes
    assert cause.field == "spec.modelName"
    assert cause.message.endswith("modelName is immutable")


async def test_every_broken_field_is_a_cause_of_its_own(
    client: AsyncClient, namespace: str
) -> None:
    body = MODEL.mapping("one")
    body["spec"] = {
        "backends": [model_backend(type="Torch", routeWeight=101, modelURI="ftp://nowhere")]
    }
    with pytest.raises(InvalidError) as caught:
        await client.registry_v1alpha1.models(namespace).create(body)
    fields = {cause.field: cause for cause in caught.value.causes}
    assert set(fields) == {
        "spec.backends[0].type",
        "spec.backends[0].routeWeight",
        "spec.backends[0].modelURI",
    }
    assert fields["spec.backends[0].type"].type == "FieldValueNotSupported"
    # One line each, so that a reader finds them.
    assert str(caught.value).count("\n  - ") == 3
