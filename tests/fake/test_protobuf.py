"""Bodies in protocol buffers; that kubectl's are understood is tested with kubectl itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixinfer_client.testing import FakeCluster
from matrixinfer_client.testing.apiserver.protobuf import as_json
from matrixinfer_client.testing.exchange import Call

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"


def field(number: int, value: int | bytes | str) -> bytes:
    """One field; everything here is short."""
    if isinstance(value, int):
        return bytes([number << 3]) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = b""
    while value >= 0x80:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def body(kind: str, content: bytes, api_version: str = "v1") -> bytes:
    identity = field(1, api_version) + field(2, kind)
    return b"k8s\x00" + field(1, identity) + field(2, content) + field(3, "") + field(4, "")


def call(content: bytes, path: str = "/api/v1/namespaces", media: str = MEDIA_TYPE) -> Call:
    return Call(method="POST", path=path, body=content, headers={"content-type": media})


def decoded(content: bytes) -> Any:
    found = as_json(call(content))
    assert found.headers["content-type"] == "application/json"
    return json.loads(found.body)


# As clients send it: what is empty is there, too.
METADATA = field(1, "one") + field(2, "") + field(7, 0) + field(8, b"")


def test_what_is_empty_is_left_out() -> None:
    labels = field(11, field(1, "a") + field(2, "b")) + field(11, field(1, "c") + field(2, ""))
    found = decoded(body("ConfigMap", field(1, METADATA + labels) + field(4, 0)))
    assert found == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "one", "labels": {"a": "b", "c": ""}},
        # Not the same as nothing, so it was sent on purpose.
        "immutable": False,
    }


def test_bytes_are_base64_and_numbers_are_numbers() -> None:
    entry = field(1, "key") + field(2, b"\x00\xff")
    found = decoded(body("Secret", field(1, METADATA) + field(2, entry) + field(3, "a/b")))
    assert (found["data"], found["type"]) == ({"key": "AP8="}, "a/b")
    port = field(3, 80) + field(4, field(1, 0) + field(2, -1)) + field(5, 300)
    named = field(3, 81) + field(4, field(1, 1) + field(3, "http"))
    spec = field(1, port) + field(1, named)
    found = decoded(body("Service", field(1, METADATA) + field(2, spec)))
    assert found["spec"]["ports"] == [
        {"port": 80, "targetPort": -1, "nodePort": 300},
        {"port": 81, "targetPort": "http"},
    ]


def test_quantities_and_times_are_texts() -> None:
    hard = field(1, field(1, "pods") + field(2, field(1, "1k")))
    created = field(1, METADATA + field(8, field(1, 1_700_000_000)))
    found = decoded(body("ResourceQuota", created + field(2, hard)))
    assert found["spec"] == {"hard": {"pods": "1k"}}
    assert found["metadata"]["creationTimestamp"] == "2023-11-14T22:13:20Z"


def test_fields_that_nobody_knows_are_passed_over() -> None:
    odd = bytes([15 << 3 | 1]) + bytes(8) + bytes([15 << 3 | 5]) + bytes(4) + field(15, "x")
    assert decoded(body("Namespace", odd + field(1, METADATA)))["metadata"] == {"name": "one"}


@pytest.mark.parametrize(
    "unchanged",
    [
        call(body("Namespace", field(1, METADATA)), media="application/json"),
        call(
            body("Namespace", field(1, METADATA)), "/apis/registry.matrixinfer.ai/v1alpha1/models"
        ),
        call(body("Pod", field(1, METADATA))),
        call(body("Namespace", field(1, METADATA))[:-5]),
        call(body("Namespace", field(1, field(8, field(1, 1 << 60))))),
        call(body("Namespace", field(1, 5))),
        call(body("Namespace", b"\x0b")),
        call(b"{}"),
        call(b""),
    ],
)
def test_what_cannot_be_read_stays_as_it_is(unchanged: Call) -> None:
    assert as_json(unchanged) is unchanged


@given(st.binary(max_size=40), st.sampled_from(["Service", "SelfSubjectAccessReview", "Role"]))
def test_no_bytes_are_too_strange(content: bytes, kind: str) -> None:
    as_json(call(body(kind, content)))
    as_json(call(b"k8s\x00" + content))


def test_a_kind_that_is_not_known_is_refused_as_a_type_that_cannot_be_read() -> None:
    with FakeCluster() as cluster:
        pod = body("Pod", field(1, METADATA))
        path = "/api/v1/namespaces/default/pods"
        status, answer = cluster.request("POST", path, pod, MEDIA_TYPE)
    assert (status, answer["reason"]) == (415, "UnsupportedMediaType")
