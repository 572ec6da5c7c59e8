"""Bad bodies sent to the real API server, and the same answers word for word from our functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from matrixinfer_client.testing.apiserver.decoding import (
    FieldValidation,
    check_target,
    decode_body,
    identity_refusal,
    strict_problems,
    strict_refusal,
    undecodable,
)
from matrixinfer_client.testing.apiserver.jsontext import as_stored, read_json
from matrixinfer_client.testing.apiserver.metafaults import metadata_fault
from matrixinfer_client.testing.apiserver.refusals import Refusal
from matrixinfer_client.testing.apiserver.warning import warning_headers
from matrixinfer_client.validation.objects import complete
from matrixinfer_client.validation.schemas import kind_schema
from tests.fake.asking import Asker, assert_same

GROUP = "registry.matrixinfer.ai"
VERSION = f"{GROUP}/v1alpha1"
KIND = "AutoscalingPolicy"
PLURAL = "autoscalingpolicies"
SPEC: Mapping[str, Any] = {"metrics": [{"metricName": "m", "targetValue": 10}]}


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


def config(**fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": "c"}, **fields}


CORE = {
    "nothing": b"",
    "a list": b"[]",
    "half of an object": b'{"a":1',
    "a kind that is a number": b'{"kind":3}',
    **{
        name: json.dumps(obj).encode()
        for name, obj in {
            "another kind": config(apiVersion="v1", kind="Service"),
            "a kind of another group": config(apiVersion="apps/v1", kind="Deployment"),
            "an unknown kind": config(apiVersion="v1", kind="Nothing"),
            "an unknown version": config(apiVersion="v2", kind="ConfigMap"),
            "a version with two slashes": config(apiVersion="a/b/c"),
            "another namespace": config(metadata={"name": "c", "namespace": "elsewhere"}),
            "metadata that is a number": config(metadata=3),
            "two wrong fields": config(metadata={"name": 3, "labels": {"b": 1, "a": True}}),
            "a controller that is a word": config(
                metadata={"name": "c", "ownerReferences": [{"controller": "x"}]}
            ),
            "a time that is none": config(metadata={"name": "c", "creationTimestamp": "x"}),
        }.items()
    },
}
KNOWN = {("v1", "ConfigMap"), ("v1", "Service"), ("apps/v1", "Deployment")}


def receive_config(body: bytes, place: str) -> None:
    kind, version = "ConfigMap", "v1"
    obj, _ = decode_body(body, "", api_version=version, kind=kind, custom=False)
    fault = metadata_fault(obj.get("metadata"), core_kind=kind)
    if fault is not None:
        raise undecodable(obj, kind, fault)
    check_target(
        obj, api_version=version, kind=kind, namespace=place, custom=False, registered=KNOWN
    )


@pytest.mark.parametrize("body", CORE.values(), ids=CORE)
def test_a_core_object_that_does_not_fit_is_refused_in_the_same_words(
    body: bytes, ask: Asker, place: str
) -> None:
    with pytest.raises(Refusal) as caught:
        receive_config(body, place)
    assert_same(ask("POST", f"/api/v1/namespaces/{place}/configmaps", body), caught.value)


def test_numbers_become_what_they_become_in_the_store(ask: Asker, place: str) -> None:
    numbers = "[1.0,-0.0,1e3,1e20,1e21,9223372036854775808,1.5,1e-7,123456789012345680.0,-7,9e18]"
    worker = f'{{"type":"server","image":"i","replicas":1,"pods":1,"config":{{"a":{numbers}}}}}'
    body = (
        f'{{"apiVersion":"{VERSION}","kind":"Model","metadata":{{"name":"m"}},"spec":{{"backends":['
        '{"name":"b","type":"vLLM","modelURI":"hf://a/b","cacheURI":"hostpath:///c",'
        f'"minReplicas":1,"maxReplicas":1,"workers":[{worker}]}}]}}}}'
    )
    answer = ask("POST", f"{path(place, 'models')}?dryRun=All", body.encode())
    assert answer.status == 201, answer
    stored = answer.body["spec"]["backends"][0]["workers"][0]["config"]["a"]
    assert repr(stored) == repr(as_stored(read_json(numbers)[0]))
