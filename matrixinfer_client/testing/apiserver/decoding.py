"""Request bodies as the API server reads them, and what it says about those that it cannot use.

`decode_body` reads the text, `metadata_fault` finds metadata of the wrong types, `strict_problems`
and `strict_refusal` tell of unknown fields and fields that come twice, `check_target` compares the
object with the address that it was sent to. That is also the order of the server.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

import yaml
from yaml.scanner import ScannerError

from matrixinfer_client.errors import ManifestError
from matrixinfer_client.testing.apiserver.jsontext import (
    MOST_STRICT_ERRORS,
    JsonError,
    is_list,
    is_object,
    json_type,
    read_json,
)
from matrixinfer_client.testing.apiserver.refusals import (
    Refusal,
    bad_request,
    invalid,
    request_too_large,
    unsupported_media_type,
)
from matrixinfer_client.testing.apiserver.warning import YAML_ERRORS
from matrixinfer_client.validation.rendering import quote
from matrixinfer_client.validation.results import FieldError
from matrixinfer_client.validation.results import invalid as field_error
from matrixinfer_client.yamlreader import Reader

__all__ = [
    "BODY_TYPES",
    "MOST_BYTES",
    "FieldValidation",
    "check_size",
    "check_target",
    "decode_apply",
    "decode_body",
    "identity_errors",
    "identity_refusal",
    "invalid_object",
    "media_type",
    "read_object",
    "strict_problems",
    "strict_refusal",
    "undecodable",
]

FieldValidation: TypeAlias = Literal["Strict", "Warn", "Ignore"]
"""What becomes of unknown fields and of fields that come twice: refused, told, or nothing."""

MOST_BYTES = 3 * 1024 * 1024
"""The longest body that the server reads."""

BODY_TYPES = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
"""What the server says that it reads; protobuf it cannot read of custom resources."""

_SUMMARY = 30
_NO_KIND = "Object 'Kind' is missing"
_CONVERTING = "error converting YAML to JSON: "
_GO_META = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
    'Kind string "json:\\"kind,omitempty\\"" }'
)


def decode_body(
    body: bytes,
    content_type: str,
    *,
    api_version: str,
    kind: str,
    custom: bool,
    strict: FieldValidation = "Warn",
) -> tuple[dict[str, Any], list[str]]:
    """The object in a body, and what is wrong with it that only strict validation minds.

    Args:
        body: The bytes as they came.
        content_type: The header; empty means JSON.
        api_version: The version of the address; an object of a core kind may leave it out.
        kind: The kind of the address; an object of a core kind may leave it out.
        custom: Whether a CustomResourceDefinition defines the kind.
        strict: `Ignore` looks for no problems.

    Raises:
        Refusal: 413, 415, or 400 for what is no object or says no kind.
    """
    try:
        obj, problems = read_object(body, content_type, custom=custom)
        if not custom:
            obj = {"apiVersion": api_version, "kind": kind} | obj
        elif not obj.get("kind"):
            raise JsonError(f"{_NO_KIND} in '{body.decode('utf-8', 'replace')}'")
    except JsonError as error:
        if strict == "Ignore" and str(error).startswith(_NO_KIND):
            raise undecodable(
                {"kind": kind, "apiVersion": api_version}, kind, str(error)
            ) from error
        raise _unrecognized(kind, str(error), body) from error
    return obj, [] if strict == "Ignore" else problems


def check_size(body: bytes) -> None:
    """Refuse with 413 a body that is not read to its end."""
    if len(body) > MOST_BYTES:
        raise request_too_large(f"limit is {MOST_BYTES}")


def read_object(
    body: bytes, content_type: str, *, custom: bool = True
) -> tuple[dict[str, Any], list[str]]:
    """The object in a body, and what is wrong with it that only strict validation minds.

    Raises `JsonError` for what is no object, and `Refusal` with 413 or 415.
    """
    check_size(body)
    text = body.decode("utf-8", "replace")
    is_yaml = media_type(content_type) == "application/yaml"
    value, problems = _read_yaml(text) if is_yaml else _read(text)
    return _as_object(value, custom=custom), problems


def decode_apply(body: bytes, *, strict: FieldValidation) -> tuple[dict[str, Any], list[str]]:
    """The object of a server-side apply, which is read as YAML, and the keys that come twice.

    Raises `Refusal` for what is no object. The problems are refused after the object was applied,
    with `error strict decoding YAML: `; as warnings they are told without it.
    """
    if len(body) > MOST_BYTES:
        raise request_too_large(f"limit is {MOST_BYTES}")
    try:
        value, problems = _read_yaml(body.decode("utf-8", "replace"))
    except JsonError as error:
        raise bad_request(f"error decoding YAML: {_CONVERTING}{error}") from error
    if value is not None and not isinstance(value, dict):
        text = (
            f"cannot unmarshal {json_type(value)} into Go value of type map[string]interface {{}}"
        )
        raise bad_request(
            f"error decoding YAML: error unmarshaling JSON: while decoding JSON: json: {text}"
        )
    found = [_CONVERTING + problem for problem in problems]
    return cast("dict[str, Any]", value or {}), [] if strict == "Ignore" else found


def media_type(content_type: str) -> str:
    """`application/json` or `application/yaml`; parameters such as a charset do not matter.

    Raises `Refusal` with 415 for everything else.
    """
    name, *parameters = content_type.split(";")
    name = name.strip().lower() or ("" if parameters else "application/json")
    if name not in BODY_TYPES[:2] or not all("=" in part for part in parameters if part.strip()):
        raise unsupported_media_type(BODY_TYPES)
    return name


def undecodable(obj: Mapping[str, Any], kind: str, problem: str) -> Refusal:
    """400: a body of a kind that was understood, but not its content."""
    version = str(obj.get("apiVersion") or "").rpartition("/")[2]
    return bad_request(
        f'{obj.get("kind")} in version "{version}" cannot be handled as a {kind}: {problem}'
    )


def strict_problems(twice: Sequence[str], unknown: Iterable[FieldError]) -> list[str]:
    """All problems in the server's order: what comes twice, metadata, then the other fields.

    Args:
        twice: What `decode_body` found.
        unknown: The unknown fields, as `validation.objects.complete` finds them.
    """
    fields = [error for error in unknown if error.type == "UnknownField"]
    metadata = [error for error in fields if error.parts[:1] == ("metadata",)]
    others = [error for error in fields if error.parts[:1] != ("metadata",)]
    metadata.sort(key=lambda error: [(isinstance(p, str), p) for p in error.parts])
    others.sort(key=lambda error: error.path)
    return [*twice, *(error.message for error in metadata[:MOST_STRICT_ERRORS] + others)]


def strict_refusal(obj: Mapping[str, Any], kind: str, problems: Sequence[str]) -> Refusal:
    """400: fields that are unknown or come twice, under strict validation."""
    return undecodable(obj, kind, f"strict decoding error: {', '.join(problems)}")


def check_target(
    obj: dict[str, Any],
    *,
    api_version: str,
    kind: str,
    namespace: str,
    name: str | None = None,
    custom: bool = True,
    registered: Container[tuple[str, str]] = (),
) -> None:
    """Compare the object with the address; fills in the namespace where it is missing.

    Args:
        obj: The object; its metadata must have passed `metadata_fault`.
        api_version: The version of the address.
        kind: The kind of the address. That a custom object is of it is validated only later:
            see `identity_refusal`.
        namespace: The namespace of the address; empty for a kind that is not in a namespace.
        name: The name in the address; None for a create.
        custom: Whether a CustomResourceDefinition defines the kind.
        registered: Pairs of version and kind that are kinds of Kubernetes itself.

    Raises:
        Refusal: 400.
    """
    given = str(obj.get("apiVersion") or "")
    if not custom and (given, obj.get("kind")) != (api_version, kind):
        raise _other_kind(obj, api_version, kind, registered)
    if given != api_version:
        raise bad_request(
            f"the API version in the data ({given}) does not match the expected API version "
            f"({api_version})"
        )
    metadata: dict[str, Any] = obj.get("metadata") or {}
    if not metadata.get("namespace") or not namespace:
        _set_namespace(metadata, namespace)
    elif metadata["namespace"] != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    obj["metadata"] = metadata
    if name is not None:
        _check_name(metadata.get("name") or "", name)


def identity_errors(obj: Mapping[str, Any], api_version: str, kind: str) -> list[FieldError]:
    """What is wrong with a custom object that calls itself something else.

    The server finds it when it validates, and then does not look at the schema.
    """
    return [
        field_error((field,), field, obj.get(field), f"must be {expected}", source="document")
        for field, expected in (("kind", kind), ("apiVersion", api_version))
        if obj.get(field) != expected
    ]


def invalid_object(obj: Mapping[str, Any], errors: Sequence[FieldError]) -> Refusal:
    """422: the object is of the kind that it says it is, and invalid."""
    group = str(obj.get("apiVersion") or "").rpartition("/")[0]
    name = cast("dict[str, Any]", obj.get("metadata") or {}).get("name") or ""
    return invalid(group, str(obj.get("kind") or ""), name, errors)


def identity_refusal(obj: Mapping[str, Any], api_version: str, kind: str) -> Refusal | None:
    """422: a custom object that calls itself something else; None when it does not."""
    errors = identity_errors(obj, api_version, kind)
    return invalid_object(obj, errors) if errors else None


def _read(text: str) -> tuple[Any, list[str]]:
    try:
        value, twice = read_json(text)
    except JsonError as error:
        raise JsonError(f"couldn't get version/kind; json parse error: {error}") from error
    return value, [f"duplicate field {quote(path)}" for path in twice]


def _read_yaml(text: str) -> tuple[Any, list[str]]:
    """The first document; what is in the others is not even looked at."""
    twice: list[str] = []

    def on_repeat(key: str, line: int) -> None:
        twice.append(f'line {line}: key "{key}" already set in map')

    try:
        found = next(Reader(text, "yaml", on_repeat=on_repeat).documents(), None)
    except yaml.MarkedYAMLError as error:
        raise JsonError(f"yaml: {_yaml_problem(error)}") from error
    except (ManifestError, yaml.YAMLError, RecursionError) as error:
        raise JsonError(f"yaml: {str(error).removeprefix('yaml, ')}") from error
    problems = [YAML_ERRORS + "\n".join(f"  {line}" for line in twice)] if twice else []
    return None if found is None else _with_floats(found[0]), problems


def _with_floats(value: Any) -> Any:
    """The value with floats for integers of more than 64 bits, as JSON is read."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        return float(value)
    if is_object(value):
        return {key: _with_floats(item) for key, item in value.items()}
    return [_with_floats(item) for item in value] if is_list(value) else value


