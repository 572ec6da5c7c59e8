"""`FakeCluster` as a user holds it: what comes from it, what is in it, how it ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from matrixinfer_client import Client, Retries
from matrixinfer_client.api.meta_v1 import ObjectMeta
from matrixinfer_client.api.registry_v1alpha1 import AutoscalingPolicy, AutoscalingPolicySpec
from matrixinfer_client.errors import (
    InvalidArgumentError,
    InvalidError,
    MatrixInferError,
    NotFoundError,
    TooManyRequestsError,
    TransportError,
    UnknownFieldsError,
)
from matrixinfer_client.testing import FakeCluster, Simulation, error, lost
from tests.behaviour.samples import MODEL, POLICY

MODELS = "/apis/registry.matrixinfer.ai/v1alpha1/namespaces/default/models"


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster() as made:
        yield made


def wait_for_a_watch(cluster: FakeCluster) -> None:
    while not cluster.actions_of(verb="watch"):
        time.sleep(0.001)


def threads() -> set[threading.Thread]:
    return set(threading.enumerate())


# Clients of it.


def test_a_client_creates_and_reads(cluster: FakeCluster) -> None:
    models = cluster.client().registry_v1alpha1.models("default")
    created = models.create(MODEL.mapping("demo"))
    assert models.get("demo") == created
    assert [each.name for each in models.list()] == ["demo"]


async def test_an_asynchronous_client_sees_what_a_blocking_one_did(cluster: FakeCluster) -> None:
    cluster.client().registry_v1alpha1.models("default").create(MODEL.mapping("demo"))
    client = cluster.async_client()
    assert (await client.registry_v1alpha1.models("default").get("demo")).name == "demo"


def test_clients_take_the_options_of_clients(cluster: FakeCluster) -> None:
    namespace = cluster.create_namespace()
    client = cluster.client(namespace=namespace, field_manager="ci", dry_run=True)
    client.registry_v1alpha1.models().create(MODEL.mapping("demo"))
    (action,) = cluster.actions
    assert (action.namespace, action.field_manager, action.dry_run) == (namespace, "ci", True)
    assert repr(client) == f"Client('https://fake-cluster', namespace={namespace!r})"


def test_a_transport_serves_clients_of_ones_own(cluster: FakeCluster) -> None:
    with httpx.Client(transport=cluster.transport(), base_url="https://anything") as client:
        assert client.get("/api/v1/namespaces/default").json()["kind"] == "Namespace"
    with Client(server="https://anything", transport=cluster.transport()) as own:
        assert list(own.registry_v1alpha1.models().list()) == []


async def test_an_asynchronous_transport_serves_clients_of_ones_own(cluster: FakeCluster) -> None:
    transport = cluster.async_transport()
    async with httpx.AsyncClient(transport=transport, base_url="https://anything") as client:
        assert (await client.get(MODELS)).json()["items"] == []


def test_a_client_acts_for_its_user(cluster: FakeCluster) -> None:
    ann = cluster.client(user="ann", groups=["dev"])
    with pytest.raises(MatrixInferError):
        ann.registry_v1alpha1.models().get("demo")
    assert cluster.actions[-1].caller == "ann"


def test_threads_and_event_loops_share_it(cluster: FakeCluster) -> None:
    client, awaiting = cluster.client(), cluster.async_client()

    def create(number: int) -> None:
        client.registry_v1alpha1.models().create(MODEL.mapping(f"thread-{number}"))

    async def create_async(number: int) -> None:
        await awaiting.registry_v1alpha1.models().create(MODEL.mapping(f"loop-{number}"))

    workers = [threading.Thread(target=create, args=(number,)) for number in range(5)]
    workers += [
        threading.Thread(target=lambda at=number: asyncio.run(create_async(at)))
        for number in range(5)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    names = sorted(each.name for each in client.registry_v1alpha1.models().list())
    assert names == sorted(f"{kind}-{at}" for kind in ("thread", "loop") for at in range(5))


def test_kubectl_and_clients_see_the_same(cluster: FakeCluster) -> None:
    cluster.add(MODEL.mapping("demo"))
    served = cluster.serve(users={"ann": []})
    with Client(kubeconfig=served.kubeconfig) as client:
        assert client.registry_v1alpha1.models().get("demo").name == "demo"
    cluster.inject(error(429), verb="get")
    with (
        Client(kubeconfig=served.kubeconfig, retries=Retries(attempts=1)) as client,
        pytest.raises(TooManyRequestsError),
    ):
        client.registry_v1alpha1.models().get("demo")
    assert [str(action) for action in cluster.actions] == [
        "get models default/demo: 200",
        "get models default/demo: 429",
    ]


# What is in it.


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public", "kube-node-lease"])
def test_the_usual_namespaces_are_there(cluster: FakeCluster, name: str) -> None:
    status, namespace = cluster.request("GET", f"/api/v1/namespaces/{name}")
    assert (status, namespace["status"]["phase"]) == (200, "Active")


def test_objects_are_there_from_the_start() -> None:
    spec = AutoscalingPolicySpec.from_dict(POLICY.spec())
    metadata = ObjectMeta(name="p", namespace="research")
    typed = AutoscalingPolicy(metadata=metadata, spec=spec)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod", "namespace": "research"},
        "spec": {"containers": [{"name": "main", "image": "engine"}]},
        "status": {"phase": "Running"},
    }
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}}
    with FakeCluster(typed, pod, node) as cluster:
        client = cluster.client(namespace="research")
        policy = client.registry_v1alpha1.autoscaling_policies().get("p")
        assert policy.spec is not None
        assert policy.spec.metrics == spec.metrics
        status, found = cluster.request("GET", "/api/v1/namespaces/research/pods/pod")
        assert (status, found["status"]["phase"]) == (200, "Running")
        assert cluster.request("GET", "/api/v1/nodes/node")[0] == 200
        assert [action.verb for action in cluster.actions] == ["get"]


def test_a_status_is_kept_of_what_is_added(cluster: FakeCluster) -> None:
    condition = {
        "type": "Active",
        "status": "True",
        "reason": "ModelAvailable",
        "message": "Model is ready",
        "lastTransitionTime": "2025-01-01T00:00:00Z",
    }
    cluster.add({**MODEL.mapping("demo"), "status": {"conditions": [condition]}})
    model = cluster.client().registry_v1alpha1.models("default").get("demo")
    assert model.status is not None
    assert [each.type for each in model.status.conditions or []] == ["Active"]


def test_what_is_added_must_be_right(cluster: FakeCluster) -> None:
    with pytest.raises(InvalidArgumentError, match=r"kind 'Modell' is not served .* Model,"):
        cluster.add({**MODEL.mapping("demo"), "kind": "Modell"})
    with pytest.raises(InvalidError):
        cluster.add({**MODEL.mapping("demo"), "spec": {"backends": []}})
    with pytest.raises(UnknownFieldsError):
        cluster.add({**MODEL.mapping("demo"), "spec": {**MODEL.spec(), "ownr": "x"}})


def test_a_namespace_is_a_new_one_each_time(cluster: FakeCluster) -> None:
    first, second = cluster.create_namespace(), cluster.create_namespace("team-")
    assert first != second
    assert second.startswith("team-")
    assert cluster.request("GET", f"/api/v1/namespaces/{second}")[0] == 200


def test_a_request_needs_no_client(cluster: FakeCluster) -> None:
    cluster.inject(error(500), times=None)
    status, created = cluster.request("POST", MODELS, MODEL.mapping("demo"))
    assert (status, created["metadata"]["name"]) == (201, "demo")
    patch: dict[str, Any] = {"spec": {"owner": "anna"}}
    media_type = "application/merge-patch+json"
    status, patched = cluster.request("PATCH", f"{MODELS}/demo", patch, media_type)
    assert (status, patched["spec"]["owner"]) == (200, "anna")
    assert cluster.request("GET", f"{MODELS}/none")[1]["reason"] == "NotFound"
    assert cluster.request("GET", "/nonsense") == (404, "404 page not found\n")
    status, events = cluster.request("GET", f"{MODELS}?watch=1&resourceVersion=0")
    assert [event["type"] for event in events] == ["ADDED"]
    assert cluster.actions == []


def test_history_expires_when_it_is_told_to(cluster: FakeCluster) -> None:
    cluster.add(MODEL.mapping("demo"))
    query = "?watch=1&resourceVersion=100"
    assert cluster.request("GET", MODELS + query)[1][0]["type"] == "ADDED"
    cluster.expire_history()
    events = cluster.request("GET", MODELS + query)[1]
    assert [(event["type"], event["object"]["code"]) for event in events] == [("ERROR", 410)]


def test_names_are_the_seeds() -> None:
    def made(seed: int | None) -> tuple[str, str]:
        with FakeCluster(seed=seed) as cluster:
            body = MODEL.mapping("x")
            body["metadata"] = {"generateName": "demo-"}
            metadata = cluster.request("POST", MODELS, body)[1]["metadata"]
            return metadata["name"], metadata["uid"]

    assert made(1) == made(1) != made(2)
    assert made(None) != made(None)


def test_webhooks_can_be_left_out() -> None:
    spec = {"backends": [{**MODEL.spec()["backends"][0], "minReplicas": 3}]}
    wrong = {**MODEL.mapping("demo"), "spec": spec}
    with FakeCluster() as cluster:
        status, answer = cluster.request("POST", MODELS, wrong)
        assert (status, "admission webhook" in answer["message"]) == (400, True)
    with FakeCluster(webhooks=False) as cluster:
        assert cluster.request("POST", MODELS, wrong)[0] == 201


# What goes wrong with it, and what was asked of it.


def test_faults_and_actions_go_together(cluster: FakeCluster) -> None:
    client = cluster.client(retries=Retries(attempts=1))
    models = client.registry_v1alpha1.models("default")
    with (
        cluster.inject(lost(carried_out=True), verb="create", resource="models") as injection,
        pytest.raises(TransportError),
    ):
        models.create(MODEL.mapping("demo"))
    assert injection.hits == 1
    assert models.get("demo").name == "demo"
    assert [str(action) for action in cluster.actions] == [
        "create models default/demo: no answer",
        "get models default/demo: 200",
    ]
    assert [action.verb for action in cluster.actions_of(verb="get", resource="Model")] == ["get"]
    cluster.clear_actions()
    assert cluster.actions == []


def test_actions_are_bounded() -> None:
    with FakeCluster(max_actions=2) as cluster:
        models = cluster.client().registry_v1alpha1.models()
        for name in ("a", "b", "c"):
            with pytest.raises(NotFoundError):
                models.get(name)
        assert [action.name for action in cluster.actions] == ["b", "c"]


# Simulation.


@pytest.mark.parametrize(
    "simulate",
    [True, {"speed": 10}, partial(Simulation, speed=10)],
    ids=["plainly", "with options", "by a function"],
)
def test_simulated_controllers_make_a_model_ready(simulate: Any) -> None:
    with FakeCluster(MODEL.mapping("demo"), simulate=simulate) as cluster:
        client = cluster.client()
        model = client.registry_v1alpha1.models("default").wait_for("demo", "Ready", timeout=30)
        assert model.name == "demo"
        assert cluster.simulation.errors == ()
        assert {action.caller for action in cluster.actions} == {"admin"}


def test_simulated_controllers_stop_with_the_cluster() -> None:
    before = threads()
    cluster = FakeCluster(simulate=True)
    assert threads() > before
    cluster.close()
    assert threads() == before


def test_what_cannot_be_simulated_is_refused(cluster: FakeCluster) -> None:
    before = threads()
    with pytest.raises(MatrixInferError, match="make it with simulate=True"):
        _ = cluster.simulation
    with pytest.raises(InvalidArgumentError, match="must return a Simulation"):
        FakeCluster(simulate=lambda client: client)  # type: ignore[arg-type, return-value]
    with pytest.raises(InvalidArgumentError, match="simulate must be True"):
        FakeCluster(simulate=3)  # type: ignore[arg-type]
    assert threads() == before


# Its end.


def test_a_client_of_a_closed_cluster_says_so() -> None:
    with FakeCluster() as cluster:
        client, transport = cluster.client(), cluster.transport()
        awaiting = cluster.async_client()
    cluster.close()
    with pytest.raises(MatrixInferError, match="this FakeCluster is closed"):
        client.registry_v1alpha1.models().list()
    with pytest.raises(MatrixInferError, match="this FakeCluster is closed"):
        asyncio.run(awaiting.registry_v1alpha1.models().get("demo"))
    with pytest.raises(MatrixInferError, match="this FakeCluster is closed"):
        transport.handle_request(httpx.Request("GET", "https://x/version"))
    with pytest.raises(MatrixInferError, match="this FakeCluster is closed"):
        cluster.client()
    with pytest.raises(MatrixInferError, match="this FakeCluster is closed"):
        cluster.add(MODEL.mapping("demo"))
    assert repr(cluster) == "FakeCluster(closed)"


def test_closing_ends_watches_in_other_threads() -> None:
    cluster = FakeCluster()
    ended = threading.Event()

    def watch() -> None:
        with pytest.raises(MatrixInferError, match="closed"):
            for _ in cluster.client().registry_v1alpha1.models().watch():
                pass
        ended.set()

    worker = threading.Thread(target=watch)
    worker.start()
    wait_for_a_watch(cluster)
    cluster.close()
    worker.join(10)
    assert ended.is_set()


async def test_it_is_an_asynchronous_context_manager() -> None:
    async with FakeCluster() as cluster:
        client = cluster.async_client()
        events = client.registry_v1alpha1.models().watch()
        task = asyncio.create_task(anext(events))
        await asyncio.to_thread(wait_for_a_watch, cluster)
    with pytest.raises(MatrixInferError, match="closed"):
        await task


def test_closing_stops_what_is_served() -> None:
    before = threads()
    with FakeCluster() as cluster:
        served = cluster.serve()
        assert httpx.get(f"{served.url}/version").status_code == 200
    assert not served.kubeconfig.exists()
    assert threads() == before
    served.close()


def test_it_shows_what_is_in_it(cluster: FakeCluster) -> None:
    cluster.add(MODEL.mapping("a"), MODEL.mapping("b"))
    assert repr(cluster) == f"FakeCluster(models=2, seed={cluster.seed})"
    cluster.create_namespace()
    assert repr(cluster) == f"FakeCluster(models=2, namespaces=5, seed={cluster.seed})"
    page = cluster._repr_html_()
    assert "<td>models</td><td>2</td>" in page
    assert "<td>namespaces</td><td>5</td>" in page


def test_making_one_imports_no_http_library() -> None:
    program = (
        "import sys; from matrixinfer_client.testing import FakeCluster; cluster = FakeCluster();"
        "found = lambda: [name for name in ('httpx', 'aiohttp') if name in sys.modules];"
        "before = found(); cluster.client(); print(before, found())"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[] ['httpx']"


def test_one_is_made_in_milliseconds() -> None:
    taken: list[float] = []
    for _ in range(20):
        started = time.perf_counter()
        with FakeCluster() as cluster:
            cluster.client()
        taken.append(time.perf_counter() - started)
    assert min(taken) < 0.01
