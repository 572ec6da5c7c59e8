"""What schemas say, read without deciding anything: references followed, `allOf` folded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codegen.document import DocumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.document import Json

__all__ = ["fold", "kinds_of", "referred", "type_names"]

_PREFIX = "#/components/schemas/"


def referred(ref: str) -> str:
    """The component that a `$ref` names."""
    if not ref.startswith(_PREFIX):
        raise DocumentError(f"{ref!r}: only references to {_PREFIX} can be followed")
    return ref.removeprefix(_PREFIX).replace("~1", "/").replace("~0", "~")


def fold(schema: Json) -> tuple[tuple[str, ...], Json]:
    """The components that a schema refers to, and everything else it says, `allOf` folded in.

    What stands next to `allOf` or `$ref` wins over what is inside: that is how documents give a
    referenced type a description and a default of its own.
    """
    refs = [referred(schema["$ref"])] if "$ref" in schema else []
    said: Json = {}
    for part in schema.get("allOf", ()):
        more, inside = fold(part)
        refs += [ref for ref in more if ref not in refs]
        said = _joined(said, inside)
    own = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
    return tuple(refs), _joined(said, own)


def type_names(schema: Json) -> tuple[str, ...]:
    """The types that a schema allows, without `null`: null means absent everywhere."""
    declared = schema.get("type", ())
    names = [declared] if isinstance(declared, str) else declared
    if not names and "properties" in schema:
        return ("object",)
    return tuple(name for name in names if name != "null")


def kinds_of(schema: Json) -> list[tuple[str, str, str]]:
    """Group, version and kind that a component says it is; usually none or one."""
    return [
        (entry["group"], entry["version"], entry["kind"])
        for entry in schema.get("x-kubernetes-group-version-kind", ())
    ]


def _joined(said: Json, more: Json) -> Json:
    joined: dict[str, Any] = {**said, **more}
    for key, merge in _MERGED.items():
        if key in said and key in more:
            joined[key] = merge(said[key], more[key])
    return joined


_MERGED: dict[str, Callable[[Any, Any], Any]] = {
    "properties": lambda said, more: {**said, **more},
    "required": lambda said, more: [*dict.fromkeys([*said, *more])],
    "enum": lambda said, more: [value for value in said if value in more],
    "x-kubernetes-validations": lambda said, more: [*said, *more],
}
