"""What may become a part of a path, and what is said about everything else."""

from __future__ import annotations

import pickle
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.names import ALL_NAMESPACES, name_segment, namespace_segment

_NAMES = ["a", "0", "demo", "my-model", "a.b.c", "a-b.c-d.0", "x" * 253]


@pytest.mark.parametrize("name", _NAMES)
def test_names_that_the_api_server_allows_pass_as_they_are(name: str) -> None:
    assert name_segment(name, "Model") == name


@pytest.mark.parametrize("name", ["a", "default", "team-7", "x" * 63])
def test_namespaces_that_the_api_server_allows_pass_as_they_are(name: str) -> None:
    assert namespace_segment(name) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "the name of a Model is empty"),
        (None, "the name of a Model must be a string, not NoneType: None"),
        (7, "the name of a Model must be a string, not int: 7"),
        (b"demo", "the name of a Model must be a string, not bytes: b'demo'"),
        (
            "default/demo",
            'it contains "/"; give the name alone, the namespace goes to the resource method',
        ),
        ("Demo", "'Demo' cannot be the name of a Model: only lower-case letters, digits, "),
        ("Demo", '"-" and "." are allowed, with a letter or digit at both ends; '),
        ("Demo", "did you mean 'demo'?"),
        ("my_model", "did you mean 'my-model'?"),
        ("demo ", "did you mean 'demo'?"),
        ("demo\n", "did you mean 'demo'?"),
        ("-demo", "did you mean 'demo'?"),
        (".", "only lower-case letters"),
        ("..", "only lower-case letters"),
        ("a..b", "only lower-case letters"),
        ("%2e%2e", "only lower-case letters"),
        ("ünï", "only lower-case letters"),
        ("a?watch=true", "only lower-case letters"),
        ("a#b", "only lower-case letters"),
        ("x" * 254, "it has 254 characters, 253 are allowed"),
    ],
)
def test_what_cannot_be_a_name_is_refused_with_the_reason(name: object, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        name_segment(name, "Model")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("namespace", "message"),
    [
        ("", "the namespace is empty"),
        (None, "the namespace must be a string, not NoneType: None"),
        ("Team-A", "did you mean 'team-a'?"),
        ("team.a", 'only lower-case letters, digits and "-" are allowed'),
        ("a/b", 'only lower-case letters, digits and "-" are allowed'),
        ("x" * 64, "it has 64 characters, 63 are allowed"),
    ],
)
def test_what_cannot_be_a_namespace_is_refused_with_the_reason(
    namespace: object, message: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        namespace_segment(namespace)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("value", "guess"),
    [("Team.A", "team-a"), ("Team A", "team-a"), ("My.Team.Name", "my-team-name")],
)
def test_the_namespace_that_is_suggested_is_itself_allowed(value: str, guess: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"did you mean '{guess}'"):
        namespace_segment(value)
    assert namespace_segment(guess) == guess


@given(st.text(max_size=300))
def test_no_text_reaches_another_path(text: str) -> None:
    try:
        segment = name_segment(text, "Model")
    except InvalidArgumentError as error:
        assert repr(text)[:40] in str(error) or not text  # noqa: PT017 - both ways are right
    else:
        assert segment == quote(segment, safe="") == text
        assert segment not in {".", ".."}


def test_all_namespaces_is_one_object_everywhere() -> None:
    assert pickle.loads(pickle.dumps(ALL_NAMESPACES)) is ALL_NAMESPACES  # noqa: S301
    assert repr(ALL_NAMESPACES) == "ALL_NAMESPACES"
