"""What users do with model objects: build, compare, copy, print, and get wrong."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
from types import ModuleType
from typing import Any, cast

import attrs
import pytest

from matrixinfer_client import codec
from matrixinfer_client.api.meta_v1 import ListMeta, ObjectMeta
from matrixinfer_client.api.registry_v1alpha1 import (
    Model,
    ModelBackend,
    ModelList,
    ModelSpec,
    ModelWorker,
)
from matrixinfer_client.models import ApiModel, lazy_names

TEXT = (
    b'{"apiVersion":"registry.matrixinfer.ai/v1alpha1","kind":"Model","later":[null],'
    b'"metadata":{"name":"demo","namespace":"prod","uid":"u1","resourceVersion":"7"},'
    b'"spec":{"backends":[{"name":"b","type":"vLLM","modelURI":"hf://m","minReplicas":0,'
    b'"maxReplicas":1,"workers":[],"newer":{"x":null}}]},"status":{"observedGeneration":2}}'
)


def backend(**changes: object) -> ModelBackend:
    made: Any = ModelBackend(
        name="b",
        type="vLLM",
        model_uri="hf://m",
        min_replicas=0,
        max_replicas=1,
        workers=[],
    )
    return cast("ModelBackend", attrs.evolve(made, **changes))


def built() -> Model:
    return Model(metadata=ObjectMeta(name="demo"), spec=ModelSpec(backends=[backend()]))


def read() -> Model:
    return codec.decode(Model, TEXT)


def test_absent_is_none_and_falsy_values_are_sent() -> None:
    sent = backend().to_dict()
    assert sent["minReplicas"] == 0
    assert sent["workers"] == []
    assert "cacheURI" not in sent
    assert backend(cache_uri="").to_dict()["cacheURI"] == ""


def test_a_kind_says_what_it_is_by_itself() -> None:
    sent = built().to_dict()
    assert list(sent) == ["apiVersion", "kind", "metadata", "spec"]
    assert sent["apiVersion"] == "registry.matrixinfer.ai/v1alpha1"
    assert sent["kind"] == "Model"


def test_a_wire_name_in_a_constructor_is_answered_with_the_python_name() -> None:
    with pytest.raises(TypeError, match=r"no field 'minReplicas'; did you mean 'min_replicas'\?"):
        ModelBackend(minReplicas=1)  # type: ignore[call-arg]


def test_a_misspelled_field_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(TypeError, match=r"no field 'max_replica'; did you mean 'max_replicas'\?"):
        ModelBackend(max_replica=1)  # type: ignore[call-arg]


def test_a_field_like_no_other_gets_no_advice() -> None:
    with pytest.raises(TypeError, match=r"ModelBackend\(\) has no field 'zzzzzz'$"):
        ModelBackend(zzzzzz=1)  # type: ignore[call-arg]


def test_a_dict_in_the_place_of_keywords_points_to_from_dict() -> None:
    with pytest.raises(TypeError, match=r"keyword arguments only.*ObjectMeta\.from_dict\(\)"):
        ObjectMeta({"name": "x"})  # type: ignore[call-arg]


def test_a_missing_required_field_is_named() -> None:
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'spec'"):
        Model(metadata=ObjectMeta())  # type: ignore[call-arg]


def test_reading_an_attribute_that_is_not_there_names_the_class() -> None:
    with pytest.raises(AttributeError, match="'Model' object has no attribute 'specs'"):
        _ = read().specs  # type: ignore[attr-defined]


def test_the_signature_shows_the_fields() -> None:
    parameters = inspect.signature(ModelWorker).parameters
    assert "image" in parameters
    assert all(each.kind is each.KEYWORD_ONLY for each in parameters.values())


def test_repr_is_the_constructor_with_what_is_set() -> None:
    shown = repr(built())
    assert shown == (
        "Model(metadata=ObjectMeta(name='demo'), spec=ModelSpec(backends=[ModelBackend("
        "max_replicas=1, min_replicas=0, model_uri='hf://m', name='b', type='vLLM', workers=[])]))"
    )
    names = {"Model": Model, "ObjectMeta": ObjectMeta, "ModelSpec": ModelSpec}
    assert eval(shown, {**names, "ModelBackend": ModelBackend}) == built()  # noqa: S307


def test_repr_and_equality_leave_unread_sections_unread() -> None:
    one, other = read(), read()
    other.spec.backends[0].name = "c"
    assert "unknown_fields={'newer': {'x': None}}" in repr(one)
    assert one != other
    assert getattr(one, "_raw_spec") is not None  # noqa: B009


@pytest.mark.parametrize("make", [built, read])
@pytest.mark.parametrize("touched", [False, True])
@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, attrs.evolve, lambda value: pickle.loads(pickle.dumps(value))],  # noqa: S301
)
def test_duplicates_are_equal_and_lose_nothing(make, touched, duplicate) -> None:  # type: ignore[no-untyped-def]
    original = make()
    if touched:
        assert original.metadata.name == "demo"
        assert original.spec is original.spec
        original.spec.unknown_fields = {"later": None}
    twin = duplicate(original)
    assert twin == original
    assert twin is not original
    assert twin.to_dict() == original.to_dict()


def test_a_deep_copy_shares_nothing_that_can_change() -> None:
    original = read()
    twin = copy.deepcopy(original)
    twin.spec.backends[0].unknown_fields = {}
    twin.spec.backends[0].name = "changed"
    assert original.spec.backends[0].name == "b"


def test_copies_of_unread_objects_stay_unread() -> None:
    for twin in (copy.deepcopy(read()), pickle.loads(pickle.dumps(read()))):  # noqa: S301
        assert getattr(twin, "_raw_spec") is not None  # noqa: B009
        assert twin.spec.backends[0].model_uri == "hf://m"


def test_no_unknown_fields_and_empty_ones_are_equal() -> None:
    assert ObjectMeta(name="a", unknown_fields={}) == ObjectMeta(name="a")
    assert ObjectMeta(name="a", unknown_fields={"x": 1}) != ObjectMeta(name="a")


def test_objects_of_different_classes_are_not_equal_and_none_can_be_hashed() -> None:
    others: list[Any] = [ListMeta(), {}, None]
    assert all(ObjectMeta() != other for other in others)
    with pytest.raises(TypeError, match="unhashable"):
        hash(ObjectMeta())


def test_the_names_of_an_object_are_read_without_decoding_its_metadata() -> None:
    model = read()
    assert (model.name, model.namespace, model.uid, model.resource_version) == (
        "demo",
        "prod",
        "u1",
        "7",
    )
    assert getattr(model, "_raw_metadata") is not None  # noqa: B009
    model.metadata.name = "other"
    assert model.name == "other"


@pytest.mark.parametrize("metadata", ["null", "[]", '{"name": 7}', '{"name": null}'])
def test_strange_metadata_does_not_break_reading_a_name(metadata: str) -> None:
    model = codec.decode(Model, f'{{"metadata": {metadata}}}')
    assert model.name in ("", 7)
    assert model.namespace is None


def test_a_mapping_as_metadata_has_a_name_too() -> None:
    model = Model(metadata={"name": "m", "namespace": "n"}, spec={})  # type: ignore[arg-type]
    assert (model.name, model.namespace, model.uid) == ("m", "n", None)


def test_setting_a_section_replaces_what_came() -> None:
    model = read()
    model.spec = ModelSpec(backends=[])
    assert model.to_dict()["spec"] == {"backends": []}
    model.status = None
    assert "status" not in model.to_dict()


def test_a_list_is_iterated_measured_and_indexed() -> None:
    models = ModelList(items=[built(), built()], metadata=ListMeta(resource_version="9"))
    assert len(models) == 2
    assert [model.name for model in models] == ["demo", "demo"]
    assert models[0] is models.items[0]
    assert models[:1] == models.items[:1]
    assert models.resource_version == "9"
    assert models.continue_token is None


def test_a_list_without_metadata_has_no_version() -> None:
    assert ModelList(items=[]).resource_version is None
    assert ModelList(items=[], metadata=ListMeta(continue_="")).continue_token is None


def test_pickles_of_an_older_version_leave_new_fields_absent() -> None:
    meta = ObjectMeta.__new__(ObjectMeta)
    meta.__setstate__({"name": "old", "a_field_that_was_dropped": 1})
    assert meta == ObjectMeta(name="old")


def test_a_module_imports_lazy_names_when_they_are_asked_for() -> None:
    sys.modules["lazy_origin"] = ModuleType("lazy_origin")
    try:
        vars(sys.modules["lazy_origin"])["Thing"] = ApiModel
        get = lazy_names({"Thing": "lazy_origin"})
        assert get("Thing") is ApiModel
        with pytest.raises(AttributeError, match="no name 'Other'"):
            get("Other")
    finally:
        del sys.modules["lazy_origin"]
