from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.kernel.money import (
    MAX_AMOUNT_MINOR,
    Money,
    allot,
    currency_exponent,
    divide_half_even,
    format_amount,
    parse_amount,
    round_half_even,
)

amounts = st.integers(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR)
currencies = st.sampled_from(["JPY", "USD", "EUR", "KWD", "CLF"])
weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("code", "exponent"),
    [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("ISK", 0), ("XOF", 0), ("KWD", 3), ("TND", 3), ("CLF", 4)],
)
def test_knows_the_decimals_of_a_currency(code, exponent):
    assert currency_exponent(code) == exponent


@pytest.mark.parametrize("code", ["", "eur", "EU", "EURO", "E1R", "EUR\n", "ÄÖÜ"])
def test_refuses_what_is_no_currency(code):
    with pytest.raises(ValueError, match="three capital letters"):
        currency_exponent(code)


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [
        ("19.99", "USD", 1999),
        ("19.9", "USD", 1990),
        ("19", "USD", 1900),
        ("0.05", "EUR", 5),
        ("0", "EUR", 0),
        ("007.50", "EUR", 750),
        ("1999", "JPY", 1999),
        ("1.250", "KWD", 1250),
        ("1.2", "KWD", 1200),
        ("0.0001", "CLF", 1),
        ("92233720368547758.07", "USD", MAX_AMOUNT_MINOR),
    ],
)
def test_reads_an_amount(text, code, minor):
    assert parse_amount(text, code) == minor


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "1,999.00", "1.999,00", "1 999", " 1", "1 ", "1\n", "1.", ".5", "1.2.3", "+1", "--1"],
        *["1e3", "0x1", "1_000", "٣", "$1", "NaN"],
    ],
)
def test_guesses_nothing(text):
    with pytest.raises(ValueError, match="digits with at most one decimal point"):
        parse_amount(text, "USD", signed=True)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("1.999", "USD", "USD has at most 2 decimals: '1.999'"),
        ("1.000", "USD", "USD has at most 2 decimals: '1.000'"),
        ("1.5", "JPY", "JPY has no decimals: '1.5'"),
        ("1.2345", "KWD", "KWD has at most 3 decimals: '1.2345'"),
    ],
)
def test_refuses_more_decimals_than_the_currency_has(text, code, message):
    with pytest.raises(ValueError, match="decimals") as refusal:
        parse_amount(text, code)

    assert str(refusal.value) == message


def test_reads_a_minus_only_when_asked():
    assert parse_amount("-0.50", "USD", signed=True) == -50
    with pytest.raises(ValueError, match=r"must not be negative: '-0\.50'"):
        parse_amount("-0.50", "USD")


@pytest.mark.parametrize("text", ["92233720368547758.08", "1" + "0" * 30, "9" * 10_000])
def test_refuses_what_does_not_fit_into_64_bits(text):
    with pytest.raises(ValueError, match=r"at most 92233720368547758\.07 USD") as refusal:
        parse_amount(text, "USD")

    assert len(str(refusal.value)) < 120


@pytest.mark.parametrize(
    ("minor", "code", "text"),
    [
        (1999, "USD", "19.99"),
        (5, "USD", "0.05"),
        (0, "USD", "0.00"),
        (-5, "USD", "-0.05"),
        (-123456, "USD", "-1234.56"),
        (1999, "JPY", "1999"),
        (-3, "JPY", "-3"),
        (1, "KWD", "0.001"),
        (12345, "CLF", "1.2345"),
    ],
)
def test_writes_an_amount(minor, code, text):
    assert format_amount(minor, code) == text


@given(amounts, currencies)
def test_reads_what_it_wrote(minor, code):
    assert parse_amount(format_amount(minor, code), code, signed=True) == minor


@pytest.mark.parametrize(
    ("total", "shares", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (1000, [5, 3, 2], [500, 300, 200]),
        # 46.43 and 18.57: the larger remainder gets the unit, not the larger weight.
        (65, [50_000, 20_000], [46, 19]),
        (10, [0, 1, 0, 1], [0, 5, 0, 5]),
        (5, [0, 0], [3, 2]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (1, [1, 1, 1, 1], [1, 0, 0, 0]),
    ],
)
def test_allots_by_largest_remainder(total, shares, parts):
    assert allot(total, shares) == parts


def test_refuses_to_allot_by_negative_weights():
    with pytest.raises(ValueError, match="must not be negative"):
        allot(10, [3, -1])


@pytest.mark.parametrize("total", [1, -1])
def test_refuses_to_allot_something_to_nobody(total):
    with pytest.raises(ValueError, match="nothing to share"):
        allot(total, [])


@given(amounts, weights)
def test_allots_all_of_it_and_each_share_within_one_unit(total, shares):
    parts = allot(total, shares)

    assert sum(parts) == total
    whole = sum(shares)
    for part, weight in zip(parts, shares, strict=True):
        exact = Fraction(total * weight, whole) if whole else Fraction(total, len(shares))
        assert abs(part - exact) < 1


@given(st.integers(0, 10**15), weights)
def test_never_allots_more_than_the_weight_when_the_total_is_at_most_all_weights(total, shares):
    total = min(total, sum(shares))

    assert all(part <= weight for part, weight in zip(allot(total, shares), shares, strict=True))


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("0.5", 0), ("1.5", 2), ("2.5", 2), ("2.51", 3), ("-0.5", 0), ("-1.5", -2), ("2.4999", 2), ("7", 7)],
)
def test_rounds_a_half_to_the_even_neighbour(value, rounded):
    assert round_half_even(Decimal(value)) == rounded


def test_rounds_what_has_more_digits_than_the_decimal_context():
    assert round_half_even(Decimal("12345678901234567890123456789012345.5")) == 12345678901234567890123456789012346


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**12))
def test_divides_like_an_exact_fraction(dividend, divisor):
    assert divide_half_even(dividend, divisor) == round(Fraction(dividend, divisor))


def test_money_is_a_value():
    assert Money("USD", 1999) == Money(currency="USD", amount_minor=1999)
    assert Money("USD", 1999) != Money("EUR", 1999)
