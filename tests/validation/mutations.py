"""Small damage to valid manifests, of the kinds that people and programs do."""

from __future__ import annotations

import copy
import string
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from matrixinfer_client.validation.schemas import Schema, kind_schema

Place = tuple[Any, Any, Schema | None]
"""A container, a key or index in it, and the schema of what is there."""

_WORDS = ("", "x", "A_", "a-b.c", "vLLM", "server", "True", "Or", "http", "m" * 300, "é" * 9, "a\n")
_DURATIONS = ("30s", "1d", "1h30m", "-5s", "31m", "10", "1.5µs", "1 s", "PT5M", "0", "9999999h")
_QUANTITIES = (
    "1",
    "2Gi",
    "500m",
    "1x",
    ".5",
    "-3k",
    "1e3",
    "1e1.5",
    "+1",
    "1 Gi",
    "KiB",
    "1.",
    "E",
)
_NUMBERS = (0, 1, -1, 5, 100, 101, 1000001, 2**31, 2**63 - 1, 2**63, 1.0, 1.5, -0.5, 1e3, 1e300)
_LEAVES: tuple[Any, ...] = (None, True, False, [], {}, [None], [1], {"a": 1}, [{}], "", 0)
_LABELS = ("ok", "a b", "-x", "a/b/c", "x" * 64, "UP.com/x", "example.com/ok", "/x", "x/", "é")


