"""Kubeconfig files as text becomes values: one section at a time, each mistake with its place.

Plain scalars stay text. YAML would read the token `0123456789` as a number, `2024-01-01` as a date
and `1e9` as 1000000000.0, and a password `yes` as true; in a kubeconfig they are what was written.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs

from matrixinfer_client.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Section", "plain", "read_document"]

_TRUE = ("true", "yes", "on", "y")
_FALSE = ("false", "no", "off", "n")


class _Number(str):
    """A number without quotes, kept as it was written."""

    __slots__ = ()


@attrs.frozen
class Section:
    """A mapping out of a kubeconfig, with the words that name it in messages.

    The accessors return None for a key that is absent, null or empty, as client-go treats them
    alike, and raise `ConfigError` for a value of the wrong type. No message quotes a value.
    """

    values: Mapping[str, object] = attrs.field(repr=False)
    where: str
    directory: Path
    """What relative paths are relative to: the directory of the file."""

    def text(self, key: str) -> str | None:
        """A string."""
        value = self.values.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return str(value)
        raise ConfigError(f"{self.where}: {key} must be a string; put it in quotes")

    def flag(self, key: str) -> bool:
        """A truth value; absent is False."""
        value = self.values.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        word = value.lower() if isinstance(value, str) else ""
        if word not in (*_TRUE, *_FALSE):
            raise ConfigError(f"{self.where}: {key} must be true or false")
        return word in _TRUE

    def path(self, key: str) -> str | None:
        """A file name, made absolute."""
        name = self.text(key)
        if name is None:
            return None
        # Lexically, as Go does it: `..` in front of a symbolic link leads to where it looks like.
        return os.path.normpath(self.directory / name)

    def data(self, key: str) -> bytes | None:
        """Bytes that are written in base64."""
        text = self.text(key)
        if text is None:
            return None
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise ConfigError(
                f"{self.where}: {key} is not base64"
                + ("; it looks like PEM, which must be encoded" if "-----BEGIN" in text else "")
            ) from None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; absent and null are empty."""
        value = self.values.get(key)
        if value is None:
            return ()
        items = cast("list[object]", value) if isinstance(value, list) else [None]
        if not all(isinstance(item, str) for item in items):
            raise ConfigError(f"{self.where}: {key} must be a list of strings")
        return tuple(str(item) for item in items)

    def section(self, key: str) -> Section | None:
        """A mapping."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise ConfigError(f"{self.where}: {key} must be a mapping")
        return self._part(cast("dict[str, object]", value), key)

    def sections(self, key: str) -> list[Section]:
        """A list of mappings; absent and null are empty."""
        value = self.values.get(key)
        if value is None:
            return []
        items = cast("list[object]", value) if isinstance(value, list) else [None]
        if not all(isinstance(item, dict) for item in items):
            raise ConfigError(f"{self.where}: {key} must be a list of mappings")
        parts = cast("list[dict[str, object]]", items)
        return [self._part(part, f"{key}[{index}]") for index, part in enumerate(parts)]

    def _part(self, values: Mapping[str, object], key: str) -> Section:
        return Section(values, f"{self.where}: {key}", self.directory)


def read_document(path: Path) -> Section:
    """The content of a kubeconfig file; empty when there is nothing but comments in it.

    Raises `ConfigError` for a file that cannot be read, is no YAML (with the line) or no mapping.
    """
    import yaml  # noqa: PLC0415 - not every program reads a kubeconfig

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise ConfigError(f"kubeconfig {path} cannot be read: {reason}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"kubeconfig {path} is not a text file in UTF-8") from None
    try:
        value: object = yaml.load(text, Loader=_loader())  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        # Not chained: the original message quotes the lines around, which may hold a token.
        raise ConfigError(f"kubeconfig {path} is not YAML: {_place(error)}") from None
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise ConfigError(f"kubeconfig {path} is not a mapping with clusters, users and contexts")
    section = Section(
        cast("dict[str, object]", value), f"kubeconfig {path}", path.absolute().parent
    )
    kind = section.text("kind")
    if kind not in (None, "Config"):
        raise ConfigError(f'kubeconfig {path} is a manifest of kind "{kind}", not a kubeconfig')
    return section


def plain(value: object) -> Any:
    """The same value with its numbers as numbers, for parts that are passed on as JSON."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [plain(item) for item in cast("list[object]", value)]
    if isinstance(value, _Number):
        import yaml  # noqa: PLC0415

        return yaml.safe_load(value)
    return value


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not readable"
    if mark is None:
        return str(problem)
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


@cache
def _loader() -> Any:
    import yaml  # noqa: PLC0415

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    numbers = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
    resolvers: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {
        first: [rule for rule in rules if rule[0] in (*numbers, "tag:yaml.org,2002:merge")]
        for first, rules in base.yaml_implicit_resolvers.items()
    }
    truth = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
    nothing = re.compile(r"^(?:~|null|Null|NULL|)$")
    for first in "tTfF":
        resolvers.setdefault(first, []).append(("tag:yaml.org,2002:bool", truth))
    for first in ("~", "n", "N", ""):
        resolvers.setdefault(first, []).append(("tag:yaml.org,2002:null", nothing))
    loader: Any = type("KubeconfigLoader", (base,), {"yaml_implicit_resolvers": resolvers})
    for tag in numbers:
        loader.add_constructor(tag, _number)
    return loader


def _number(_loader: object, node: Any) -> _Number:
    return _Number(node.value)
