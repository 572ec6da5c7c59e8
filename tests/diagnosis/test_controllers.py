"""What Models and ModelInfers say of themselves, and what their silence means."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client.diagnosis import Diagnosis
from tests.diagnosis.clusters import UID, Cluster, container, loading, row, running, with_pod

WEBHOOK = 'admission webhook "validate-workload-matrixinfer-ai-v1alpha1-model.matrixinfer.ai"'


def failing(message: str, *, active: str = "False") -> Diagnosis:
    cluster = loading()
    model = cluster.objects["models", "demo"]
    model["status"]["conditions"] = [
        row("Active", active, "ModelProcessing", "Model not ready yet"),
        row("Failed", "True", "ModelAbnormal", message),
    ]
    return cluster.diagnose("Model", "demo")


@pytest.mark.parametrize(
    ("message", "code", "cause", "action"),
    [
        (
            "not support model backend type: SGLang",
            "backend-type",
            "no controller implements the backend type SGLang",
            "use vLLM or vLLMDisaggregated",
        ),
        (
            "server worker not found in backend: b1",
            "worker-missing",
            "backend b1 has no worker of type server",
            "add a worker with type: server to backend b1",
        ),
        (
            "not support prefix in CacheURI: nfs://x",
            "uri-prefix",
            "the CacheURI 'nfs://x' has a prefix that the controller does not know",
            "hostpath:///absolute/path or pvc://claim",
        ),
        (
            "failed to unmarshal config: unexpected end of JSON input",
            "worker-config",
            "a worker has no config",
            "config: {} is enough",
        ),
        (
            (
                f"{WEBHOOK} denied the request: validation failed:\n  - spec.schedulerName: "
                'Invalid value: "": invalid SchedulerName: , modelInfer support: volcano ...'
            ),
            "scheduler-name",
            "the controller's template for this backend type sets no schedulerName",
            "update the platform",
        ),
        (
            (
                'AutoscalingPolicy.registry.matrixinfer.ai "demo-b1" is invalid: '
                "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update"
            ),
            "policy-update",
            "it leaves out the resourceVersion",
            "delete the AutoscalingPolicy and AutoscalingPolicyBinding",
        ),
        (
            (
                'Internal error occurred: failed calling webhook "validate-networking-'
                'matrixinfer-ai-v1alpha1-modelroute.matrixinfer.ai": failed to call '
                'webhook: Post "https://x": EOF'
            ),
            "webhook-down",
            "the webhook validate-networking-matrixinfer-ai-v1alpha1-modelroute.matrixinfer.ai did",
            "see whether the deployment networking-webhook runs",
        ),
        (
            (
                'modelinfers "demo-b1" is forbidden: exceeded quota: team, requested: '
                "count/modelinfers.workload.matrixinfer.ai=1, used: "
                "count/modelinfers.workload.matrixinfer.ai=5, limited: "
                "count/modelinfers.workload.matrixinfer.ai=5"
            ),
            "quota",
            "the quota team is used up: count/modelinfers.workload.matrixinfer.ai=1 requested",
            "have the quota team raised",
        ),
        (
            (
                f"{WEBHOOK} denied the request: validation failed:\n  - metadata.name: Invalid "
                'value: "demo-b1": invalid name: must be no more than 63 characters'
            ),
            "webhook-denied",
            "denies what the controller makes of this Model",
            "correct the field of the Model that the denial names",
        ),
        (
            (
                "modelinfers.workload.matrixinfer.ai is forbidden: User "
                '"system:serviceaccount:m:c" cannot create resource "modelinfers" in '
                'API group "workload.matrixinfer.ai"'
            ),
            "controller-rights",
            "the controller (system:serviceaccount:m:c) may not create modelinfers",
            "roles of the platform's chart",
        ),
        (
            "unable to create new content in namespace x because it is being terminated",
            "namespace-terminating",
            "the namespace is being deleted",
            "use another namespace",
        ),
        (
            'ModelInfer.workload.matrixinfer.ai "demo-b1" is invalid: spec.replicas: too many',
            "schema",
            "the API server refuses what the controller makes of this Model",
            "correct the field",
        ),
        (
            "etcdserver: request timed out",
            "controller-failure",
            "the controller reports a failure: etcdserver: request timed out",
            "tries again by itself",
        ),
    ],
)
def test_each_text_of_a_failure_is_explained(
    message: str, code: str, cause: str, action: str
) -> None:
    diagnosis = failing(message)
    first = diagnosis.findings[0]
    assert first.code == code
    assert cause in (diagnosis.cause or "")
    assert action in (diagnosis.action or "")
    # The cluster's own words are never lost behind ours.
    assert all(line in str(diagnosis) for line in message.splitlines())


def test_a_failure_beside_active_is_of_the_past() -> None:
    diagnosis = failing("not support model backend type: SGLang", active="True")
    assert not any("SGLang" in str(finding) for finding in diagnosis.findings)


def test_a_model_that_no_controller_has_looked_at() -> None:
    cluster = Cluster()
    cluster.add("models", "demo", kind="Model", spec={"backends": []})
    diagnosis = cluster.diagnose("Model", "demo")
    assert diagnosis.cause == (
        "Model demo: its controller has not looked at it (it is at generation 1)"
    )
    assert "deployment registry-model-controller runs" in (diagnosis.action or "")


def test_a_spec_that_no_controller_has_seen() -> None:
    cluster = loading()
    cluster.objects["models", "demo"]["metadata"]["generation"] = 3
    assert "its controller has only seen generation 1 (it is at generation 3)" in str(
        cluster.diagnose("Model", "demo")
    )


def test_a_backend_without_replicas() -> None:
    cluster = loading()
    cluster.objects["models", "demo"]["spec"]["backends"][0]["minReplicas"] = 0
    infer = cluster.objects["modelinfers", "demo-b1"]
    infer["spec"]["replicas"] = 0
    infer["status"] = {}
    diagnosis = cluster.diagnose("Model", "demo")
    assert "backend b1 has minReplicas 0" in (diagnosis.cause or "")
    assert diagnosis.action == "raise minReplicas to 1, or scale the ModelInfer up"


def test_a_child_that_is_missing() -> None:
    cluster = loading()
    del cluster.objects["modelinfers", "demo-b1"]
    assert "there is no ModelInfer yet for backend b1" in (
        cluster.diagnose("Model", "demo").cause or ""
    )


def infer(**role: Any) -> Cluster:
    cluster = loading()
    spec = cluster.objects["modelinfers", "demo-b1"]["spec"]
    spec["template"]["roles"] = [{"name": "leader", "replicas": 1, "workerReplicas": 0, **role}]
    return cluster


@pytest.mark.parametrize(
    ("role", "code", "cause"),
    [
        (
            {"entryTemplate": {"metadata": {"annotations": {"a": "b"}}}},
            "template-annotations",
            "role leader has annotations in its entryTemplate, which crash the controller",
        ),
        (
            {"workerReplicas": 2},
            "worker-template",
            "role leader asks for workers and has no workerTemplate",
        ),
        ({"replicas": 0}, "no-role-replicas", "role leader has 0 replicas, so it gets no pods"),
    ],
)
def test_templates_that_never_become_ready(role: dict[str, Any], code: str, cause: str) -> None:
    diagnosis = infer(**role).diagnose("ModelInfer", "demo-b1")
    assert diagnosis.findings[0].code == code
    assert cause in (diagnosis.cause or "")


def test_pods_that_are_missing_for_no_reason_that_is_said() -> None:
    diagnosis = loading().diagnose("ModelInfer", "demo-b1")
    assert diagnosis.cause == "ModelInfer demo-b1: 0 of 1 pods exist"
    assert "log of workload-infer-controller" in (diagnosis.action or "")


def test_lost_pods_are_not_replaced_without_a_recovery_policy() -> None:
    cluster = infer(workerReplicas=1, workerTemplate={"spec": {}})
    cluster.objects["modelinfers", "demo-b1"]["spec"]["recoveryPolicy"] = "None"
    with_pod(cluster, running(container({"running": {}}), ready=True))
    diagnosis = cluster.diagnose("ModelInfer", "demo-b1")
    assert diagnosis.cause == "ModelInfer demo-b1: 1 of 2 pods exist"
    assert "with recoveryPolicy None lost pods are not replaced" in (diagnosis.action or "")


@pytest.mark.parametrize(
    ("hard", "used", "full"),
    [
        ("8", "8", True),
        ("8", "7", False),
        ("64Gi", "65536Mi", True),
        ("64Gi", "63Gi", False),
        ("2", "2000m", True),
    ],
)
def test_a_quota_that_is_used_up_explains_missing_pods(hard: str, used: str, full: bool) -> None:
    cluster = loading()
    key = "requests.nvidia.com/gpu"
    cluster.add("resourcequotas", "team", status={"hard": {key: hard}, "used": {key: used}})
    diagnosis = cluster.diagnose("Model", "demo")
    named = f"pods are missing, and the quota team is used up: {key} {used} of {hard}"
    assert (named in (diagnosis.cause or "")) is full


def test_other_kinds_show_what_belongs_to_them() -> None:
    cluster = loading()
    targets = [{"targetModels": [{"modelServerName": "demo-b1"}, {"modelServerName": "gone"}]}]
    cluster.add("modelroutes", "hand", kind="ModelRoute", spec={"rules": targets})
    diagnosis = cluster.diagnose("ModelRoute", "hand")
    assert "ModelServer demo-b1" in str(diagnosis.root)
    assert diagnosis.cause == (
        "ModelRoute hand: it refers to the ModelServer 'gone', which does not exist in this "
        "namespace"
    )


def test_a_server_that_selects_nothing() -> None:
    cluster = Cluster()
    selector = {"workloadSelector": {"matchLabels": {"app": "x"}}}
    cluster.add("modelservers", "s", kind="ModelServer", spec=selector)
    assert "matches no pod" in (cluster.diagnose("ModelServer", "s").cause or "")
    pod = with_pod(cluster, running(container({"running": {}}), ready=True))
    pod["metadata"]["labels"]["app"] = "x"
    diagnosis = cluster.diagnose("ModelServer", "s")
    assert diagnosis.cause is None
    assert "Pod demo-b1-0-leader-0-0" in str(diagnosis)


def test_a_binding_without_its_policy() -> None:
    cluster = Cluster()
    target = {"targetRef": {"kind": "ModelInfer", "name": "mi"}}
    cluster.add(
        "autoscalingpolicybindings",
        "b",
        kind="AutoscalingPolicyBinding",
        spec={"policyRef": {"name": "p"}, "scalingConfiguration": {"target": target}},
    )
    causes = [str(f) for f in cluster.diagnose("AutoscalingPolicyBinding", "b").findings]
    assert [cause.split("refers to the ")[1].split(",")[0] for cause in causes] == [
        "AutoscalingPolicy 'p'",
        "ModelInfer 'mi'",
    ]


def test_a_policy_shows_its_bindings() -> None:
    cluster = Cluster()
    cluster.add("autoscalingpolicies", "p", kind="AutoscalingPolicy", spec={})
    cluster.add("autoscalingpolicybindings", "b", spec={"policyRef": {"name": "p"}})
    cluster.add("autoscalingpolicybindings", "other", spec={"policyRef": {"name": "q"}})
    assert str(cluster.diagnose("AutoscalingPolicy", "p").root).splitlines() == [
        "AutoscalingPolicy p",
        "└── AutoscalingPolicyBinding b",
    ]


def test_pods_that_only_wear_the_label_are_not_taken_for_ours() -> None:
    cluster = loading()
    foreign = with_pod(cluster, running(container({"running": {}})), name="foreign")
    foreign["metadata"]["ownerReferences"][0]["uid"] = f"{UID}-somebody-else"
    assert "foreign" not in str(cluster.diagnose("Model", "demo"))
