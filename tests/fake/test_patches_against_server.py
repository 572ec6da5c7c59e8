"""Patches to the real API server, and the same results and refusals from our functions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from matrixinfer_client.testing.apiserver.decoding import (
    FieldValidation,
    check_target,
    identity_refusal,
    strict_problems,
)
from matrixinfer_client.testing.apiserver.jsontext import write_json
from matrixinfer_client.testing.apiserver.patching import (
    CUSTOM_PATCH_TYPES,
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_MERGE_PATCH,
    decode_patch,
    json_patch,
    merge_patch,
    patched_object,
    strategic_merge_patch,
)
from matrixinfer_client.testing.apiserver.refusals import (
    Refusal,
    invalid_patch,
    media_type_not_served,
    unsupported_media_type,
)
from matrixinfer_client.validation.objects import complete
from matrixinfer_client.validation.schemas import kind_schema
from tests.fake.asking import Answer, Asker

VERSION = "registry.matrixinfer.ai/v1alpha1"
KIND = "AutoscalingPolicy"
POLICY = {
    "apiVersion": VERSION,
    "kind": KIND,
    "metadata": {"name": "p", "labels": {"a": "1"}, "finalizers": ["x.io/a", "x.io/b"]},
    "spec": {
        "metrics": [
            {"metricName": "m", "targetValue": 10},
            {"metricName": "n", "targetValue": 20},
        ]
    },
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": POLICY["metadata"],
    "spec": {
        "containers": [{"name": "c", "image": "i"}, {"name": "d", "image": "j"}],
        "tolerations": [{"key": "k", "operator": "Exists"}],
    },
}


class Stored:
    """An object in the store of the real server, and its address."""

    def __init__(self, ask: Asker, collection: str, obj: Any) -> None:
        self.ask = ask
        self.path = f"{collection}/p"
        answer = ask("POST", collection, obj)
        assert answer.status == 201, answer
        self.obj: dict[str, Any] = answer.body
        self.namespace: str = answer.body["metadata"]["namespace"]

    def patch(self, patch_type: str, body: Any, strict: str = "Strict") -> Answer:
        options = f"dryRun=All&fieldValidation={strict}"
        return self.ask("PATCH", f"{self.path}?{options}", body, content_type=patch_type)


@pytest.fixture(scope="module")
def policy(ask: Asker, place: str) -> Stored:
    return Stored(ask, f"/apis/{VERSION}/namespaces/{place}/autoscalingpolicies", POLICY)


@pytest.fixture(scope="module")
def pod(ask: Asker, place: str) -> Stored:
    return Stored(ask, f"/api/v1/namespaces/{place}/pods", POD)


def patched(
    stored: Stored, patch_type: str, body: bytes, strict: FieldValidation
) -> dict[str, Any] | Refusal:
    """What our functions make of a patch of the policy."""
    apply = json_patch if patch_type == JSON_PATCH else merge_patch
    try:
        patch, problems = decode_patch(body, patch_type, strict=strict)
        obj = patched_object(apply(stored.obj, patch))
        completed, unknown = complete(kind_schema(KIND), obj)
        problems = strict_problems(problems, unknown) if strict == "Strict" else []
        if problems:
            raise invalid_patch(write_json(obj), f"strict decoding error: {', '.join(problems)}")
        # A patch that changes the version is refused later, and in other words.
        version = completed["apiVersion"]
        check_target(
            completed, api_version=version, kind=KIND, namespace=stored.namespace, name="p"
        )
        refusal = identity_refusal(completed, VERSION, KIND)
    except Refusal as error:
        return error
    return refusal or completed


def content(obj: dict[str, Any]) -> Any:
    """What a patch can change; nothing is stored, so versions stay."""
    metadata = obj["metadata"]
    return [obj.get("spec"), metadata.get("labels") or None, metadata.get("finalizers")]


def assert_same(answer: Answer, ours: dict[str, Any] | Refusal) -> None:
    if isinstance(ours, Refusal):
        assert answer.status == ours.status, answer
        assert answer.body == ours.body()
    else:
        assert answer.status == 200, answer
        assert content(answer.body) == content(ours)


METRIC = '{"metricName":"q","targetValue":1}'

OPERATIONS = [
    "",
    "{",
    "{}",
    "3",
    "null",
    "[]",
    "[null]",
    "[1]",
    "[{}]",
    '[{"op":3,"path":"/spec"}]',
    '[{"op":"test","path":3}]',
    '[{"op":"nothing","path":"/spec"}]',
    '[{"op":"Add","path":"/spec/x","value":1}]',
    '[{"op":"add"}]',
    '[{"op":"add","path":""}]',
    '[{"op":"add","path":"spec","value":1}]',
    '[{"op":"add","path":"x/metadata/labels/b","value":"2"}]',
    '[{"op":"add","path":"/none/none","value":1}]',
    '[{"op":"add","path":"/kind/none","value":1}]',
    '[{"op":"add","path":"/spec/x","value":1}]',
    '[{"op":"add","path":"/metadata/labels/a~1b","value":"2"}]',
    '[{"op":"test","path":"/metadata/labels/a~01b","value":null}]',
    '[{"op":"add","path":"/metadata/labels","value":{"a":1}}]',
    '[{"op":"add","path":"/metadata/finalizers/-","value":"x.io/c"}]',
    '[{"op":"add","path":"/metadata/finalizers/-3","value":"x.io/c"}]',
    '[{"op":"add","path":"/metadata/finalizers/-4","value":"x.io/c"}]',
    '[{"op":"add","path":"/metadata/finalizers/+1","value":"x.io/c"}]',
    '[{"op":"add","path":"/metadata/finalizers/3","value":"x.io/c"}]',
    f'[{{"op":"add","path":"/spec/metrics/2","value":{METRIC}}}]',
    f'[{{"op":"add","path":"/spec/metrics/one","value":{METRIC}}}]',
    f'[{{"op":"replace","path":"/spec/metrics/-1","value":{METRIC}}}]',
    f'[{{"op":"replace","path":"/spec/metrics/2","value":{METRIC}}}]',
    '[{"op":"replace","path":"/spec/tolerancePercent","value":7}]',
    '[{"op":"replace","path":"","value":{}}]',
    '[{"op":"replace","path":"","value":[]}]',
    '[{"op":"replace","path":"","value":3}]',
    '[{"op":"replace","path":"/kind","value":"Nothing"}]',
    '[{"op":"replace","path":"/kind","value":3}]',
    '[{"op":"replace","path":"/apiVersion","value":"v1"}]',
    '[{"op":"replace","path":"/metadata/name","value":"q"}]',
    '[{"op":"replace","path":"/metadata/namespace","value":"q"}]',
    '[{"op":"replace","path":"/metadata","value":3}]',
    '[{"op":"remove","path":"/metadata"}]',
    '[{"op":"remove","path":"/kind"}]',
    '[{"op":"remove","path":"/spec/nothing"}]',
    '[{"op":"remove","path":"/spec/metrics/0"}]',
    '[{"op":"remove","path":"/spec/metrics/2"}]',
    '[{"op":"move","from":"/metadata/labels/a","path":"/metadata/labels/b"}]',
    '[{"op":"move","from":"/metadata/labels/b","path":"/metadata/labels/c"}]',
    '[{"op":"copy","from":"/metadata/labels/a","path":"/metadata/labels/b"}]',
    '[{"op":"copy","from":"/spec/metrics/5","path":"/spec/metrics/0"}]',
    '[{"op":"test","path":"/spec/metrics/0","value":{"targetValue":10,"metricName":"m"}}]',
    '[{"op":"test","path":"/spec/metrics/0/targetValue","value":10.0}]',
    '[{"op":"test","path":"/spec/metrics/0/targetValue","value":"10"}]',
    '[{"op":"test","path":"/spec/nothing","value":null}]',
    '[{"op":"test","path":"/spec/nothing","value":1}]',
    '[{"op":"add","path":"/metadata/labels/b","value":"2"},{"op":"test","path":"/x","value":1}]',
    '[{"op":"add","path":"/metadata/labels/b","value":"2","by":1,"op":"add"}]',
]

MERGES = [
    "",
    "{",
    "null",
    "[]",
    "3",
    '"x"',
    "{}",
    '{"kind":null}',
    '{"kind":"Nothing"}',
    '{"apiVersion":"v1"}',
    '{"metadata":null}',
    '{"metadata":{"name":null}}',
    '{"metadata":{"name":"q"}}',
    '{"metadata":{"namespace":"q"}}',
    '{"metadata":{"labels":null}}',
    '{"metadata":{"labels":{"a":null,"b":"2","c":null}}}',
    '{"metadata":{"labels":{"a":1}}}',
    '{"metadata":{"labels":["a"]}}',
    '{"metadata":{"finalizers":["x.io/c"]}}',
    '{"metadata":{"x":1},"x":{"<":"&"},"spec":{"x":1,"tolerancePercent":5,"x":2}}',
    '{"spec":{"tolerancePercent":null}}',
    f'{{"spec":{{"metrics":[{METRIC}]}}}}',
]


@pytest.mark.parametrize("strict", ["Strict", "Ignore"])
@pytest.mark.parametrize("text", OPERATIONS)
def test_a_json_patch_does_what_it_does_on_the_server(
    text: str, strict: FieldValidation, policy: Stored
) -> None:
    body = text.encode()
    answer = policy.patch(JSON_PATCH, body, strict)
    assert_same(answer, patched(policy, JSON_PATCH, body, strict))


@pytest.mark.parametrize("strict", ["Strict", "Ignore"])
@pytest.mark.parametrize("text", MERGES)
def test_a_merge_patch_does_what_it_does_on_the_server(
    text: str, strict: FieldValidation, policy: Stored
) -> None:
    body = text.encode()
    answer = policy.patch(MERGE_PATCH, body, strict)
    assert_same(answer, patched(policy, MERGE_PATCH, body, strict))


def test_ten_thousand_operations_are_enough(policy: Stored) -> None:
    operations = [{"op": "test", "path": "/kind", "value": KIND}] * 10_000
    for count in (0, 1):
        body = json.dumps(operations + operations[:count]).encode()
        answer = policy.patch(JSON_PATCH, body)
        assert_same(answer, patched(policy, JSON_PATCH, body, "Strict"))


def test_other_types_of_patches_are_refused_in_the_same_words(policy: Stored, pod: Stored) -> None:
    refusal = unsupported_media_type(CUSTOM_PATCH_TYPES)
    for patch_type in ("application/json", "", STRATEGIC_MERGE_PATCH):
        assert_same(policy.patch(patch_type, b"{}"), refusal)
    assert_same(pod.patch("application/json", b"{}"), media_type_not_served())


STRATEGIC: list[dict[str, Any]] = [
    {},
    {"kind": "Nothing", "apiVersion": None},
    {"$patch": "nothing"},
    {"metadata": {"labels": {"$patch": "replace", "b": "2"}}},
    {"metadata": {"labels": {"$patch": "delete"}}},
    {"metadata": {"labels": {"a": None, "c": "3", "d": None}}},
    {"metadata": {"finalizers": ["x.io/c"]}},
    {"metadata": {"finalizers": ["x.io/b", "x.io/c", "x.io/b"]}},
    {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x.io/a"]}},
    {"metadata": {"$deleteFromPrimitiveList/finalizers": "x.io/a"}},
    {"metadata": {"$setElementOrder/finalizers": ["x.io/b", "x.io/a"]}},
    {
        "metadata": {
            "$setElementOrder/finalizers": ["x.io/c", "x.io/b", "x.io/a"],
            "finalizers": ["x.io/c"],
        }
    },
    {"spec": {"containers": [{"name": "d", "image": "k"}, {"name": "c", "image": "l"}]}},
    {"spec": {"containers": [{"name": "c", "image": "k"}]}},
    {"spec": {"containers": [{"image": "k"}]}},
    {"spec": {"containers": [{"$patch": "merge"}]}},
    {"spec": {"containers": [{"$patch": "nothing", "name": "c"}]}},
    {"spec": {"containers": [{"$patch": "delete"}]}},
    {"spec": {"$retainKeys": ["containers"], "nodeName": "x"}},
    {"spec": {"$retainKeys": "containers"}},
    {"$setElementOrder/x": 3},
    {
        "spec": {
            "$setElementOrder/containers": [{"name": "d"}],
            "containers": [{"name": "c", "image": "k"}],
        }
    },
    {
        "spec": {
            "$setElementOrder/containers": [{"name": "c"}, {"name": "d"}],
            "containers": [{"name": "d", "image": "k"}],
        }
    },
]


def reordered(refusal: str) -> bool:
    """Whether the pod came out in an order that no pod may be brought into."""
    return refusal.startswith('Pod "p" is invalid: spec: Forbidden: pod updates may not change')


@pytest.mark.parametrize("patch", STRATEGIC, ids=json.dumps)
def test_a_strategic_patch_does_what_it_does_on_the_server(
    patch: dict[str, Any], pod: Stored
) -> None:
    body = json.dumps(patch).encode()
    ours: dict[str, Any] | Refusal
    try:
        decoded, _ = decode_patch(body, STRATEGIC_MERGE_PATCH, strict="Strict")
        ours = strategic_merge_patch(pod.obj, decoded)
    except Refusal as error:
        ours = error
    answer = pod.patch(STRATEGIC_MERGE_PATCH, body)
    if answer.status == 422 and reordered(answer.body["message"]):
        assert isinstance(ours, dict)
        names = [each["name"] for each in ours["spec"]["containers"]]
        assert names != ["c", "d"]
    else:
        assert_same(answer, ours)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '{"metadata":{"labels":{}}}'])
def test_the_body_of_a_strategic_patch_is_read_as_on_the_server(text: str, pod: Stored) -> None:
    answer = pod.patch(STRATEGIC_MERGE_PATCH, text.encode())
    try:
        decode_patch(text.encode(), STRATEGIC_MERGE_PATCH, strict="Strict")
    except Refusal as error:
        assert_same(answer, error)
    else:
        assert answer.status == 200
