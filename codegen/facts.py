"""What a schema demands, in one line of prose to put under a field's description."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from codegen.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.document import Json

__all__ = ["described", "facts"]


def described(schema: Json, fallback: str = "") -> Text:
    """The description, or `fallback`, and below it the facts."""
    description = str(schema.get("description") or fallback).strip()
    return Text("\n\n".join(part for part in (description, facts(schema)) if part))


def facts(schema: Json) -> str:
    """Default, bounds, lengths, pattern and rules of a schema; empty when there are none."""
    return " ".join(sentence for part in _PARTS for sentence in part(schema))


def _default(schema: Json) -> Iterator[str]:
    if "default" in schema:
        yield f"Default {_value(schema['default'])}."


def _bounds(schema: Json) -> Iterator[str]:
    parts = [*_bound(schema, "minimum", "above"), *_bound(schema, "maximum", "below")]
    if parts:
        yield f"{', '.join(parts).capitalize()}."
    if "multipleOf" in schema:
        yield f"A multiple of {schema['multipleOf']}."


def _bound(schema: Json, name: str, strictly: str) -> Iterator[str]:
    # OpenAPI 3.0 has a flag next to the bound, 3.1 a bound of its own.
    exclusive = schema.get(f"exclusive{name.capitalize()}", False)
    if isinstance(exclusive, int | float) and not isinstance(exclusive, bool):
        yield f"{strictly} {exclusive}"
    elif name in schema:
        yield f"{strictly if exclusive else name} {schema[name]}"


def _sizes(schema: Json) -> Iterator[str]:
    for what, least, most in (
        ("character", "minLength", "maxLength"),
        ("item", "minItems", "maxItems"),
        ("entry", "minProperties", "maxProperties"),
    ):
        low, high = schema.get(least, 0), schema.get(most)
        if high is None and low:
            yield f"At least {_counted(low, what)}."
        elif high is not None and low == high:
            yield f"Exactly {_counted(high, what)}."
        elif high is not None:
            yield f"{f'{low} to' if low else 'At most'} {_counted(high, what)}."


def _pattern(schema: Json) -> Iterator[str]:
    if "pattern" in schema:
        yield f"Pattern `{schema['pattern']}`."


def _items(schema: Json) -> Iterator[str]:
    keys = schema.get("x-kubernetes-list-map-keys")
    if keys:
        yield f"Unique by {' and '.join(f'`{key}`' for key in keys)}."
    elif schema.get("x-kubernetes-list-type") == "set" or schema.get("uniqueItems"):
        yield "Without duplicates."


def _rules(schema: Json) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", ()):
        said = str(rule.get("message") or f"`{rule.get('rule')}`").strip()
        yield f"Checked by the server: {said.removesuffix('.')}."


def _deprecated(schema: Json) -> Iterator[str]:
    if schema.get("deprecated"):
        yield "Deprecated."


_PARTS = (_deprecated, _default, _bounds, _sizes, _pattern, _items, _rules)


def _counted(number: int, what: str) -> str:
    if number == 1:
        return f"1 {what}"
    return f"{number} {what.removesuffix('y')}{'ies' if what.endswith('y') else 's'}"


def _value(value: Any) -> str:
    if isinstance(value, str) and value and not value.isspace():
        return f"`{value}`"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return f"`{json.dumps(value, ensure_ascii=False)}`"
