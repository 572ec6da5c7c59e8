"""One object through the stages of the API server, in the server's order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, cast

import attrs

from matrixinfer_client.validation.checks import compile_check
from matrixinfer_client.validation.correlation import is_unchanged
from matrixinfer_client.validation.faults import BLOCKING, to_error
from matrixinfer_client.validation.metadata import OBJECT_META, malformed, metadata_errors
from matrixinfer_client.validation.preparing import Unknown, compile_prepare
from matrixinfer_client.validation.rendering import Parts, render_path
from matrixinfer_client.validation.results import FieldError, invalid, required
from matrixinfer_client.validation.rules import ABSENT, has_rules, rule_errors
from matrixinfer_client.validation.schemas import KindSchema, Schema, kind_schema, kinds, resolve
from matrixinfer_client.validation.webhooks import (
    decoding_errors,
    mutate_in_place,
    webhook_errors,
)

__all__ = [
    "Checks",
    "cel_errors",
    "check_object",
    "complete",
    "identity_errors",
    "is_readable",
    "malformed_metadata",
    "schema_errors",
    "status_errors",
    "structural_errors",
]


@attrs.frozen(kw_only=True)
class Checks:
    """Which stages run, and what is known beyond the object."""

    strict: bool = True
    cel: bool = True
    webhooks: bool = True
    policy_exists: Callable[[str], bool] | None = None


def identity_errors(obj: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with `apiVersion` and `kind`; nothing for the kinds of the document."""
    errors: list[FieldError] = []
    errors += [
        required((name,), name, source="document")
        for name in ("apiVersion", "kind")
        if not isinstance(obj.get(name), str) or not obj[name]
    ]
    if errors:
        return errors
    api_version, kind = obj["apiVersion"], obj["kind"]
    if kind not in kinds():
        known = ", ".join(sorted(kinds()))
        detail = f"is not one of the kinds that can be checked here ({known})"
        return [invalid(("kind",), "kind", kind, detail, source="document")]
    expected = kind_schema(kind).api_version
    if api_version != expected:
        detail = f"must be {expected} for a {kind}"
        return [invalid(("apiVersion",), "apiVersion", api_version, detail, source="document")]
    return []


