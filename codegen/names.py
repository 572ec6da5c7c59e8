"""From the document's names to Python's: words, acronyms, reserved words, clashes."""

from __future__ import annotations

import keyword
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = [
    "BASE_MEMBERS",
    "KIND_MEMBERS",
    "LIST_MEMBERS",
    "NamingError",
    "class_name",
    "client_name",
    "field_name",
    "method_name",
    "module_name",
    "package_name",
    "split_component",
    "unclashed",
    "words",
]

# Spellings that the rules below would cut in the wrong place, each one word in Python.
_SPELLINGS = (
    "CephFS",
    "GitHub",
    "GitLab",
    "GlusterFS",
    "IPv4",
    "IPv6",
    "LoRA",
    "MySQL",
    "NoSQL",
    "OAuth2",
    "OAuth",
    "PostgreSQL",
    "QoS",
    "eBPF",
    "gRPC",
    "iSCSI",
    "mTLS",
    "macOS",
    "vCPU",
    "vGPU",
)
# In this order: a known spelling that starts a word; an acronym with a plural s; an acronym; a
# plain word with its digits; letters of other alphabets.
_WORD = re.compile(
    rf"(?:{'|'.join(_SPELLINGS)})s?(?![a-z])"
    r"|[A-Z]{2,}s(?![a-z])"
    r"|[A-Z][A-Z0-9]*(?![a-z0-9])"
    r"|[A-Z]?[a-z0-9]+"
    r"|[^\W_]+"
)
_COMPONENT = re.compile(
    r"(?:.*\.)?(?P<group>[^.]+)\.(?P<version>v\d+(?:(?:alpha|beta)\d+)?)\.(?P<name>[^.]+)"
)

# What the base classes of generated types already mean.
BASE_MEMBERS = frozenset(
    {
        "from_dict",
        "from_json",
        "from_yaml",
        "self",
        "to_dict",
        "to_json",
        "to_yaml",
        "unknown_fields",
    }
)
KIND_MEMBERS = BASE_MEMBERS | {"name", "namespace"}
LIST_MEMBERS = BASE_MEMBERS | {"continue_token", "resource_version"}
# What generated modules import under this name.
_IMPORTED = frozenset(
    {"Any", "ApiList", "ApiModel", "ApiObject", "ClassVar", "Kind", "Literal", "TYPE_CHECKING"}
)


class NamingError(ValueError):
    """A name of the document cannot be used, or two of them would be the same in Python."""


def words(name: str) -> list[str]:
    """The words of a name in lower case: `externalIPs` has `external` and `ips`."""
    return [word.lower() for word in _WORD.findall(unicodedata.normalize("NFKC", name))]


def field_name(wire: str, taken: Collection[str] = ()) -> str:
    """The attribute for a property: snake case, and an underscore only after a keyword.

    `taken` are names that a base class needs for itself: a property must not hide them.
    """
    name = "_".join(words(wire))
    if name[:1].isdecimal():
        name = f"field_{name}"
    if keyword.iskeyword(name):
        name += "_"
    if name in taken:
        raise NamingError(f"property {wire!r} cannot be {name!r}: the base class needs that name")
    return _identifier(name, wire)


def class_name(name: str) -> str:
    """The class for a component or an inline object; its own spelling, made an identifier."""
    parts = re.split(r"[\W_]+", unicodedata.normalize("NFKC", name))
    joined = "".join(part[:1].upper() + part[1:] for part in parts)
    if keyword.iskeyword(joined):
        joined += "_"
    if joined in _IMPORTED:
        raise NamingError(f"type {name!r} has the name of something that generated modules import")
    return _identifier(joined, name)


def module_name(class_: str) -> str:
    """The module for a class: `EnvVar` is in `env_var`."""
    return field_name(class_)


def split_component(component: str) -> tuple[str, str, str] | None:
    """Group, version and type of a component, or None for one that belongs to no version.

    The group is the one segment before the version: `io.k8s.api.core.v1.Pod` has `core`.
    """
    match = _COMPONENT.fullmatch(component)
    return (match["group"], match["version"], match["name"]) if match else None


def package_name(group: str, version: str) -> str:
    """The package of a group and version: `core_v1`."""
    return _identifier("_".join([*words(group), version]), group)


def client_name(package: str) -> str:
    """The class of a package's group client: `core_v1` has `CoreV1`."""
    return "".join(word.capitalize() for word in package.split("_"))


def method_name(kind: str, plural: str) -> str:
    """The method for a kind: the words of the kind, the last one as the plural has it.

    `HTTPRoute`, served as `httproutes`, is `http_routes`. A plural that does not begin like the
    kind is used as it is.
    """
    *first, _ = parts = words(kind)
    stem = "".join(first)
    if not plural.startswith(stem) or len(parts) == 1:
        return field_name(plural)
    return field_name("_".join([*first, plural.removeprefix(stem)]))


def unclashed(pairs: Iterable[tuple[str, str]], where: str) -> None:
    """Refuse `(source, name)` pairs of which two sources have the same name."""
    sources: dict[str, str] = {}
    for source, name in pairs:
        other = sources.setdefault(name, source)
        if other != source:
            raise NamingError(f"{where}: {other!r} and {source!r} would both be {name!r}")


def _identifier(name: str, source: str) -> str:
    if not name.isidentifier():
        raise NamingError(f"{source!r} cannot be made a Python name")
    return name
