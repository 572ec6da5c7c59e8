"""Timestamps survive a round trip to the last digit, and stay datetimes."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixinfer_client.times import Timestamp, parse, render

ODD = [
    "2025-08-01T10:00:00.123456789Z",
    "2025-08-01T10:00:00.5Z",
    "2025-08-01T10:00:00.000000Z",
    "2025-08-01T10:00:00+02:00",
    "2025-08-01T10:00:00+00:00",
    "2025-08-01t10:00:00z",
    "2025-08-01 10:00:00Z",
    "20250801T100000Z",
    "2025-W31-5T10:00:00Z",
]


@pytest.mark.parametrize("text", ODD)
def test_an_unusual_text_is_a_datetime_that_remembers_it(text: str) -> None:
    value = parse(text)
    assert isinstance(value, datetime)
    assert value.utcoffset() is not None
    assert abs(value - datetime(2025, 8, 1, 10, tzinfo=UTC)) < timedelta(hours=3)
    assert render(value) == text


@pytest.mark.parametrize("text", ODD)
def test_the_memory_survives_copies_and_pickles(text: str) -> None:
    value = parse(text)
    for twin in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):  # noqa: S301
        assert twin == value
        assert isinstance(twin, datetime)
        assert render(twin) == text


def test_the_usual_text_is_a_plain_datetime() -> None:
    for text in ("2025-08-01T10:00:00Z", "2025-08-01T10:00:00.123456Z"):
        assert type(parse(text)) is datetime


def test_equality_is_about_the_moment() -> None:
    assert parse("2025-08-01T10:00:00+02:00") == parse("2025-08-01T08:00:00Z")
    assert hash(parse("2025-08-01T10:00:00+02:00")) == hash(parse("2025-08-01T08:00:00Z"))


def test_what_is_computed_is_written_the_usual_way() -> None:
    value = parse("2025-08-01T10:00:00+02:00")
    assert isinstance(value, Timestamp)
    later = value + timedelta(minutes=1)
    assert render(later) == "2025-08-01T08:01:00Z"
    assert render(value.replace(hour=12)) == "2025-08-01T10:00:00Z"
    assert pickle.loads(pickle.dumps(later)) == later  # noqa: S301


def test_a_datetime_without_zone_is_refused_with_advice() -> None:
    with pytest.raises(ValueError, match=r"no time zone; use for example datetime\.now"):
        render(datetime(2025, 8, 1))


zones = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=zones))
def test_every_moment_survives_writing_and_reading(value: datetime) -> None:
    assert parse(render(value)) == value


@given(
    st.text(max_size=30)
    | st.from_regex(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([zZ]|[+-]\d\d:\d\d)?")
)
def test_no_text_is_changed_by_reading_and_writing(text: str) -> None:
    value = parse(text)
    assert (value if isinstance(value, str) else render(value)) == text
