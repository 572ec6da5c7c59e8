from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codegen.document import DocumentError, load, read
from codegen.yamls import YamlError, load_yaml
from tests.codegen.documents import GROUP, PREFIX, document, kind_paths, kind_schemas, loaded, ref


def test_scalars_are_those_of_json() -> None:
    text = "a: on\nb: 2024-01-01\nc: 010\nd: 1e3\ne: ~\nf: true\ng: 1:30\nh: 1_0\ni: '1'\nj: .5"
    strings = {"a": "on", "b": "2024-01-01", "g": "1:30", "h": "1_0", "i": "1"}
    others = {"c": 10, "d": 1000.0, "e": None, "f": True, "j": 0.5}
    assert load_yaml(text) == [strings | others]


def test_a_key_that_comes_twice_is_an_error_that_says_where() -> None:
    with pytest.raises(YamlError, match=r"the key 'c' comes twice.*line 3"):
        load_yaml("a: 1\nb: {c: 1,\n  c: 2}")


def test_a_file_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"absent\.yaml"):
        load(tmp_path / "absent.yaml")


@pytest.mark.parametrize("text", ["", "- a\n", "a: 1\n---\nb: 2\n", "a: [", "a: \x01"])
def test_what_is_not_one_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match=r"openapi\.yaml"):
        load(path)


def test_the_parsers_objections_are_shown(tmp_path: Path) -> None:
    raw = document({})
    del raw["info"]
    with pytest.raises(DocumentError, match=r"(?s)is not valid.*info.*Field required"):
        loaded(raw, tmp_path)


def test_a_schema_of_the_wrong_type_is_refused(tmp_path: Path) -> None:
    raw = document({f"{PREFIX}.Hose": {"type": "object", "minLength": "many"}})
    with pytest.raises(DocumentError, match=r"(?s)minLength.*integer"):
        loaded(raw, tmp_path)


def test_a_document_that_the_parser_fails_on_is_one_message(tmp_path: Path) -> None:
    # The parser has no answer to schemas that are all nothing but references.
    raw = document({f"{PREFIX}.Hose": ref(f"{PREFIX}.Hose")})
    with pytest.raises(DocumentError, match="the parser fails on it: UnboundLocalError"):
        loaded(raw, tmp_path)


def test_a_warning_of_the_parser_is_kept(tmp_path: Path) -> None:
    properties = {"hose": ref(f"{PREFIX}.Absent")}
    found = loaded(document({f"{PREFIX}.Hose": {"properties": properties}}), tmp_path)
    (warning,) = found.warnings
    assert f"Unable to process schema /components/schemas/{PREFIX}.Hose" in warning
    assert "\n" not in warning


def test_apply_is_no_reason_for_a_warning(tmp_path: Path) -> None:
    paths = kind_paths("Hose", "hoses")
    patch = {
        "operationId": "patchHose",
        "requestBody": {
            "content": {
                kind: {"schema": {}}
                for kind in ("application/apply-patch+yaml", "application/merge-patch+json")
            }
        },
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": GROUP, "version": "v1", "kind": "Hose"},
    }
    paths[f"/apis/{GROUP}/v1/namespaces/{{namespace}}/hoses/{{name}}"]["patch"] = patch
    found = loaded(document(kind_schemas("Hose"), paths), tmp_path)
    assert found.warnings == ()
    assert [operation.action for operation in found.operations] == ["list", "get", "patch"]


def broken(change: dict[str, Any]) -> dict[str, Any]:
    paths = kind_paths("Hose", "hoses")
    for item in paths.values():
        item["get"].update(change)
    return document(kind_schemas("Hose"), paths)


def test_an_action_without_a_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no x-kubernetes-group-version-kind"):
        loaded(broken({"x-kubernetes-group-version-kind": {"kind": "Hose"}}), tmp_path)


def test_an_operation_that_the_parser_drops_is_not_lost_in_silence(tmp_path: Path) -> None:
    raw = document(kind_schemas("Hose"), kind_paths("Hose", "hoses"))
    for item in raw["paths"].values():
        item["parameters"] = []
    with pytest.raises(DocumentError, match=r"GET /apis/.*/hoses cannot be understood: Incorrect"):
        loaded(raw, tmp_path)


def test_query_parameters_are_found_through_references(tmp_path: Path) -> None:
    watch = {"name": "watch", "in": "query", "schema": {"type": "boolean"}}
    raw = broken({"parameters": [{"$ref": "#/components/parameters/watch"}]})
    raw["components"]["parameters"] = {"watch": watch}
    found = loaded(raw, tmp_path)
    assert {"watch"} == set(found.operations[0].parameters)


def test_the_document_of_this_project_has_no_warnings() -> None:
    assert read(Path("openapi.yaml").absolute()).warnings == ()
