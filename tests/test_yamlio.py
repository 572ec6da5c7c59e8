"""YAML is read as kubectl reads it, and written so that no reader can misread it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixinfer_client import yamlio
from matrixinfer_client.api.meta_v1 import ObjectMeta
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList, ModelSpec
from matrixinfer_client.errors import ManifestError, MatrixInferError


def load(text: str | bytes) -> Any:
    (document,) = yamlio.load_all(text, "f.yaml")
    return document.value


def refused(text: str | bytes) -> str:
    with pytest.raises(ManifestError) as caught:
        list(yamlio.load_all(text, "f.yaml"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("2025-08-01T10:00:00Z", "2025-08-01T10:00:00Z"),
        ("2025-08-01", "2025-08-01"),
        ("1:30", "1:30"),
        ("190:20:30", "190:20:30"),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        ("+.5", 0.5),
        ("5.", 5.0),
        ("010", 8),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b11", -3),
        ("08", 8.0),
        ("1_000", 1000),
        ("1.2.3", "1.2.3"),
        ("10.0.0.1", "10.0.0.1"),
        ("1Gi", "1Gi"),
        ("500m", "500m"),
        ("-", [None]),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("yes", True),
        ("Off", False),
        ("y", True),
        ("N", False),
        ("true", True),
        ("tRue", "tRue"),
        ("~", None),
        ("Null", None),
        ("'yes'", "yes"),
        ('"1"', "1"),
        ("!!str 1", "1"),
        ("!!float 1", 1.0),
        ("=", "="),
        ("v0.10.0", "v0.10.0"),
    ],
)
def test_a_word_means_what_kubectl_takes_it_for(word: str, value: object) -> None:
    found = load(f"a: {word}" if word != "-" else "a:\n-")["a"]
    assert found == value
    assert type(found) is type(value)


def test_documents_know_their_number_and_line_and_empty_ones_are_left_out() -> None:
    found = list(yamlio.load_all("---\n# nothing\n---\na: 1\n---\n\n\nb: 2\n"))
    assert [(each.value, each.number, each.line) for each in found] == [
        ({"a": 1}, 2, 4),
        ({"b": 2}, 3, 8),
    ]


def test_json_is_read_too_also_with_tabs() -> None:
    assert load('{\n\t"a": [1, 1.0, "\\/", null]\n}') == {"a": [1, 1.0, "/", None]}
    assert load("{a: 1}") == {"a": 1}
    assert "the key 'a' comes twice" in refused('{"a": 1, "a": 2}')


def test_bytes_may_begin_with_a_byte_order_mark() -> None:
    assert load(b"\xef\xbb\xbfa: \xc3\xa9") == {"a": "é"}
    assert "f.yaml: is not UTF-8 text" in refused(b"a: \xff")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml, line 3, column 1: the key 'a' comes twice in a mapping"),
        ("x:\n  8080: a", "line 2, column 3: a key must be a string, got int; quote it: '8080'"),
        ("on: 1", "line 1, column 1: a key must be a string, got bool; quote it: 'on'"),
        ("[a]: 1", "a key must be a string, got list"),
        ("a: b: c", "line 1, column 5: mapping values are not allowed"),
        ("a:\n\tb: 1", "line 2, column 1: found character that cannot start any token (a tab"),
        ("a: [1", "line 2, column 1: did not find expected ',' or ']'"),
        ("a: *b", "line 1, column 4: the alias *b has no anchor before it"),
        ("a: !!binary aGk=", "line 1, column 4: the tag tag:yaml.org,2002:binary has no meaning"),
        ("a: !!set {b}", "has no meaning in a manifest"),
        ("a: !mine b", "the tag !mine has no meaning in a manifest"),
        ("a: !!int x", "'x' is no int"),
        ("a: !!bool 1", "'1' is no bool"),
        ("a: .inf", "line 1, column 4: .inf is not a JSON number"),
        ("a: &x [*x]", "the value contains itself"),
        ("<<: 1", "<< takes a mapping or a list of mappings"),
        ("a: \x07", "control characters are not allowed"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_column(text: str, message: str) -> None:
    assert message in refused(text)


def test_the_error_is_one_of_ours_and_a_value_error() -> None:
    with pytest.raises(ManifestError) as caught:
        Model.from_yaml("a: [")
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, MatrixInferError)


def test_aliases_and_merge_keys_work_and_share_nothing() -> None:
    found = load("base: &b {x: [1], z: 2}\na: {<<: *b, z: 3}\nc: [*b, *b]\nd: {z: 4, <<: [*b]}")
    assert found["a"] == {"x": [1], "z": 3}
    assert found["d"] == {"x": [1], "z": 4}
    found["c"][0]["x"].append(2)
    assert found["c"][1] == {"x": [1], "z": 2} == found["base"]


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for index in range(1, 12):
        bomb += f"a{index}: &a{index} [{', '.join([f'*a{index - 1}'] * 9)}]\n"
    assert "aliases repeat more than 100,000 values" in refused(bomb)


def test_a_long_list_of_objects_is_not_taken_for_a_bomb() -> None:
    text = "items:\n" + "- {a: [1, 2]}\n" * 60_000
    assert len(load(text)["items"]) == 60_000


def test_text_nested_without_end_is_refused() -> None:
    assert "f.yaml, line 1, column 151: nested more than 150 deep" in refused("[" * 900)
    # Since PyYAML 6.0.4 its own limit, of a thousand, may be met first.
    assert "f.yaml, line 1, column " in refused("[" * 100_000)
    assert "f.yaml: nested too deep" in refused('{"a":' * 100_000)


# --- Typed objects ---


def test_a_model_survives_yaml() -> None:
    model = Model.from_yaml(
        "kind: Model\nmetadata: {name: demo, creationTimestamp: 2025-08-01T10:00:00Z}\n"
        "spec: {backends: [{name: b, minReplicas: 0, newer: {x: null}}]}\n"
    )
    assert model.metadata.creation_timestamp is not None
    assert Model.from_yaml(model.to_yaml()) == model
    assert model.to_yaml().startswith("apiVersion: registry.matrixinfer.ai/v1alpha1\nkind: Model\n")


def test_a_manifest_of_another_kind_is_refused_with_both_named() -> None:
    with pytest.raises(
        ManifestError, match=r"apiVersion 'apps/v1' and kind 'Deployment', but .*kind 'Model'"
    ):
        Model.from_yaml("apiVersion: apps/v1\nkind: Deployment\n")
    with pytest.raises(ManifestError, match=r"kind 'Model', but .*kind 'ModelList'"):
        ModelList.from_yaml("kind: Model\n")
    assert ModelList.from_yaml("items: [{metadata: {name: a}}]")[0].name == "a"


def test_a_part_of_an_object_has_no_kind_to_check() -> None:
    assert ObjectMeta.from_yaml("name: a\nkind: whatever").name == "a"
    assert ModelSpec.from_yaml("backends: []").backends == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no document, but it must be one"),
        ("a: 1\n---\nb: 1", "has 2 documents"),
        ("- a", "a mapping is needed, got list"),
        ("just words", "a mapping is needed, got str"),
    ],
)
def test_what_is_not_one_mapping_is_refused(text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        Model.from_yaml(text)


# --- Writing ---


def test_output_is_block_style_in_the_given_order() -> None:
    text = yamlio.dump({"kind": "b", "apiVersion": "a", "list": [{"x": 1, "z": []}], "empty": {}})
    assert text == "kind: b\napiVersion: a\nlist:\n- x: 1\n  z: []\nempty: {}\n"


def test_lines_stay_whole_and_texts_of_several_lines_are_blocks() -> None:
    words = "word " * 60 + "end"
    assert yamlio.dump({"a": words}) == f"a: {words}\n"
    assert yamlio.dump({"a": "one\ntwo\n"}) == "a: |\n  one\n  two\n"
    assert yamlio.dump({"a": "日本語 ü 🎉"}) == "a: 日本語 ü 🎉\n"


def test_values_that_are_the_same_object_are_written_twice() -> None:
    shared = {"x": [1]}
    assert "&" not in yamlio.dump({"a": shared, "b": shared})


def test_several_documents_are_separated() -> None:
    assert yamlio.dump_all([{"a": 1}, {"b": 2}]) == "---\na: 1\n---\nb: 2\n"


MISREAD = (
    "y N yes NO On oFF true False null Null ~ = << 1 0o7 010 0x1f 1e3 1_000 .5 5. +1 -0 .inf -.INF "
    ".nan 1:30 190:20:30.5 2025-08-01 2025-8-1 2025-08-01T10:00:00Z 0b1 12e03 08 0"
)


@pytest.mark.parametrize("word", MISREAD.split())
def test_a_text_that_some_reader_could_misread_is_quoted(word: str) -> None:
    assert yamlio.dump({"a": word}) == f"a: '{word}'\n"


@pytest.mark.parametrize("word", ["vLLM", "hf://a/b", "v0.1", "none", "yesterday"])
def test_a_text_that_nobody_misreads_is_not_quoted(word: str) -> None:
    assert yamlio.dump({"a": word}) == f"a: {word}\n"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
tricky = st.sampled_from([" a", "a ", "\n", "a\n\n", "\n a\n", " \n", "a\tb", "# a", "- a", "a: b"])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | tricky
    | st.from_regex(r"[-+]?[0-9._:eExob-]{1,8}", fullmatch=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | tricky, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(texts | tricky, values, max_size=4))
def test_what_is_written_is_read_back_and_means_the_same_to_others(value: dict[str, Any]) -> None:
    text = yamlio.dump(value)
    (document,) = list(yamlio.load_all(text)) or [yamlio.Document({}, 1, 1)]
    assert repr(document.value) == repr(value)
    assert repr(yaml.safe_load(text)) == repr(value)