def _yaml_problem(error: yaml.MarkedYAMLError) -> str:
    """The problem with the line as go-yaml counts it: from nought, and only scanner errors add one.

    Nought is not told.
    """
    marks = [mark for mark in (error.context_mark, error.problem_mark) if mark and mark.line]
    if not marks:
        return str(error.problem)
    line = marks[0].line + isinstance(error, ScannerError)
    return f"line {line}: {error.problem}"


def _as_object(value: Any, *, custom: bool) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        problem = f"cannot unmarshal {json_type(value)} into Go value of type {_GO_META}"
        raise JsonError(f"couldn't get version/kind; json parse error: json: {problem}")
    obj = cast("dict[str, Any]", value)
    for field in ("apiVersion", "kind"):
        if not isinstance(obj.get(field), str | None):
            problem = (
                f"cannot unmarshal {json_type(obj[field])} into Go struct field .{field} of type "
                "string"
            )
            raise JsonError(f"couldn't get version/kind; json parse error: json: {problem}")
    if (obj.get("apiVersion") or "").count("/") > 1:
        raise JsonError(f"unexpected GroupVersion string: {obj['apiVersion']}")
    return obj if custom else {key: item for key, item in obj.items() if item is not None}


def _unrecognized(kind: str, problem: str, body: bytes) -> Refusal:
    """The body is quoted when it is an object, else its bytes are shown."""
    first = body[:_SUMMARY]
    shown = first.decode("utf-8", "replace") if body.startswith(b"{") else first.hex()
    summary = shown + (" ..." if len(body) > _SUMMARY else "") if body else "<empty>"
    return bad_request(
        f"the object provided is unrecognized (must be of type {kind}): {problem} ({summary})"
    )


def _other_kind(
    obj: Mapping[str, Any], api_version: str, kind: str, registered: Container[tuple[str, str]]
) -> Refusal:
    given, name = str(obj.get("apiVersion") or ""), str(obj.get("kind") or "")
    if (given, name) in registered:
        hub = api_version.rpartition("/")[0].split(".")[0] or "core"
        version = given.rpartition("/")[2]
        problem = f"converting ({version}.{name}) to ({hub}.{kind}): unknown conversion"
    else:
        problem = (
            f'no kind "{name}" is registered for version "{given}" in scheme '
            '"pkg/runtime/scheme.go:110"'
        )
    return undecodable(obj, kind, problem)


def _set_namespace(metadata: dict[str, Any], namespace: str) -> None:
    if namespace:
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)


def _check_name(given: str, name: str) -> None:
    if not given:
        raise bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: name must be "
            "provided"
        )
    if given != name:
        raise bad_request(
            f"the name of the object ({given}) does not match the name on the URL ({name})"
        )
