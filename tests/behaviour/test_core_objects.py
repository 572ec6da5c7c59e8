"""Pods, events, config maps and secrets: as much of them as the platform's users meet."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.behaviour.backends import Backend
from tests.behaviour.controllers import STATUS_PATCH

STRATEGIC_PATCH = "application/strategic-merge-patch+json"


class Core:
    """Sends requests about core objects of one namespace."""

    def __init__(self, backend: Backend, namespace: str) -> None:
        self.backend = backend
        self.root = f"/api/v1/namespaces/{namespace}"

    def create(self, plural: str, name: str, **fields: Any) -> Any:
        body = {"metadata": {"name": name, **fields.pop("metadata", {})}, **fields}
        status, made = self.backend.request("POST", f"{self.root}/{plural}", body)
        assert status == 201, made
        return made

    def pod(self, name: str = "p", **spec: Any) -> Any:
        container = {"name": "main", "image": "engine:tag"}
        return self.create("pods", name, spec={"containers": [container], **spec})

    def get(self, path: str) -> tuple[int, Any]:
        return self.backend.request("GET", f"{self.root}/{path}")

    def patch(self, path: str, change: Any, kind: str = STATUS_PATCH) -> Any:
        status, answer = self.backend.request("PATCH", f"{self.root}/{path}", change, kind)
        assert status == 200, answer
        return answer

    def delete(self, path: str, **options: Any) -> Any:
        status, answer = self.backend.request("DELETE", f"{self.root}/{path}", options or None)
        assert status == 200, answer
        return answer


@pytest.fixture
def core(backend: Backend, namespace: str) -> Core:
    return Core(backend, namespace)


def test_a_pod_gets_what_every_pod_has(core: Core) -> None:
    pod = core.pod()
    assert pod["metadata"]["generation"] == 1
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    spec = pod["spec"]
    assert spec["restartPolicy"] == "Always"
    assert spec["terminationGracePeriodSeconds"] == 30
    assert spec["schedulerName"] == "default-scheduler"
    (container,) = spec["containers"]
    assert container == {
        "name": "main",
        "image": "engine:tag",
        "imagePullPolicy": "IfNotPresent",
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    keys = [each["key"] for each in spec["tolerations"]]
    assert keys == ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("engine", "Always"),
        ("engine:latest", "Always"),
        ("registry.test:5000/engine", "Always"),
        ("registry.test:5000/engine:v1", "IfNotPresent"),
        ("engine@sha256:" + "0" * 64, "IfNotPresent"),
    ],
)
def test_an_image_that_may_change_is_always_pulled(core: Core, image: str, policy: str) -> None:
    pod = core.pod(containers=[{"name": "main", "image": image}])
    assert pod["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_a_pods_status_is_written_on_its_own(core: Core) -> None:
    core.pod()
    running = core.patch("pods/p/status", {"status": {"phase": "Running"}})
    assert running["status"]["phase"] == "Running"
    ignored = core.patch("pods/p", {"status": {"phase": "Failed"}})
    assert ignored["status"]["phase"] == "Running"


def test_a_pod_that_runs_nowhere_is_deleted_at_once(core: Core) -> None:
    core.pod()
    answer = core.delete("pods/p")
    assert answer["kind"] == "Pod"
    assert answer["metadata"]["deletionGracePeriodSeconds"] == 0
    assert core.get("pods/p")[0] == 404


def test_a_pod_on_a_node_has_time_to_end(core: Core) -> None:
    core.pod(nodeName="node-1")
    core.delete("pods/p")
    status, pod = core.get("pods/p")
    assert status == 200
    assert pod["metadata"]["deletionGracePeriodSeconds"] == 30
    assert pod["metadata"]["deletionTimestamp"]
    core.delete("pods/p", gracePeriodSeconds=0)
    assert core.get("pods/p")[0] == 404


def test_a_scheduler_binds_a_pod_to_a_node(core: Core) -> None:
    core.pod()
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "p"},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"},
    }
    path = f"{core.root}/pods/p/binding"
    status, answer = core.backend.request("POST", path, binding)
    assert status == 201, answer
    _, pod = core.get("pods/p")
    assert pod["spec"]["nodeName"] == "node-1"
    conditions = {row["type"]: row["status"] for row in pod["status"]["conditions"]}
    assert conditions["PodScheduled"] == "True"
    assert core.backend.request("POST", path, binding)[0] == 409


def test_there_is_no_log_where_nothing_runs(core: Core) -> None:
    core.pod()
    assert core.get("pods/p/log")[0] == 204
    status, answer = core.get("pods/p/log?container=other")
    assert (status, answer["reason"]) == (400, "BadRequest")
    assert answer["message"] == "container other is not valid for pod p"
    assert core.get("pods/nobody/log")[0] == 404


def test_pods_are_found_by_node_and_phase(core: Core) -> None:
    core.pod("a")
    core.pod("b", nodeName="node-1")
    core.patch("pods/b/status", {"status": {"phase": "Running"}})

    def names(selector: str) -> list[str]:
        _, listed = core.get(f"pods?fieldSelector={selector}")
        return [item["metadata"]["name"] for item in listed["items"]]

    assert names("spec.nodeName%3Dnode-1") == ["b"]
    assert names("status.phase%3DPending") == ["a"]
    assert names("status.phase!%3DPending") == ["b"]


def test_events_are_found_by_what_they_are_about(core: Core) -> None:
    namespace = core.root.rpartition("/")[2]
    for name in ("a", "b"):
        about = {"kind": "Pod", "name": name, "namespace": namespace}
        core.create("events", f"{name}.1", involvedObject=about, reason="R", type="Warning")
    _, listed = core.get("events?fieldSelector=involvedObject.name%3Da")
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a.1"]
    (event,) = listed["items"]
    assert event["firstTimestamp"] is None
    assert event["source"] == {}
    assert event["reportingComponent"] == ""


def test_a_list_does_not_repeat_the_kind_of_its_items(core: Core) -> None:
    core.create("configmaps", "a", data={"a": "1"})
    _, listed = core.get("configmaps")
    assert listed["kind"] == "ConfigMapList"
    (item,) = listed["items"]
    assert "kind" not in item
    assert "apiVersion" not in item
    assert "continue" not in listed["metadata"]


def test_a_core_object_needs_no_version_to_be_updated(core: Core) -> None:
    core.create("configmaps", "a", data={"a": "1"})
    path = f"{core.root}/configmaps/a"
    body = {"metadata": {"name": "a"}, "data": {"b": "2"}}
    status, updated = core.backend.request("PUT", path, body)
    assert status == 200, updated
    assert updated["data"] == {"b": "2"}


def test_the_text_of_a_secret_is_encoded(core: Core) -> None:
    made = core.create("secrets", "a", stringData={"token": "x"}, data={"other": "MQ=="})
    assert made["type"] == "Opaque"
    assert "stringData" not in made
    assert made["data"] == {"token": base64.b64encode(b"x").decode(), "other": "MQ=="}
    status, answer = core.backend.request(
        "PATCH", f"{core.root}/secrets/a", {"type": "other"}, STATUS_PATCH
    )
    assert status == 422
    assert "type: Invalid value" in answer["message"]
    assert "field is immutable" in answer["message"]


def test_core_objects_take_strategic_patches_and_custom_ones_do_not(core: Core) -> None:
    core.create("configmaps", "a", data={"a": "1"}, metadata={"labels": {"x": "1"}})
    change = {"metadata": {"labels": {"y": "2"}}, "data": {"a": None, "b": "2"}}
    patched = core.patch("configmaps/a", change, STRATEGIC_PATCH)
    assert patched["data"] == {"b": "2"}
    assert patched["metadata"]["labels"] == {"x": "1", "y": "2"}


def test_a_service_and_an_account_are_kept(core: Core) -> None:
    service = core.create("services", "s", spec={"ports": [{"port": 80}], "selector": {"a": "b"}})
    assert service["spec"]["type"] == "ClusterIP"
    assert service["spec"]["ports"][0]["protocol"] == "TCP"
    assert service["spec"]["ports"][0]["targetPort"] == 80
    account = core.create("serviceaccounts", "sa")
    assert account["metadata"]["uid"]


def test_a_namespace_knows_its_name_and_when_it_ends(backend: Backend, namespace: str) -> None:
    _, made = backend.request("GET", f"/api/v1/namespaces/{namespace}")
    assert made["metadata"]["labels"]["kubernetes.io/metadata.name"] == namespace
    assert made["status"] == {"phase": "Active"}
    assert made["spec"] == {"finalizers": ["kubernetes"]}
    status, ending = backend.request("DELETE", f"/api/v1/namespaces/{namespace}")
    assert status == 200
    assert ending["status"]["phase"] == "Terminating"
    body = {"metadata": {"name": "late"}}
    status, answer = backend.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body)
    assert status == 403
    assert answer["details"]["causes"][0]["reason"] == "NamespaceTerminating"


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_some_namespaces_stay(backend: Backend, name: str) -> None:
    status, answer = backend.request("DELETE", f"/api/v1/namespaces/{name}")
    assert (status, answer["reason"]) == (403, "Forbidden")
    assert "this namespace may not be deleted" in answer["message"]


@pytest.mark.parametrize("name", ["Upper", "a.b", "a" * 64, "-a"])
def test_the_name_of_a_namespace_is_a_label(backend: Backend, name: str) -> None:
    status, answer = backend.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert (status, answer["reason"]) == (422, "Invalid")
