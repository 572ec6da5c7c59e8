"""Manifests as YAML, read as kubectl reads them and written so that every reader agrees.

kubectl reads YAML with go-yaml 2, and so does this module: `y`, `yes`, `on` and their opposites are
booleans, a timestamp is a string, `1e3` is a number, `010` is eight, `1:30` is a string. Where
kubectl would be silent about a likely mistake, this module is not: a key that comes twice or is no
string is an error, and so is a tag such as `!!binary`. Written strings are quoted whenever YAML
1.1, YAML 1.2 or go-yaml might take them for something else.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
import yaml

from matrixinfer_client import codec
from matrixinfer_client.errors import ManifestError
from matrixinfer_client.models import ApiModel
from matrixinfer_client.scalars import SCALARS, bool_of, is_ambiguous, is_number_like, number_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from yaml import SafeDumper, SafeLoader
else:
    # With libyaml where PyYAML was built with it; ten times as fast.
    SafeDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

__all__ = ["Document", "dump", "dump_all", "from_yaml", "load_all"]

_T = TypeVar("_T", bound=ApiModel)

_TAG = "tag:yaml.org,2002:"

# More values than anybody means to repeat; a few aliases of aliases make billions.
_MOST_REPEATED = 100_000


@attrs.frozen
class Document:
    """One document of a text: its value, its number and its first line, both counted from one."""

    value: Any
    number: int
    line: int


class _Nodes(SafeLoader):
    """Text to nodes."""


# Its own table: one more entry in the inherited one would change every safe loader of the process.
_Nodes.yaml_implicit_resolvers = {}
for _name, _pattern, _first in SCALARS:
    for _letter in _first:
        _Nodes.yaml_implicit_resolvers.setdefault(_letter, []).append((_TAG + _name, _pattern))


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
        for number, node in enumerate(yaml.compose_all(content, Loader=_Nodes), 1):
            value = _Builder(source).build(node)
            if value is not None:
                yield Document(value, number, node.start_mark.line + 1)
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
    return yaml.dump_all(
        values,
        Dumper=_Writer,
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
    return _at(mark, source, words) if mark else ManifestError(f"{source}: {words}")


def _at(mark: Any, source: str, problem: str) -> ManifestError:
    return ManifestError(f"{source}, line {mark.line + 1}, column {mark.column + 1}: {problem}")


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


class _Builder:
    """Nodes to plain data; an aliased node is built anew, so that no two values are one."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.open: set[int] = set()
        self.built: set[int] = set()
        self.repeated = 0

    def build(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if id(node) in self.open:
            raise self.error(node, "the value contains itself")
        if id(node) in self.built:
            self.repeated += 1 + len(node.value)
            if self.repeated > _MOST_REPEATED:
                raise self.error(node, f"aliases repeat more than {_MOST_REPEATED:,} values")
        self.built.add(id(node))
        self.open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self.expect(node, "map")
            built: Any = dict(self.pairs(node))
        else:
            self.expect(node, "seq")
            built = [self.build(item) for item in cast("list[yaml.Node]", node.value)]
        self.open.discard(id(node))
        return built

    def pairs(self, node: yaml.MappingNode) -> Iterator[tuple[str, Any]]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            if key_node.tag == _TAG + "merge":
                merged = self.merged(value_node) | merged
                continue
            key = self.key(key_node)
            if key in own:
                raise self.error(key_node, f"the key {key!r} comes twice in a mapping")
            own[key] = self.build(value_node)
        yield from (pair for pair in merged.items() if pair[0] not in own)
        yield from own.items()

    def merged(self, node: yaml.Node) -> dict[str, Any]:
        is_list = isinstance(node, yaml.SequenceNode)
        nodes = cast("list[yaml.Node]", node.value) if is_list else [node]
        merged: dict[str, Any] = {}
        for each in nodes:
            value = self.build(each)
            if not isinstance(value, dict):
                raise self.error(each, "<< takes a mapping or a list of mappings")
            merged = cast("dict[str, Any]", value) | merged
        return merged

    def key(self, node: yaml.Node) -> str:
        key = self.build(node)
        if not isinstance(key, str):
            hint = f"; quote it: '{node.value}'" if isinstance(node, yaml.ScalarNode) else ""
            raise self.error(node, f"a key must be a string, got {type(key).__name__}{hint}")
        return key

    def scalar(self, node: yaml.ScalarNode) -> Any:
        name = node.tag.removeprefix(_TAG)
        text = cast("str", node.value)
        if name in ("str", "merge"):
            return text
        if name == "null":
            return None
        value: Any = None
        if name == "bool":
            value = bool_of(text)
        elif name in ("int", "float"):
            value = number_of(text, is_float=name == "float")
            if value is None and is_number_like(text):
                return text
        else:
            raise self.error(node, f"the tag {node.tag} has no meaning in a manifest")
        if value is None or not isfinite(value):
            raise self.error(node, f"{text!r} is no {name} that JSON can say")
        return value

    def expect(self, node: yaml.Node, name: str) -> None:
        if node.tag != _TAG + name:
            raise self.error(node, f"the tag {node.tag} has no meaning in a manifest")

    def error(self, node: yaml.Node, problem: str) -> ManifestError:
        return _at(node.start_mark, self.source, problem)


class _Writer(SafeDumper):
    """Plain data to text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Write a value twice rather than an alias, which people do not expect in manifests."""
        return True


def _represent_text(writer: Any, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text:
        style = "|"
    elif is_ambiguous(text):
        style = "'"
    return cast("yaml.ScalarNode", writer.represent_scalar(_TAG + "str", text, style=style))


_Writer.yaml_representers = {**SafeDumper.yaml_representers, str: _represent_text}
