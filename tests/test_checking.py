"""What is wrong with an object is said with the field's path, before anything is sent."""

from __future__ import annotations

import pathlib
from collections import OrderedDict
from datetime import UTC, date, datetime
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest

from matrixinfer_client import codec
from matrixinfer_client.api.core_v1 import EnvVar
from matrixinfer_client.api.meta_v1 import ObjectMeta
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelBackend, ModelSpec, ModelWorker
from matrixinfer_client.errors import InvalidObjectError


class Engine(StrEnum):
    VLLM = "vLLM"


class Count(IntEnum):
    TWO = 2


def build(worker: dict[str, Any] | None = None, **backend: Any) -> Model:
    made: Any = ModelWorker.from_dict({"type": "server", "image": "i", "config": {}})
    for name, value in (worker or {}).items():
        setattr(made, name, value)
    fields: dict[str, Any] = {
        "name": "b",
        "type": "vLLM",
        "model_uri": "hf://m",
        "min_replicas": 1,
        "max_replicas": 2,
        "workers": [made],
    }
    return Model(
        metadata=ObjectMeta(name="demo"),
        spec=ModelSpec(backends=[ModelBackend(**(fields | backend))]),
    )


def problems(model: Model) -> list[str]:
    with pytest.raises(InvalidObjectError) as caught:
        codec.check(model)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("min_replicas", "1", "spec.backends[0].minReplicas: expected int, got str '1'"),
        ("min_replicas", True, "spec.backends[0].minReplicas: expected int, got bool True"),
        ("min_replicas", 1.0, "spec.backends[0].minReplicas: expected int, got float 1.0"),
        ("name", 7, "spec.backends[0].name: expected str, got int 7"),
        ("name", b"b", "spec.backends[0].name: expected str, got bytes"),
        ("model_uri", pathlib.PurePosixPath("/m"), "expected str, got PurePosixPath"),
        ("env", {"A": "1"}, "spec.backends[0].env: expected list of EnvVar, got dict"),
        ("env", [EnvVar(name="A"), "B=1"], "spec.backends[0].env[1]: expected EnvVar, got str"),
        ("env", [None], "spec.backends[0].env[0]: expected EnvVar, got NoneType"),
        ("env", EnvVar(name="A"), "spec.backends[0].env: expected list of EnvVar, got EnvVar"),
        ("workers", {1, 2}, "spec.backends[0].workers: expected list of ModelWorker, got set"),
        ("workers", [ObjectMeta()], "workers[0]: expected ModelWorker, got ObjectMeta"),
        ("unknown_fields", {"x": {1}}, "spec.backends[0].x: set has no JSON form"),
    ],
)
def test_a_wrong_type_is_named_with_its_path(field: str, value: object, message: str) -> None:
    fields: dict[str, Any] = {field: value}
    (found,) = problems(build(**fields))
    assert message in found


def test_items_of_lists_and_maps_are_looked_at() -> None:
    model = build(env=[EnvVar(name="A", value=8000)])  # type: ignore[arg-type]
    model.metadata.labels = {"app/name": 1, "ok": "x"}  # type: ignore[dict-item]
    assert problems(model) == [
        "metadata.labels[app/name]: expected str, got int 1",
        "spec.backends[0].env[0].value: expected str, got int 8000",
    ]


def test_the_message_names_the_object_and_lists_all_problems() -> None:
    with pytest.raises(InvalidObjectError) as caught:
        codec.check(build(min_replicas="1", max_replicas=None, name=2))
    assert str(caught.value) == (
        "invalid Model 'demo', 2 problems:\n"
        "  - spec.backends[0].minReplicas: expected int, got str '1'\n"
        "  - spec.backends[0].name: expected str, got int 2"
    )
    assert isinstance(caught.value, ValueError)


def test_a_key_that_is_no_string_is_a_problem() -> None:
    for config in ({8080: "x"}, {"a": [{None: 1}]}, MappingProxyType({1: 2})):
        model = build(worker={"config": config})
        (found,) = problems(model)
        assert "keys must be strings" in found
        with pytest.raises(InvalidObjectError, match="keys must be strings"):
            codec.encode(model)
    labelled = build()
    labelled.metadata.labels = {1: "x"}  # type: ignore[dict-item]
    assert problems(labelled) == ["metadata.labels: keys must be strings, got int 1"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1}, "set has no JSON form"),
        (float("nan"), "nan is not a JSON number"),
        (float("-inf"), "-inf is not a JSON number"),
        (date(2025, 1, 1), "date has no JSON form"),
        (datetime(2025, 1, 1), "has no time zone"),
        (b"x", "bytes has no JSON form"),
        (object(), "object has no JSON form"),
        ("\ud800", "surrogate"),
    ],
)
def test_what_json_does_not_have_is_refused_with_its_path(value: object, message: str) -> None:
    for body, path in (
        (build(worker={"config": {"a": [value]}}), "spec.backends[0].workers[0].config.a[0]"),
        ({"spec": {"a": [value]}}, "spec.a[0]"),
    ):
        with pytest.raises(InvalidObjectError, match=message) as caught:
            codec.encode(body)
        assert caught.value.problems[0].path == path