def mutants(seeds: list[dict[str, Any]], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """So many objects, each a seed with one to three mutations; the same for the same number."""
    random = Random(seed)  # noqa: S311 - damage, not secrets
    for number in range(count):
        obj = copy.deepcopy(seeds[number % len(seeds)])
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            mutate(obj, random)
        yield obj


def mutate(obj: dict[str, Any], random: Random) -> None:
    """Apply one mutation in place."""
    if random.random() < 0.07:
        _spoil_metadata(obj, random)
        return
    root = kind_schema(obj["kind"]).root
    places = list(_places(obj, "spec", root.properties["spec"]))
    if not places or random.random() < 0.02:
        obj["spec"] = random.choice((*_LEAVES, "text", 7))
        return
    container, key, schema = random.choice(places)
    random.choice(_MUTATIONS)(container, key, schema, random)


def _places(container: Any, key: Any, schema: Schema | None) -> Iterator[Place]:
    if isinstance(container, dict) and key not in container:
        return
    yield container, key, schema
    value = container[key]
    if isinstance(value, dict):
        for name in value:
            child = None if schema is None else schema.properties.get(name, schema.additional)
            yield from _places(value, name, child)
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from _places(value, index, schema.items if schema else None)


def _retype(container: Any, key: Any, _: Schema | None, random: Random) -> None:
    container[key] = copy.deepcopy(random.choice((*_LEAVES, *_NUMBERS, "text")))


def _requantify(container: Any, key: Any, schema: Schema | None, random: Random) -> None:
    """Another number at and beyond the bounds, or another text of the same flavour."""
    container[key] = _plausible(schema, random)


def _drop(container: Any, key: Any, _: Schema | None, __: Random) -> None:
    del container[key]


def _misspell(container: Any, key: Any, _: Schema | None, random: Random) -> None:
    if isinstance(container, dict) and key:
        typo = random.choice((f"{key}e", str(key).upper(), str(key)[1:] or "z", f"{key}.x", 'q"q'))
        container[typo] = container.pop(key)


def _add_unknown(container: Any, key: Any, _: Schema | None, random: Random) -> None:
    value = container[key]
    target = value if isinstance(value, dict) else container
    if isinstance(target, dict):
        name = "".join(random.choices(string.ascii_letters, k=6))
        target[name] = random.choice((1, "x", {"y": {"z": 1}}, [{"y": 1}], None))


def _add_known(container: Any, key: Any, schema: Schema | None, random: Random) -> None:
    """A field of the schema that is not there yet, mostly with a value that fits."""
    value = container[key]
    if schema is None or not isinstance(value, dict) or not schema.properties:
        return
    missing = sorted(schema.properties.keys() - value.keys())
    if missing:
        name = random.choice(missing)
        value[name] = _plausible(schema.properties[name], random)


def _repeat(container: Any, key: Any, _: Schema | None, random: Random) -> None:
    value = container[key]
    if isinstance(value, list) and value:
        times = random.choice((1, 1, 2, 4, 20))
        value += [copy.deepcopy(random.choice(value)) for _ in range(times)]


def _empty(container: Any, key: Any, _: Schema | None, __: Random) -> None:
    value = container[key]
    if isinstance(value, dict | list | str):
        container[key] = type(value)()


def _nullify(container: Any, key: Any, _: Schema | None, __: Random) -> None:
    container[key] = None


def _collide(container: Any, key: Any, schema: Schema | None, random: Random) -> None:
    """Give two items of a list the same key fields, or swap neighbours' values."""
    value = container[key]
    if isinstance(value, list) and len(value) > 1 and schema is not None:
        first, second = random.sample(value, 2)
        for name in schema.map_keys or ("name",):
            if isinstance(first, dict) and isinstance(second, dict) and name in first:
                second[name] = copy.deepcopy(first[name])


_MUTATIONS: tuple[Callable[[Any, Any, Schema | None, Random], None], ...] = (
    _retype,
    _requantify,
    _requantify,
    _requantify,
    _drop,
    _misspell,
    _add_unknown,
    _add_known,
    _add_known,
    _repeat,
    _empty,
    _nullify,
    _collide,
)


def _plausible(schema: Schema | None, random: Random, depth: int = 0) -> Any:
    if schema is None or random.random() < 0.08:
        return copy.deepcopy(random.choice(_LEAVES))
    if "enum" in schema.raw and random.random() < 0.6:
        return random.choice(schema.raw["enum"])
    if schema.int_or_string:
        return random.choice((*_QUANTITIES, *_NUMBERS, "25%", "http"))
    if schema.type in ("integer", "number"):
        bounds = [schema.raw.get(name) for name in ("minimum", "maximum", "default")]
        near = [bound + step for bound in bounds if bound is not None for step in (-1, 0, 1)]
        return random.choice((*near, *_NUMBERS))
    if schema.type == "boolean":
        return random.choice((True, False, "true", 1))
    if schema.type == "string":
        special = _DURATIONS if schema.component.endswith("Duration") else _WORDS
        return random.choice((*special, "hf://x", "pvc://x", "hostpath:///x", "abc"))
    if schema.type == "array":
        count = random.choice((0, 1, 1, 2, 3))
        return [_plausible(schema.items, random, depth + 1) for _ in range(count)]
    if schema.additional is not None:
        keys = random.sample(("a", "b-c", "d.e/f", "", "G"), random.choice((0, 1, 2)))
        return {key: _plausible(schema.additional, random, depth + 1) for key in keys}
    return _plausible_object(schema, random, depth)


def _plausible_object(schema: Schema, random: Random, depth: int) -> dict[str, Any]:
    names = [name for name in schema.required if random.random() < 0.95]
    if depth < 4 and schema.properties:
        names += random.sample(sorted(schema.properties), min(2, len(schema.properties)))
    return {name: _plausible(schema.properties[name], random, depth + 1) for name in names}


def _spoil_metadata(obj: dict[str, Any], random: Random) -> None:
    metadata = obj["metadata"]
    field = random.choice(("name", "labels", "annotations", "finalizers", "ownerReferences", "odd"))
    if field == "name":
        metadata["name"] = random.choice(("", "A", "a_b", "a.b", "-a", "a" * 254, "a..b", 5, None))
    elif field in ("labels", "annotations"):
        keys = random.sample(_LABELS, 2)
        metadata[field] = {key: random.choice((*_LABELS, "", 5, None)) for key in keys}
    elif field == "finalizers":
        metadata[field] = random.sample(_LABELS, 2)
    elif field == "ownerReferences":
        owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": True}
        owners: list[dict[str, Any]] = [dict(owner), {**owner, "uid": "v"}]
        for each in owners:
            if random.random() < 0.5:
                del each[random.choice(sorted(each))]
        metadata[field] = owners
    else:
        value: Any = random.choice((1, "x", [], {"a": 1}, None))
        metadata[random.choice(("Name", "label", "generation", "creationTimestamp", "uid"))] = value
