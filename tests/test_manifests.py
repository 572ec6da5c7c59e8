"""Files become typed objects, or a message that names the file, the document and the line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from matrixinfer_client import codec
from matrixinfer_client.api.networking_v1alpha1 import ModelServer
from matrixinfer_client.api.registry_v1alpha1 import AutoscalingPolicy, Model
from matrixinfer_client.errors import ManifestError
from matrixinfer_client.manifests import crd_manifests, load_manifests

REGISTRY = "registry.matrixinfer.ai/v1alpha1"
MODEL = f"apiVersion: {REGISTRY}\nkind: Model\nmetadata: {{name: one}}\nspec: {{backends: []}}\n"
SERVER = (
    "apiVersion: networking.matrixinfer.ai/v1alpha1\nkind: ModelServer\nmetadata: {name: two}\n"
)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def refused(source: Any) -> str:
    with pytest.raises(ManifestError) as caught:
        load_manifests(source)
    return str(caught.value)


def test_documents_of_mixed_kinds_are_typed_in_their_order(tmp_path: Path) -> None:
    path = write(tmp_path / "all.yaml", f"# first\n---\n{MODEL}---\n{SERVER}---\n")
    for source in (path, str(path)):
        first, second = load_manifests(source)
        assert isinstance(first, Model)
        assert isinstance(second, ModelServer)
        assert (first.name, second.name) == ("one", "two")


def test_an_open_file_is_read_whether_text_or_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "one.yaml", MODEL)
    with path.open() as text, path.open("rb") as binary:
        assert load_manifests(text) == load_manifests(binary) == load_manifests(io.StringIO(MODEL))


def test_a_directory_gives_its_manifests_sorted_by_name(tmp_path: Path) -> None:
    write(tmp_path / "b.yml", MODEL)
    write(tmp_path / "a.yaml", SERVER)
    write(tmp_path / "c.json", json.dumps(codec.to_dict(load_manifests(io.StringIO(MODEL))[0])))
    write(tmp_path / "README.md", "not a manifest: [")
    write(tmp_path / "d.yaml", "# only a comment\n")
    (tmp_path / "inner.yaml").mkdir()
    assert [each.name for each in load_manifests(tmp_path)] == ["two", "one", "one"]


def test_lists_give_their_items() -> None:
    item = {"metadata": {"name": "in-list"}, "spec": {"tolerancePercent": 1}}
    typed = {"apiVersion": REGISTRY, "kind": "AutoscalingPolicyList", "items": [item]}
    inner = {"apiVersion": "v1", "kind": "List", "items": [typed]}
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [inner, typed]})
    found = load_manifests(io.StringIO(text))
    assert [type(each) for each in found] == [AutoscalingPolicy] * 2
    assert found[0].to_dict() == {"apiVersion": REGISTRY, "kind": "AutoscalingPolicy", **item}


def test_an_unknown_kind_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "m.yaml", f"{MODEL}---\napiVersion: apps/v1\nkind: Deployment\n")
    message = refused(path)
    place = f"{path}, document 2 (line 6): "
    assert message.startswith(f"{place}kind 'Deployment' of apiVersion 'apps/v1'")
    assert f"Model ({REGISTRY}), ModelInfer (workload.matrixinfer.ai/v1alpha1)" in message
    assert "ModelList" not in message


def test_an_unknown_version_is_refused_too() -> None:
    assert "apiVersion 'registry.matrixinfer.ai/v9'" in refused(
        io.StringIO("apiVersion: registry.matrixinfer.ai/v9\nkind: Model\n")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: Model\n", "document 1 (line 1): apiVersion missing"),
        ("\n\nmetadata: {}\n", "document 1 (line 3): apiVersion and kind missing"),
        (f"{MODEL}---\n- a\n", "document 2 (line 6): an object is needed, got list"),
        ("apiVersion: [1]\nkind: {a: 1}\n", "kind {'a': 1} of apiVersion [1] is not one"),
        ("apiVersion: v1\nkind: List\nitems: 1\n", "items must be a list, got int"),
        ("apiVersion: v1\nkind: List\nitems: [{}]\n", "items[0]: apiVersion and kind missing"),
        ("", "there is no object in it"),
        ("apiVersion: v1\nkind: List\n", "there is no object in it"),
        ("a: [", "line 2, column 1: did not find expected node content"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "wrong.yaml", text)
    found = refused(path)
    assert str(path) in found
    assert message in found


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    with pytest.raises(ManifestError, match=r"cannot read .*none\.yaml: No such") as caught:
        load_manifests(path)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_directory_without_manifests_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path}: there is no .json, .yaml, .yml file in this directory"


def test_text_in_the_place_of_a_path_is_answered_with_advice() -> None:
    assert "use io.StringIO(text)" in refused(MODEL)


# --- CustomResourceDefinitions ---


def walk(schema: dict[str, Any]) -> list[dict[str, Any]]:
    found = [schema]
    for name in ("properties",):
        found += [each for inner in schema.get(name, {}).values() for each in walk(inner)]
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            found += walk(schema[name])
    return found


def schema_of(manifest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def test_there_is_a_definition_for_each_kind() -> None:
    assert [each["metadata"]["name"] for each in crd_manifests()] == [
        "autoscalingpolicies.registry.matrixinfer.ai",
        "autoscalingpolicybindings.registry.matrixinfer.ai",
        "modelinfers.workload.matrixinfer.ai",
        "modelroutes.networking.matrixinfer.ai",
        "models.registry.matrixinfer.ai",
        "modelservers.networking.matrixinfer.ai",
    ]


def test_a_definition_names_its_resource_as_the_kind_does() -> None:
    models = crd_manifests()[4]
    assert models["spec"]["group"] == Model.KIND.group
    assert models["spec"]["scope"] == "Namespaced"
    assert models["spec"]["names"] == {
        "kind": "Model",
        "listKind": "ModelList",
        "plural": "models",
        "singular": "model",
    }
    version = models["spec"]["versions"][0]
    assert (version["name"], version["served"], version["storage"]) == ("v1alpha1", True, True)
    assert version["subresources"] == {"status": {}}


def test_schemas_are_structural_and_keep_what_the_server_enforces() -> None:
    for manifest in crd_manifests():
        root = schema_of(manifest)
        assert root["properties"]["metadata"] == {"type": "object"}
        for schema in walk(root):
            assert "$ref" not in schema
            assert all(set(part) == {"enum"} for part in schema.get("allOf", ()))
            assert "type" in schema or set(schema) & {
                "x-kubernetes-int-or-string",
                "x-kubernetes-preserve-unknown-fields",
            }
    backend = schema_of(crd_manifests()[4])["properties"]["spec"]["properties"]["backends"]["items"]
    assert backend["properties"]["cacheURI"]["pattern"] == "^(hostpath://|pvc://).+"
    assert "minReplicas" in backend["required"]
    assert schema_of(crd_manifests()[3])["properties"]["spec"]["x-kubernetes-validations"]


def test_descriptions_can_be_left_out() -> None:
    for manifest in crd_manifests(descriptions=False):
        schemas = walk(schema_of(manifest))
        assert not any(isinstance(each.get("description"), str) for each in schemas)
    short = json.dumps(crd_manifests(descriptions=False))
    assert len(short) < 0.7 * len(json.dumps(crd_manifests()))


def test_each_call_gives_definitions_of_its_own() -> None:
    crd_manifests()[0]["spec"]["names"]["kind"] = "Changed"
    schema_of(crd_manifests()[1])["properties"].clear()
    assert crd_manifests()[0]["spec"]["names"]["kind"] == "AutoscalingPolicy"
    assert schema_of(crd_manifests()[1])["properties"]
