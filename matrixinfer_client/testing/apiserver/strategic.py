"""Strategic merge patch, which Kubernetes has for its own kinds.

Mappings merge; lists are replaced, or merge by a key where their Go type says so. The directives
`$patch`, `$retainKeys`, `$deleteFromPrimitiveList/…` and `$setElementOrder/…` are followed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, TypeAlias

from matrixinfer_client.testing.apiserver.jsontext import is_list, is_object, json_type
from matrixinfer_client.testing.apiserver.refusals import (
    Refusal,
    bad_request,
    unclassified,
    unprocessable,
)
from matrixinfer_client.validation.rendering import render_value

__all__ = ["go_text", "strategic_merge_patch"]

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_DELETE = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"

_Map: TypeAlias = dict[str, Any]
_Place: TypeAlias = tuple[str, ...]

# Lists that merge, with the field by which items are the same.
_MERGE_KEYS: Mapping[str, str] = {
    "addresses": "type",
    "allocatedResourcesStatus": "name",
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "ephemeralContainers": "name",
    "hostAliases": "ip",
    "hostIPs": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "podIPs": "ip",
    "resourceClaimStatuses": "name",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "secrets": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
    "webhooks": "name",
}
# Lists of the same names that do not merge: the kind, and the field.
_ATOMIC = {
    ("CustomResourceDefinition", "conditions"),
    ("ServiceAccount", "imagePullSecrets"),
}
_MERGED_SCALARS = {("metadata", "finalizers"), ("spec", "podCIDRs")}


def strategic_merge_patch(obj: Mapping[str, Any], patch: Mapping[str, Any]) -> _Map:
    """The object after the patch; its kind says which lists merge.

    `kind` and `apiVersion` in the patch do nothing, as in the server.

    Raises `Refusal` with 400 or 500 for directives that cannot be followed.
    """
    kind = str(obj.get("kind") or "")
    merged = _merge_map(copy.deepcopy(dict(obj)), copy.deepcopy(dict(patch)), (kind,))
    return {**merged, **{key: obj[key] for key in ("apiVersion", "kind") if key in obj}}


def go_text(value: Any) -> str:
    """A value as Go prints it in messages about these patches: `map[a:1 b:[x <nil>]]`."""
    if value is None:
        return "<nil>"
    if is_object(value):
        pairs = sorted(value.items())
        return f"map[{' '.join(f'{key}:{go_text(item)}' for key, item in pairs)}]"
    if is_list(value):
        return f"[{' '.join(map(go_text, value))}]"
    return value if isinstance(value, str) else render_value(value)


def _merge_map(original: _Map, patch: _Map, place: _Place) -> _Map:
    if _DIRECTIVE in patch:
        return _directed(patch)
    if _RETAIN in patch:
        _retain(original, patch)
    for key in [key for key in patch if key.startswith(_ORDER)]:
        _merge_ordered(original, patch, key, place)
    for key, value in patch.items():
        if key.startswith(_DELETE):
            _delete_scalars(original, key.removeprefix(_DELETE), value)
        elif value is None:
            original.pop(key, None)
        else:
            _merge_field(original, key, value, (*place, key))
    return original


def _directed(patch: _Map) -> _Map:
    directive = patch[_DIRECTIVE]
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != _DIRECTIVE}
    if directive == "delete":
        return {}
    raise _unknown_directive(patch)


def _unknown_directive(patch: _Map) -> Refusal:
    return unclassified(
        f"unknown patch type: {go_text(patch[_DIRECTIVE])} in map: {go_text(patch)}"
    )


def _retain(original: _Map, patch: _Map) -> None:
    """Keep of the original only the fields that the directive names."""
    kept = patch.pop(_RETAIN)
    given = [key for key, value in patch.items() if not key.startswith("$") and value is not None]
    if not is_list(kept) or not set(given) <= set(map(str, kept)):
        raise bad_request("invalid patch format of retainKeys")
    for key in [key for key in original if key not in kept]:
        del original[key]


def _merge_field(original: _Map, key: str, value: Any, place: _Place) -> None:
    old = original.get(key)
    if is_object(old) and is_object(value):
        original[key] = _merge_map(old, value, place)
    elif is_list(old) and is_list(value) and _merges(place):
        original[key] = _merge_list(old, value, place)
    elif is_list(old) and is_list(value):
        original[key] = value
    else:
        _put(original, key, value)


def _put(original: _Map, key: str, value: Any) -> None:
    """A field that is new, or has another type now."""
    cleaned = _cleaned(value)
    if cleaned is _GONE:
        original.pop(key, None)
    else:
        original[key] = cleaned


_GONE = object()


def _cleaned(value: Any) -> Any:
    """Without nulls and without what has a directive."""
    if is_object(value):
        if _DIRECTIVE in value:
            return _GONE
        pairs = {key: _cleaned(item) for key, item in value.items() if item is not None}
        return {key: item for key, item in pairs.items() if item is not _GONE}
    if is_list(value):
        items = [_cleaned(item) for item in value]
        return [item for item in items if item is not _GONE]
    return value


def _merges(place: _Place) -> bool:
    return bool(_merge_key(place)) or place[-2:] in _MERGED_SCALARS


def _merge_key(place: _Place) -> str:
    """The field by which the items of a list are the same; empty where they do not merge."""
    kind, field = place[0], place[-1]
    if field == "ports":
        return "port" if kind == "Service" else "containerPort"
    return "" if (kind, field) in _ATOMIC else _MERGE_KEYS.get(field, "")


def _delete_scalars(original: _Map, key: str, value: Any) -> None:
    old = original.get(key)
    if is_list(old) and is_list(value):
        gone = value
        original[key] = [item for item in old if item not in gone]


def _merge_list(original: list[Any], patch: list[Any], place: _Place) -> list[Any]:
    if not original and not patch:
        return original
    _check_items(original, patch)
    key = _merge_key(place)
    if not key:
        merged = list(dict.fromkeys(original + patch))
        return _in_order(merged, patch, original, key)
    original, patch = _without_directed(original, patch, key)
    for item in patch:
        if key not in item:
            raise _no_key(item, key)
        index = _find(original, item[key], key)
        if index is None:
            original = [*original, item]
        else:
            original[index] = _merge_map(original[index], item, place)
    return _in_order(original, patch, original, key)


def _check_items(*lists: list[Any]) -> None:
    """All items must be of one type, and none a list."""
    items = [item for items in lists for item in items]
    if isinstance(items[0], list):
        raise unprocessable()
    if any(type(item) is not type(items[0]) for item in items):
        raise unclassified(f"list element types are not identical: {go_text(list(lists))}")


def _without_directed(
    original: list[Any], patch: list[Any], key: str
) -> tuple[list[Any], list[Any]]:
    plain = [item for item in patch if _DIRECTIVE not in item]
    replaced = False
    for item in patch:
        directive = item.get(_DIRECTIVE)
        if directive == "delete":
            if key not in item:
                raise _no_key(item, key)
            original = [old for old in original if old.get(key) != item[key]]
        elif directive == "replace":
            replaced = True
        elif directive == "merge":
            raise unclassified("merging lists cannot yet be specified in the patch")
        elif _DIRECTIVE in item:
            raise _unknown_directive(item)
    return (plain, []) if replaced else (original, plain)


def _no_key(item: _Map, key: str) -> Refusal:
    return unclassified(f"map: {go_text(item)} does not contain declared merge key: {key}")


def _merge_ordered(original: _Map, patch: _Map, directive: str, place: _Place) -> None:
    """A list with the order that it shall have in the end."""
    field = directive.removeprefix(_ORDER)
    order = _as_list(patch.pop(directive))
    below = (*place, field)
    key = _merge_key(below)
    given = _as_list(patch.pop(field, []))
    _check_order(given, order, key)
    if field not in original:
        if given:
            original[field] = _cleaned(given)
        return
    old = _as_list(original[field])
    merged = _merge_list(list(old), given, below) if given else old
    original[field] = _in_order(merged, order, old, key)


def _as_list(value: Any) -> list[Any]:
    if not is_list(value):
        found = {"bool": "bool", "string": "string", "object": "map[string]interface {}"}
        number = "float64" if isinstance(value, float) else "int64"
        text = found.get(json_type(value), number)
        raise unclassified(f"expected a []interface {{}}, but received a {text}")
    return value


def _check_order(given: list[Any], order: list[Any], key: str) -> None:
    left = [_identity(item, key) for item in given if not _has_directive(item)]
    for item in order:
        if left and left[0] == _identity(item, key):
            left = left[1:]
    if left and order:
        raise unclassified(
            f"The order in patch list:\n{go_text(given)}\n doesn't match $setElementOrder list:\n"
            f"{go_text(order)}\n"
        )


def _has_directive(item: Any) -> bool:
    return is_object(item) and _DIRECTIVE in item


def _identity(item: Any, key: str) -> Any:
    return item.get(key) if key and is_object(item) else item


def _find(items: list[Any], value: Any, key: str) -> int | None:
    found = (index for index, item in enumerate(items) if _identity(item, key) == value)
    return next(found, None)


def _in_order(merged: list[Any], wanted: list[Any], server: list[Any], key: str) -> list[Any]:
    """What was asked for in its order, and the rest where the server had it."""
    order = [_identity(item, key) for item in wanted]
    known = [_identity(item, key) for item in server]
    asked = [item for item in merged if _identity(item, key) in order]
    asked.sort(key=lambda item: order.index(_identity(item, key)))
    rest = [item for item in merged if _identity(item, key) not in order]
    result: list[Any] = []
    while asked and rest:
        first, second = _identity(rest[0], key), _identity(asked[0], key)
        is_before = first in known and second in known and known.index(first) < known.index(second)
        result.append((rest if is_before else asked).pop(0))
    return [*result, *asked, *rest]
