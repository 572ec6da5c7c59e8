"""JSON patch and merge patch as the API server applies them.

`decode_patch` reads the body, `json_patch`, `merge_patch` and `strategic_merge_patch` apply it, and
`patched_object` says whether an object came out. Numbers stay as they are, and no argument is
changed.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from matrixinfer_client.testing.apiserver.decoding import MOST_BYTES, FieldValidation
from matrixinfer_client.testing.apiserver.jsontext import (
    JsonError,
    is_list,
    is_object,
    json_type,
    read_json,
    write_json,
)
from matrixinfer_client.testing.apiserver.metafaults import metadata_fault
from matrixinfer_client.testing.apiserver.refusals import (
    bad_request,
    invalid_patch,
    request_too_large,
    unprocessable,
)
from matrixinfer_client.testing.apiserver.strategic import strategic_merge_patch
from matrixinfer_client.validation.rendering import quote

__all__ = [
    "CUSTOM_PATCH_TYPES",
    "JSON_PATCH",
    "MERGE_PATCH",
    "STRATEGIC_MERGE_PATCH",
    "decode_patch",
    "json_patch",
    "merge_patch",
    "patched_object",
    "strategic_merge_patch",
]

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH: Final = "application/strategic-merge-patch+json"
CUSTOM_PATCH_TYPES: Final = (JSON_PATCH, MERGE_PATCH, "application/apply-patch+yaml")
"""The patches of custom resources, as the server lists them when it refuses another one."""

_MOST_OPERATIONS = 10_000
_OPERATION_FIELDS = ("op", "path", "from")
_INDEX = re.compile("[+-]?[0-9]{1,18}", re.ASCII)
# Go's message depends on whether validation has read the patch before.
_GO_TYPES: Mapping[tuple[str, bool], str] = {
    (JSON_PATCH, True): "[]handlers.jsonPatchOp",
    (JSON_PATCH, False): "jsonpatch.Patch",
}
_GO_OPERATIONS = {True: "handlers.jsonPatchOp", False: "jsonpatch.Operation"}
_MAP = "map[string]interface {}"
_BAD_MERGE_PATCH = "Invalid JSON Patch"


def decode_patch(body: bytes, patch_type: str, *, strict: FieldValidation) -> tuple[Any, list[str]]:
    """The patch in a body, and what is wrong with it that only strict validation minds.

    Args:
        body: The bytes as they came.
        patch_type: `JSON_PATCH`, `MERGE_PATCH` or `STRATEGIC_MERGE_PATCH`.
        strict: `Ignore` looks for no problems, and answers in other words.

    Raises:
        Refusal: 400 for what is no patch, 413 for too many bytes or operations.
    """
    if len(body) > MOST_BYTES:
        raise request_too_large(f"limit is {MOST_BYTES}")
    checked = strict != "Ignore"
    beginning = "error decoding patch: " if checked and patch_type != STRATEGIC_MERGE_PATCH else ""
    try:
        patch, twice = read_json(body.decode("utf-8", "replace"))
        _check_shape(patch, patch_type, checked=checked)
    except JsonError as error:
        is_merge = patch_type == MERGE_PATCH and not checked
        raise bad_request(_BAD_MERGE_PATCH if is_merge else f"{beginning}{error}") from error
    if patch is None and patch_type == MERGE_PATCH:
        raise bad_request(_BAD_MERGE_PATCH)
    problems = [f"duplicate field {quote(path)}" for path in twice]
    if patch_type == JSON_PATCH:
        patch = cast("list[Any]", patch or [])
        if len(patch) > _MOST_OPERATIONS:
            raise request_too_large(
                f"The allowed maximum operations in a JSON patch is {_MOST_OPERATIONS}, got "
                f"{len(patch)}"
            )
        problems = [f"json patch {problem}" for problem in [*_unknown(patch), *problems]]
    return {} if patch is None else patch, problems if checked else []


def json_patch(obj: Mapping[str, Any], operations: Sequence[Any]) -> Any:
    """The object after each operation in turn.

    What the server's library permits is permitted: an index may count from the end, `replace` may
    add a field, `copy` may copy one that is not there (as null), and what stands before the first
    slash of a path does not matter.

    Raises `Refusal` with 422 when an operation does not apply; the server does not say which one.
    """
    document: Any = copy.deepcopy(dict(obj))
    try:
        for operation in operations:
            document = _OPERATIONS[operation["op"]](document, operation)
    except (AttributeError, LookupError, TypeError, ValueError):
        raise unprocessable() from None
    return document


def merge_patch(obj: Mapping[str, Any], patch: Any) -> Any:
    """The object after a merge patch: null removes a field, anything else replaces or merges."""
    if not is_object(patch):
        return _without_nulls(copy.deepcopy(patch))
    document = copy.deepcopy(dict(obj))
    _merge(document, copy.deepcopy(patch))
    return document


def patched_object(document: Any, *, core_kind: str = "") -> dict[str, Any]:
    """What a JSON or merge patch made, if it still is an object with metadata of the right types.

    Args:
        document: The result of the patch.
        core_kind: The kind, for one of Kubernetes itself, which the object may leave out.

    Raises:
        Refusal: 422 that quotes the document.
    """
    problem = _document_problem(document, core_kind)
    if problem is not None:
        raise invalid_patch(write_json(document), problem)
    return cast("dict[str, Any]", document)


def _check_shape(patch: Any, patch_type: str, *, checked: bool) -> None:
    if patch is None:
        return
    if patch_type != JSON_PATCH:
        may_be_list = patch_type == MERGE_PATCH and not checked
        if not is_object(patch) and not (may_be_list and is_list(patch)):
            raise _mismatch(patch, f"value of type {_MAP}")
        return
    if not is_list(patch):
        raise _mismatch(patch, f"value of type {_GO_TYPES[patch_type, checked]}")
    for operation in patch:
        if operation is not None and not is_object(operation):
            raise _mismatch(operation, f"value of type {_GO_OPERATIONS[checked]}")
        if checked and is_object(operation):
            _check_fields(operation)


def _check_fields(operation: dict[str, Any]) -> None:
    for field in _OPERATION_FIELDS:
        if not isinstance(operation.get(field), str | None):
            place = f"struct field jsonPatchOp.{field} of type string"
            raise _mismatch(operation[field], place)


def _mismatch(value: Any, place: str) -> JsonError:
    return JsonError(f"json: cannot unmarshal {json_type(value)} into Go {place}")


def _unknown(operations: Sequence[Any]) -> Iterator[str]:
    for index, operation in enumerate(operations):
        for field in cast("dict[str, Any]", operation or {}):
            if field not in (*_OPERATION_FIELDS, "value"):
                yield f"unknown field {quote(f'[{index}].{field}')}"


def _document_problem(document: Any, core_kind: str) -> str | None:
    if not is_object(document):
        structure = (
            'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
            'Kind string "json:\\"kind,omitempty\\"" }'
        )
        mismatch = _mismatch(document, f"value of type {structure}")
        return f"couldn't get version/kind; json parse error: {mismatch}"
    obj = document
    for field in ("apiVersion", "kind"):
        if not isinstance(obj.get(field), str | None):
            mismatch = _mismatch(obj[field], f"struct field .{field} of type string")
            return f"couldn't get version/kind; json parse error: {mismatch}"
    if not obj.get("kind") and not core_kind:
        return f"Object 'Kind' is missing in '{write_json(document)}'"
    return metadata_fault(obj.get("metadata"), core_kind=core_kind)


def _merge(document: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        old = document.get(key)
        if value is None:
            document.pop(key, None)
        elif not is_object(old):
            document[key] = _without_nulls(value)
        elif not is_object(value):
            document[key] = value
        else:
            _merge(old, value)


def _without_nulls(value: Any) -> Any:
    """Without the fields that are null, at any depth; items of lists stay."""
    if is_object(value):
        pairs = value.items()
        return {key: _without_nulls(item) for key, item in pairs if item is not None}
    if is_list(value):
        return [_without_nulls(item) for item in value]
    return value


def _place(document: Any, path: str) -> tuple[Any, str]:
    """The container that a path ends in, and the key in it."""
    _, *way, last = path.split("/")
    container = document
    for part in map(_unescaped, way):
        container = _item(container, part)
        if not is_object(container) and not is_list(container):
            raise KeyError(part)
    return container, _unescaped(last)


def _unescaped(part: str) -> str:
    # In one pass: `~01` is `~1` and not a slash.
    return re.sub("~[01]", lambda found: "/" if found[0] == "~1" else "~", part)


def _item(container: Any, key: str) -> Any:
    if is_list(container):
        return container[_index(key, len(container) - 1, len(container))]
    return container.get(key)


def _index(key: str, most: int, length: int) -> int:
    """The index that a key means; a negative one counts from the end of `length`."""
    if not _INDEX.fullmatch(key) or not -length <= int(key) <= most:
        raise KeyError(key)
    return int(key) % length if int(key) < 0 else int(key)


def _insert(container: Any, key: str, value: Any) -> None:
    if not is_list(container):
        container[key] = value
        return
    length = len(container)
    container.insert(length if key == "-" else _index(key, length, length + 1), value)


def _removed(container: Any, key: str) -> Any:
    if is_list(container):
        return container.pop(_index(key, len(container) - 1, len(container)))
    return container.pop(key)


def _add(document: Any, operation: dict[str, Any]) -> Any:
    container, key = _place(document, operation["path"])
    _insert(container, key, copy.deepcopy(operation.get("value")))
    return document


def _remove(document: Any, operation: dict[str, Any]) -> Any:
    _removed(*_place(document, operation["path"]))
    return document


def _replace(document: Any, operation: dict[str, Any]) -> Any:
    value = copy.deepcopy(operation.get("value"))
    if operation["path"] == "":
        # The library forgets to refuse a scalar, and keeps the document.
        return value if is_object(value) or is_list(value) else document
    container, key = _place(document, operation["path"])
    if is_list(container):
        container[_index(key, len(container) - 1, len(container))] = value
    else:
        container[key] = value
    return document


def _move(document: Any, operation: dict[str, Any]) -> Any:
    value = _removed(*_place(document, operation["from"]))
    _insert(*_place(document, operation["path"]), value)
    return document


def _copy(document: Any, operation: dict[str, Any]) -> Any:
    value = copy.deepcopy(_item(*_place(document, operation["from"])))
    _insert(*_place(document, operation["path"]), value)
    return document


def _test(document: Any, operation: dict[str, Any]) -> Any:
    path = operation["path"]
    found = document if path == "" else _item(*_place(document, path))
    if not _same(found, operation["value"]):
        raise ValueError(path)
    return document


def _same(one: Any, other: Any) -> bool:
    """Whether two values are written alike: `1` is neither `1.0` nor true."""
    if is_object(one) and is_object(other):
        first, second = one, other
        return first.keys() == second.keys() and all(_same(first[k], second[k]) for k in first)
    if is_list(one) and is_list(other):
        pairs = one, other
        return len(pairs[0]) == len(pairs[1]) and all(map(_same, *pairs))
    return type(one) is type(other) and bool(one == other)


_OPERATIONS: Mapping[str, Callable[[Any, dict[str, Any]], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
