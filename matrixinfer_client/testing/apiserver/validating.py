"""The rules that an object is held to before it is stored, in the order of the API server.

An update of an object is looked at twice, once as every kind's and once as this kind's; what is
wrong with its metadata is then told twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from matrixinfer_client.testing.apiserver.decoding import identity_errors
from matrixinfer_client.testing.apiserver.routing import Ask
from matrixinfer_client.validation.checks import scalar_faults
from matrixinfer_client.validation.faults import BLOCKING, is_integer, to_error, wrong_type
from matrixinfer_client.validation.identifiers import label_key_problems, namespace_problems
from matrixinfer_client.validation.metadata import metadata_errors
from matrixinfer_client.validation.objects import cel_errors, schema_errors, status_errors
from matrixinfer_client.validation.rendering import Parts, quote, render_path, render_value
from matrixinfer_client.validation.results import FieldError, invalid
from matrixinfer_client.validation.rules import has_rules
from matrixinfer_client.validation.schemas import KindSchema, Schema

__all__ = ["finalizer_warnings", "object_errors"]

_CHECKED_ON_UPDATE: Final = ("labels", "annotations", "ownerReferences")
_IMMUTABLE: Final = ("uid", "deletionTimestamp", "deletionGracePeriodSeconds")
_STANDARD_FINALIZERS: Final = ("orphan", "foregroundDeletion", "kubernetes")
_AVOID: Final = "to avoid accidental conflicts with other finalizer writers"
_ANY_OF: Final = "at least one schema (anyOf)"
_UNCHECKED: Final = (
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)
# The server looks at a status on its own, and its messages begin below it.
_BELOW_STATUS: Final = re.compile(
    r"(?<=: )status\.?(?=\S* in body )|(?<=: \")status\.(?=\S*\" must)"
)


def object_errors(
    ask: Ask, obj: Mapping[str, Any], old: Mapping[str, Any] | None
) -> list[FieldError]:
    """All that is wrong with a new object, or with a new state of `old`."""
    schema, metadata = ask.type.schema, obj["metadata"]
    if ask.subresource == "status" and old is not None and schema is not None:
        return _of_status(schema, obj, old)
    found = _metadata_errors(ask, metadata)
    if old is None:
        return found if schema is None else _of_kind(schema, obj, None, found)
    again = [*_changes(metadata, old["metadata"]), *filter(_is_checked_on_update, found)]
    of_kind = _of_core(ask, obj, old) if schema is None else _of_kind(schema, obj, old, again)
    if schema is None:
        of_kind += _seen_again(ask.kind.kind, found, again)
    return [*found, *again, *of_kind]


def finalizer_warnings(obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[str]:
    """What the server says of new finalizers of custom objects that name nobody."""
    known = () if old is None else old["metadata"].get("finalizers", ())
    for name in sorted({*obj["metadata"].get("finalizers", ())} - {*known}):
        beginning = f"metadata.finalizers: {quote(name)}"
        yield from (f"{beginning}: {problem}" for problem in label_key_problems(name))
        if "/" in name or name in _STANDARD_FINALIZERS:
            continue
        path = " including a path (/)" if "." in name else ""
        yield f"{beginning}: prefer a domain-qualified finalizer name{path} {_AVOID}"


def _seen_again(
    kind: str, found: Sequence[FieldError], changes: Sequence[FieldError]
) -> Sequence[FieldError]:
    """What a core kind finds in metadata itself: most all of it, besides what changed in it."""
    if kind == "Event":
        return ()
    return changes if kind == "Namespace" else [*changes, *found]


def _of_core(ask: Ask, obj: Mapping[str, Any], old: Mapping[str, Any]) -> list[FieldError]:
    """The few rules for core kinds that are known here."""
    if ask.kind.kind != "Secret" or obj.get("type") == old.get("type"):
        return []
    return [invalid(("type",), "type", obj.get("type"), "field is immutable", source="schema")]


def _of_kind(
    schema: KindSchema,
    obj: Mapping[str, Any],
    old: Mapping[str, Any] | None,
    metadata: Sequence[FieldError],
) -> list[FieldError]:
    identity = identity_errors(obj, schema.api_version, schema.kind)
    if identity:
        return _of_another_kind(schema, obj, old, identity)
    found = schema_errors(schema, obj, old, metadata=metadata)
    composites = _composites(schema, obj, found, "<nil>")
    return _with_unchecked(schema, [*found, *composites])


def _of_another_kind(
    schema: KindSchema,
    obj: Mapping[str, Any],
    old: Mapping[str, Any] | None,
    identity: list[FieldError],
) -> list[FieldError]:
    """What the server looks at in an object that says that it is another one."""
    structural = schema_errors(schema, obj, old, metadata=(), cel=False)
    found = [*identity, *(error for error in structural if error.type == "FieldValueDuplicate")]
    return [*found, *cel_errors(schema, obj, old, found)]


def _of_status(
    schema: KindSchema, obj: Mapping[str, Any], old: Mapping[str, Any]
) -> list[FieldError]:
    found = status_errors(schema, obj, old)
    found += _composites(schema, obj, found, "status")
    return _with_unchecked(schema, [_from_status(error) for error in found])


def _composites(
    schema: KindSchema, obj: Mapping[str, Any], errors: Sequence[FieldError], path: str
) -> Iterator[FieldError]:
    """What the server says of composed schemas beside what is wrong with their parts."""
    for parts in dict.fromkeys(error.parts for error in errors if error.source == "schema"):
        node, value = _at(schema.root, obj, parts)
        problem = "" if node is None else _composite(node, value)
        if problem:
            yield FieldError(
                path=path,
                parts=parts,
                type="FieldValueInvalid",
                message=f'Invalid value: "": {quote(render_path(parts))} must validate {problem}',
                source="schema",
            )
        if problem == _ANY_OF:
            # Also how the first of the schemas is broken.
            fault = wrong_type("integer", value)
            fault.parts += reversed(parts)
            yield to_error(fault)


def _composite(node: Schema, value: Any) -> str:
    """Which schemas a value must validate and does not."""
    if value is None:
        return ""
    if node.int_or_string:
        is_one = isinstance(value, str) or (is_integer(value) and not isinstance(value, bool))
        return "" if is_one else _ANY_OF
    broken = sum(bool(scalar_faults(part, value)) for part in node.all_of)
    none = ". None validated" if broken == len(node.all_of) else ""
    return f"all the schemas (allOf){none}" if broken else ""


def _at(root: Schema, obj: Any, parts: Parts) -> tuple[Schema | None, Any]:
    """The schema and the value at a place; None for a place that is not there."""
    node: Schema | None = root
    value = obj
    for part in parts:
        if node is None:
            break
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None, None
        node = node.items if isinstance(part, int) else node.properties.get(part, node.additional)
    return node, value


def _from_status(error: FieldError) -> FieldError:
    message = _BELOW_STATUS.sub("", error.message)
    return error if message == error.message else attrs.evolve(error, message=message)


def _with_unchecked(schema: KindSchema, errors: list[FieldError]) -> list[FieldError]:
    """With the remark that CEL rules were left out, if there are any and an error is in the way."""
    if not has_rules(schema.root) or all(error.type not in BLOCKING for error in errors):
        return errors
    return [
        *errors,
        FieldError(
            path="<nil>", parts=(), type="FieldValueInvalid", message=_UNCHECKED, source="cel"
        ),
    ]


def _metadata_errors(ask: Ask, metadata: Mapping[str, Any]) -> list[FieldError]:
    errors = metadata_errors(metadata, None, namespaced=ask.kind.namespaced)
    if ask.kind.kind == "Event":
        # Whatever it is called, but it must be called something.
        places = [("metadata", "name"), ("metadata", "generateName")]
        missing = "FieldValueRequired"
        return [each for each in errors if each.parts not in places or each.type == missing]
    if ask.kind.kind != "Namespace":
        return errors
    # The name of a namespace is a label, and not a subdomain as other names are.
    name = metadata.get("name", "")
    place = ("metadata", "name")
    problems = namespace_problems(name) if name else ()
    found = [invalid(place, "metadata.name", name, each, source="name") for each in problems]
    return [*found, *(error for error in errors if not name or error.parts != place)]


def _is_checked_on_update(error: FieldError) -> bool:
    return error.parts[1] in _CHECKED_ON_UPDATE


def _changes(metadata: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[FieldError]:
    """What an update must not do to metadata."""
    if "deletionTimestamp" in old:
        yield from _new_finalizers(metadata, old)
    for name in _IMMUTABLE:
        given = metadata.get(name)
        if given != old.get(name):
            place = ("metadata", name)
            shown = render_value(given)
            detail = "field is immutable"
            yield invalid(place, f"metadata.{name}", given, detail, source="name", shown=shown)


def _new_finalizers(metadata: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[FieldError]:
    """Nobody may ask to be waited for once an object is being deleted."""
    added = sorted({*metadata.get("finalizers", ())} - {*old.get("finalizers", ())})
    if added:
        shown = ", ".join(map(quote, added))
        text = (
            "Forbidden: no new finalizers can be added if the object is being deleted, found new "
            f"finalizers []string{{{shown}}}"
        )
        yield FieldError(
            path="metadata.finalizers",
            parts=("metadata", "finalizers"),
            type="FieldValueForbidden",
            message=text,
            source="name",
        )
