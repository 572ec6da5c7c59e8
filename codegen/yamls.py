"""YAML as version 1.2 and JSON see it: `on` and `2024-01-01` are strings, keys come once."""

from __future__ import annotations

import re
from typing import Any

import yaml

__all__ = ["YamlError", "load_yaml"]


class YamlError(ValueError):
    """The text is not YAML, or says the same key twice."""


class _Loader(yaml.CSafeLoader):
    """A safe loader with the scalars of YAML 1.2."""

    # Without this line the resolvers below would be added to every safe loader of the process.
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys differ."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise YamlError(f"the key {key.value!r} comes twice{key.start_mark}")
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _decimal(_: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(node.value, 10)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), [*_first]
    )
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"\Z"), [""])
_Loader.add_constructor("tag:yaml.org,2002:int", _decimal)


def load_yaml(text: str) -> list[Any]:
    """Every document of the text; empty ones are left out."""
    try:
        return [found for found in yaml.load_all(text, Loader=_Loader) if found is not None]
    except yaml.YAMLError as error:
        raise YamlError(str(error)) from error
