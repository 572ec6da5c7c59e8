"""A schema as a flat list of facts: what two schemas must have in common to mean the same.

Paths are written as people write them: `spec.backends[].env`, `metadata.labels{}`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from codegen.document import DocumentError
from codegen.schemas import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from codegen.document import Json

__all__ = ["Structure", "compared", "structure"]

# By path, what is demanded there, by keyword; the root has the empty path.
Structure: TypeAlias = dict[str, dict[str, Any]]

# Prose, and what only documents have: a CustomResourceDefinition may not say it.
_IGNORED = {
    "description",
    "example",
    "externalDocs",
    "title",
    "x-kubernetes-custom-resource",
    "x-kubernetes-group-version-kind",
    "x-kubernetes-patch-merge-key",
    "x-kubernetes-patch-strategy",
}
_NESTED = {"properties", "items", "additionalProperties"}
# The order of these means nothing.
_SETS = {"enum", "required", "type"}


def structure(schema: Json, components: Mapping[str, Json] | None = None) -> Structure:
    """The facts of a schema, with references followed into `components`."""
    found: Structure = {}
    _walk(schema, components or {}, "", (), found)
    return found


def compared(ours: Structure, theirs: Structure, names: tuple[str, str]) -> Iterator[str]:
    """What differs, path by path; a path that one side lacks is told once, not for all below it."""
    for path in sorted({*ours, *theirs}):
        if path in ours and path in theirs:
            yield from (f"{path}: {line}" for line in _keywords(ours[path], theirs[path], names))
        elif _parent(path) in ours and _parent(path) in theirs:
            has, lacks = names if path in ours else reversed(names)
            yield f"{path}: {has} has it, {lacks} does not"


def _keywords(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], names: tuple[str, str]
) -> Iterator[str]:
    for keyword in sorted({*ours, *theirs}):
        sides = [
            f"{_shown(facts[keyword])} in {name}" if keyword in facts else f"not said in {name}"
            for facts, name in zip((ours, theirs), names, strict=True)
        ]
        # As text: for Python 1 and true are equal.
        if _shown(ours.get(keyword)) != _shown(theirs.get(keyword)):
            yield f"{keyword} is {', '.join(sides)}"


def _walk(
    schema: Json,
    components: Mapping[str, Json],
    path: str,
    inside: tuple[str, ...],
    found: Structure,
) -> None:
    resolved, said = _resolved(schema, components)
    found[path] = dict(_facts(said))
    if any(ref in inside for ref in resolved):
        # A type that contains itself has been told once.
        return
    inside += resolved
    for name, part in said.get("properties", {}).items():
        _walk(part, components, f"{path}.{name}" if path else name, inside, found)
    for keyword, suffix in (("items", "[]"), ("additionalProperties", "{}")):
        part = said.get(keyword)
        if isinstance(part, dict):
            _walk(part, components, path + suffix, inside, found)


def _resolved(schema: Json, components: Mapping[str, Json]) -> tuple[tuple[str, ...], Json]:
    """What a schema says with the components that it refers to, and which these were."""
    resolved: tuple[str, ...] = ()
    refs, said = fold(schema)
    while refs:
        for ref in refs:
            if ref not in components:
                raise DocumentError(f"there is no schema {ref!r}")
        resolved += refs
        refs, said = fold({**said, "allOf": [components[ref] for ref in refs]})
        refs = tuple(ref for ref in refs if ref not in resolved)
    return resolved, said


def _facts(said: Json) -> Iterator[tuple[str, Any]]:
    for keyword, value in said.items():
        if keyword in _IGNORED or (keyword in _NESTED and isinstance(value, dict)):
            continue
        if keyword in _SETS:
            values = value if isinstance(value, list) else [value]
            if values:
                yield keyword, sorted(values, key=_shown)
        elif value is not False:
            # A flag that is false is a flag that is not there.
            yield keyword, _number(value)


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _parent(path: str) -> str:
    if path.endswith(("[]", "{}")):
        return path[:-2]
    return path.rpartition(".")[0]


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
