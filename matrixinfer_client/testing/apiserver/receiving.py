"""Bodies of writes: decoded, pruned and defaulted, with everything in them that is in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, cast

import attrs

from matrixinfer_client.testing.apiserver.catalog import catalog
from matrixinfer_client.testing.apiserver.corekinds import with_defaults
from matrixinfer_client.testing.apiserver.decoding import (
    check_target,
    decode_apply,
    decode_body,
    strict_problems,
    strict_refusal,
    undecodable,
)
from matrixinfer_client.testing.apiserver.headers import (
    cleaned,
    drop_repeated_owners,
    repeated_owners,
)
from matrixinfer_client.testing.apiserver.jsontext import write_json
from matrixinfer_client.testing.apiserver.metafaults import metadata_fault
from matrixinfer_client.testing.apiserver.options import WriteOptions
from matrixinfer_client.testing.apiserver.refusals import (
    Refusal,
    bad_request,
    internal_error,
    invalid_patch,
)
from matrixinfer_client.testing.apiserver.routing import Ask
from matrixinfer_client.validation.objects import complete
from matrixinfer_client.validation.results import FieldError
from matrixinfer_client.validation.schemas import KindSchema, kind_schema, kinds

__all__ = ["completed", "configured", "received", "repatched", "schema_of"]

_REGISTERED: Final = frozenset((each.kind.api_version, each.kind.kind) for each in catalog().types)


def received(ask: Ask, options: WriteOptions, *, name: str | None) -> dict[str, Any]:
    """The object of a create or update; `name` is that of the path."""
    kind = ask.kind
    obj, twice = decode_body(
        ask.call.body,
        ask.call.headers.get("content-type", ""),
        api_version=kind.api_version,
        kind=kind.kind,
        custom=ask.type.custom,
        strict=options.field_validation,
    )
    core_kind = "" if ask.type.custom else kind.kind
    fault = metadata_fault(obj.get("metadata"), core_kind=core_kind)
    if fault is not None:
        raise undecodable(obj, kind.kind, fault)
    understood, unknown = completed(ask, obj)
    problems = strict_problems(twice, unknown)
    if problems and options.field_validation == "Strict":
        if not obj.get("apiVersion"):
            raise bad_request("Object 'apiVersion' is missing in 'object has no apiVersion field'")
        raise strict_refusal(obj, str(obj.get("kind")), problems)
    _warn(ask, options, problems)
    _check(ask, understood, name, kind.api_version)
    ask.warn(repeated_owners(obj.get("metadata") or {}))
    drop_repeated_owners(understood["metadata"])
    return understood


def repatched(
    ask: Ask, options: WriteOptions, patched: Mapping[str, Any], twice: Sequence[str]
) -> dict[str, Any]:
    """The object that a patch made."""
    understood, unknown = completed(ask, patched)
    problems = strict_problems(twice, unknown)
    if problems and options.field_validation == "Strict":
        raise _patch_refusal(patched, problems)
    _warn(ask, options, problems)
    # That a custom object became another kind is found when it is validated.
    version = understood.get("apiVersion", "") if ask.type.custom else ask.kind.api_version
    _check(ask, understood, ask.name, version)
    if not version:
        raise internal_error("Object 'apiVersion' is missing in 'object has no apiVersion field'")
    ask.warn(
        repeated_owners(patched.get("metadata") or {}, when=" after mutating admission happens")
    )
    return understood


def configured(ask: Ask, options: WriteOptions) -> tuple[dict[str, Any], Sequence[str]]:
    """The configuration of an apply, as it is, and the keys that come twice in it."""
    return decode_apply(ask.call.body, strict=options.field_validation)


def completed(
    ask: Ask, obj: Mapping[str, Any], *, nulls: bool = False
) -> tuple[dict[str, Any], Sequence[FieldError]]:
    """A copy without what the schema does not know, with defaults and tidy metadata.

    Null goes where it is no value; with `nulls` it stays where no default takes its place.
    """
    schema = ask.type.schema
    metadata: Mapping[str, Any] = obj.get("metadata") or {}
    unknown: Sequence[FieldError] = ()
    if schema is None:
        understood = with_defaults(ask.kind, obj)
        # Of core objects the metadata alone have a schema here.
        metadata = understood.get("metadata") or {}
        known, unknown = complete(_without_fields(), {"metadata": metadata})
        understood["metadata"] = known["metadata"]
    else:
        understood, unknown = _pruned(schema, obj)
        if nulls:
            _restore_nulls(obj, understood)
    # What managers own has no schema, and stays as it is.
    kept = {key: metadata[key] for key in ("managedFields",) if key in metadata}
    understood["metadata"] = cleaned({**(understood.get("metadata") or {}), **kept})
    # As the server writes it: apiVersion and kind first, the status last.
    return {name: understood[name] for name in sorted(understood)}, unknown


def _restore_nulls(given: Mapping[str, Any], understood: dict[str, Any]) -> None:
    """Put back the nulls, so that they are found to be of the wrong type."""
    for name, value in given.items():
        if value is None:
            understood.setdefault(name, None)
        elif name in understood and name != "metadata":
            _restore_below(value, understood[name])


def _restore_below(given: Any, understood: Any) -> None:
    if isinstance(given, dict) and isinstance(understood, dict):
        _restore_nulls(cast("dict[str, Any]", given), cast("dict[str, Any]", understood))
    elif isinstance(given, list) and isinstance(understood, list):
        pairs = zip(cast("Sequence[Any]", given), cast("Sequence[Any]", understood), strict=True)
        for one, other in pairs:
            _restore_below(one, other)


def _pruned(
    schema: KindSchema, obj: Mapping[str, Any]
) -> tuple[dict[str, Any], Sequence[FieldError]]:
    """What the schema makes of an object; of another kind it makes nothing.

    Of another version of this kind the server has no schema, so it knows none of the fields.
    """
    version, kind = str(obj.get("apiVersion") or ""), obj.get("kind")
    if (version, kind) == (schema.api_version, schema.kind):
        return complete(schema, obj)
    if (version.rpartition("/")[0], kind) == (schema.group, schema.kind):
        return complete(_without_fields(), obj)
    metadata = {"metadata": obj["metadata"]} if "metadata" in obj else {}
    understood, unknown = complete(schema, metadata)
    return {**obj, **understood}, unknown


@cache
def _without_fields() -> KindSchema:
    """A schema of which no kind knows more than what all have."""
    schema = kind_schema(next(iter(kinds())))
    known = {name: schema.root.properties[name] for name in ("apiVersion", "kind", "metadata")}
    return attrs.evolve(schema, root=attrs.evolve(schema.root, properties=known))


def schema_of(ask: Ask) -> Any:
    """The root of the kind's schema; None for core objects, which have none here."""
    return None if ask.type.schema is None else ask.type.schema.root


def _patch_refusal(patched: Mapping[str, Any], problems: Sequence[str]) -> Refusal:
    """422: what a patch made of the object has fields that are unknown or come twice."""
    problem = f"strict decoding error: {', '.join(problems)}"
    return invalid_patch(write_json(patched), problem)


def _warn(ask: Ask, options: WriteOptions, problems: Sequence[str]) -> None:
    if options.field_validation != "Ignore":
        ask.warn(problems)


def _check(ask: Ask, obj: dict[str, Any], name: str | None, version: str) -> None:
    kind = ask.kind
    check_target(
        obj,
        api_version=version,
        kind=kind.kind,
        namespace=ask.namespace,
        name=name,
        custom=ask.type.custom,
        registered=_REGISTERED,
    )
