"""What goes with what: owners and their dependents, namespaces and what is in them.

On FakeCluster alone, for in a cluster these are the deeds of controllers, and the harness of the
real API server runs none. What is expected here is what the documentation of Kubernetes says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from matrixinfer_client.testing import FakeCluster
from tests.behaviour.samples import MODEL, MODEL_INFER, Sample

NAMESPACE = "team"
MERGE_PATCH = "application/merge-patch+json"


class Family:
    """Owners and dependents in a cluster that collects garbage."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.cluster = cluster

    def create(self, sample: Sample, name: str, *owners: Any, **metadata: Any) -> Any:
        references = [
            {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "blockOwnerDeletion": True,
            }
            for owner in owners
        ]
        body = sample.mapping(name, ownerReferences=references, **metadata)
        status, made = self.cluster.request("POST", sample.path(NAMESPACE), body)
        assert status == 201, made
        return made

    def delete(self, sample: Sample, name: str, **options: Any) -> None:
        path = sample.path(NAMESPACE, name)
        status, answer = self.cluster.request("DELETE", path, options or None)
        assert status == 200, answer

    def release(self, sample: Sample, name: str) -> None:
        """Take all finalizers away."""
        patch = {"metadata": {"finalizers": None}}
        path = sample.path(NAMESPACE, name)
        assert self.cluster.request("PATCH", path, patch, MERGE_PATCH)[0] == 200

    def get(self, sample: Sample, name: str) -> Any:
        """The object, or None."""
        status, found = self.cluster.request("GET", sample.path(NAMESPACE, name))
        return found if status == 200 else None

    def names(self, sample: Sample) -> list[str]:
        _, listed = self.cluster.request("GET", sample.path(NAMESPACE))
        return [item["metadata"]["name"] for item in listed["items"]]


@pytest.fixture
def family() -> Iterator[Family]:
    with FakeCluster(webhooks=False) as cluster:
        cluster.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        yield Family(cluster)


def test_dependents_go_with_their_owner(family: Family) -> None:
    owner = family.create(MODEL, "owner")
    child = family.create(MODEL_INFER, "child", owner)
    family.create(MODEL, "grandchild", child)
    family.create(MODEL_INFER, "other")
    family.delete(MODEL, "owner")
    assert family.names(MODEL) == []
    assert family.names(MODEL_INFER) == ["other"]


def test_a_dependent_of_two_owners_stays_with_the_one_that_is_left(family: Family) -> None:
    first, second = family.create(MODEL, "first"), family.create(MODEL, "second")
    family.create(MODEL_INFER, "child", first, second)
    family.delete(MODEL, "first")
    (left,) = family.get(MODEL_INFER, "child")["metadata"]["ownerReferences"]
    assert left["name"] == "second"
    family.delete(MODEL, "second")
    assert family.names(MODEL_INFER) == []


def test_orphans_forget_their_owner(family: Family) -> None:
    owner = family.create(MODEL, "owner")
    family.create(MODEL_INFER, "child", owner)
    family.delete(MODEL, "owner", propagationPolicy="Orphan")
    assert family.get(MODEL, "owner") is None
    assert "ownerReferences" not in family.get(MODEL_INFER, "child")["metadata"]


def test_in_the_foreground_dependents_go_first(family: Family) -> None:
    owner = family.create(MODEL, "owner")
    family.create(MODEL_INFER, "child", owner, finalizers=["example.test/wait"])
    family.delete(MODEL, "owner", propagationPolicy="Foreground")
    waiting = family.get(MODEL, "owner")
    assert waiting["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert family.get(MODEL_INFER, "child")["metadata"]["deletionTimestamp"]
    family.release(MODEL_INFER, "child")
    assert family.get(MODEL_INFER, "child") is None
    assert family.get(MODEL, "owner") is None


def test_in_the_background_the_owner_does_not_wait(family: Family) -> None:
    owner = family.create(MODEL, "owner")
    family.create(MODEL_INFER, "child", owner, finalizers=["example.test/wait"])
    family.delete(MODEL, "owner", propagationPolicy="Background")
    assert family.get(MODEL, "owner") is None
    assert family.get(MODEL_INFER, "child")["metadata"]["deletionTimestamp"]
    family.release(MODEL_INFER, "child")
    assert family.get(MODEL_INFER, "child") is None


def test_an_owner_that_never_was_is_a_reason_to_go(family: Family) -> None:
    owner = family.create(MODEL, "owner")
    family.delete(MODEL, "owner")
    family.create(MODEL_INFER, "child", owner)
    assert family.names(MODEL_INFER) == []


def test_an_owner_that_was_made_anew_is_another_one(family: Family) -> None:
    owner = family.create(MODEL, "owner", finalizers=["example.test/wait"])
    child = family.create(MODEL_INFER, "child", owner)
    family.delete(MODEL, "owner")
    assert family.get(MODEL_INFER, "child")["metadata"]["uid"] == child["metadata"]["uid"]
    family.release(MODEL, "owner")
    family.create(MODEL, "owner")
    assert family.names(MODEL_INFER) == []


def test_a_watch_shows_owners_before_what_goes_with_them(family: Family) -> None:
    owner = family.create(MODEL, "owner")
    family.create(MODEL, "child", owner)
    _, listed = family.cluster.request("GET", MODEL.path(NAMESPACE))
    version = listed["metadata"]["resourceVersion"]
    family.delete(MODEL, "owner")
    path = f"{MODEL.path(NAMESPACE)}?watch=true&resourceVersion={version}"
    _, events = family.cluster.request("GET", path)
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in events] == [
        ("DELETED", "owner"),
        ("DELETED", "child"),
    ]


def test_a_namespace_takes_all_with_it(family: Family) -> None:
    family.create(MODEL, "one")
    family.create(MODEL_INFER, "two")
    path = f"/api/v1/namespaces/{NAMESPACE}"
    assert family.cluster.request("DELETE", path)[0] == 200
    assert family.cluster.request("GET", path)[0] == 404
    assert family.names(MODEL) == []
    assert family.names(MODEL_INFER) == []


def test_a_namespace_waits_for_what_is_held(family: Family) -> None:
    family.create(MODEL, "one", finalizers=["example.test/wait"])
    family.create(MODEL_INFER, "two")
    path = f"/api/v1/namespaces/{NAMESPACE}"
    family.cluster.request("DELETE", path)
    status, namespace = family.cluster.request("GET", path)
    assert (status, namespace["status"]["phase"]) == (200, "Terminating")
    assert family.names(MODEL_INFER) == []
    family.release(MODEL, "one")
    assert family.cluster.request("GET", path)[0] == 404
