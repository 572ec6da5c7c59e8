from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codegen.text import Text, docstring, first_sentence, flat, literal

# What breaks naive generators, more often than chance would produce it.
HOSTILE = st.lists(
    st.sampled_from(
        [
            *('"', '""', '"""', "'''", "\\", "\\\\", "\\N{BULLET}", "\\x", "\\u"),
            *("\n", "\r", "\f", "\0", "\u2028", "\u202e", "\ud800"),
            *("{{", "{%", "# ", "- ", "import os", " ", "word"),
        ]
    )
).map("".join)


@given(st.one_of(HOSTILE, st.text()), st.sampled_from([0, 4, 8]))
@example('a\\"', 0)
@example('a\\\\"', 4)
@example('a""""', 0)
def test_a_docstring_is_one_constant_and_nothing_else(text: str, indent: int) -> None:
    source = (
        "class C:\n" + " " * indent + docstring(Text(text), indent)
        if indent
        else docstring(Text(text))
    )
    tree = ast.parse(source)
    (statement,) = tree.body
    if isinstance(statement, ast.ClassDef):
        (statement,) = statement.body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Constant)
    source.encode("utf-8")


@given(st.one_of(HOSTILE, st.text()))
@example('a\\"')
@example('"\\"" \\')
def test_a_docstring_says_the_words_of_the_text(text: str) -> None:
    said = ast.literal_eval(docstring(Text(text)))
    visible = "".join(char for char in flat(Text(text)))
    assert " ".join(said.split()) == visible


@given(st.one_of(HOSTILE, st.text()))
def test_a_literal_is_exactly_the_text_and_plain_ascii(text: str) -> None:
    source = literal(Text(text))
    assert ast.literal_eval(source) == text
    assert source.isascii()
    assert "\n" not in source


@pytest.mark.parametrize(
    "value", [None, True, 0, -1.5, "a", (), ("a",), ("a", 1), {"k": ("v",)}, {}]
)
def test_a_literal_is_exactly_the_plain_value(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value


@pytest.mark.parametrize("value", [float("inf"), float("nan"), {1, 2}, object(), ["list"]])
def test_what_has_no_literal_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no literal for"):
        literal(value)


def test_text_does_not_become_a_string_by_accident() -> None:
    text = Text("hello")
    for accident in (str, lambda one: f"{one}", "{}".format):
        with pytest.raises(TypeError, match="leaves through"):
            accident(text)


def test_lines_are_filled_to_one_hundred_columns_and_words_are_not_broken() -> None:
    text = Text("word " * 60 + "x" * 150 + " end")
    lines = [" " * 4 + docstring(text, 4)]
    lines = lines[0].split("\n")
    assert max(len(line) for line in lines if "x" * 150 not in line) <= 100
    assert any(line.strip() == "x" * 150 for line in lines)
    assert lines[-1] == '    """'


def test_a_short_docstring_is_on_one_line() -> None:
    assert docstring(Text("Short.")) == '"""Short."""'
    assert docstring(Text("  \n ")) == '""""""'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One thing. Another.", "One thing."),
        ("Version 1.5 of it, e.g. this", "Version 1.5 of it, e.g. this."),
        ("A list:\n\nmore", "A list:."),
        ("", ""),
        ("Ends? `Code` follows.", "Ends?"),
    ],
)
def test_the_first_sentence_ends_at_a_stop_before_a_capital(text: str, sentence: str) -> None:
    assert first_sentence(Text(text)).raw == sentence
