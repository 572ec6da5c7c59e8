"""The same types as msgspec structs, which is how lightkube and a hand-written client type them.

They are made from the generated classes, so that every contender reads the same fields.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, get_args

import attrs
import msgspec

_made: dict[type, type] = {}


def struct_for(cls: type) -> type:
    """A `msgspec.Struct` with the fields of a generated class under their wire names."""
    if cls in _made:
        return _made[cls]
    fields = []
    for field in attrs.fields(cls):
        if field.name == "unknown_fields":
            continue
        wire = field.metadata.get("wire", field.name)
        fields.append((_safe(wire), _type(cls, str(field.type)) | None, None))
    _made[cls] = msgspec.defstruct(cls.__name__, fields, module=__name__)
    setattr(sys.modules[__name__], cls.__name__, _made[cls])
    return _made[cls]


def _safe(name: str) -> str:
    return name if name not in ("continue", "global", "from") else f"{name}_"


def _type(cls: type, annotation: str) -> Any:
    module = sys.modules[cls.__module__]

    class _Names(dict[str, Any]):
        def __missing__(self, name: str) -> Any:
            value = getattr(module, name, None) or getattr(
                importlib.import_module("builtins"), name, None
            )
            value = value if value is not None else getattr(importlib.import_module("typing"), name)
            return _plain(value)

    return eval(annotation, {}, _Names())  # noqa: S307 - our own generated annotations


def _plain(value: Any) -> Any:
    if attrs.has(value):
        return struct_for(value)
    if get_args(value) and all(isinstance(arg, str) for arg in get_args(value)):
        return str
    if getattr(value, "__name__", "") == "datetime":
        return str
    return value


def fields_of(value: Any) -> tuple[str, ...]:
    """The attribute names of a struct or an attrs object."""
    names = getattr(value, "__struct_fields__", None)
    return names if names is not None else tuple(field.name for field in attrs.fields(type(value)))
