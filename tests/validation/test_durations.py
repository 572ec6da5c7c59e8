from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixinfer_client.validation.durations import (
    HOUR,
    MINUTE,
    SECOND,
    DurationError,
    format_duration,
    parse_duration,
)

INT64 = st.integers(-(1 << 63), (1 << 63) - 1)

# As Go 1.26 parses and prints them.
GOOD = [
    ("0", 0, "0s"),
    ("-0", 0, "0s"),
    ("+0", 0, "0s"),
    ("30s", 30 * SECOND, "30s"),
    ("90s", 90 * SECOND, "1m30s"),
    ("1h", HOUR, "1h0m0s"),
    ("1.5h", 90 * MINUTE, "1h30m0s"),
    (".5s", SECOND // 2, "500ms"),
    ("5.s", 5 * SECOND, "5s"),
    ("1h1s", HOUR + SECOND, "1h0m1s"),
    ("1s1h", HOUR + SECOND, "1h0m1s"),
    ("-1.5ms", -1_500_000, "-1.5ms"),
    ("1us", 1_000, "1µs"),
    ("1\u00b5s", 1_000, "1µs"),
    ("1\u03bcs", 1_000, "1µs"),
    ("15ns", 15, "15ns"),
    ("0.000000000001s", 0, "0s"),
    ("9223372036854775807ns", (1 << 63) - 1, "2562047h47m16.854775807s"),
    ("-9223372036854775808ns", -(1 << 63), "-2562047h47m16.854775808s"),
    ("0.1000000000000000000000h", 6 * MINUTE, "6m0s"),
]

BAD = [
    ("", 'time: invalid duration ""'),
    ("s", 'time: invalid duration "s"'),
    (".s", 'time: invalid duration ".s"'),
    ("30", 'time: missing unit in duration "30"'),
    ("1d", 'time: unknown unit "d" in duration "1d"'),
    ("1h30", 'time: missing unit in duration "1h30"'),
    ("1 s", 'time: unknown unit " s" in duration "1 s"'),
    ("PT5M", 'time: invalid duration "PT5M"'),
    ("--1s", 'time: invalid duration "--1s"'),
    ("1S", 'time: unknown unit "S" in duration "1S"'),
    ("9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'),
    ("2562048h", 'time: invalid duration "2562048h"'),
    ("1m\u00e9", r'time: unknown unit "m\xc3\xa9" in duration "1m\xc3\xa9"'),
]


@pytest.mark.parametrize(("text", "value", "canonical"), GOOD)
def test_durations_are_read_and_written_as_go_does(text: str, value: int, canonical: str) -> None:
    assert parse_duration(text) == value
    assert format_duration(value) == canonical


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_go_refuses_is_refused_in_its_words(text: str, message: str) -> None:
    with pytest.raises(DurationError) as caught:
        parse_duration(text)
    assert str(caught.value) == message


@given(INT64)
def test_what_is_written_is_read_back(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@given(INT64)
def test_the_canonical_text_is_its_own_canonical_text(nanoseconds: int) -> None:
    text = format_duration(nanoseconds)
    assert format_duration(parse_duration(text)) == text


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(["ns", "us", "ms", "s", "m"]))))
def test_terms_add_up_in_any_order(terms: list[tuple[int, str]]) -> None:
    texts = [f"{number}{unit}" for number, unit in terms] or ["0s"]
    total = sum(parse_duration(text) for text in texts)
    assert parse_duration("".join(texts)) == total
    assert parse_duration("-" + "".join(reversed(texts))) == -total


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_an_error(text: str) -> None:
    try:
        value = parse_duration(text)
    except DurationError:
        return
    assert -(1 << 63) <= value < 1 << 63
