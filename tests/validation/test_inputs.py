"""What can be handed in, and where in a document an error is."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import pytest

from matrixinfer_client import yamlio
from matrixinfer_client.api.meta_v1 import ObjectMeta
from matrixinfer_client.api.registry_v1alpha1 import (
    Model,
    ModelBackend,
    ModelList,
    ModelSpec,
    ModelWorker,
)
from matrixinfer_client.errors import InvalidObjectError, ManifestError
from matrixinfer_client.validation import Report, validate
from tests.validation.samples import ALL, MODEL, POLICY, ROUTE, changed

MANIFESTS = Path(__file__).parents[2] / "examples" / "manifests"
BAD = changed(MODEL, {"spec.backends.0.maxReplicas": 0})


def paths(report: Report) -> list[str]:
    return [error.path for error in report]


@pytest.mark.parametrize("obj", ALL, ids=lambda obj: str(obj["kind"]))
def test_minimal_bodies_are_valid(obj: dict[str, Any]) -> None:
    before = copy.deepcopy(obj)
    report = validate(obj)
    assert report.ok, str(report)
    assert not report
    assert str(report) == "no errors"
    assert obj == before, "nothing is changed"


@pytest.mark.parametrize("file", sorted(MANIFESTS.iterdir()), ids=lambda file: str(file.name))
def test_the_example_manifests_are_valid(file: Path) -> None:
    report = validate(file)
    assert report.ok, str(report)


def test_typed_objects_are_taken() -> None:
    worker = ModelWorker(type="server", image="i:t", replicas=1, pods=1, config={})
    backend = ModelBackend(
        name="b1",
        type="vLLM",
        model_uri="hf://org/model",
        min_replicas=1,
        max_replicas=2,
        workers=[worker],
    )
    model = Model(metadata=ObjectMeta(name="demo"), spec=ModelSpec(backends=[backend]))
    assert paths(validate(model)) == ["spec.backends[0]"]
    backend.max_replicas = 1
    assert validate(model).ok


def test_typed_lists_and_lists_of_anything_are_taken() -> None:
    models = ModelList.from_dict({"metadata": {}, "items": [MODEL, BAD]})
    assert len(validate(models)) == 2, "one bad, and both have the same name"
    assert len(validate([Model.from_dict(BAD), ROUTE, {"kind": "List", "items": [POLICY]}])) == 1


def test_items_of_a_typed_list_inherit_their_kind() -> None:
    items = [{key: BAD[key] for key in ("metadata", "spec")}]
    listing = {"apiVersion": MODEL["apiVersion"], "kind": "ModelList", "items": items}
    assert paths(validate(listing)) == ["spec.backends[0].maxReplicas"]


def test_errors_in_files_have_file_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "objects.yaml"
    file.write_text(yamlio.dump_all([MODEL, changed(BAD, {"metadata.name": "bad"})]))
    (error,) = validate(file)
    text = file.read_text().splitlines()
    assert error.file == str(file)
    assert error.line is not None
    assert error.column == 5
    assert text[error.line - 1] == "    maxReplicas: 0"
    assert str(error) == (
        f"{file}:{error.line}:5: Model bad: spec.backends[0].maxReplicas: Invalid value: 0: "
        "spec.backends[0].maxReplicas in body should be greater than or equal to 1"
    )


def test_a_missing_field_is_placed_where_it_should_be() -> None:
    text = (
        "apiVersion: networking.matrixinfer.ai/v1alpha1\nkind: ModelRoute\nmetadata:\n  name: r\n"
    )
    text += "spec:\n  modelName: m\n"
    (error,) = validate(io.StringIO(text))
    assert (error.path, error.line, error.column) == ("spec.rules", 5, 1)


def test_items_of_a_list_in_a_file_are_placed_too(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    listing = {"apiVersion": "v1", "kind": "List", "items": [POLICY, BAD]}
    file.write_text(json.dumps(listing, indent=1))
    (error,) = validate(file)
    assert '"maxReplicas": 0' in file.read_text().splitlines()[(error.line or 0) - 1]


def test_merged_mappings_are_found_where_they_are_written() -> None:
    text = (
        "x: &limits {minReplicas: 0, maxReplicas: 0}\n"
        "apiVersion: registry.matrixinfer.ai/v1alpha1\nkind: AutoscalingPolicyBinding\n"
        "metadata: {name: b}\nspec:\n  policyRef: {name: p}\n  scalingConfiguration:\n"
        "    <<: *limits\n"
    )
    errors = validate(io.StringIO(text))
    assert [(error.path, error.line) for error in errors] == [
        ("x", 1),
        ("spec.scalingConfiguration.maxReplicas", 1),
    ]


def test_a_directory_gives_its_files_and_a_broken_one_does_not_hide_the_others(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.yaml").write_text("a: [1\n")
    (tmp_path / "b.yml").write_text(yamlio.dump(BAD))
    (tmp_path / "c.json").write_text(json.dumps(ROUTE))
    (tmp_path / "notes.txt").write_text("not a manifest")
    report = validate(tmp_path)
    assert [(Path(error.file or "").name, error.source) for error in report] == [
        ("a.yaml", "document"),
        ("b.yml", "schema"),
    ]
    assert report[0].line == 2
    assert "did not find expected" in report[0].message


def test_a_key_that_comes_twice_is_an_error_with_its_line() -> None:
    text = yamlio.dump(MODEL) + "kind: Model\n"
    (error,) = validate(io.StringIO(text))
    assert (error.source, error.line) == ("document", len(text.splitlines()))
    assert "'kind' comes twice" in error.message


def test_a_path_that_cannot_be_read_is_an_exception(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"cannot read .*nothing\.yaml"):
        validate(tmp_path / "nothing.yaml")
    with pytest.raises(ManifestError, match=r"no \.json, \.yaml, \.yml file"):
        validate(tmp_path)
    with pytest.raises(ManifestError, match=r"io\.StringIO"):
        validate("kind: Model\nspec: {}\n")


def test_a_document_that_is_no_object_is_told() -> None:
    (error,) = validate(io.StringIO("- a\n- b\n"))
    assert error.message == "an object is needed, got list"


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({"kind": "Model"}, "apiVersion: Required value"),
        ({**MODEL, "kind": 5}, "kind: Required value"),
        (
            {**MODEL, "kind": "Modle"},
            (
                'kind: Invalid value: "Modle": is not one of the kinds that can be checked here '
                "(AutoscalingPolicy, AutoscalingPolicyBinding, Model, ModelInfer, ModelRoute, "
                "ModelServer)"
            ),
        ),
        (
            {**MODEL, "apiVersion": "registry.matrixinfer.ai/v1"},
            (
                'apiVersion: Invalid value: "registry.matrixinfer.ai/v1": must be '
                "registry.matrixinfer.ai/v1alpha1 for a Model"
            ),
        ),
    ],
)
def test_an_unknown_kind_or_version_is_told(obj: dict[str, Any], message: str) -> None:
    assert [error.said for error in validate(obj)] == [message]


def test_objects_of_other_groups_can_be_passed_over() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    assert [error.path for error in validate(secret)] == ["kind"]
    assert validate([secret, MODEL], other_kinds="ignore").ok
    ours = {**MODEL, "kind": "Modle"}
    assert not validate(ours, other_kinds="ignore").ok, "a typo in a kind of ours is no other kind"


def test_the_same_object_twice_is_told_once_it_has_a_name() -> None:
    elsewhere = changed(MODEL, {"metadata.namespace": "n"})
    unnamed = changed(MODEL, {"metadata": {"generateName": "demo-"}})
    assert validate([MODEL, elsewhere, unnamed, unnamed]).ok
    (error,) = validate([MODEL, MODEL])
    assert error.said == (
        'metadata.name: Duplicate value: "demo": another Model given here has this name'
    )
    assert error.source == "reference"


def test_an_old_object_belongs_to_one_new_one() -> None:
    with pytest.raises(ValueError, match="old belongs to one object, but 2 were given"):
        validate([MODEL, ROUTE], old=MODEL)


def test_a_report_raises_on_request() -> None:
    validate(MODEL).raise_for_errors()
    with pytest.raises(InvalidObjectError) as caught:
        validate(changed(BAD, {"metadata.name": ""})).raise_for_errors()
    assert [problem.path for problem in caught.value.problems] == [
        "metadata.name",
        "spec.backends[0].maxReplicas",
    ]
    assert str(caught.value).startswith("invalid Model (no name), 2 problems:\n")
