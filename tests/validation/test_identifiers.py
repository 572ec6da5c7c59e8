from __future__ import annotations

import pytest

from matrixinfer_client.validation.identifiers import (
    annotation_key_problems,
    label_key_problems,
    label_problems,
    label_value_problems,
    namespace_problems,
    subdomain_problems,
    synthetic_name,
)


@pytest.mark.parametrize("name", ["a", "a-b", "a.b-c.d", "0", "a" * 253])
def test_good_names(name: str) -> None:
    assert subdomain_problems(name) == []


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "a..b", ".a", "a_b", "a\n", "é", "a/b"])
def test_bad_names(name: str) -> None:
    (problem,) = subdomain_problems(name)
    assert problem.startswith("a lowercase RFC 1123 subdomain must consist of")


def test_length_is_counted_in_bytes_and_told_first() -> None:
    long, form = subdomain_problems("é" * 127)
    assert long == "must be no more than 253 characters"
    assert form.startswith("a lowercase RFC 1123 subdomain")


def test_labels_of_services_begin_with_a_letter_and_namespaces_need_not() -> None:
    assert label_problems("a-1") == []
    assert "DNS-1035" in label_problems("1-a")[0]
    assert namespace_problems("1-a") == []
    assert "RFC 1123 label" in namespace_problems("a.b")[0]
    assert namespace_problems("a" * 64) == ["must be no more than 63 characters"]


@pytest.mark.parametrize(
    ("key", "start"),
    [
        ("a b", "name part must consist of"),
        ("", "name part must be non-empty"),
        ("/x", "prefix part must be non-empty"),
        ("x/", "name part must be non-empty"),
        ("a/b/c", "a qualified name must consist of"),
        ("UP.com/x", "prefix part a lowercase RFC 1123 subdomain"),
        ("x" * 64, "name part must be no more than 63 characters"),
        (f"{'x' * 254}/y", "prefix part must be no more than 253 characters"),
    ],
)
def test_bad_keys_of_labels(key: str, start: str) -> None:
    assert label_key_problems(key)[0].startswith(start)


@pytest.mark.parametrize("key", ["a", "a.b_c-d", "example.com/A", "x" * 63])
def test_good_keys_of_labels(key: str) -> None:
    assert label_key_problems(key) == []


def test_annotations_allow_upper_case_in_the_prefix() -> None:
    assert annotation_key_problems("UP.com/x") == []
    assert annotation_key_problems("a b") != []


def test_values_of_labels() -> None:
    assert label_value_problems("") == []
    assert label_value_problems("A_b.c-1") == []
    assert label_value_problems("-a")[0].startswith("a valid label must be an empty string or")
    assert label_value_problems("x" * 64) == ["must be no more than 63 characters"]


def test_the_synthetic_name_of_a_modelinfer() -> None:
    assert synthetic_name("demo-b1", 2, "leader", 1, 0) == "demo-b1-2-leader-1-0"
