"""Requests that the real API server refuses, and our refusals word for word the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from matrixinfer_client.testing.apiserver import refusals
from matrixinfer_client.testing.apiserver.refusals import Refusal
from tests.cluster.server import ApiServer
from tests.fake.asking import Asker, assert_same

GROUP = "registry.matrixinfer.ai"
VERSION = f"{GROUP}/v1alpha1"
KIND = "AutoscalingPolicy"
PLURAL = "autoscalingpolicies"


def path(place: str, plural: str = PLURAL, name: str = "") -> str:
    return f"/apis/{VERSION}/namespaces/{place}/{plural}" + (f"/{name}" if name else "")


def policy() -> dict[str, Any]:
    return {
        "apiVersion": VERSION,
        "kind": KIND,
        "metadata": {"name": "p"},
        "spec": {"metrics": [{"metricName": "m", "targetValue": 10}]},
    }


Address = Callable[[str], str]

ADDRESSES: Mapping[str, tuple[str, Address, Refusal]] = {
    "an object that is not there": (
        "GET",
        lambda place: path(place, name="none"),
        refusals.not_found(GROUP, PLURAL, "none"),
    ),
    "a core object that is not there": (
        "GET",
        lambda place: f"/api/v1/namespaces/{place}/pods/none",
        refusals.not_found("", "pods", "none"),
    ),
    "a subresource that the kind lacks": (
        "GET",
        lambda place: path(place, name="p/scale"),
        refusals.not_found(GROUP, PLURAL, "p"),
    ),
    "an unknown path": ("GET", lambda _: "/nowhere", refusals.path_not_found()),
    "an unknown custom resource": (
        "GET",
        lambda place: path(place, "nothings"),
        refusals.path_not_found(),
    ),
    "an unknown core resource": ("GET", lambda _: "/api/v1/none", refusals.resource_not_served()),
    "a collection without a verb": ("PUT", path, refusals.bad_request("name must be provided")),
    "a status that is created": (
        "POST",
        lambda place: path(place, name="p/status"),
        refusals.method_not_allowed(GROUP, PLURAL, "create"),
    ),
    "a status that is deleted": (
        "DELETE",
        lambda place: path(place, name="p/status"),
        refusals.method_not_allowed(GROUP, PLURAL, "delete"),
    ),
    "a core verb that is not there": (
        "DELETE",
        lambda _: "/api/v1/namespaces",
        refusals.method_not_served(),
    ),
    "a namespace that stays": (
        "DELETE",
        lambda _: "/api/v1/namespaces/default",
        refusals.forbidden_because(
            "", "namespaces", "default", "this namespace may not be deleted"
        ),
    ),
    "a version that is none": (
        "GET",
        lambda place: f"{path(place)}?watch=1&resourceVersion=x",
        refusals.unclassified(
            'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'
        ),
    ),
}


@pytest.mark.parametrize("row", ADDRESSES.values(), ids=ADDRESSES)
def test_a_wrong_address_is_refused_in_the_same_words(
    row: tuple[str, Address, Refusal], ask: Asker, place: str
) -> None:
    method, address, refusal = row
    assert_same(ask(method, address(place)), refusal)


def test_a_version_that_is_yet_to_come_times_out_in_the_same_words(ask: Asker, place: str) -> None:
    answer = ask("GET", f"{path(place)}?resourceVersion=900000000")
    found = re.search("current: ([0-9]+)", answer.body["message"])
    assert found is not None
    assert_same(answer, refusals.resource_version_too_large(900_000_000, int(found[1])))


def test_conflicts_are_told_in_the_same_words(ask: Asker, place: str) -> None:
    stored = ask("POST", path(place), policy()).body
    uid, version = stored["metadata"]["uid"], stored["metadata"]["resourceVersion"]
    address = path(place, name="p")
    again = ask("POST", path(place), policy())
    assert_same(again, refusals.already_exists(GROUP, PLURAL, "p"))
    stale = ask(
        "PUT", address, {**stored, "metadata": {**stored["metadata"], "resourceVersion": "1"}}
    )
    assert_same(stale, refusals.conflict(GROUP, PLURAL, "p"))
    foreign = ask("PUT", address, {**stored, "metadata": {**stored["metadata"], "uid": "u"}})
    key = f"/registry/{GROUP}/{PLURAL}/{place}/p"
    assert_same(foreign, refusals.update_uid_conflict(GROUP, PLURAL, "p", "u", uid, key=key))
    blind = ask("PUT", address, policy())
    assert_same(blind, refusals.resource_version_required(GROUP, PLURAL, "p"))
    other = ask("DELETE", address, {"preconditions": {"uid": "u"}})
    assert_same(other, refusals.delete_uid_conflict(GROUP, KIND, "p", "u", uid))
    old = ask("DELETE", address, {"preconditions": {"resourceVersion": "1"}})
    expected = refusals.delete_resource_version_conflict(GROUP, KIND, "p", "1", version)
    assert_same(old, expected)
    assert ask("DELETE", address).status == 200


def test_who_is_unknown_or_has_no_rights_is_told_in_the_same_words(
    api_server: ApiServer, ask: Asker, place: str
) -> None:
    assert_same(ask("GET", path(place), token="nobody"), refusals.unauthorized())
    plain = api_server.token("plain")
    where = {"group": GROUP, "plural": PLURAL}
    listing = refusals.forbidden("plain", "list", **where, namespace=place)
    assert_same(ask("GET", path(place), token=plain), listing)
    reading = refusals.forbidden("plain", "get", **where, namespace=place, name="p<&>")
    assert_same(ask("GET", path(place, name="p%3C&%3E"), token=plain), reading)
    status = refusals.forbidden(
        "plain", "update", **where, namespace=place, name="p", subresource="status"
    )
    assert_same(ask("PUT", path(place, name="p/status"), {}, token=plain), status)
    everywhere = refusals.forbidden("plain", "list", **where)
    assert_same(ask("GET", f"/apis/{VERSION}/{PLURAL}", token=plain), everywhere)
    core = refusals.forbidden("plain", "create", group="", plural="pods", namespace=place)
    assert_same(ask("POST", f"/api/v1/namespaces/{place}/pods", {}, token=plain), core)
    metrics = refusals.forbidden_path("plain", "get", "/metrics")
    assert_same(ask("GET", "/metrics", token=plain), metrics)


def test_a_namespace_that_is_going_takes_nothing_in_the_same_words(
    api_server: ApiServer, ask: Asker
) -> None:
    name = api_server.create_namespace("going-")
    ask("DELETE", f"/api/v1/namespaces/{name}")
    answer = ask("POST", path(name), policy())
    assert_same(answer, refusals.namespace_terminating(GROUP, PLURAL, "p", name))
    api_server.delete_namespace(name)


def test_a_format_that_the_server_does_not_write_is_refused_in_the_same_words(
    ask: Asker, place: str
) -> None:
    answer = ask("GET", path(place), headers={"Accept": "text/html"})
    accepted = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]
    assert_same(answer, refusals.not_acceptable(accepted))
