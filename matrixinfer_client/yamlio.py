"""Manifests as YAML, read as kubectl reads them and written so that every reader agrees.

kubectl reads YAML with go-yaml 2, and so does this module: `y`, `yes`, `on` and their opposites are
booleans, a timestamp is a string, `1e3` is a number, `010` is eight, `1:30` is a string. Where
kubectl would be silent about a likely mistake, this module is not: a key that comes twice or is no
string is an error, and so is a tag such as `!!binary`. Written strings are quoted whenever YAML
1.1, YAML 1.2 or go-yaml might take them for something else.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
import yaml

from matrixinfer_client import codec
from matrixinfer_client.errors import ManifestError
from matrixinfer_client.models import ApiModel
from matrixinfer_client.scalars import is_ambiguous
from matrixinfer_client.yamlreader import Reader, at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from yaml import SafeDumper
else:
    SafeDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

__all__ = ["Document", "dump", "dump_all", "from_yaml", "load_all"]

# Control characters and the line ends of Unicode; PyYAML's writers do not always escape these.
_UNUSUAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")

_T = TypeVar("_T", bound=ApiModel)

_TAG = "tag:yaml.org,2002:"


@attrs.frozen
class Document:
    """One document of a text: its value, its number and its first line, both counted from one."""

    value: Any
    number: int
    line: int


def load_all(text: str | bytes, source: str = "YAML") -> Iterator[Document]:
    """The documents of a text that have content; `source` names it in errors.

    Raises `ManifestError` with source, line and column.
    """
    content = _decoded(text, source)
    try:
        # kubectl tells JSON by its first character too; YAML would trip over tabs in it.
        if content.lstrip().startswith("{"):
            found = _json(content, source)
            if found is not None:
                yield found
                return
        for number, (value, line) in enumerate(Reader(content, source).documents(), 1):
            if value is not None:
                yield Document(value, number, line)
    except yaml.YAMLError as error:
        raise _malformed(error, source) from error
    except RecursionError as error:
        raise ManifestError(f"{source}: nested too deep to be read") from error


def _json(content: str, source: str) -> Document | None:
    try:
        return Document(json.loads(content, object_pairs_hook=_Pairs(source)), 1, 1)
    except json.JSONDecodeError:
        # It may still be a mapping in YAML's flow style, and what is wrong is told for that.
        return None


def from_yaml(cls: type[_T], text: str | bytes) -> _T:
    """The typed object that the one document of `text` describes."""
    documents = list(load_all(text, f"YAML of {cls.__name__}"))
    if len(documents) != 1:
        found = "has no document" if not documents else f"has {len(documents)} documents"
        raise ManifestError(f"YAML of {cls.__name__}: {found}, but it must be one")
    value = documents[0].value
    if not isinstance(value, dict):
        raise ManifestError(
            f"YAML of {cls.__name__}: a mapping is needed, got {type(value).__name__}"
        )
    given = cast("dict[str, Any]", value)
    defaults = {field.name: field.default for field in attrs.fields(cast("Any", cls))}
    if hasattr(cls, "KIND"):
        _check_kind(defaults["api_version"], defaults["kind"], given)
    return codec.from_dict(cls, given)


def dump(value: object) -> str:
    """JSON-ready data as one YAML document: block style, keys in their order, long lines whole."""
    return dump_all([value])


def dump_all(values: list[Any]) -> str:
    """Several documents, with `---` between them."""
    text = _dumped(values, _FastWriter)
    return _dumped(values, _Writer) if "\\U000" in text else text


def _dumped(values: list[Any], writer: type[SafeDumper]) -> str:
    # Newer stubs name a type of `width` that pyright does not know yet.
    return yaml.dump_all(  # pyright: ignore[reportUnknownMemberType]
        values,
        Dumper=writer,
        default_flow_style=False,
        sort_keys=False,
        allow_unicode=True,
        width=2**30,
        explicit_start=len(values) > 1,
    )


def _check_kind(api_version: str, kind: str, value: Mapping[str, Any]) -> None:
    given = (value.get("apiVersion", api_version), value.get("kind", kind))
    if given != (api_version, kind):
        raise ManifestError(
            f"the manifest is of apiVersion {given[0]!r} and kind {given[1]!r}, but apiVersion "
            f"{api_version!r} and kind {kind!r} are needed"
        )


def _decoded(text: str | bytes, source: str) -> str:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(f"{source}: is not UTF-8 text ({error})") from error


def _malformed(error: yaml.YAMLError, source: str) -> ManifestError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    if "found character that cannot start any token" in problem:
        problem += " (a tab where spaces must indent, or an unquoted @, ` or %)"
    context = getattr(error, "context", None)
    words = f"{problem}, {context}" if context else problem
    return at(mark, source, words) if mark else ManifestError(f"{source}: {words}")


class _Pairs:
    """Builds the objects of a JSON text, in which a key may come once."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ManifestError(f"{self.source}: the key {twice!r} comes twice in an object")
        return found


def _represent_text(writer: Any, text: str) -> yaml.ScalarNode:
    style = None
    if _UNUSUAL.search(text):
        style = '"'
    elif "\n" in text:
        style = "|"
    elif is_ambiguous(text):
        style = "'"
    return cast(
        "yaml.ScalarNode", writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    )


class _Writer(yaml.SafeDumper):
    """Plain data to text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Write a value twice rather than an alias, which people do not expect in manifests."""
        return True


class _FastWriter(SafeDumper):
    """The same with libyaml, which escapes what is beyond the basic plane, such as emoji."""

    ignore_aliases = _Writer.ignore_aliases


for _class in (_Writer, _FastWriter):
    _class.yaml_representers = {**yaml.SafeDumper.yaml_representers, str: _represent_text}
