"""ResourceQuotas: the same verdicts, words and status as from the real server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from matrixinfer_client.testing.apiserver.quota import charged, tracked
from matrixinfer_client.testing.apiserver.refusals import Refusal
from tests.cluster.server import ApiServer
from tests.fake.asking import Asker

GROUP = "registry.matrixinfer.ai"
VERSION = f"{GROUP}/v1alpha1"
PLURAL = "autoscalingpolicies"
COUNT = f"count/{PLURAL}.{GROUP}"


def quota(name: str, used: Mapping[str, str] | None = None, /, **fields: Any) -> dict[str, Any]:
    hard = fields.pop("hard")
    status = {"hard": hard, "used": dict.fromkeys(hard, "0") if used is None else dict(used)}
    spec = {"hard": hard, **fields}
    return {"metadata": {"name": name}, "spec": spec, "status": status}


def policy(name: str = "p") -> dict[str, Any]:
    return {
        "apiVersion": VERSION,
        "kind": "AutoscalingPolicy",
        "metadata": {"name": name},
        "spec": {"metrics": [{"metricName": "m", "targetValue": 10}]},
    }


def container(name: str = "c", **resources: Mapping[str, str]) -> dict[str, Any]:
    return {"name": name, "image": "i", "resources": resources}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": list(containers or [container()]), **spec},
    }


GPU = {"cpu": "1500m", "memory": "1Gi", "nvidia.com/gpu": "1"}
SIDECAR = {**container("s", requests={"cpu": "250m", "memory": "64Mi"}), "restartPolicy": "Always"}

PODS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one too many": (quota("q", {"pods": "1"}, hard={"pods": "1"}), pod()),
    "room for one": (quota("q", hard={"pods": "1"}), pod()),
    "two names for one": (quota("q", hard={"pods": "1", "count/pods": "0"}), pod()),
    "too much of several": (
        quota("q", hard={"requests.cpu": "1", "requests.memory": "512Mi", "limits.cpu": "9"}),
        pod(container(requests=GPU, limits=GPU)),
    ),
    "requests from limits": (
        quota("q", hard={"cpu": "1", "memory": "2Gi"}),
        pod(container(limits=GPU)),
    ),
    "too many accelerators": (
        quota("q", {"requests.nvidia.com/gpu": "2"}, hard={"requests.nvidia.com/gpu": "2"}),
        pod(container(limits=GPU)),
    ),
    "nothing said": (
        quota("q", hard={"requests.cpu": "1", "limits.memory": "1Gi", "pods": "9"}),
        pod(container("b"), container("a", requests={"cpu": "1"})),
    ),
    "no status": (
        quota("q", {"pods": "0"}, hard={"pods": "1", "cpu": "2"}),
        pod(container(requests={"cpu": "1"})),
    ),
    "a large first step": (
        quota("q", hard={"requests.cpu": "2"}),
        pod(
            container(requests={"cpu": "500m"}),
            initContainers=[container("i", requests={"cpu": "2500m"})],
        ),
    ),
    "a sidecar": (
        quota("q", hard={"requests.cpu": "700m", "requests.memory": "1Gi"}),
        pod(
            container(requests={"cpu": "500m", "memory": "128Mi"}),
            initContainers=[SIDECAR, container("i", requests={"cpu": "100m", "memory": "1Mi"})],
        ),
    ),
    "other units": (
        quota("q", {"requests.memory": "512Mi"}, hard={"requests.memory": "1Gi"}),
        pod(container(requests={"memory": "600M"})),
    ),
    "of the wrong scope": (
        quota("q", hard={"pods": "0"}, scopes=["NotBestEffort"]),
        pod(),
    ),
    "of the right scope": (quota("q", hard={"pods": "0"}, scopes=["BestEffort"]), pod()),
    "of a short life": (
        quota("q", hard={"pods": "0"}, scopes=["Terminating"]),
        pod(activeDeadlineSeconds=5),
    ),
    "about other things": (quota("q", hard={"services": "0", COUNT: "0"}), pod()),
}


@pytest.fixture
def place(api_server: ApiServer) -> Iterator[str]:
    name = api_server.create_namespace("quota-")
    yield name
    api_server.delete_namespace(name)


def store(ask: Asker, place: str, limits: dict[str, Any]) -> None:
    """Put a quota with its status on the real server, where no controller writes it."""
    path = f"/api/v1/namespaces/{place}/resourcequotas"
    stored = ask("POST", path, limits)
    assert stored.status == 201, stored
    name = limits["metadata"]["name"]
    written = ask("PUT", f"{path}/{name}/status", {**stored.body, "status": limits["status"]})
    assert written.status == 200, written


def used_on(ask: Asker, place: str, name: str) -> Any:
    return ask("GET", f"/api/v1/namespaces/{place}/resourcequotas/{name}").body["status"]["used"]


def create_until_noticed(ask: Asker, path: str, obj: dict[str, Any], limits: Any) -> Any:
    """Create on a server whose admission may take a moment to see a new quota."""
    marker = {"metadata": {"name": "marker"}}
    for _ in range(200):
        # This one is over its quota once the quotas of the namespace are seen.
        probe = f"{path.rpartition('/')[0].replace(f'/apis/{VERSION}', '/api/v1')}/configmaps"
        if ask("POST", f"{probe}?dryRun=All", marker).status == 403:
            return ask("POST", path, obj)
    raise AssertionError(f"the server never saw {limits}")


BLOCK = quota("block", hard={"count/configmaps": "0"})


@pytest.mark.parametrize("row", PODS.values(), ids=PODS)
def test_pods_are_counted_as_on_the_server(
    row: tuple[dict[str, Any], dict[str, Any]], ask: Asker, place: str
) -> None:
    limits, obj = row
    for each in (limits, BLOCK):
        store(ask, place, each)
    path = f"/api/v1/namespaces/{place}/pods"
    answer = create_until_noticed(ask, path, obj, limits)
    if answer.status == 201:
        changes = charged([limits, BLOCK], obj, group="", plural="pods", name="p")
        expected = changes.get("q", limits["status"]["used"])
        assert used_on(ask, place, "q") == expected
    else:
        with pytest.raises(Refusal) as caught:
            charged([limits, BLOCK], obj, group="", plural="pods", name="p")
        assert (answer.status, answer.body) == (403, caught.value.body())


def test_custom_resources_are_counted_as_on_the_server(ask: Asker, place: str) -> None:
    limits = quota("q", hard={COUNT: "1", "count/models.registry.matrixinfer.ai": "0"})
    for each in (limits, BLOCK):
        store(ask, place, each)
    path = f"/apis/{VERSION}/namespaces/{place}/{PLURAL}"
    assert create_until_noticed(ask, path, policy("a"), limits).status == 201
    changes = charged([limits], policy("a"), group=GROUP, plural=PLURAL, name="a")
    assert changes == {"q": {COUNT: "1", "count/models.registry.matrixinfer.ai": "0"}}
    assert used_on(ask, place, "q") == changes["q"]
    limits["status"]["used"] = changes["q"]
    answer = ask("POST", path, policy("b"))
    with pytest.raises(Refusal) as caught:
        charged([limits], policy("b"), group=GROUP, plural=PLURAL, name="b")
    assert (answer.status, answer.body) == (403, caught.value.body())
    assert caught.value.message == (
        f'{PLURAL}.{GROUP} "b" is forbidden: exceeded quota: q, requested: {COUNT}=1, '
        f"used: {COUNT}=1, limited: {COUNT}=1"
    )


def test_a_quota_without_a_status_limits_nothing_yet() -> None:
    new = {"metadata": {"name": "q"}, "spec": {"hard": {COUNT: "0"}}}
    assert charged([new], policy(), group=GROUP, plural=PLURAL, name="p") == {}


def test_the_first_quota_that_is_exceeded_is_told() -> None:
    quotas = [quota(name, hard={COUNT: hard}) for name, hard in (("a", "1"), ("b", "0"))]
    with pytest.raises(Refusal, match="exceeded quota: b"):
        charged(quotas, policy(), group=GROUP, plural=PLURAL, name="p")


def test_an_amount_that_is_none_is_a_bad_request() -> None:
    broken = pod(container(requests={"cpu": "lots"}))
    with pytest.raises(Refusal, match="quantities must match the regular expression") as caught:
        charged([quota("q", hard={"cpu": "1"})], broken, group="", plural="pods", name="p")
    assert caught.value.status == 400


def test_legacy_names_count_as_well() -> None:
    limits = quota("q", hard={"secrets": "2", "count/secrets": "2", "cpu": "1"})
    changes = charged([limits], {"metadata": {}}, group="", plural="secrets", name="s")
    assert changes == {"q": {"secrets": "1", "count/secrets": "1", "cpu": "0"}}


@pytest.mark.parametrize(
    ("spec", "nodeports", "balancers"),
    [
        ({"ports": [{"port": 1}, {"port": 2}]}, "0", "0"),
        ({"type": "NodePort", "ports": [{"port": 1}, {"port": 2}]}, "2", "0"),
        ({"type": "LoadBalancer", "ports": [{"port": 1}]}, "1", "1"),
        (
            {
                "type": "LoadBalancer",
                "allocateLoadBalancerNodePorts": False,
                "ports": [{"port": 1}, {"port": 2, "nodePort": 30000}],
            },
            "1",
            "1",
        ),
    ],
)
def test_services_use_ports_of_nodes(spec: Any, nodeports: str, balancers: str) -> None:
    hard = {"services": "5", "services.nodeports": "5", "services.loadbalancers": "5"}
    changes = charged(
        [quota("q", hard=hard)], {"spec": spec}, group="", plural="services", name="s"
    )
    assert changes["q"] == {
        "services": "1",
        "services.nodeports": nodeports,
        "services.loadbalancers": balancers,
    }


def test_the_status_counts_what_there_is() -> None:
    limits = quota(
        "q",
        hard={"pods": "9", "count/pods": "9", "requests.cpu": "3000m", COUNT: "2", "odd/x.y": "1"},
    )
    ended = {**pod(container(requests=GPU)), "status": {"phase": "Succeeded"}}
    objects = [
        ("", "pods", pod(container(requests={"cpu": "250m"}))),
        ("", "pods", pod(container(requests={"cpu": "750m"}))),
        ("", "pods", ended),
        (GROUP, PLURAL, policy()),
        ("", "secrets", {"metadata": {}}),
    ]
    assert tracked(limits, objects) == {
        "hard": {"pods": "9", "count/pods": "9", "requests.cpu": "3", COUNT: "2", "odd/x.y": "1"},
        "used": {"pods": "2", "count/pods": "3", "requests.cpu": "1", COUNT: "1"},
    }


def test_what_is_tracked_goes_on_being_charged() -> None:
    limits = quota("q", hard={"requests.memory": "1Gi"})
    first = pod(container(requests={"memory": "512Mi"}))
    limits["status"] = tracked(limits, [("", "pods", first)])
    assert limits["status"]["used"] == {"requests.memory": "512Mi"}
    with pytest.raises(
        Refusal, match=r"used: requests\.memory=512Mi, limited: requests\.memory=1Gi"
    ):
        charged(
            [limits],
            pod(container(requests={"memory": "513Mi"})),
            group="",
            plural="pods",
            name="p",
        )
    assert charged([limits], first, group="", plural="pods", name="p") == {
        "q": {"requests.memory": "1Gi"}
    }


def test_classes_of_priority_are_scopes() -> None:
    expression = {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}
    selector = {"matchExpressions": [expression]}
    limits = quota("q", hard={"pods": "0"}, scopeSelector=selector)
    assert charged([limits], pod(), group="", plural="pods", name="p") == {}
    with pytest.raises(Refusal, match="exceeded quota"):
        charged([limits], pod(priorityClassName="high"), group="", plural="pods", name="p")
