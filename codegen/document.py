"""Reads the OpenAPI document. The only module that knows openapi-python-client.

Its parser validates the document, resolves the operations' parameters and says what it cannot
understand. What it drops or blurs is taken from the document itself: extensions of operations, the
order of enums, the difference between a map and an object. Everybody else sees plain values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import ErrorLevel, GeneratorError

from codegen.text import Text, flat
from codegen.yamls import YamlError, load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from openapi_python_client.parser.openapi import Endpoint

__all__ = ["Document", "DocumentError", "Json", "Operation", "load", "read"]

Json: TypeAlias = dict[str, Any]

# No code is generated from bodies, so it is enough that the parser finds one. Without this it
# warns about every apply and drops operations whose body may be anything.
_BODIES = {
    "*/*": "application/json",
    "application/apply-patch+cbor": "application/json",
    "application/apply-patch+yaml": "application/json",
}


class DocumentError(ValueError):
    """The document cannot be read, or is not a valid OpenAPI document."""


@attrs.frozen
class Operation:
    """An operation that says which Kubernetes action it is, and on which kind.

    `action` is the value of `x-kubernetes-action`; `parameters` are those of the query.
    """

    method: str
    path: str
    action: str
    group: str
    version: str
    kind: str
    parameters: frozenset[str]


@attrs.frozen
class Document:
    """A valid document: the whole of it, its schemas by component name, its operations."""

    name: str
    raw: Json
    schemas: dict[str, Json]
    operations: tuple[Operation, ...]
    warnings: tuple[str, ...]


def load(path: Path) -> Json:
    """The document as plain values, read but not validated."""
    try:
        found = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YamlError) as error:
        raise DocumentError(f"{path}: {error}") from error
    if len(found) != 1 or not isinstance(found[0], dict):
        raise DocumentError(f"{path}: not one YAML mapping")
    return found[0]


def read(path: Path) -> Document:
    """The validated document; raises `DocumentError` with everything the parser has against it."""
    raw = load(path)
    parsed = _parse(raw, path)
    problems = [*parsed.errors]
    for collection in parsed.endpoint_collections_by_tag.values():
        problems += collection.parse_errors
    errors = [_message(problem) for problem in problems if problem.level is ErrorLevel.ERROR]
    if errors:
        raise DocumentError("\n".join([f"{path} is not valid:", *errors]))
    return Document(
        name=path.name,
        raw=raw,
        schemas=raw.get("components", {}).get("schemas", {}),
        operations=tuple(_operations(raw, parsed)),
        warnings=tuple(_message(problem) for problem in problems),
    )


def _parse(raw: Json, path: Path) -> GeneratorData:
    settings = ConfigFile(content_type_overrides=_BODIES, literal_enums=True)
    config = Config.from_sources(settings, MetaType.NONE, path, "utf-8", False, None)
    try:
        parsed = GeneratorData.from_dict(raw, config=config)
    except Exception as error:
        # Whatever it is, it is about the document.
        raise DocumentError(
            f"{path}: the parser fails on it: {type(error).__name__}: {error}"
        ) from error
    if isinstance(parsed, GeneratorError):
        raise DocumentError(f"{path} is not valid:\n{parsed.header}\n{parsed.detail or ''}".strip())
    return parsed


def _message(problem: GeneratorError) -> str:
    return flat(Text(": ".join(part for part in (problem.header, problem.detail) if part)))


def _operations(raw: Json, parsed: GeneratorData) -> Iterator[Operation]:
    understood = {
        (endpoint.path.get_untrusted_value(), endpoint.method): endpoint
        for collection in parsed.endpoint_collections_by_tag.values()
        for endpoint in collection.endpoints
    }
    for path, item in raw.get("paths", {}).items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "x-kubernetes-action" in operation:
                endpoint = understood.get((path, method))
                if endpoint is None:
                    raise DocumentError(_why_dropped(f"{method.upper()} {path}", parsed))
                yield _operation(operation, endpoint)


def _why_dropped(what: str, parsed: GeneratorData) -> str:
    for collection in parsed.endpoint_collections_by_tag.values():
        for problem in collection.parse_errors:
            if f" {what} " in problem.header:
                return f"{what} cannot be understood: {problem.detail}"
    return f"{what} cannot be understood"


def _operation(operation: Json, endpoint: Endpoint) -> Operation:
    path = endpoint.path.get_untrusted_value()
    kind = operation.get("x-kubernetes-group-version-kind")
    if not isinstance(kind, dict) or not {"group", "version", "kind"} <= kind.keys():
        raise DocumentError(
            f"{endpoint.method.upper()} {path} has an x-kubernetes-action but no "
            "x-kubernetes-group-version-kind with group, version and kind"
        )
    return Operation(
        method=endpoint.method,
        path=path,
        action=str(operation["x-kubernetes-action"]),
        group=str(kind["group"]),
        version=str(kind["version"]),
        kind=str(kind["kind"]),
        parameters=frozenset(
            parameter.name.get_untrusted_value() for parameter in endpoint.query_parameters
        ),
    )
