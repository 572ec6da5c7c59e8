"""Reading is tolerant and loses nothing; writing sends what is there."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from matrixinfer_client import codec, parsing
from matrixinfer_client.api.meta_v1 import Condition, ObjectMeta
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList, ModelWorker
from matrixinfer_client.errors import DecodeError, InvalidObjectError

GROUP = "registry.matrixinfer.ai/v1alpha1"


def worker(**fields: Any) -> ModelWorker:
    return ModelWorker.from_dict({"type": "server", "image": "i", **fields})


def model_text(**sections: Any) -> bytes:
    return json.dumps({"apiVersion": GROUP, "kind": "Model", **sections}).encode()


def test_null_for_a_known_field_is_absent() -> None:
    meta = codec.decode(ObjectMeta, '{"name": "a", "creationTimestamp": null, "labels": null}')
    assert meta == ObjectMeta(name="a")
    assert meta.to_dict() == {"name": "a"}


def test_unknown_fields_come_back_with_their_nulls() -> None:
    text = '{"name":"a","newer":{"deep":[null,{"x":null}],"n":null},"also":null}'
    assert json.loads(codec.encode(codec.decode(ObjectMeta, text))) == json.loads(text)


def test_nulls_in_lists_and_maps_are_kept() -> None:
    text = '{"finalizers":[null,"a"],"labels":{"x":null,"y":"z"},"ownerReferences":[null]}'
    assert json.loads(codec.encode(codec.decode(ObjectMeta, text))) == json.loads(text)


@pytest.mark.parametrize(
    "config",
    [
        {"max-model-len": 4096, "f": 1.0, "b": False, "n": None, "s": "1", "deep": [{"k": [None]}]},
        ["a", {"b": None}],
        "text",
        0,
        False,
        2**70,
        -0.5,
    ],
)
def test_free_form_json_keeps_keys_types_and_nulls(config: object) -> None:
    sent = codec.encode(worker(config=config))
    assert json.dumps(json.loads(sent)["config"]) == json.dumps(config)


def test_a_value_of_a_newer_enumeration_is_read() -> None:
    assert str(worker(type="pilot").type) == "pilot"


@pytest.mark.parametrize("value", ["many", [1], {"a": 1}, 1.5, True])
def test_a_wrong_type_from_a_newer_server_is_kept_and_goes_back(value: object) -> None:
    text = model_text(spec={"backends": [{"minReplicas": value}], "env": value})
    model = codec.decode(Model, text)
    assert model.spec.backends[0].min_replicas == value
    codec.check(model)
    assert json.loads(codec.encode(model)) == json.loads(text)


@pytest.mark.parametrize("value", ["text", 7, [{"name": "b"}, "text", 7, None], {"a": 1}])
def test_a_wrong_type_in_the_place_of_objects_is_kept(value: object) -> None:
    model = codec.decode(Model, model_text(spec={"backends": value}))
    assert model.spec is not None
    assert json.loads(codec.encode(model)) == {
        "apiVersion": GROUP,
        "kind": "Model",
        "spec": {"backends": value},
    }


def test_missing_required_fields_do_not_break_a_read() -> None:
    model = codec.decode(Model, "{}")
    assert model.metadata is None
    assert model.spec is None
    assert (model.api_version, model.kind) == (GROUP, "Model")


def test_an_unread_section_goes_back_as_it_came() -> None:
    text = '{"apiVersion":"x/v9","kind":"Model","spec":{ "backends" : null, "a": 1.50 }}'
    sent = codec.encode(codec.decode(Model, text))
    assert sent == b'{"apiVersion":"x/v9","kind":"Model","spec":{ "backends" : null, "a": 1.50 }}'


def test_unknown_keys_beside_the_sections_are_kept() -> None:
    model = codec.decode(Model, model_text(spec={}, data={"a": None}, extra=None))
    assert model.unknown_fields == {"data": {"a": None}, "extra": None}
    assert codec.to_dict(model)["data"] == {"a": None}


def test_to_dict_shares_nothing_with_the_object() -> None:
    made = worker(config={"a": {"b": [1]}})
    plain = made.to_dict()
    plain["config"]["a"]["b"].append(2)
    assert made.config == {"a": {"b": [1]}}


def test_from_dict_neither_changes_nor_keeps_what_it_is_given() -> None:
    given: dict[str, Any] = {"name": "a", "labels": {"x": "y"}, "newer": {"z": []}}
    before = json.dumps(given)
    meta = ObjectMeta.from_dict(given)
    assert meta.labels is not None
    assert meta.unknown_fields is not None
    meta.labels["x"] = "changed"
    meta.unknown_fields["newer"]["z"].append(1)
    assert json.dumps(given) == before


def test_a_list_that_go_wrote_as_null_is_empty() -> None:
    models = codec.decode_list(ModelList, b'{"items": null , "metadata": {"resourceVersion": "1"}}')
    assert models.items == []
    assert models.resource_version == "1"
    assert codec.decode_list(ModelList, b"{}").items == []


def test_an_event_is_taken_apart_without_decoding_the_object() -> None:
    kind, raw = codec.decode_event(b'{"type":"ADDED","object":{"kind":"Model","spec":{}}}')
    assert kind == "ADDED"
    assert codec.decode(Model, raw).kind == "Model"
    assert codec.decode_json(raw) == {"kind": "Model", "spec": {}}


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b'{"a":1} x', b'{"a":"\xff"}', b"nope"]
)
def test_what_is_not_a_json_object_is_a_decode_error(text: bytes) -> None:
    for cls in (ObjectMeta, Model, ModelList):
        with pytest.raises(DecodeError, match=cls.__name__):
            codec.decode(cls, text)


def test_what_is_not_an_event_is_a_decode_error() -> None:
    for text in (b'{"type":"ADDED"}', b'{"object":{}}', b"ADDED", b'{"type":1,"object":{}}'):
        with pytest.raises(DecodeError, match="watch event"):
            codec.decode_event(text)


def test_bytes_that_are_not_text_are_found_when_the_section_is_read() -> None:
    model = codec.decode(Model, b'{"spec":{"a":"\xff"}}')
    with pytest.raises(DecodeError, match="spec of Model"):
        _ = model.spec


def test_a_tree_deeper_than_the_parser_goes_is_a_decode_error() -> None:
    with pytest.raises(DecodeError, match="recursion"):
        codec.decode_json(b"[" * 100_000)


# --- Timestamps ---


def test_a_timestamp_is_a_datetime_with_a_time_zone() -> None:
    meta = codec.decode(ObjectMeta, '{"creationTimestamp": "2025-08-01T10:00:00Z"}')
    assert meta.creation_timestamp == datetime(2025, 8, 1, 10, tzinfo=UTC)
    assert meta.to_dict() == {"creationTimestamp": "2025-08-01T10:00:00Z"}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (datetime(2025, 8, 1, 10, tzinfo=UTC), "2025-08-01T10:00:00Z"),
        (datetime(2025, 8, 1, 10, 0, 0, 5, tzinfo=UTC), "2025-08-01T10:00:00.000005Z"),
        (datetime(2025, 8, 1, 10, tzinfo=timezone(timedelta(hours=2))), "2025-08-01T08:00:00Z"),
        (datetime(25, 8, 1, tzinfo=UTC), "0025-08-01T00:00:00Z"),
    ],
)
def test_a_timestamp_is_sent_in_utc(given: datetime, sent: str) -> None:
    assert ObjectMeta(creation_timestamp=given).to_dict() == {"creationTimestamp": sent}


def test_a_datetime_without_time_zone_is_an_error_that_names_the_field() -> None:
    meta = ObjectMeta(creation_timestamp=datetime(2025, 8, 1))
    with pytest.raises(InvalidObjectError, match=r"creationTimestamp: .* has no time zone"):
        codec.encode(meta)
    with pytest.raises(InvalidObjectError, match=r"creationTimestamp: .* has no time zone"):
        codec.check(meta)


def test_a_text_that_is_no_timestamp_stays_a_text() -> None:
    for text in (
        "yesterday",
        "",
        "2025-08-01",
        "2025-08-01T10:00:00",
        "2025-13-01T10:00:00Z",
        "7z",
    ):
        condition = Condition.from_dict({"lastTransitionTime": text})
        assert condition.last_transition_time == text
        assert condition.to_dict() == {"lastTransitionTime": text}


# --- The collector, and what a list keeps alive ---


def big_list(count: int = 400) -> bytes:
    item = {"metadata": {"name": "m", "annotations": {"a": "x" * 1000}}, "spec": {"backends": []}}
    return json.dumps({"kind": "ModelList", "items": [item] * count}).encode()


def test_the_collector_rests_while_a_large_list_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    read = parsing.load_parts

    def spy(data: bytes) -> Any:
        seen.append(gc.isenabled())
        return read(data)

    monkeypatch.setattr(codec, "load_parts", spy)
    codec.decode_list(ModelList, big_list())
    codec.decode_list(ModelList, big_list(2))
    with pytest.raises(DecodeError):
        codec.decode_list(ModelList, big_list()[:-1])
    assert seen == [False, True, False]
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        codec.decode_list(ModelList, big_list())
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_collector_wakes_when_the_last_of_several_threads_is_done() -> None:
    inside, leave = threading.Barrier(9), threading.Event()

    def hold() -> None:
        with parsing.paused_collector(10**6):
            inside.wait()
            leave.wait()

    threads = [threading.Thread(target=hold) for _ in range(8)]
    for thread in threads:
        thread.start()
    inside.wait()
    with parsing.paused_collector(10**6):
        pass
    assert not gc.isenabled()
    leave.set()
    for thread in threads:
        thread.join()
    assert gc.isenabled()


def test_an_object_kept_from_a_list_does_not_keep_the_body() -> None:
    body = big_list()
    before = sys.getrefcount(body)
    kept = codec.decode_list(ModelList, body)[0]
    assert sys.getrefcount(body) == before
    assert kept.name == "m"


def test_reading_a_model_imports_only_the_types_that_occur() -> None:
    script = """
import sys
from matrixinfer_client import codec
from matrixinfer_client.api.registry_v1alpha1 import Model
core = lambda: sorted(m for m in sys.modules if ".core_v1." in m)
model = codec.decode(Model, '{"metadata":{"name":"a"},"spec":{"backends":[{"name":"b"}]}}')
model.spec, model.metadata, model.status
codec.encode(model), codec.check(model), repr(model), model == model
assert core() == [], core()
other = codec.decode(Model, '{"spec":{"backends":[{"env":[{"name":"A","value":"1"}]}]}}')
assert other.spec.backends[0].env[0].value == "1"
assert core() == ["matrixinfer_client.api.core_v1.env_var"], core()
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_importing_the_models_loads_no_parser() -> None:
    script = """
import sys
import matrixinfer_client.models
loaded = {"msgspec", "yaml", "httpx", "json"} & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
