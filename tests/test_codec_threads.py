"""Many threads read cold, and nothing is lost."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from matrixinfer_client import codec
from matrixinfer_client.api.registry_v1alpha1 import Model

THREADS = 32

SOURCE = """
from __future__ import annotations
from typing import TYPE_CHECKING, Any, ClassVar
from matrixinfer_client.models import ApiObject, ApiModel, lazy_names, model, wire

@model
class Leaf(ApiModel):
    some_text: str | None = wire("someText", default=None)
    leaves: list[Leaf] | None = None

@model
class Root(ApiObject):
    api_version: str = wire("apiVersion", default="v1")
    kind: str = "Root"
    metadata: Elsewhere
    spec: Leaf
    status: dict[str, list[Leaf]] | None = None

__getattr__ = lazy_names({"Elsewhere": "%s"})
"""
ELSEWHERE = """
from __future__ import annotations
from matrixinfer_client.models import ApiModel, model

@model
class Elsewhere(ApiModel):
    name: str | None = None
"""
DATA: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Root",
    "metadata": {"name": "a", "unknown": None},
    "spec": {"someText": "x", "leaves": [{"someText": "y", "leaves": [{"n": 1}]}]},
    "status": {"a": [{"someText": "z"}], "b": []},
}


@pytest.fixture(autouse=True)
def _frequent_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(work: Callable[[int], Any]) -> list[Any]:
    barrier = threading.Barrier(THREADS)
    results: list[Any] = [None] * THREADS

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = work(index)
        except Exception as error:  # noqa: BLE001 - handed to the test
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


numbers = itertools.count()


def fresh_root() -> Any:
    """A class that nobody has decoded yet, with another one in a module of its own."""
    number = next(numbers)
    other, name = f"cold_elsewhere_{number}", f"cold_{number}"
    for module, source in ((other, ELSEWHERE), (name, SOURCE % other)):
        sys.modules[module] = ModuleType(module)
        exec(source, vars(sys.modules[module]))  # noqa: S102
    return vars(sys.modules[name])["Root"]


def test_classes_can_be_compiled_by_all_threads_at_once() -> None:
    for _ in range(25):
        cls = fresh_root()
        made = at_once(decode_with(cls))
        assert all(each == made[0] for each in made)
        assert all(codec.to_dict(each) == DATA for each in made)
        assert type(made[0].spec.leaves[0].leaves[0]).__name__ == "Leaf"


def decode_with(cls: Any) -> Callable[[int], Any]:
    return lambda _: cls.from_dict(DATA)


def test_cold_encoding_and_checking_by_all_threads_is_right_too() -> None:
    for _ in range(25):
        cls = fresh_root()
        made = [cls.from_dict(DATA) for _ in range(THREADS)]

        def check_and_encode(index: int, made: list[Any] = made) -> dict[str, Any]:
            codec.check(made[index])
            return codec.to_dict(made[index])

        assert at_once(check_and_encode) == [DATA] * THREADS


def test_all_threads_get_the_same_section() -> None:
    text = '{"metadata":{"name":"a"},"spec":{"backends":[]},"status":{"observedGeneration":1}}'
    for _ in range(100):
        model = codec.decode(Model, text)

        def read(_: int, model: Model = model) -> tuple[object, ...]:
            return model.spec, model.metadata, model.status

        assert len({tuple(map(id, each)) for each in at_once(read)}) == 1


def test_no_edit_at_first_access_is_lost() -> None:
    for _ in range(100):
        model = codec.decode(Model, '{"metadata":{"labels":{}}}')

        def edit(index: int, model: Model = model) -> None:
            assert model.metadata.labels is not None
            model.metadata.labels[str(index)] = "x"

        at_once(edit)
        assert model.metadata.labels == {str(index): "x" for index in range(THREADS)}


def test_a_section_assigned_during_the_first_reads_stays() -> None:
    for _ in range(100):
        model = codec.decode(Model, '{"metadata":{"name":"old"}}')
        wanted = type(codec.decode(Model, '{"metadata":{}}').metadata)(name="new")

        def work(index: int, model: Model = model, wanted: Any = wanted) -> None:
            if index == THREADS // 2:
                model.metadata = wanted
            else:
                _ = model.metadata

        at_once(work)
        assert model.metadata is wanted


def test_encoding_while_others_read_gives_the_whole_object() -> None:
    for _ in range(50):
        model = codec.decode(Model, '{"kind":"Model","metadata":{"name":"a"},"spec":{"owner":"b"}}')

        def work(index: int, model: Model = model) -> Any:
            return codec.to_dict(model) if index % 2 else (model.spec, codec.to_dict(model))[1]

        for sent in at_once(work):
            assert sent["metadata"] == {"name": "a"}
            assert sent["spec"] == {"owner": "b"}