def complete(kind: KindSchema, obj: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """The object with pruning and defaults, and an error for each field that was not known.

    `metadata` has its own schema; what is open in it stays.
    """
    unknown: Unknown = []
    sections = {key: value for key, value in obj.items() if key != "metadata"}
    completed: dict[str, Any] = compile_prepare(kind.root)(sections, unknown)
    if obj.get("metadata") is not None:
        before = len(unknown)
        prepare = compile_prepare(_meta_schema())
        completed["metadata"] = prepare(_with_empty_texts(obj["metadata"]), unknown)
        for path in unknown[before:]:
            path.append("metadata")
    paths = sorted((tuple(reversed(path)) for path in _described(unknown)), key=render_path)
    return completed, [_unknown_field(parts) for parts in paths]


def check_object(
    obj: Mapping[str, Any], old: Mapping[str, Any] | None, checks: Checks
) -> list[FieldError]:
    """All field errors of one object of a known kind.

    Unknown fields are reported along with the rest, although the server would stop at them. The
    webhooks' rules come last and only when everything before is in order, as in the server.
    """
    kind = kind_schema(obj["kind"])
    given, strict = complete(kind, obj)
    errors = strict if checks.strict else []
    metadata = given.get("metadata", {})
    bad_metadata = malformed(_meta_schema(), metadata) if metadata else []
    if bad_metadata:
        return errors + bad_metadata
    stored = None if old is None else complete(kind, old)[0]
    # The mutating webhooks come first in the server; but what they add is always valid, and what
    # they cannot read is told better by the schema.
    found = schema_errors(kind, given, stored, cel=checks.cel)
    # On an update errors may have been forgiven; the webhooks' rules need the right shape.
    is_sound = not found and (stored is None or _has_shape(kind, given))
    if is_sound and checks.webhooks and "spec" in given:
        found = _webhook_stage(kind.kind, given, checks)
    return errors + found


def _webhook_stage(kind: str, given: dict[str, Any], checks: Checks) -> list[FieldError]:
    unreadable = decoding_errors(kind, given["spec"])
    if unreadable:
        return unreadable
    mutate_in_place(kind, given)
    return webhook_errors(kind, given, policy_exists=checks.policy_exists)


def _has_shape(kind: KindSchema, given: Mapping[str, Any]) -> bool:
    check = compile_check(kind.root)
    return check is None or not check(_checked(given))


def is_readable(kind: KindSchema, given: Mapping[str, Any]) -> bool:
    """Whether every value has the type that the webhooks expect of it.

    If not, the schema says so in plainer words than a webhook that cannot read the object.
    """
    check = compile_check(kind.root)
    faults = [] if check is None else check(_checked(given)) or []
    return all(fault.type != "FieldValueTypeInvalid" for fault in faults)


def structural_errors(obj: Mapping[str, Any]) -> list[FieldError]:
    """The errors of the schema alone, for what needs an object of the right shape."""
    kind = kind_schema(obj["kind"])
    given, _ = complete(kind, obj)
    metadata = given.get("metadata", {})
    bad_metadata = malformed(_meta_schema(), metadata) if metadata else []
    return bad_metadata or _schema_errors(kind.root, given, None)


def malformed_metadata(metadata: Mapping[str, Any]) -> list[FieldError]:
    """Fields of the wrong type in the metadata of an object, at which the server stops."""
    return malformed(_meta_schema(), metadata) if metadata else []


def schema_errors(
    kind: KindSchema,
    given: Mapping[str, Any],
    stored: Mapping[str, Any] | None,
    *,
    cel: bool = True,
    metadata: Iterable[FieldError] | None = None,
) -> list[FieldError]:
    """What the rules for metadata, the schema and the CEL rules say to a completed object.

    `stored` is the object that it replaces, completed too; None for a new one. `metadata` is what
    was found in its metadata, where somebody looked at that before. The status is not looked at.
    """
    if metadata is None:
        old = None if stored is None else stored.get("metadata", {})
        metadata = metadata_errors(given.get("metadata", {}), old, namespaced=kind.namespaced)
    errors = [*metadata, *_schema_errors(kind.root, given, stored)]
    return errors + cel_errors(kind, given, stored, errors) if cel else errors


def status_errors(
    kind: KindSchema, given: Mapping[str, Any], stored: Mapping[str, Any]
) -> list[FieldError]:
    """What the schema and the CEL rules say to an object with a new status."""
    errors: list[FieldError] = []
    if "status" in given:
        new, old = ({"status": obj["status"]} if "status" in obj else {} for obj in (given, stored))
        errors = _judged(_status_root(kind.kind), new, old)
    return errors + cel_errors(kind, given, stored, errors)


@cache
def _status_root(kind: str) -> Schema:
    """The root of a kind with nothing below it but the status."""
    root = kind_schema(kind).root
    below = {name: node for name, node in root.properties.items() if name == "status"}
    return attrs.evolve(root, properties=below, required=())


def cel_errors(
    kind: KindSchema,
    given: Mapping[str, Any],
    stored: Mapping[str, Any] | None,
    errors: list[FieldError],
) -> list[FieldError]:
    """What the CEL rules say, which are not asked after some of the errors that were found."""
    if not has_rules(kind.root) or any(error.type in BLOCKING for error in errors):
        return []
    old = ABSENT if stored is None else _checked(stored)
    new = _checked(given)

    def unchanged(parts: Parts) -> bool:
        return stored is not None and is_unchanged(kind.root, new, old, parts)

    return rule_errors(kind.root, new, old, is_unchanged=unchanged)


def _schema_errors(
    root: Schema, given: Mapping[str, Any], stored: Mapping[str, Any] | None
) -> list[FieldError]:
    return _judged(root, _checked(given), None if stored is None else _checked(stored))


def _judged(root: Schema, new: dict[str, Any], old: dict[str, Any] | None) -> list[FieldError]:
    check = compile_check(root)
    found = [] if check is None else check(new) or []
    errors = [to_error(fault) for fault in found]
    if old is None or check is None or not errors:
        return errors
    repeated_before = any(fault.type in _LIST_RULES for fault in check(old) or ())

    def is_forgiven(error: FieldError) -> bool:
        if error.type in _LIST_RULES:
            # Not by place: one repeated key in what is stored forgives them all.
            return repeated_before
        is_missing = error.type == "FieldValueRequired"
        place = error.parts[:-1] if is_missing else error.parts
        return is_unchanged(root, new, old, place)

    return [error for error in errors if not is_forgiven(error)]


_LIST_RULES = ("FieldValueDuplicate",)


def _checked(obj: Mapping[str, Any]) -> dict[str, Any]:
    """What the schema is applied to: on the main resource the server ignores the status."""
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


def _meta_schema() -> Schema:
    return resolve(OBJECT_META)


def _with_empty_texts(metadata: Any) -> Any:
    """Labels and annotations in which null has become the empty text, as in the server."""
    if not isinstance(metadata, dict):
        return metadata
    fields = cast("dict[str, Any]", metadata)
    texts: dict[str, Any] = {}
    for name in ("labels", "annotations"):
        if isinstance(fields.get(name), dict):
            texts[name] = {key: "" if text is None else text for key, text in fields[name].items()}
    return fields | texts


def _described(unknown: Unknown) -> Unknown:
    # The sets of managed fields have no schema, and the server keeps them as they are.
    return [path for path in unknown if "fieldsV1" not in path]


def _unknown_field(parts: Parts) -> FieldError:
    path = render_path(parts)
    return FieldError(
        path=path,
        parts=parts,
        type="UnknownField",
        message=f'unknown field "{path}"',
        source="strict",
    )
