from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixinfer_client.validation.quantities import Quantity, QuantityError, parse_quantity

# As apimachinery 0.34 reads them, and its canonical text.
GOOD = [
    ("0", Fraction(0), "0"),
    ("1", Fraction(1), "1"),
    ("-3", Fraction(-3), "-3"),
    ("+1.5k", Fraction(1500), "1500"),
    ("1000", Fraction(1000), "1k"),
    ("1024", Fraction(1024), "1024"),
    ("500m", Fraction(1, 2), "500m"),
    ("0.5", Fraction(1, 2), "500m"),
    (".5", Fraction(1, 2), "500m"),
    ("1.", Fraction(1), "1"),
    ("1500m", Fraction(3, 2), "1500m"),
    ("2Gi", Fraction(2 << 30), "2Gi"),
    ("0.5Gi", Fraction(1 << 29), "512Mi"),
    ("1024Mi", Fraction(1 << 30), "1Gi"),
    ("1.5Ki", Fraction(1536), "1536"),
    ("1000Ki", Fraction(1024000), "1000Ki"),
    ("0.1Ki", Fraction(1024, 10), "102400m"),
    ("0.0001Ki", Fraction(1024, 10000), "102400u"),
    ("100Ki", Fraction(102400), "100Ki"),
    ("1e3", Fraction(1000), "1e3"),
    ("1E3", Fraction(1000), "1e3"),
    ("12e2", Fraction(1200), "1200"),
    ("1e-3", Fraction(1, 1000), "1e-3"),
    ("1E", Fraction(10**18), "1E"),
    ("1Ei", Fraction(1 << 60), "1Ei"),
    ("9Ei", Fraction((1 << 63) - 1), "9223372036854775807"),
    ("1n", Fraction(1, 10**9), "1n"),
    ("0.1n", Fraction(1, 10**9), "1n"),
    ("-0.1n", Fraction(-1, 10**9), "-1n"),
    ("1.0000000001", Fraction(1000000001, 10**9), "1000000001n"),
    ("9e40", Fraction(9 * 10**40), "90e39"),
]

BAD = ["", "x", "1x", "1 Gi", " 1", "1GiB", "KiB", "1e", "1e1.5", "1ki", "1K", "--1", "1.2.3", "Gi"]


@pytest.mark.parametrize(("text", "amount", "canonical"), GOOD)
def test_quantities_are_read_and_written_as_kubernetes_does(
    text: str, amount: Fraction, canonical: str
) -> None:
    quantity = parse_quantity(text)
    assert quantity.amount == amount
    assert str(quantity) == canonical


@pytest.mark.parametrize("text", BAD)
def test_what_kubernetes_refuses_is_refused(text: str) -> None:
    with pytest.raises(
        QuantityError, match=r"regular expression|unable to parse quantity's suffix"
    ):
        parse_quantity(text)


def test_the_messages_are_those_of_the_server() -> None:
    with pytest.raises(QuantityError) as caught:
        parse_quantity("1ki")
    assert str(caught.value) == "unable to parse quantity's suffix"
    with pytest.raises(QuantityError) as caught:
        parse_quantity("1 Gi")
    assert str(caught.value) == (
        "quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )


def test_integers_are_quantities_too() -> None:
    assert parse_quantity(10) == parse_quantity("10") == parse_quantity("10000m")


def test_an_absurd_exponent_costs_nothing() -> None:
    with pytest.raises(QuantityError, match="suffix"):
        parse_quantity("1e999999999")


AMOUNTS = st.fractions(max_denominator=10**9).filter(lambda amount: abs(amount) < 1 << 62)


@given(st.integers(-(10**24), 10**24), st.sampled_from(["decimal", "exponent"]))
def test_what_is_written_is_read_back(nanos: int, family: str) -> None:
    quantity = Quantity(Fraction(nanos, 10**9), "decimal" if family == "decimal" else "exponent")
    again = parse_quantity(str(quantity))
    assert again == quantity
    assert str(again) == str(quantity)


@given(st.integers(-(1 << 62), 1 << 62))
def test_binary_quantities_are_read_back(number: int) -> None:
    assert parse_quantity(str(Quantity(Fraction(number), "binary"))).amount == number


@given(st.integers(0, 10**9), st.sampled_from(["", "k", "M", "G"]), st.integers(0, 10**9))
def test_comparison_is_by_value(left: int, suffix: str, right: int) -> None:
    factor = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[suffix]
    first, second = parse_quantity(f"{left}{suffix}"), parse_quantity(str(right))
    assert (first < second) == (left * factor < right)
    assert (first == second) == (left * factor == right)
    assert first != second or hash(first) == hash(second)


@given(st.text(alphabet="0123456789.+-eEKMGTPikmun ", max_size=10))
def test_any_text_is_a_quantity_or_an_error(text: str) -> None:
    try:
        quantity = parse_quantity(text)
    except QuantityError:
        return
    assert quantity.amount.denominator <= 10**9
    assert parse_quantity(str(quantity)) == quantity
