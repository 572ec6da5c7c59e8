"""One class of `ir` to source: its lines, and the names that its module must import for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from codegen.ir import ListOf, MapOf, Named, Scalar
from codegen.text import Text, docstring, literal

if TYPE_CHECKING:
    from codegen.ir import Annotation, Choice, Field, Kind, Type

__all__ = ["ClassSource", "choice_line", "class_source"]

# Where what a class body names comes from; the package of the bases and of `wire` is filled in.
_ORIGINS = {
    **dict.fromkeys(("bool", "dict", "float", "int", "list", "str"), "builtins"),
    "Any": "typing",
    "ClassVar": "typing",
    "Kind": "{runtime}.kinds",
    "datetime": "datetime",
    **dict.fromkeys(("ApiList", "ApiModel", "ApiObject", "model", "wire"), "{runtime}.models"),
}


@attrs.frozen
class ClassSource:
    """What the class template prints, and what the module imports for it.

    `imports` are pairs of a module and what comes from it; `{runtime}` stands for the package that
    generated code is built on.
    """

    name: str
    base: str
    doc: str
    kind: str
    fields: str
    imports: frozenset[tuple[str, str]]


def class_source(type_: Type) -> ClassSource:
    """The source of a class."""
    body = _Body(type_)
    fields = [body.field(field) for field in type_.fields]
    documented = any(field.doc for field in type_.fields)
    kind = body.kind(type_)
    base = body.base(type_)
    body.name("model")
    return ClassSource(
        name=type_.name,
        base=base,
        doc=docstring(type_.doc or _stand_in(type_), indent=4) if _needs_doc(type_) else "",
        kind=kind,
        fields=("\n\n    " if documented else "\n    ").join(fields),
        imports=frozenset(body.imports),
    )


def choice_line(choice: Choice) -> str:
    """The source of an alias."""
    return f"{choice.name} = Literal[{', '.join(literal(value) for value in choice.values)}]"


def _needs_doc(type_: Type) -> bool:
    return bool(type_.doc) or type_.kind is not None


def _stand_in(type_: Type) -> Text:
    return Text(f"A list of {type_.item} objects." if type_.item else f"The kind {type_.name}.")


class _Body:
    """Writes lines of a class body and notes what they use."""

    def __init__(self, type_: Type) -> None:
        self.imports: set[tuple[str, str]] = set()
        self._fields = {field.name for field in type_.fields}

    def name(self, name: str) -> str:
        """The name under which the body can use something that comes from elsewhere."""
        origin = _ORIGINS[name]
        # Inside the class a field hides what has its name. No field ends in an underscore unless
        # it is a keyword, so with one the name is free.
        alias = f"{name}_" if name in self._fields and name != "model" else name
        if alias != name:
            self.imports.add((origin, f"{name} as {alias}"))
        elif origin != "builtins":
            self.imports.add((origin, name))
        return alias

    def base(self, type_: Type) -> str:
        if type_.item:
            return f"{self.name('ApiList')}[{type_.item}]"
        return self.name("ApiObject" if type_.kind else "ApiModel")

    def kind(self, type_: Type) -> str:
        if type_.kind is None:
            return ""
        variable = f"KIND: {self.name('ClassVar')}[{self.name('Kind')}]"
        if type_.item:
            return f"{variable} = {type_.item}.KIND"
        return f"{variable} = Kind({', '.join(_kind_arguments(type_.kind))})"

    def field(self, field: Field) -> str:
        line = f"{field.name}: {self._type(field)}{self._value(field)}"
        return f"{line}\n    {docstring(field.doc, indent=4)}" if field.doc else line

    def _type(self, field: Field) -> str:
        annotation = self._annotation(field.annotation)
        optional = not field.required and field.default is None and annotation != "Any"
        return f"{annotation} | None" if optional else annotation

    def _value(self, field: Field) -> str:
        default = literal(field.default.value if field.default else None)
        if field.wire.raw == field.name:
            return "" if field.required else f" = {default}"
        specified = "" if field.required else f", default={default}"
        return f" = {self.name('wire')}({literal(field.wire)}{specified})"

    def _annotation(self, annotation: Annotation) -> str:
        match annotation:
            case Scalar(names):
                return " | ".join(self.name(name) for name in names)
            case Named():
                return annotation.name
            case ListOf(item):
                return f"{self.name('list')}[{self._annotation(item)}]"
            case MapOf(value):
                return f"{self.name('dict')}[{self.name('str')}, {self._annotation(value)}]"


def _kind_arguments(kind: Kind) -> list[str]:
    arguments = {
        "group": kind.group,
        "version": kind.version,
        "kind": kind.kind,
        "plural": kind.plural,
        "singular": kind.singular,
        "namespaced": kind.namespaced,
        "subresources": kind.subresources,
        "verbs": kind.verbs,
    }
    if kind.list_kind != f"{kind.kind}List":
        arguments["list_kind"] = kind.list_kind
    return [f"{name}={literal(value)}" for name, value in arguments.items()]
