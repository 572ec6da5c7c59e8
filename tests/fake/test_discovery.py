"""Discovery and schemas: the fake's answers, beside those of the real API server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from matrixinfer_client.testing.apiserver.discovering import VERSION, discovery
from matrixinfer_client.testing.apiserver.refusal import Refusal
from matrixinfer_client.testing.exchange import ADMIN, ANONYMOUS, Call, Caller
from tests.cluster.server import ApiServer
from tests.fake.asking import Answer, Asker

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# What kubectl sends.
KUBECTL = f"{AGGREGATED},{AGGREGATED.replace('v2', 'v2beta1')},application/json"
OWN = ("networking", "registry", "workload")


def fake(
    path: str,
    *,
    method: str = "GET",
    accept: str = "application/json",
    caller: Caller | None = None,
    **headers: str,
) -> Answer:
    """What the fake answers; everything that may be asked here is its own."""
    path, _, query = path.partition("?")
    options = dict(part.partition("=")[::2] for part in query.split("&") if part)
    call = Call(
        method=method,
        path=path,
        caller=caller or ADMIN,
        query={name: [value] for name, value in options.items()},
        headers={"accept": accept}
        | {key.replace("_", "-"): value for key, value in headers.items()},
    )
    try:
        reply = discovery(call)
    except Refusal as refusal:
        body = refusal.body() if refusal.plain is None else refusal.plain
        return Answer(refusal.status, {}, body)
    assert reply is not None, f"{path} is taken for a resource"
    found: dict[str, list[str]] = {}
    for name, value in reply.headers:
        found.setdefault(name.lower(), []).append(value)
    try:
        return Answer(reply.status, found, json.loads(reply.body))
    except ValueError:
        return Answer(reply.status, found, reply.body.decode())


def real(ask: Asker, path: str, *, method: str = "GET", accept: str = "application/json") -> Answer:
    return ask(method, path, headers={"Accept": accept})


def header(answer: Answer, name: str) -> str:
    return ", ".join(answer.headers.get(name, ()))


def test_the_version_is_that_of_the_server(ask: Asker) -> None:
    mine, theirs = fake("/version").body, real(ask, "/version").body
    assert mine.keys() == theirs.keys()
    releases = {name for name in mine if name.endswith(("ajor", "inor"))} | {"gitVersion"}
    assert {name: mine[name] for name in releases} == {name: theirs[name] for name in releases}
    assert theirs["gitVersion"] == VERSION


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/readyz/ping", "/livez/nope"])
def test_health_is_told_in_words(path: str, ask: Asker) -> None:
    mine, theirs = fake(path), real(ask, path)
    assert (mine.status, mine.body) == (theirs.status, theirs.body)


@pytest.mark.parametrize("name", ["healthz", "livez", "readyz"])
def test_verbose_health_lists_its_checks_as_the_server_does(name: str, ask: Asker) -> None:
    mine = fake(f"/{name}?verbose=").body.splitlines()
    theirs = real(ask, f"/{name}?verbose").body.splitlines()
    assert set(mine) <= set(theirs)
    assert mine[-1] == f"{name} check passed"


def test_the_core_group_is_found_as_on_the_server(ask: Asker, api_server: ApiServer) -> None:
    host = api_server.url.removeprefix("https://")
    assert fake("/api", host=host).body == real(ask, "/api").body


def test_groups_are_those_of_the_server_in_its_order(ask: Asker) -> None:
    mine, theirs = fake("/apis").body, real(ask, "/apis").body
    names = [group["name"] for group in mine["groups"]]
    assert names[-3:] == [f"{name}.matrixinfer.ai" for name in OWN]
    custom = [group for group in theirs["groups"] if group["name"].endswith(".matrixinfer.ai")]
    assert mine["groups"][-3:] == custom
    known = {group["name"]: group for group in theirs["groups"]}
    assert mine["groups"] == [known[name] for name in names]
    assert names == [name for name in known if name in names]


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_group_of_the_platform_is_described_as_on_the_server(
    name: str, slash: str, ask: Asker
) -> None:
    path = f"/apis/{name}.matrixinfer.ai{slash}"
    assert fake(path).body == real(ask, path).body


def by_name(document: Mapping[str, Any]) -> dict[str, Any]:
    return {resource["name"]: resource for resource in document["resources"]}


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("slash", ["", "/"])
def test_resources_of_the_platform_are_listed_as_on_the_server(
    name: str, slash: str, ask: Asker
) -> None:
    path = f"/apis/{name}.matrixinfer.ai/v1alpha1{slash}"
    mine, theirs = fake(path).body, real(ask, path).body
    # The server lists them in no order that lasts.
    assert by_name(mine) == by_name(theirs)
    assert {**mine, "resources": []} == {**theirs, "resources": []}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1",
        "/apis/apiextensions.k8s.io/v1",
        "/apis/authentication.k8s.io/v1",
        "/apis/authorization.k8s.io/v1",
        "/apis/rbac.authorization.k8s.io/v1",
    ],
)
def test_core_resources_are_listed_as_far_as_they_are_there(path: str, ask: Asker) -> None:
    mine, theirs = fake(path).body, real(ask, path).body
    known = by_name(theirs)
    assert mine["resources"] == [known[name] for name in by_name(mine)]
    assert {**mine, "resources": []} == {**theirs, "resources": []}


@pytest.mark.parametrize("path", ["/api", "/apis"])
def test_all_resources_can_be_had_at_once(path: str, ask: Asker) -> None:
    mine, theirs = fake(path, accept=KUBECTL), real(ask, path, accept=KUBECTL)
    assert header(mine, "content-type") == header(theirs, "content-type") == AGGREGATED
    known = {group["metadata"].get("name", ""): group for group in theirs.body["items"]}
    assert mine.body["items"]
    for group in mine.body["items"]:
        [version], [original] = (
            group["versions"],
            known[group["metadata"].get("name", "")]["versions"],
        )
        resources = {each["resource"]: each for each in original["resources"]}
        for each in version["resources"]:
            expected = dict(resources[each["resource"]])
            subresources = each.pop("subresources", [])
            offered = expected.pop("subresources", [])
            assert each == expected
            assert [sub for sub in subresources if sub not in offered] == []
        assert {**version, "resources": []} == {**original, "resources": []}
        if group["metadata"].get("name", "").endswith(".matrixinfer.ai"):
            assert [each["resource"] for each in version["resources"]] == list(resources)


@pytest.mark.parametrize(
    "path",
    [
        "/apis/nope.test",
        "/apis/nope.test/v1",
        "/apis/registry.matrixinfer.ai/v1",
        "/apis/rbac.authorization.k8s.io/v2",
        "/api/v2",
    ],
)
def test_what_is_not_served_is_not_found_in_the_words_of_the_server(path: str, ask: Asker) -> None:
    mine, theirs = fake(path), real(ask, path)
    assert (mine.status, mine.body) == (theirs.status, theirs.body)
    assert mine.status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/version",
        "/healthz",
        "/api/v1",
        "/apis/rbac.authorization.k8s.io/v1",
        "/apis/registry.matrixinfer.ai",
        "/apis/registry.matrixinfer.ai/v1alpha1",
    ],
)
def test_another_method_is_refused_where_the_server_refuses_it(
    method: str, path: str, ask: Asker
) -> None:
    mine, theirs = fake(path, method=method), real(ask, path, method=method)
    assert mine.status == theirs.status
    if mine.status == 405:
        assert mine.body == theirs.body


@pytest.mark.parametrize("path", ["/apis", "/apis/registry.matrixinfer.ai/v1alpha1"])
@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/json;as=Table;v=v1;g=meta.k8s.io",
        AGGREGATED.replace("v2", "v2beta1"),
        "*/*",
        "text/html, */*;q=0.5",
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    ],
)
def test_the_form_is_negotiated_as_by_the_server(path: str, accept: str, ask: Asker) -> None:
    mine, theirs = fake(path, accept=accept), real(ask, path, accept=accept)
    assert mine.status == theirs.status
    if mine.status == 406:
        assert mine.body == theirs.body


@pytest.mark.parametrize("path", ["/api", "/openapi/v3/apis/registry.matrixinfer.ai/v1alpha1"])
def test_who_has_a_document_is_told_that_it_did_not_change(path: str, ask: Asker) -> None:
    first = fake(path, accept=KUBECTL)
    again = fake(path, accept=KUBECTL, if_none_match=header(first, "etag"))
    assert (again.status, again.body) == (304, "")
    theirs = real(ask, path, accept=KUBECTL)
    tag = {"Accept": KUBECTL, "If-None-Match": header(theirs, "etag")}
    assert ask("GET", path, headers=tag).status == 304


@pytest.mark.parametrize(
    "path",
    ["/api", "/apis", "/apis/registry.matrixinfer.ai", "/openapi/v3", "/", "/version", "/readyz"],
)
def test_who_is_not_logged_in_sees_health_and_version_only(
    path: str, api_server: ApiServer
) -> None:
    mine = fake(path, caller=ANONYMOUS)
    status, body = api_server.request("GET", path, user=None)
    assert mine.status == status
    if status == 403:
        assert mine.body == body


@pytest.mark.parametrize("path", ["/api", "/apis/registry.matrixinfer.ai/v1alpha1", "/readyz/ping"])
def test_who_is_logged_in_sees_what_there_is_but_no_single_check(
    path: str, api_server: ApiServer
) -> None:
    mine = fake(path, caller=Caller("plain", ("system:authenticated",)))
    status, body = api_server.request("GET", path, user="plain")
    assert mine.status == status
    if status == 403:
        assert mine.body == body


@pytest.mark.parametrize("path", ["/api/v1/pods", "/apis/g/v/kinds", "/metrics", "/openapi"])
def test_other_paths_are_left_to_the_resources(path: str) -> None:
    assert discovery(Call(method="GET", path=path)) is None


def test_the_paths_are_listed(ask: Asker) -> None:
    mine = fake("/").body["paths"]
    assert "/apis/registry.matrixinfer.ai/v1alpha1" in mine
    theirs = set(real(ask, "/").body["paths"])
    assert [path for path in mine if path not in theirs] == []


def undescribed(value: Any) -> Any:
    """Without descriptions: of what is not the platform's they are our own."""
    if isinstance(value, list):
        return [undescribed(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: undescribed(each)
        for key, each in value.items()
        if not (key == "description" and isinstance(each, str))
    }


@pytest.mark.parametrize("name", OWN)
def test_schemas_of_the_platform_are_those_that_the_server_publishes(name: str, ask: Asker) -> None:
    path = f"/openapi/v3/apis/{name}.matrixinfer.ai/v1alpha1"
    mine, theirs = fake(path).body, real(ask, path).body
    assert undescribed(mine["paths"]) == undescribed(theirs["paths"])
    components, known = mine["components"]["schemas"], theirs["components"]["schemas"]
    kinds = [each for each in components if each.startswith(f"ai.matrixinfer.{name}.")]
    assert set(kinds) == {each for each in known if each.startswith("ai.matrixinfer.")}
    assert components.keys() == known.keys()
    for kind in kinds:
        assert undescribed(components[kind]) == undescribed(known[kind])
        for part in ("spec", "status"):
            # To the last word of a description, since `kubectl explain` shows them.
            if part in components[kind]["properties"]:
                assert components[kind]["properties"][part] == known[kind]["properties"][part]


def test_every_document_of_the_index_is_there_and_lasts(ask: Asker) -> None:
    index = fake("/openapi/v3")
    assert header(index, "content-type") == header(real(ask, "/openapi/v3"), "content-type")
    paths = index.body["paths"]
    assert paths.keys() <= real(ask, "/openapi/v3").body["paths"].keys()
    assert "apis/registry.matrixinfer.ai/v1alpha1" in paths
    for entry in paths.values():
        found = fake(entry["serverRelativeURL"])
        assert found.status == 200
        assert header(found, "cache-control") == "public, immutable"
        assert references(found.body) <= {
            f"#/components/schemas/{name}" for name in found.body["components"]["schemas"]
        }


def references(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return found.union(*map(references, value.values()))


def test_core_kinds_are_where_they_are_on_the_server(ask: Asker) -> None:
    mine, theirs = fake("/openapi/v3/api/v1").body, real(ask, "/openapi/v3/api/v1").body
    for path, item in mine["paths"].items():
        known = theirs["paths"][path]
        for method in item.keys() - {"parameters"}:
            for key in ("operationId", "x-kubernetes-action", "x-kubernetes-group-version-kind"):
                assert item[method][key] == known[method][key], (path, method)
    kinds = {
        name: schema["x-kubernetes-group-version-kind"]
        for name, schema in mine["components"]["schemas"].items()
        if name.startswith("io.k8s.api.core.v1.") and "x-kubernetes-group-version-kind" in schema
    }
    known = theirs["components"]["schemas"]
    assert kinds == {name: known[name]["x-kubernetes-group-version-kind"] for name in kinds}


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("/openapi/v3/apis/nope.test/v1", "application/json", 404),
        ("/openapi/v3/apis/registry.matrixinfer.ai", "application/json", 404),
        ("/openapi/v3/apis/registry.matrixinfer.ai/v1alpha1", "text/html", 406),
    ],
)
def test_a_schema_that_is_not_there_is_refused_without_a_word(
    path: str, accept: str, status: int, ask: Asker
) -> None:
    mine, theirs = fake(path, accept=accept), real(ask, path, accept=accept)
    assert (mine.status, mine.body) == (theirs.status, theirs.body) == (status, "")


PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


@pytest.mark.parametrize("accept", ["application/json", PROTOBUF])
def test_the_older_schemas_are_there_but_empty(accept: str, ask: Asker) -> None:
    mine, theirs = fake("/openapi/v2", accept=accept), real(ask, "/openapi/v2", accept=accept)
    assert header(mine, "content-type") == header(theirs, "content-type")
    if accept == PROTOBUF:
        # They begin with the same fields, and ours end there.
        assert theirs.body.startswith(mine.body)
    else:
        assert {**theirs.body, "paths": {}}.items() >= mine.body.items()
