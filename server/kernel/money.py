"""Amounts of money: whole counts of a currency's minor unit, how they are read, written, rounded and shared out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

# An amount travels and is stored as a signed 64-bit integer.
MAX_AMOUNT_MINOR = 2**63 - 1

# ISO 4217: the currencies in use whose minor unit is not a hundredth.
_EXPONENTS = {
    code: exponent
    for exponent, codes in (
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    )
    for code in codes.split()
}
_CODE = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
# Nothing of 64 bits has more digits; longer input is not worth converting.
_MAX_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency: `Money("USD", 1999)` is $19.99."""

    currency: str
    amount_minor: int


def currency_exponent(code: str) -> int:
    """Return how many decimals a currency has. Raises ValueError for what cannot be an ISO 4217 code."""
    exponent = _EXPONENTS.get(code)
    if exponent is not None:
        return exponent
    if not _CODE.fullmatch(code):
        raise ValueError(f"a currency is three capital letters, such as EUR, not {code!r}")
    return 2


def parse_amount(text: str, code: str, *, signed: bool = False) -> int:
    """Return the minor units of a decimal amount: `parse_amount("19.99", "USD")` is 1999.

    Nothing is guessed: thousands separators, spaces, signs and symbols are refused, and so are more decimals than the
    currency has. `signed` allows a leading minus. Raises ValueError with a text that can be shown to whoever wrote it.
    """
    exponent = currency_exponent(code)
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise ValueError(f"an amount is digits with at most one decimal point, such as 1999.5, not {_shown(text)}")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if sign and not signed:
        raise ValueError(f"an amount must not be negative: {_shown(text)}")
    if len(fraction) > exponent:
        raise ValueError(f"{code} has {_decimals(exponent)}: {_shown(text)}")
    digits = (whole + fraction.ljust(exponent, "0")).lstrip("0") or "0"
    minor = int(digits) if len(digits) <= _MAX_DIGITS else MAX_AMOUNT_MINOR + 1
    if minor > MAX_AMOUNT_MINOR:
        raise ValueError(f"an amount must be at most {format_amount(MAX_AMOUNT_MINOR, code)} {code}: {_shown(text)}")
    return -minor if sign else minor


def format_amount(minor: int, code: str) -> str:
    """Write minor units as a decimal amount: `format_amount(1999, "USD")` is "19.99"."""
    exponent = currency_exponent(code)
    if exponent == 0:
        return str(minor)
    digits = str(abs(minor)).rjust(exponent + 1, "0")
    return f"{'-' if minor < 0 else ''}{digits[:-exponent]}.{digits[-exponent:]}"


def allot(total: int, weights: Sequence[int]) -> list[int]:
    """Share out a whole by weight, so that the parts add up to it exactly (largest remainder).

    Each part is less than one unit away from its exact share. What is left over goes to the largest remainders, of
    equal ones to those that stand first. A negative total gives the negated parts of the positive one. A weight of
    zero gets nothing, unless all are zero: then all count alike. Raises ValueError for a negative weight, and when
    there is nobody to give a total other than zero to.
    """
    if any(weight < 0 for weight in weights):
        raise ValueError("a weight must not be negative")
    if total < 0:
        return [-part for part in allot(-total, weights)]
    whole = sum(weights)
    if whole == 0:
        if weights:
            return allot(total, [1] * len(weights))
        if total:
            raise ValueError("there is nothing to share the total out to")
        return []
    parts = [total * weight // whole for weight in weights]
    missing = total - sum(parts)
    if missing:
        # sorted() is stable, so equal remainders stay in the order of the weights.
        neediest = sorted(range(len(weights)), key=lambda index: -(total * weights[index] % whole))
        for index in neediest[:missing]:
            parts[index] += 1
    return parts


def round_half_even(value: Decimal) -> int:
    """Round to a whole number, a half to the even neighbour."""
    return int(value.to_integral_value(rounding=ROUND_HALF_EVEN))


def divide_half_even(dividend: int, divisor: int) -> int:
    """Divide and round to a whole number, a half to the even neighbour. The divisor is above zero."""
    quotient, remainder = divmod(dividend, divisor)
    twice = remainder << 1
    if twice > divisor or (twice == divisor and quotient & 1):
        return quotient + 1
    return quotient


def _decimals(exponent: int) -> str:
    return f"at most {exponent} decimals" if exponent else "no decimals"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
