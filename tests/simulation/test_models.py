"""From a Model to its children, and what it says meanwhile: sections 3.1 and 5.1 of the facts."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.behaviour.samples import model_backend
from tests.simulation.stage import Stage, conditions

INITIALIZED = ("True", "ModelCreating", "Model initialized")
PROCESSING = ("False", "ModelProcessing", "Model not ready yet")
ACTIVE = ("True", "ModelAvailable", "Model is ready")


def test_a_model_becomes_ready_while_one_waits(stage: Stage) -> None:
    stage.start(stepped=False, speed=10)
    stage.create_model()
    model = stage.models.wait_for("demo", "Ready", timeout=30)
    assert conditions(model.to_dict()) == {"Initialized": INITIALIZED, "Active": ACTIVE}


def test_conditions_come_in_the_order_of_the_platform(stage: Stage) -> None:
    simulation = stage.start()
    since = stage.models.list().resource_version
    stage.create_model()
    simulation.settle()
    initialized = ("Initialized", "True")
    assert list(dict.fromkeys(stage.history(stage.models, since))) == [
        (),
        (initialized,),
        (initialized, ("Active", "False")),
        (initialized, ("Active", "True")),
    ]


def test_the_first_passes_say_what_the_platform_says(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_model()
    assert simulation.step() == ("model", stage.namespace, "demo")
    assert conditions(stage.model()) == {"Initialized": INITIALIZED}
    # Seen, although nothing was created yet.
    assert stage.model()["status"]["observedGeneration"] == 1
    assert not stage.infers.list().items
    simulation.step()
    assert conditions(stage.model()) == {"Initialized": INITIALIZED, "Active": PROCESSING}
    assert [infer.name for infer in stage.infers.list()] == ["demo-b1"]
    simulation.settle()
    status = stage.model()["status"]
    assert conditions(stage.model()) == {"Initialized": INITIALIZED, "Active": ACTIVE}
    assert status["backendStatuses"] == [{"name": "demo-b1", "replicas": 1}]


def test_active_flaps_when_a_child_changes(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_model()
    simulation.settle()
    since = stage.models.list().resource_version
    stage.infers.patch("demo-b1", {"metadata": {"labels": {"touched": "yes"}}})
    simulation.settle()
    active = [dict(state)["Active"] for state in stage.history(stage.models, since)]
    assert active == ["False", "True"]


def test_children_have_the_names_labels_and_owners_of_the_platform(stage: Stage) -> None:
    simulation = stage.start()
    model = stage.create_model(model_backend(), model_backend(name="b2", routeWeight=20))
    simulation.settle()
    networking = stage.client.networking_v1alpha1
    uid = model["metadata"]["uid"]
    plain = {
        "apiVersion": "registry.matrixinfer.ai/v1alpha1",
        "kind": "Model",
        "name": "demo",
        "uid": uid,
    }
    blocking = {**plain, "controller": True, "blockOwnerDeletion": True}
    children: dict[tuple[str, str], Any] = {
        ("ModelInfer", "b1"): (stage.infers.get("demo-b1"), plain),
        ("ModelInfer", "b2"): (stage.infers.get("demo-b2"), plain),
        ("ModelServer", "b1"): (networking.model_servers().get("demo-b1"), blocking),
        ("ModelServer", "b2"): (networking.model_servers().get("demo-b2"), blocking),
        ("ModelRoute", ""): (networking.model_routes().get("demo"), plain),
    }
    for (_, backend), (child, owner) in children.items():
        metadata = child.to_dict()["metadata"]
        assert metadata["ownerReferences"] == [owner]
        labels = metadata["labels"]
        assert labels.pop("registry.matrixinfer.ai/revision")
        assert labels == {
            "registry.matrixinfer.ai/model-name": "demo",
            "registry.matrixinfer.ai/backend-name": backend,
            "registry.matrixinfer.ai/managed-by": "registry.matrixinfer.ai",
            "registry.matrixinfer.ai/model-uid": uid,
        }
    assert conditions(stage.model())["Active"] == ACTIVE
    statuses = stage.model()["status"]["backendStatuses"]
    assert sorted(row["name"] for row in statuses) == ["demo-b1", "demo-b2"]


def test_the_spec_of_a_child_is_the_one_the_platform_generates(stage: Stage) -> None:
    simulation = stage.start()
    config = {"max_model_len": 1_000_000, "served-model-name": "qwen", "trust-remote-code": ""}
    worker = {
        "type": "server",
        "image": "engine:tag",
        "replicas": 2,
        "pods": 1,
        "config": config,
        "resources": {"limits": {"nvidia.com/gpu": "1"}},
    }
    stage.create_model(model_backend(workers=[worker], minReplicas=2, maxReplicas=2))
    simulation.step()
    simulation.step()
    spec = stage.infer("demo-b1")["spec"]
    assert spec["replicas"] == 2
    assert spec["schedulerName"] == "volcano"
    assert spec["recoveryPolicy"] == "InferGroupRecreate"
    assert spec["rolloutStrategy"]["type"] == "InferGroupRollingUpdate"
    assert spec["template"]["restartGracePeriodSeconds"] == 60
    [leader] = spec["template"]["roles"]
    assert (leader["name"], leader["replicas"], leader["workerReplicas"]) == ("leader", 2, 0)
    engine = leader["entryTemplate"]["spec"]["containers"][0]
    command = engine["command"]
    place = command.index("--max-model-len")
    assert command[place : place + 5] == [
        *["--max-model-len", "1e+06", "--served-model-name", "qwen", "--trust-remote-code"]
    ]
    assert "--enforce-eager" in command
    assert engine["resources"] == {"limits": {"nvidia.com/gpu": "1"}}
    server = stage.client.networking_v1alpha1.model_servers().get("demo-b1").to_dict()["spec"]
    assert server["model"] == "qwen"
    assert server["inferenceEngine"] == "vLLM"
    assert server["workloadPort"]["port"] == 8000
    assert list(server["workloadSelector"]["matchLabels"]) == ["registry.matrixinfer.ai/model-uid"]
    route = stage.client.networking_v1alpha1.model_routes().get("demo").to_dict()["spec"]
    assert route["modelName"] == "demo"
    assert [rule["name"] for rule in route["rules"]] == ["default"]


def test_a_child_is_rewritten_only_when_its_source_changes(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_model()
    simulation.settle()
    stage.infers.patch("demo-b1", {"spec": {"replicas": 2}})
    simulation.settle()
    before = stage.infer("demo-b1")
    # No part of a backend.
    stage.models.patch("demo", {"spec": {"owner": "anna"}})
    simulation.settle()
    after = stage.infer("demo-b1")
    assert after["spec"]["replicas"] == 2
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    stage.models.mutate("demo", _set_image("engine:new"))
    simulation.settle()
    rewritten = stage.infer("demo-b1")
    assert rewritten["spec"]["replicas"] == 1
    revision = "registry.matrixinfer.ai/revision"
    assert rewritten["metadata"]["labels"][revision] != before["metadata"]["labels"][revision]


def test_a_rollout_is_over_when_the_pods_run_the_new_image(stage: Stage) -> None:
    stage.start(stepped=False, speed=10)
    stage.create_model(model_backend(minReplicas=2, maxReplicas=2))
    stage.models.wait_for("demo", "Ready", timeout=30)
    stage.models.mutate("demo", _set_image("engine:new"))
    stage.models.wait_for_rollout("demo", timeout=60)
    images = {pod["spec"]["containers"][0]["image"] for pod in stage.pods().values()}
    assert images == {"engine:new"}
    assert len(stage.pods()) == 2


def test_lost_children_are_made_again_and_those_of_removed_backends_are_not(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_model(model_backend(), model_backend(name="b2"))
    simulation.settle()
    servers = stage.client.networking_v1alpha1.model_servers()
    routes = stage.client.networking_v1alpha1.model_routes()
    servers.delete("demo-b1")
    routes.delete("demo")
    simulation.settle()
    assert servers.exists("demo-b1")
    assert routes.exists("demo")
    stage.models.patch("demo", {"spec": {"backends": [model_backend()]}})
    simulation.settle()
    assert [infer.name for infer in stage.infers.list()] == ["demo-b1"]
    assert [server.name for server in servers.list()] == ["demo-b1"]


# What goes wrong by itself.


def broken(**changes: Any) -> dict[str, Any]:
    worker = {**model_backend()["workers"][0], **changes}
    return model_backend(workers=[worker])


def without_config() -> dict[str, Any]:
    backend = copy.deepcopy(model_backend())
    del backend["workers"][0]["config"]
    return backend


@pytest.mark.parametrize(
    ("backend_spec", "message"),
    [
        (model_backend(type="SGLang"), "not support model backend type: SGLang"),
        (model_backend(type="MindIE"), "not support model backend type: MindIE"),
        (without_config(), "failed to unmarshal config: unexpected end of JSON input"),
        (broken(type="decode"), "server worker not found in backend: b1"),
        (
            {**broken(type="prefill"), "type": "vLLMDisaggregated"},
            "decode worker not found in backend: b1",
        ),
    ],
    ids=["SGLang", "MindIE", "no config", "no server", "no decode"],
)
def test_a_backend_that_the_platform_cannot_run_fails_with_its_text(
    stage: Stage, backend_spec: dict[str, Any], message: str
) -> None:
    simulation = stage.start()
    stage.create_model(backend_spec)
    simulation.settle()
    found = conditions(stage.model())
    assert found["Failed"] == ("True", "ModelAbnormal", message)
    assert found["Active"] == PROCESSING
    assert not stage.infers.list().items


def test_a_failure_that_is_mended_is_not_taken_back(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_model(model_backend(type="SGLang"))
    simulation.settle()
    stage.models.patch("demo", {"spec": {"backends": [model_backend()]}})
    simulation.settle()
    found = conditions(stage.model())
    assert found["Active"] == ACTIVE
    assert found["Failed"][0] == "True"
    assert stage.models.wait_for("demo", "Ready", timeout=5)


def test_the_scheduler_defect_of_the_platform_denies_the_child(stage: Stage) -> None:
    simulation = stage.start(scheduler_defect=True)
    stage.create_model()
    simulation.settle()
    message = conditions(stage.model())["Failed"][2]
    assert message.startswith('admission webhook "validate-workload-matrixinfer-ai-v1alpha1-model')
    assert message.endswith("invalid SchedulerName: , modelInfer support: volcano ...")


def test_a_disaggregated_model_gets_two_roles_and_a_paired_server(stage: Stage) -> None:
    simulation = stage.start()
    transfer = {"kv-transfer-config": '{"kv_connector": "MooncakeConnectorV1"}'}
    workers = [
        {"type": "prefill", "image": "engine:tag", "replicas": 1, "pods": 1, "config": {}},
        {"type": "decode", "image": "engine:tag", "replicas": 1, "pods": 2, "config": transfer},
    ]
    stage.create_model(model_backend(type="vLLMDisaggregated", workers=workers))
    simulation.settle()
    assert conditions(stage.model())["Active"] == ACTIVE
    assert sorted(stage.pods()) == [
        "demo-b1-0-decode-0-0",
        "demo-b1-0-decode-0-1",
        "demo-b1-0-prefill-0-0",
    ]
    # A defect of the platform: what the ModelServer selects by is not on the pods.
    labels = stage.pod("demo-b1-0-prefill-0-0")["metadata"]["labels"]
    assert "registry.matrixinfer.ai/model-uid" not in labels
    server = stage.client.networking_v1alpha1.model_servers().get("demo-b1").to_dict()["spec"]
    assert server["workloadSelector"]["pdGroup"]["groupKey"].endswith("/group-name")
    assert server["kvConnector"] == {"type": "mooncake"}


# Autoscaling.

POLICY = {"metrics": [{"metricName": "waiting", "targetValue": 10}]}


def test_a_policy_of_a_model_becomes_a_policy_and_an_optimizing_binding(stage: Stage) -> None:
    simulation = stage.start()
    backend = model_backend(maxReplicas=3, scalingCost=2)
    stage.create_model(backend, autoscalingPolicy=POLICY, costExpansionRatePercent=200)
    simulation.settle()
    registry = stage.client.registry_v1alpha1
    policy = registry.autoscaling_policies().get("demo").to_dict()
    # Sent as a Go program sends it, so that the server's defaults are those of present blocks.
    assert policy["spec"]["behavior"]["scaleUp"]["panicPolicy"]["period"] == "0s"
    assert policy["spec"]["behavior"]["scaleDown"]["period"] == "15s"
    binding = registry.autoscaling_policy_bindings().get("demo").to_dict()["spec"]
    assert binding["policyRef"] == {"name": "demo"}
    [param] = binding["optimizerConfiguration"]["params"]
    assert (param["minReplicas"], param["maxReplicas"], param["cost"]) == (1, 3, 2)
    assert param["target"]["targetRef"] == {"kind": "ModelInfer", "name": "demo-b1"}
    assert param["target"]["metricEndpoint"] == {"uri": "/metrics", "port": 8100}


def test_an_edited_policy_of_a_backend_cannot_be_updated_by_the_platform(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_model(model_backend(maxReplicas=3, autoscalingPolicy=POLICY))
    simulation.settle()
    registry = stage.client.registry_v1alpha1
    binding = registry.autoscaling_policy_bindings().get("demo-b1").to_dict()
    assert binding["spec"]["scalingConfiguration"]["maxReplicas"] == 3
    assert binding["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] is True
    edited = {"metrics": [{"metricName": "waiting", "targetValue": 20}]}
    backend = model_backend(maxReplicas=3, autoscalingPolicy=edited)
    stage.models.patch("demo", {"spec": {"backends": [backend]}})
    simulation.settle()
    message = conditions(stage.model())["Failed"][2]
    assert "metadata.resourceVersion: Invalid value: 0" in message
    assert message.endswith(": must be specified for an update")


def _set_image(image: str) -> Any:
    def change(model: Any) -> None:
        model.spec.backends[0].workers[0].image = image

    return change
