"""Bad requests to the real API server, and the same answers word for word from our functions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from matrixinfer_client.testing import refusals
from matrixinfer_client.testing.decoding import (
    FieldValidation,
    check_target,
    decode_body,
    identity_refusal,
    strict_problems,
    strict_refusal,
    undecodable,
    warning_headers,
)
from matrixinfer_client.testing.metafaults import metadata_fault
from matrixinfer_client.testing.refusals import Refusal
from matrixinfer_client.validation.objects import complete
from matrixinfer_client.validation.schemas import kind_schema
from tests.cluster.server import ApiServer
from tests.fake.asking import Answer, Asker, asker

GROUP = "registry.matrixinfer.ai"
VERSION = f"{GROUP}/v1alpha1"
KIND = "AutoscalingPolicy"
PLURAL = "autoscalingpolicies"
SPEC: Mapping[str, Any] = {"metrics": [{"metricName": "m", "targetValue": 10}]}


@pytest.fixture(scope="module")
def ask(api_server: ApiServer) -> Iterator[Asker]:
    with asker(api_server) as ready:
        yield ready


@pytest.fixture(scope="module")
def place(api_server: ApiServer) -> Iterator[str]:
    """A namespace that all tests here read; none of them stores anything in it."""
    name = api_server.create_namespace("texts-")
    yield name
    api_server.delete_namespace(name)


def path(place: str, plural: str = PLURAL, name: str = "") -> str:
    return f"/apis/{VERSION}/namespaces/{place}/{plural}" + (f"/{name}" if name else "")


def policy(**fields: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {"apiVersion": VERSION, "kind": KIND, "metadata": {"name": "p"}}
    return {**whole, "spec": SPEC, **fields}


def text(**parts: str) -> bytes:
    """A policy as JSON text, into which fields can be written twice."""
    metadata, spec, root = (parts.get(name, "") for name in ("metadata", "spec", "root"))
    return (
        f'{{"apiVersion":"{VERSION}","kind":"{KIND}","metadata":{{"name":"p"{metadata}}},'
        f'"spec":{{"metrics":[{{"metricName":"m","targetValue":10}}]{spec}}}{root}}}'
    ).encode()


def received(
    body: bytes, content_type: str, strict: FieldValidation, place: str, name: str | None
) -> tuple[Refusal | None, list[str]]:
    """What our functions make of the body of a policy: a refusal, or the warnings."""
    problems: list[str] = []
    try:
        obj, twice = decode_body(
            body, content_type, api_version=VERSION, kind=KIND, custom=True, strict=strict
        )
        fault = metadata_fault(obj.get("metadata"))
        if fault is not None:
            raise undecodable(obj, KIND, fault)
        if obj["kind"] == KIND:
            problems = strict_problems(twice, complete(kind_schema(KIND), obj)[1])
        if problems and strict == "Strict":
            raise strict_refusal(obj, KIND, problems)
        check_target(obj, api_version=VERSION, kind=KIND, namespace=place, name=name)
        refusal = identity_refusal(obj, VERSION, KIND)
        if refusal is not None:
            raise refusal
    except Refusal as error:
        return error, []
    return None, warning_headers(problems if strict == "Warn" else [])


def assert_same(answer: Answer, refusal: Refusal | None) -> None:
    assert refusal is not None, answer
    assert answer.status == refusal.status
    assert answer.body == (refusal.body() if refusal.plain is None else refusal.plain)
    for name, value in refusal.headers.items():
        assert answer.headers[name.lower()] == [value]


BODIES = {
    "nothing": b"",
    "a blank": b" ",
    "an open brace": b"{",
    "a missing value": b'{"a":}',
    "a missing colon": b'{"a" 1}',
    "a missing comma": b'{"a":1 "b":2}',
    "a missing comma in a list": b'{"a":[1 2]}',
    "a comma too many": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "half a word": b'{"a":nul}',
    "half a number": b'{"a":1.}',
    "an escape that is none": b'{"a":"\\q"}',
    "a line break in a string": b'{"a":"\n"}',
    "more after the end": b'{"a":1} x',
    "not a number": b'{"a":NaN}',
    "a byte that is no text": b'{"a":"\xff"}',
    "a list": b"[]",
    "a string": b'"x"',
    "a number": b"3",
    "a truth": b"true",
    "null": b"null",
    "an empty object": b"{}",
    "a kind that is a number": b'{"kind":3}',
    "a version that is a number": b'{"apiVersion":3}',
    "a kind that is null": b'{"kind":null}',
    "a long body without a kind": json.dumps({"spec": "x" * 40}).encode(),
    "three megabytes": b" " * (3 * 1024 * 1024 + 1),
}

OBJECTS: Mapping[str, dict[str, Any]] = {
    "another kind": policy(kind="Model"),
    "an unknown kind": policy(kind="Nothing"),
    "an empty kind": policy(kind=""),
    "no version": policy(apiVersion=""),
    "the version of the core": policy(apiVersion="v1"),
    "a version with two slashes": policy(apiVersion="a/b/c"),
    "another namespace": policy(metadata={"name": "p", "namespace": "elsewhere"}),
    "metadata that is a number": policy(metadata=3),
    "metadata that is a list": policy(metadata=[]),
    "a name that is a number": policy(metadata={"name": 3}),
    "labels that are a list": policy(metadata={"name": "p", "labels": []}),
    "a label that is true": policy(metadata={"name": "p", "labels": {"b": 1, "a": True}}),
    "an annotation that is a mapping": policy(metadata={"name": "p", "annotations": {"a": {}}}),
    "two wrong fields": policy(metadata={"name": 3, "labels": 3}),
    "a finalizer that is a number": policy(metadata={"name": "p", "finalizers": [1]}),
    "an owner that is a number": policy(metadata={"name": "p", "ownerReferences": [1]}),
    "owners that are a mapping": policy(metadata={"name": "p", "ownerReferences": {}}),
    "a controller that is a word": policy(
        metadata={"name": "p", "ownerReferences": [{"controller": "x"}]}
    ),
    "a manager that is a number": policy(metadata={"name": "p", "managedFields": [{"manager": 3}]}),
    "a generation that is a word": policy(metadata={"name": "p", "generation": "x"}),
    "a generation with a fraction": policy(metadata={"name": "p", "generation": 1.5}),
    "a uid that is a number": policy(metadata={"name": "p", "uid": 3}),
    "a time that is a number": policy(metadata={"name": "p", "creationTimestamp": 3}),
    **{
        f"the time {time!r}": policy(metadata={"name": "p", "creationTimestamp": time})
        for time in (
            "",
            "yesterday",
            "2024-13-01T00:00:00Z",
            "2024-1-01T00:00:00Z",
            "2024-02-31T00:00:00Z",
            "2024-01-01",
            "2024-01-01 00:00:00Z",
            "2024-01-01T25:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00+25:00",
            "2024-01-01T00:00:00Zulu",
        )
    },
}

TYPES = ["text/plain", "application/merge-patch+json", "application/json;x", "application/cbor"]

STRICT = {
    "unknown fields": text(
        metadata=',"zz":1,"a":1', spec=',"b":1,"a":{"c":1}', root=',"x":1,"a":2'
    ),
    "fields that come twice": text(
        metadata=',"name":"q","labels":{"a":"1","a":"2"}', spec=',"a":1,"a":2', root=',"kind":"x"'
    ).replace(b'"kind":"x"', b'"kind":"AutoscalingPolicy"'),
    "fields that come twice inside of each other": text(
        spec=',"a":{"b":1,"b":1},"a":{"b":1,"b":1}'
    ),
    "quotes in a name": text(spec=',"a\\"b":1,"a\\"b":2'),
    "unknown fields of owners": text(
        metadata=',"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u","x":1}]'
    ),
    "more than a hundred": text(
        metadata="".join(f',"m{number:03}":1' for number in range(110)),
        spec="".join(f',"s{number:03}":1,"s{number:03}":1' for number in range(110)),
    ),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_object_is_refused_in_the_same_words(
    body: bytes, ask: Asker, place: str
) -> None:
    answer = ask("POST", path(place), body)
    assert_same(answer, received(body, "application/json", "Strict", place, None)[0])


@pytest.mark.parametrize("obj", OBJECTS.values(), ids=OBJECTS)
def test_an_object_that_does_not_fit_is_refused_in_the_same_words(
    obj: dict[str, Any], ask: Asker, place: str
) -> None:
    body = json.dumps(obj).encode()
    answer = ask("POST", path(place), body)
    assert_same(answer, received(body, "application/json", "Warn", place, None)[0])


@pytest.mark.parametrize(
    "metadata", [{"name": "q"}, {}, {"name": "p", "namespace": "elsewhere"}], ids=str
)
def test_an_update_to_another_address_is_refused_in_the_same_words(
    metadata: dict[str, Any], ask: Asker, place: str
) -> None:
    body = json.dumps(policy(metadata=metadata)).encode()
    answer = ask("PUT", path(place, name="p"), body)
    assert_same(answer, received(body, "application/json", "Warn", place, "p")[0])


@pytest.mark.parametrize("content_type", TYPES)
def test_a_body_of_another_type_is_refused_in_the_same_words(
    content_type: str, ask: Asker, place: str
) -> None:
    answer = ask("POST", path(place), b"{}", content_type=content_type)
    assert_same(answer, received(b"{}", content_type, "Warn", place, None)[0])


@pytest.mark.parametrize("body", STRICT.values(), ids=STRICT)
def test_what_strict_validation_minds_is_told_in_the_same_words(
    body: bytes, ask: Asker, place: str
) -> None:
    strict = ask("POST", f"{path(place)}?dryRun=All&fieldValidation=Strict", body)
    assert_same(strict, received(body, "application/json", "Strict", place, None)[0])


@pytest.mark.parametrize("body", list(STRICT.values())[:-1], ids=list(STRICT)[:-1])
def test_what_strict_validation_minds_is_a_warning_in_the_same_words(
    body: bytes, ask: Asker, place: str
) -> None:
    answer = ask("POST", f"{path(place)}?dryRun=All", body)
    assert answer.status == 201
    assert answer.headers["warning"] == received(body, "application/json", "Warn", place, None)[1]
    ignored = ask("POST", f"{path(place)}?dryRun=All&fieldValidation=Ignore", body)
    assert ignored.status == 201
    assert "warning" not in ignored.headers
    assert received(body, "application/json", "Ignore", place, None) == (None, [])


def test_too_long_warnings_are_cut_in_the_same_way(ask: Asker, place: str) -> None:
    body = text(spec="".join(f',"{letter * 400}":1' for letter in "abcdefghijklmnopqrst"))
    answer = ask("POST", f"{path(place)}?dryRun=All", body)
    assert answer.headers["warning"] == received(body, "application/json", "Warn", place, None)[1]


YAML = {
    "a key twice": f"apiVersion: {VERSION}\nkind: {KIND}\nmetadata:\n  name: p\n  labels:\n"
    '    x: "1"\n    x: "2"\n  labels:\n    x: "1"\n    x: "2"\nfoo: 1\n',
    "a scalar": "x",
    "a list": "- 1",
    "nothing": "",
    "an open list": "a: [",
    "a tab": "\t",
    "an open quote": '"',
    "a number as a key": "1: 2",
    "two documents": "a: 1\n---\nb: 2\n",
    "a wrong indent": "a:\n  b: 1\n c: 2\n",
}


@pytest.mark.parametrize("document", YAML.values(), ids=YAML)
def test_yaml_that_does_not_fit_is_refused_in_the_same_words(
    document: str, ask: Asker, place: str
) -> None:
    body = document.encode()
    target = f"{path(place)}?dryRun=All&fieldValidation=Strict"
    answer = ask("POST", target, body, content_type="application/yaml")
    assert_same(answer, received(body, "application/yaml", "Strict", place, None)[0])


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
