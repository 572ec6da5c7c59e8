"""Configurations that the API server refuses to merge, each with what it says."""

from __future__ import annotations

from typing import Any

__all__ = ["REFUSED", "refused_config"]

_GO = "&value.valueUnstructured{Value:"
_NESTED = {"z": 1, "a": [None, True, {"q": "x y"}, 1.5]}
# As Go's source code has it.
_NESTED_TEXT = (
    'map[string]interface {}{"a":[]interface {}{interface {}(nil), true, '
    'map[string]interface {}{"q":"x y"}, 1.5}, "z":1}'
)
# A key is printed in the random order of a Go map, so it has one field only.
_NAME = {"a": [None, True, {"q": "x y"}, 1.5]}
_NAME_TEXT = _NESTED_TEXT.replace(', "z":1', "")
_NAMED = '.spec.backends[name=a=[null,true,q="x y",1.5]]'
_REPLICAS = '.spec.backends[name="b1"].minReplicas: expected numeric (int or float)'
_FINALIZER = ".metadata.finalizers: element 0: "
_OMITS = (
    'associative list with keys has an element that omits all key fields ["name"] '
    "(and doesn't have default values for any key fields)"
)


def refused_config(part: dict[str, Any]) -> dict[str, Any]:
    """The whole configuration."""
    identity = {"apiVersion": "registry.matrixinfer.ai/v1alpha1", "kind": "Model"}
    metadata = {"name": "demo", **part.get("metadata", {})}
    return {**identity, **part, "metadata": metadata}


def _spec(**fields: Any) -> dict[str, Any]:
    return {"spec": fields}


def _backend(**fields: Any) -> dict[str, Any]:
    return {"spec": {"backends": [{"name": "b1", **fields}]}}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"bar": 1}, ".bar: field not declared in schema"),
    ({"spec": []}, ".spec: expected map, got &{[]}"),
    ({"spec": "x"}, ".spec: expected map, got &{x}"),
    (_spec(foo=1), ".spec.foo: field not declared in schema"),
    (_backend(nope=1), '.spec.backends[name="b1"].nope: field not declared in schema'),
    (_spec(backends={}), ".spec.backends: expected list, got &{map[]}"),
    (
        _spec(backends=_NESTED),
        ".spec.backends: expected list, got &{map[a:[<nil> true map[q:x y] 1.5] z:1]}",
    ),
    (_spec(owner=5), f".spec.owner: expected string, got {_GO}5}}"),
    (_spec(owner=1e21), f".spec.owner: expected string, got {_GO}1e+21}}"),
    (_spec(owner=1e6), f".spec.owner: expected string, got {_GO}1000000}}"),
    (_spec(owner=True), f".spec.owner: expected string, got {_GO}true}}"),
    (
        _spec(owner=_NESTED),
        f".spec.owner: expected string, got {_GO}{_NESTED_TEXT}}}",
    ),
    (_backend(minReplicas="x"), f"{_REPLICAS}, got string"),
    (_backend(minReplicas=True), f"{_REPLICAS}, got bool"),
    (_backend(minReplicas={}), f"{_REPLICAS}, got map[string]interface {{}}"),
    (_backend(minReplicas=[]), f"{_REPLICAS}, got []interface {{}}"),
    (_backend(workers="x"), '.spec.backends[name="b1"].workers: expected list, got &{x}'),
    (
        _backend(workers=[{"image": 5}]),
        f'.spec.backends[name="b1"].workers[0].image: expected string, got {_GO}5}}',
    ),
    (
        _spec(backends=[{"name": "b1"}, {"name": "b1"}]),
        '.spec.backends: duplicate entries for key [name="b1"]',
    ),
    (_spec(backends=[{"type": "vLLM"}]), f".spec.backends: element 0: {_OMITS}"),
    (
        _spec(backends=[{"name": "b1"}, None]),
        ".spec.backends: element 1: associative list with keys may not have a null element",
    ),
    (
        _spec(backends=["x"]),
        ".spec.backends: element 0: associative list with keys may not have non-map elements",
    ),
    (
        _spec(backends=[{"name": _NAME}]),
        f"{_NAMED}.name: expected string, got {_GO}{_NAME_TEXT}}}",
    ),
    (
        {"metadata": {"labels": {"a": 1}}},
        f".metadata.labels.a: expected string, got {_GO}1}}",
    ),
    ({"metadata": {"labels": []}}, ".metadata.labels: expected map, got &{[]}"),
    ({"metadata": {"foo": 1}}, ".metadata.foo: field not declared in schema"),
    (
        {"metadata": {"finalizers": ["a", "a"]}},
        '.metadata.finalizers: duplicate entries for key [="a"]',
    ),
    (
        {"metadata": {"finalizers": [None]}},
        f"{_FINALIZER}associative list without keys has an element that's an explicit null",
    ),
    (
        {"metadata": {"finalizers": [{}]}},
        f"{_FINALIZER}associative list without keys has an element that's a map type",
    ),
    (
        {"metadata": {"finalizers": [[]]}},
        f"{_FINALIZER}not supported: associative list with lists as elements",
    ),
    (
        {"metadata": {"ownerReferences": [{"uid": "u", "controller": 5}]}},
        '.metadata.ownerReferences[uid="u"].controller: expected boolean, got &{5}',
    ),
    (
        _spec(owner=5, backends=[{"name": "b1", "minReplicas": "x"}, {"type": "vLLM"}]),
        "\n".join(
            (
                "errors:",
                f"  {_REPLICAS}, got string",
                f"  .spec.backends: element 1: {_OMITS}",
                f"  .spec.owner: expected string, got {_GO}5}}",
            )
        ),
    ),
]
