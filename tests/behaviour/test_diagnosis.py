"""Diagnoses: pods, warnings and roles are there, kubelets are not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from matrixinfer_client import (
    AsyncClient,
    ConditionFailed,
    InsufficientResourcesError,
    InvalidArgumentError,
    NotFoundError,
    WaitTimeout,
)
from matrixinfer_client.api.registry_v1alpha1 import Model
from tests.behaviour.backends import Backend
from tests.behaviour.conftest import OpenClient
from tests.behaviour.controllers import STATUS_PATCH, InferController, ModelController
from tests.behaviour.samples import MODEL

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
NO_GPUS = (
    "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: "
    "3 No preemption victims found for incoming pod."
)


class Stage:
    """A Model that is coming up in a namespace, down to its pod."""

    def __init__(self, backend: Backend, namespace: str) -> None:
        self.backend = backend
        self.namespace = namespace
        self.models = ModelController(backend, namespace)
        self.infers = InferController(backend, namespace)

    def set(self) -> None:
        self.models.create(MODEL.mapping("demo"))
        self.models.initialized("demo")
        self.models.processing("demo")
        self.infers.progressing(self.models.child("demo"), replicas=1)

    def pod(self, status: dict[str, Any], name: str = "demo-b1-0-leader-0-0") -> None:
        owner = {
            "apiVersion": "workload.matrixinfer.ai/v1alpha1",
            "kind": "ModelInfer",
            "name": "demo-b1",
            "uid": self.infers.get("demo-b1")["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        resources = {"limits": {"nvidia.com/gpu": "4"}, "requests": {"nvidia.com/gpu": "4"}}
        body = {
            "metadata": {
                "name": name,
                "labels": {"modelinfer.matrixinfer.ai/name": "demo-b1"},
                "ownerReferences": [owner],
            },
            "spec": {
                "containers": [{"name": "engine", "image": "engine:tag", "resources": resources}]
            },
        }
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        code, answer = self.backend.request("POST", path, body)
        assert code == 201, answer
        patch = {"status": status}
        code, answer = self.backend.request("PATCH", f"{path}/{name}/status", patch, STATUS_PATCH)
        assert code == 200, answer

    def warn(self, reason: str, message: str, pod: str = "demo-b1-0-leader-0-0") -> None:
        event = {
            "metadata": {"generateName": f"{pod}."},
            "involvedObject": {"kind": "Pod", "name": pod, "namespace": self.namespace},
            "type": "Warning",
            "reason": reason,
            "message": message,
        }
        path = f"/api/v1/namespaces/{self.namespace}/events"
        code, answer = self.backend.request("POST", path, event)
        assert code == 201, answer


def unschedulable() -> dict[str, Any]:
    row = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": NO_GPUS,
    }
    return {"phase": "Pending", "conditions": [row]}


@pytest.fixture
def stage(backend: Backend, namespace: str) -> Stage:
    stage = Stage(backend, namespace)
    stage.set()
    return stage


async def test_a_timeout_says_which_resource_is_short(
    client: AsyncClient, stage: Stage, namespace: str
) -> None:
    stage.pod(unschedulable())
    with pytest.raises(WaitTimeout) as caught:
        await client.registry_v1alpha1.models(namespace).wait_for("demo", "Ready", timeout=0.9)
    error = caught.value
    assert isinstance(error, InsufficientResourcesError)
    assert error.code == "InsufficientResources"
    assert (error.resolution or "").startswith("add nodes with free nvidia.com/gpu, free some")
    cause = "none of 3 nodes has enough nvidia.com/gpu (it asks for 4)"
    first, *rest = str(error).splitlines()
    assert first.endswith(f"in namespace {namespace!r} was not Ready after 0.9 s: Ready is False")
    assert rest == [
        f"cause: Pod demo-b1-0-leader-0-0: cannot be scheduled: {cause}",
        f"  | {NO_GPUS}",
        f"do:    {error.resolution}",
        "Model demo                        Active=False (ModelProcessing)",
        "└── ModelInfer demo-b1            Progerssing, 0/1 groups available",
        "    └── Pod demo-b1-0-leader-0-0  Pending, Unschedulable",
    ]


async def test_an_image_that_cannot_be_pulled_is_explained_by_its_event(
    client: AsyncClient, stage: Stage, namespace: str
) -> None:
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "engine:tag"'}
    container = {
        "name": "engine",
        "image": "engine:tag",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"waiting": waiting},
    }
    stage.pod({"phase": "Pending", "containerStatuses": [container]})
    stage.warn("Failed", 'Failed to pull image "engine:tag": manifest unknown')
    stage.warn("Failed", "Error: ErrImagePull", pod="another-pod")
    diagnosis = await client.registry_v1alpha1.models(namespace).diagnose("demo")
    assert diagnosis.findings[0].code == "image-pull"
    assert "there is no such image" in (diagnosis.cause or "")


async def test_a_log_that_nobody_has_is_left_out(
    client: AsyncClient, stage: Stage, namespace: str
) -> None:
    container = {
        "name": "engine",
        "image": "engine:tag",
        "imageID": "",
        "ready": False,
        "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
    }
    stage.pod({"phase": "Running", "containerStatuses": [container]})
    diagnosis = await client.workload_v1alpha1.model_infers(namespace).diagnose("demo-b1")
    assert diagnosis.findings[0].code == "out-of-memory"


async def test_a_client_diagnoses_by_kind_by_class_and_by_object(
    client: AsyncClient, stage: Stage, namespace: str
) -> None:
    stage.models.failed("demo", "server worker not found in backend: b1")
    model = await client.registry_v1alpha1.models(namespace).get("demo")
    found = [
        await client.diagnose("Model", "demo", namespace),
        await client.diagnose(Model, "demo", namespace),
        await client.diagnose(model),
        await client.with_options(namespace=namespace).diagnose("Model", "demo"),
    ]
    assert {diagnosis.cause for diagnosis in found} == {
        "Model demo: backend b1 has no worker of type server"
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Pod", "x"), "'Pod' cannot be diagnosed; the kinds are AutoscalingPolicy, "),
        (("Model",), "the name of the Model to diagnose is missing"),
        (("Model", "a/b"), "cannot be the name of a Model"),
        (("Model", "x", "a/b"), "cannot be the namespace"),
    ],
)
async def test_mistakes_are_told_before_anything_is_sent(
    client: AsyncClient, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        await client.diagnose(*arguments)


async def test_a_failed_diagnosis_does_not_hide_the_error_it_is_for(
    client: AsyncClient, stage: Stage, namespace: str
) -> None:
    resource = client.registry_v1alpha1.models(namespace)

    async def delete() -> None:
        await asyncio.sleep(0.2)
        await resource.delete("demo")

    with pytest.raises(ConditionFailed, match="it was deleted") as caught:
        await asyncio.gather(resource.wait_for("demo", "Ready", timeout=30), delete())
    assert caught.value.diagnosis is None
    with pytest.raises(NotFoundError):
        await resource.diagnose("demo")


async def test_a_diagnosis_can_be_done_without(
    client: AsyncClient, stage: Stage, namespace: str
) -> None:
    resource = client.registry_v1alpha1.models(namespace)
    with pytest.raises(WaitTimeout) as caught:
        await resource.wait_for("demo", "Ready", timeout=0, diagnose=False)
    assert caught.value.diagnosis is None
    assert len(str(caught.value).splitlines()) == 1


# Users who may not see everything.


@pytest.fixture
def plain(open_client: OpenClient, namespace: str) -> AsyncClient:
    """Open a client whose user may do nothing but log in."""
    return open_client(user="plain", namespace=namespace)


def grant(backend: Backend, namespace: str, rules: Iterable[Any]) -> None:
    """Give the rules to `plain`, in one namespace."""
    role = {"metadata": {"name": "watcher"}, "rules": list(rules)}
    binding = {
        "metadata": {"name": "watcher"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "watcher"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "plain"}],
    }
    for plural, body in (("roles", role), ("rolebindings", binding)):
        path = f"{_RBAC}/namespaces/{namespace}/{plural}"
        status, answer = backend.request("POST", path, body)
        assert status == 201, answer


async def test_who_may_not_see_pods_still_gets_the_rest(
    plain: AsyncClient, backend: Backend, stage: Stage, namespace: str
) -> None:
    stage.infers.available("demo-b1", replicas=1)
    stage.pod(unschedulable())
    stage.models.failed("demo", "not support model backend type: SGLang")
    groups = ["registry.matrixinfer.ai", "workload.matrixinfer.ai", "networking.matrixinfer.ai"]
    rule = {"apiGroups": groups, "resources": ["*"], "verbs": ["get", "list", "watch"]}
    grant(backend, namespace, [rule])
    models = plain.registry_v1alpha1.models()
    for _ in range(300):
        if await plain.can_i("watch", "models"):
            break
        await asyncio.sleep(0.1)
    with pytest.raises(ConditionFailed, match="cause: Model demo: no controller implements"):
        await models.wait_for("demo", "Ready", grace=0)
    # Not that of the wait: on a busy machine its time may be up before all was read.
    text = str(await models.diagnose("demo"))
    assert "cause: Model demo: no controller implements the backend type SGLang" in text
    assert "└── ModelInfer demo-b1" in text
    assert text.endswith(
        "not readable:\n"
        f"  - pods: you may not list pods in namespace {namespace!r} (kubectl auth can-i list "
        f"pods -n {namespace})"
    )