def test_an_object_that_contains_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["a"] = [loop]
    with pytest.raises(InvalidObjectError, match="contains itself"):
        codec.encode(loop)
    with pytest.raises(InvalidObjectError, match="contains itself"):
        codec.check(build(worker={"config": loop}))


def test_what_fits_is_not_a_problem() -> None:
    model = build(
        worker={"config": {"n": None, "when": datetime(2025, 1, 1, tzinfo=UTC)}},
        type=Engine.VLLM,
        min_replicas=Count.TWO,
        env=(EnvVar(name="A"), {"name": "B", "newer": 1}),
        autoscaling_policy=OrderedDict(tolerancePercent=10),
    )
    model.metadata.annotations = MappingProxyType({"a": "b"})  # type: ignore[assignment]
    codec.check(model)
    sent = codec.to_dict(model)
    backend = sent["spec"]["backends"][0]
    assert (backend["type"], backend["minReplicas"]) == ("vLLM", 2)
    assert backend["env"] == [{"name": "A"}, {"name": "B", "newer": 1}]
    assert backend["autoscalingPolicy"] == {"tolerancePercent": 10}
    assert backend["workers"][0]["config"] == {"n": None, "when": "2025-01-01T00:00:00Z"}
    assert sent["metadata"]["annotations"] == {"a": "b"}


def test_a_mapping_for_a_typed_object_is_not_looked_into() -> None:
    codec.check(Model(metadata={"name": 7}, spec={"backends": "?"}))  # type: ignore[arg-type]


def test_typed_objects_inside_free_form_data_and_mappings_are_written_with_wire_names() -> None:
    nested = {"spec": {"backends": (build().spec.backends[0],)}, "x": [{"y": EnvVar(name="A")}]}
    sent = codec.to_dict(nested)
    assert sent["spec"]["backends"][0]["modelURI"] == "hf://m"
    assert sent["x"] == [{"y": {"name": "A"}}]
    config = codec.to_dict(build(worker={"config": {"deep": [EnvVar(name="A", value="")]}}))
    worker = config["spec"]["backends"][0]["workers"][0]
    assert worker["config"] == {"deep": [{"name": "A", "value": ""}]}
    assert isinstance(nested["spec"], dict)


def test_an_unread_kind_inside_a_mapping_is_written_too() -> None:
    text = '{"apiVersion":"a/b","kind":"Model","spec":{"x":[null]}}'
    assert codec.to_dict({"items": [codec.decode(Model, text)]})["items"][0]["spec"] == {
        "x": [None]
    }


def test_wrong_types_that_a_server_sent_do_not_block_an_update() -> None:
    model = codec.decode(Model, '{"spec":{"backends":[{"minReplicas":"many"}]}}')
    model.spec.backends[0].name = "renamed"
    codec.check(model)
    assert model.to_dict()["spec"]["backends"] == [{"minReplicas": "many", "name": "renamed"}]


def test_a_mistake_in_an_update_of_what_was_read_is_found() -> None:
    model = codec.decode(Model, '{"spec":{"backends":[{"minReplicas":1}]}}')
    model.spec.backends[0].min_replicas = "2"  # type: ignore[assignment]
    assert problems(model) == ["spec.backends[0].minReplicas: expected int, got str '2'"]


def test_wrong_types_in_a_manifest_are_the_writers_mistake() -> None:
    model = Model.from_dict({"spec": {"backends": [{"minReplicas": "1", "env": "A=1"}]}})
    assert problems(model) == [
        "spec.backends[0].env: expected list of EnvVar, got str 'A=1'",
        "spec.backends[0].minReplicas: expected int, got str '1'",
    ]


def test_an_unencodable_value_is_refused_also_in_what_a_newer_server_sent() -> None:
    model = codec.decode(Model, '{"spec":{"backends":[{"minReplicas":"many"}]}}')
    model.spec.backends[0].name = {1}  # type: ignore[assignment]
    with pytest.raises(InvalidObjectError, match=r"backends\[0\].name: set has no JSON form"):
        codec.encode(model)


def test_unknown_values_of_an_enumeration_are_the_servers_business() -> None:
    codec.check(build(type="engine-of-next-year"))
