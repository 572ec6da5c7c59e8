"""Request bodies as the API server reads them; the words are in test_texts_against_server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixinfer_client.testing.apiserver.decoding import (
    MOST_BYTES,
    FieldValidation,
    check_target,
    decode_apply,
    decode_body,
    identity_refusal,
    media_type,
    strict_problems,
    strict_refusal,
)
from matrixinfer_client.testing.apiserver.jsontext import (
    JsonError,
    as_stored,
    read_json,
    write_json,
)
from matrixinfer_client.testing.apiserver.metafaults import metadata_fault
from matrixinfer_client.testing.apiserver.refusals import Refusal
from matrixinfer_client.testing.apiserver.warning import warning_headers
from matrixinfer_client.validation.objects import complete
from matrixinfer_client.validation.schemas import kind_schema

VERSION = "registry.matrixinfer.ai/v1alpha1"
JSON = "application/json"
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def decode(
    body: bytes, *, custom: bool = True, strict: FieldValidation = "Warn"
) -> tuple[Any, list[str]]:
    version, kind = (VERSION, "Model") if custom else ("v1", "Pod")
    return decode_body(body, JSON, api_version=version, kind=kind, custom=custom, strict=strict)


@settings(max_examples=50)
@given(values)
def test_what_is_written_is_read_again(value: Any) -> None:
    text = write_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    assert read_json(text) == (json.loads(text), [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", float(2**63)),
        ("1e3", 1000.0),
        ("-0", 0),
    ],
)
def test_integers_of_64_bits_stay_integers(text: str, value: float) -> None:
    found = read_json(text)[0]
    assert found == value
    assert type(found) is type(value)


def test_whole_numbers_are_integers_once_they_are_stored() -> None:
    found = as_stored({"a": [1.0, -0.0, 1e3, 1e20, float(2**63)], "b": 1.5, "c": 1e21, "d": True})
    assert repr(found) == repr(
        {"a": [1, 0, 1000, 10**20, 9223372036854776000], "b": 1.5, "c": 1e21, "d": True}
    )


def test_an_integer_of_ten_thousand_digits_is_refused_and_not_computed() -> None:
    with pytest.raises(JsonError, match="cannot unmarshal number 1"):
        read_json("1" * 10_000)


def test_half_of_a_character_is_replaced() -> None:
    assert read_json('{"\\ud800": ["\\udc00x"]}') == ({"\ufffd": ["\ufffdx"]}, [])


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    with pytest.raises(JsonError, match="exceeded max depth"):
        read_json("[" * 100_000)


def test_fields_that_come_twice_are_found_at_any_depth_and_the_last_counts() -> None:
    text = '{"a":{"b":1,"b":[{"c":1,"c":2}]},"d":[{},{"e":1,"e":2,"e":3}],"a":7}'
    value, twice = read_json(text)
    assert value == {"a": 7, "d": [{}, {"e": 3}]}
    assert twice == ["a.b", "a.b[0].c", "d[1].e", "a"]


def test_strict_validation_finds_what_ignoring_does_not() -> None:
    body = f'{{"apiVersion":"{VERSION}","kind":"Model","kind":"Model"}}'.encode()
    assert decode(body, strict="Strict")[1] == ['duplicate field "kind"']
    assert decode(body, strict="Warn")[1] == ['duplicate field "kind"']
    assert decode(body, strict="Ignore")[1] == []


def test_a_core_object_may_leave_out_its_kind_and_a_custom_one_may_not() -> None:
    assert decode(b'{"spec":{}}', custom=False)[0] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": {},
    }
    assert decode(b"null", custom=False)[0] == {"apiVersion": "v1", "kind": "Pod"}
    with pytest.raises(Refusal, match="Object 'Kind' is missing"):
        decode(b'{"spec":{}}')


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"3", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        decode(body)
    assert (caught.value.status, caught.value.reason) == (400, "BadRequest")
    assert "the object provided is unrecognized (must be of type Model)" in caught.value.message


def test_a_body_of_more_than_three_megabytes_is_too_large() -> None:
    with pytest.raises(Refusal, match="limit is 3145728") as caught:
        decode(b" " * (MOST_BYTES + 1))
    assert caught.value.status == 413


def test_media_types_are_read_without_case_and_parameters() -> None:
    assert media_type("") == JSON
    assert media_type("Application/JSON; charset=utf-8") == JSON
    assert media_type("application/yaml") == "application/yaml"
    with pytest.raises(Refusal) as caught:
        media_type("application/vnd.kubernetes.protobuf")
    assert caught.value.status == 415


def test_yaml_is_read_as_forgivingly_as_the_server_reads_it() -> None:
    text = f"apiVersion: {VERSION}\nkind: Model\nspec: {{1: a, true: b, a: 1, a: 2}}\n--- {{\n"
    obj, problems = decode_body(
        text.encode(), "application/yaml", api_version=VERSION, kind="Model", custom=True
    )
    assert obj["spec"] == {"1": "a", "true": "b", "a": 2}
    assert problems == ['yaml: unmarshal errors:\n  line 3: key "a" already set in map']
    assert warning_headers(problems) == ['299 - "line 3: key \\"a\\" already set in map"']


def test_an_apply_is_yaml_whatever_it_looks_like() -> None:
    obj, problems = decode_apply(b'{"spec": {"a": 1, "a": 2}}', strict="Strict")
    assert obj == {"spec": {"a": 2}}
    (problem,) = problems
    assert problem.startswith("error converting YAML to JSON: yaml: unmarshal errors:\n")
    assert warning_headers(problems) == ['299 - "line 1: key \\"a\\" already set in map"']
    assert decode_apply(b"a: 1\na: 2", strict="Ignore") == ({"a": 2}, [])
    assert decode_apply(b"", strict="Strict") == ({}, [])
    with pytest.raises(Refusal, match="cannot unmarshal array"):
        decode_apply(b"- 1", strict="Strict")
    with pytest.raises(Refusal, match="error converting YAML to JSON: yaml:"):
        decode_apply(b"a: [", strict="Strict")


def test_problems_come_in_the_order_of_the_server() -> None:
    obj = {
        "apiVersion": VERSION,
        "kind": "Model",
        "aaa": 1,
        "metadata": {"name": "m", "zoo": 1, "finalizers": []},
        "spec": {"b": 1},
    }
    problems = strict_problems(['duplicate field "x"'], complete(kind_schema("Model"), obj)[1])
    assert problems == [
        'duplicate field "x"',
        'unknown field "metadata.zoo"',
        'unknown field "aaa"',
        'unknown field "spec.b"',
    ]
    assert strict_refusal(obj, "Model", problems[:2]).message == (
        'Model in version "v1alpha1" cannot be handled as a Model: strict decoding error: '
        'duplicate field "x", unknown field "metadata.zoo"'
    )


def test_a_warning_with_a_line_break_is_not_sent_and_each_only_once() -> None:
    assert warning_headers(["a\nb", 'say "a\\b"', 'say "a\\b"', ""]) == ['299 - "say \\"a\\\\b\\""']


def model(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": VERSION, "kind": "Model", "metadata": {"name": "m"}, **fields}


def test_the_namespace_of_the_address_is_filled_in() -> None:
    obj = model()
    check_target(obj, api_version=VERSION, kind="Model", namespace="n")
    assert obj["metadata"] == {"name": "m", "namespace": "n"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "x", "namespace": "n"}}
    check_target(node, api_version="v1", kind="Node", namespace="", custom=False)
    assert node["metadata"] == {"name": "x"}


def test_a_core_object_of_another_kind_cannot_be_converted() -> None:
    obj = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}}
    known = {("v1", "Service")}
    with pytest.raises(Refusal) as caught:
        check_target(
            obj, api_version="v1", kind="Pod", namespace="n", custom=False, registered=known
        )
    assert caught.value.message == (
        'Service in version "v1" cannot be handled as a Pod: '
        "converting (v1.Service) to (core.Pod): unknown conversion"
    )
    with pytest.raises(Refusal, match='no kind "Service" is registered for version "v1" in scheme'):
        check_target(obj, api_version="v1", kind="Pod", namespace="n", custom=False)


def test_a_custom_object_of_another_kind_is_invalid() -> None:
    assert identity_refusal(model(), VERSION, "Model") is None
    other = identity_refusal(model(kind="Nothing"), VERSION, "Model")
    assert other is not None
    assert other.message == (
        'Nothing.registry.matrixinfer.ai "m" is invalid: '
        'kind: Invalid value: "Nothing": must be Model'
    )
    moved = identity_refusal(model(apiVersion="v1"), VERSION, "Model")
    assert moved is not None
    assert moved.message == (
        f'Model "m" is invalid: apiVersion: Invalid value: "v1": must be {VERSION}'
    )


def test_metadata_of_a_core_object_is_read_in_its_own_order() -> None:
    metadata = {"name": 3, "labels": {"b": 1, "a": True}}
    place = "Go struct field ObjectMeta"
    assert metadata_fault(metadata) == (
        f"json: cannot unmarshal bool into {place}.labels of type string"
    )
    assert metadata_fault(metadata, core_kind="Pod") == (
        f"json: cannot unmarshal number into {place}.metadata.name of type string"
    )
    assert metadata_fault(3, core_kind="Pod") == (
        "json: cannot unmarshal number into Go struct field Pod.metadata of type v1.ObjectMeta"
    )


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"name": None, "labels": {"a": None}, "finalizers": None},
        {"creationTimestamp": "2024-02-29T23:59:59.123Z", "generation": 1.0},
        {"deletionTimestamp": "2024-01-01T00:00:00-07:30"},
        {"ownerReferences": [{"controller": True}, None], "managedFields": [{"fieldsV1": 3}]},
    ],
)
def test_metadata_that_fits_has_no_fault(metadata: Any) -> None:
    assert metadata_fault(metadata) is None
