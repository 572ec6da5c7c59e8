"""Tables as the fake makes them, beside those of the real API server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from matrixinfer_client.testing.apiserver.ages import age, human_duration
from matrixinfer_client.testing.apiserver.catalog import ResourceType
from matrixinfer_client.testing.apiserver.tables import table
from tests.fake.asking import Asker
from tests.fake.placing import (
    MAIN,
    POD,
    POLICY,
    TABLE,
    core,
    create,
    path_of,
    policy,
    resource,
    without_descriptions,
)
from tests.fake.podstates import DAYS_AGO, DELETED, PODS


def assert_same_table(ask: Asker, kind: ResourceType, path: str, query: str = "") -> Any:
    """Ask the server for objects and for their table, and make the table of the objects."""
    separator = "&" if "?" in path else "?"
    before = datetime.now(UTC)
    theirs = ask("GET", f"{path}{separator}{query}", headers={"Accept": TABLE})
    after = datetime.now(UTC)
    assert theirs.status == 200, theirs.body
    listed = ask("GET", path).body
    objects = listed.get("items", [listed])
    for each in objects:
        # Lists leave them out of their objects.
        each.setdefault("apiVersion", kind.kind.api_version)
        each.setdefault("kind", kind.kind.kind)
    include: Any = query.partition("includeObject=")[2] or "Metadata"
    mine = [
        table(kind, objects, metadata=listed["metadata"], include=include, now=now)
        for now in (before, after)
    ]
    assert without_descriptions(mine[0]) == without_descriptions(theirs.body)
    for place, row in enumerate(theirs.body["rows"]):
        possible = zip(*(made["rows"][place]["cells"] for made in mine), strict=True)
        for cell, choices in zip(row["cells"], possible, strict=True):
            # A second may pass between the two points in time.
            assert cell in choices, (row["cells"], place)
    return theirs.body


@pytest.fixture(scope="module")
def policies(ask: Asker, place: str) -> str:
    """The path of a collection with two custom resources."""
    for name in ("one", "two"):
        create(ask, place, policy(name))
    return path_of(POLICY, place)


@pytest.mark.parametrize("query", ["", "includeObject=None", "includeObject=Object"])
@pytest.mark.parametrize("suffix", ["", "/one", "?labelSelector=team%3Dnone", "?limit=1"])
def test_custom_resources_have_name_and_age(
    query: str, suffix: str, ask: Asker, policies: str
) -> None:
    found = assert_same_table(ask, POLICY, f"{policies}{suffix}", query)
    assert [column["name"] for column in found["columnDefinitions"]] == ["Name", "Age"]


def test_pods_are_printed_as_the_server_prints_them(ask: Asker, place: str) -> None:
    for name, (spec, status) in PODS.items():
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "status": status}
        create(ask, place, {**pod, "spec": {"containers": [MAIN], **spec}})
    for name in DELETED:
        assert ask("DELETE", path_of(POD, place, name)).status in (200, 202)
    found = assert_same_table(ask, POD, path_of(POD, place))
    words = {row["cells"][0]: tuple(row["cells"][1:4]) for row in found["rows"]}
    # A few as people know them, so that the comparison is known to be about something.
    assert words["restarted"] == ("1/2", "CrashLoopBackOff", "5 (10d ago)")
    assert words["with-a-sidecar"] == ("2/2", "Running", "2 (10d ago)")
    assert words["initializing"] == ("0/1", "Init:1/2", "1")
    assert words["lost"][1] == "Unknown"


def some_event(name: str, **fields: Any) -> dict[str, Any]:
    about = {"kind": "Model", "namespace": "", "name": "demo"}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name},
        "involvedObject": about,
        "reason": "Because",
        "message": " a text\n",
        "type": "Warning",
        **fields,
    }


EVENTS: Mapping[str, Mapping[str, Any]] = {
    "old": {
        "firstTimestamp": DAYS_AGO,
        "lastTimestamp": DAYS_AGO,
        "count": 3,
        "source": {"component": "kubelet", "host": "node-a"},
    },
    "reported": {
        "eventTime": DAYS_AGO.replace("Z", ".000001Z"),
        "reportingComponent": "a.test/controller",
        "reportingInstance": "one",
        "action": "Wait",
    },
    "in-a-series": {
        "eventTime": DAYS_AGO.replace("Z", ".000001Z"),
        "reportingComponent": "a.test/controller",
        "reportingInstance": "one",
        "action": "Wait",
        "series": {"count": 7, "lastObservedTime": DAYS_AGO.replace("Z", ".000001Z")},
    },
    "without-times": {"source": {"component": "kubelet"}},
}


def test_events_are_printed_as_the_server_prints_them(ask: Asker, place: str) -> None:
    for name, fields in EVENTS.items():
        event = some_event(name, **fields)
        event["involvedObject"] = {**event["involvedObject"], "namespace": place}
        create(ask, place, event)
    kind = resource("v1", "Event")
    selector = "?fieldSelector=reason%3DBecause"
    assert_same_table(ask, kind, f"{path_of(kind, place)}{selector}")


# One for every rule of how a duration is written, and one on each side of its borders.
SECONDS_AGO = (0, 59, 119, 121, 180, 190, 599, 601, 3590, 10_790, 10_810, 18_010, 28_790, 28_810)
HOURS_AGO = (30, 47, 49, 73, 191, 193, 500, 24 * 400, 24 * 729, 24 * 731, 24 * 1100, 24 * 3000)


def test_ages_are_written_as_the_server_writes_them(ask: Asker, place: str) -> None:
    now = datetime.now(UTC)
    elapsed = [timedelta(seconds=each) for each in SECONDS_AGO]
    # Half an hour off the border, which nobody waits for.
    elapsed += [timedelta(hours=each, minutes=30) for each in HOURS_AGO]
    elapsed += [timedelta(seconds=-3600)]
    for place_, each in enumerate(elapsed):
        moment = (now - each).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = some_event(f"aged-{place_:02}", reason="Aged", lastTimestamp=moment)
        event["involvedObject"] = {**event["involvedObject"], "namespace": place}
        create(ask, place, event)
    kind = resource("v1", "Event")
    path = f"{path_of(kind, place)}?fieldSelector=reason%3DAged"
    rows = assert_same_table(ask, kind, path)["rows"]
    assert {row["cells"][0] for row in rows} >= {"<invalid>", "59s", "2m1s", "8h", "2y1d", "8y"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"),
        (-1.5, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (5 * 3600 + 600, "5h10m"),
        (8 * 3600 + 600, "8h"),
        (48 * 3600, "2d"),
        (51 * 3600, "2d3h"),
        (8 * 86_400 + 3600, "8d"),
        (729 * 86_400, "729d"),
        (730 * 86_400, "2y"),
        (731 * 86_400, "2y1d"),
        (8 * 365 * 86_400 + 86_400, "8y"),
    ],
)
def test_a_duration_is_written_in_few_characters(seconds: float, text: str) -> None:
    assert human_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize("timestamp", [None, "", "yesterday", 5])
def test_an_age_without_a_time_is_unknown(timestamp: object) -> None:
    assert age(timestamp, datetime.now(UTC)) == "<unknown>"


PORTS = [{"name": "a", "port": 80}, {"name": "b", "port": 443, "protocol": "UDP"}]
NAMESPACED: Sequence[Mapping[str, Any]] = (
    core("ConfigMap", "filled", data={"a": "1", "b": "2"}, binaryData={"c": "AA=="}),
    core("ConfigMap", "empty"),
    core("Secret", "filled", stringData={"a": "1"}),
    core("Secret", "empty", type="a.test/kind"),
    core("ServiceAccount", "plain"),
    core("ServiceAccount", "with-secrets", secrets=[{"name": "filled"}]),
    core("Service", "plain", spec={"selector": {"b": "2", "a": "1"}, "ports": PORTS}),
    core("Service", "headless", spec={"clusterIP": "None"}),
    core("Service", "outside", spec={"externalIPs": ["203.0.113.9"], "ports": PORTS}),
    core("Service", "on-nodes", spec={"type": "NodePort", "ports": PORTS}),
    core("Service", "alias", spec={"type": "ExternalName", "externalName": "a.test"}),
    core("Service", "balanced-soon", spec={"type": "LoadBalancer", "ports": PORTS}),
    core(
        "Service",
        "balanced",
        spec={"type": "LoadBalancer", "ports": PORTS, "externalIPs": ["203.0.113.9"]},
        status={"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}, {"hostname": "a.test"}]}},
    ),
    core("ResourceQuota", "empty", spec={"hard": {"pods": "1"}}),
    core(
        "ResourceQuota",
        "used",
        spec={"hard": {"pods": "100000"}},
        status={
            "hard": {"requests.cpu": "1500m", "limits.memory": "2048Mi", "pods": "1000"},
            "used": {"requests.cpu": "1000m", "pods": "5"},
        },
    ),
)
RBAC = "rbac.authorization.k8s.io"
SUBJECTS = [
    {"kind": "User", "name": "jane", "apiGroup": RBAC},
    {"kind": "User", "name": "sam", "apiGroup": RBAC},
    {"kind": "Group", "name": "team-a", "apiGroup": RBAC},
    {"kind": "ServiceAccount", "name": "plain", "namespace": "default"},
]


@pytest.mark.parametrize(
    "kind", ["ConfigMap", "Secret", "ServiceAccount", "Service", "ResourceQuota"]
)
def test_core_kinds_are_printed_as_the_server_prints_them(
    kind: str, ask: Asker, namespace: str
) -> None:
    objects = [each for each in NAMESPACED if each["kind"] == kind]
    for obj in objects:
        create(ask, namespace, obj)
    found = resource("v1", kind)
    rows = assert_same_table(ask, found, path_of(found, namespace))["rows"]
    assert {each["metadata"]["name"] for each in objects} <= {row["cells"][0] for row in rows}


def test_roles_are_printed_as_the_server_prints_them(ask: Asker, place: str) -> None:
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": "one"}, "rules": []}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "one"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"},
        "subjects": SUBJECTS,
    }
    for obj in (role, binding):
        create(ask, place, obj)
        kind = resource(f"{RBAC}/v1", str(obj["kind"]))
        assert assert_same_table(ask, kind, path_of(kind, place))["rows"]


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v1", "Namespace"),
        (f"{RBAC}/v1", "ClusterRole"),
        (f"{RBAC}/v1", "ClusterRoleBinding"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ],
)
def test_kinds_of_the_cluster_are_printed_as_the_server_prints_them(
    api_version: str, kind: str, ask: Asker
) -> None:
    found = resource(api_version, kind)
    assert assert_same_table(ask, found, path_of(found, ""))["rows"]


NODE_STATUS = {
    "conditions": [{"type": "Ready", "status": "True"}],
    "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
    "nodeInfo": {
        "kubeletVersion": "v1.34.4",
        "osImage": "Some OS",
        "kernelVersion": "6.1",
        "containerRuntimeVersion": "containerd://2.0.0",
        **dict.fromkeys(("architecture", "bootID", "kubeProxyVersion", "machineID"), ""),
        "operatingSystem": "linux",
        "systemUUID": "",
    },
}
LABELS = {"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "gpu"}


def test_nodes_are_printed_as_the_server_prints_them(ask: Asker, place: str) -> None:
    kind = resource("v1", "Node")
    not_ready = {**NODE_STATUS, "conditions": [{"type": "Ready", "status": "Unknown"}]}
    nodes = [
        core("Node", f"{place}-new"),
        core("Node", f"{place}-ready", status=NODE_STATUS),
        core("Node", f"{place}-bad", status=not_ready, spec={"unschedulable": True}),
    ]
    nodes[1]["metadata"] |= {"labels": LABELS}
    try:
        for node in nodes:
            create(ask, "", node)
        rows = assert_same_table(ask, kind, path_of(kind, ""))["rows"]
        words = {row["cells"][0].removeprefix(f"{place}-"): row["cells"][1:3] for row in rows}
        assert words["ready"] == ["Ready", "gpu,worker"]
        assert words["bad"] == ["NotReady,SchedulingDisabled", "<none>"]
    finally:
        for node in nodes:
            ask("DELETE", path_of(kind, "", node["metadata"]["name"]))
