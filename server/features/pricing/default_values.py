"""What a new shop starts with: sample tax rates and ways of shipping, to be changed by its owner.

Rates are the standard and some reduced ones as published for 2025; a real shop asks its tax adviser.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NewTaxRate:
    """A tax rate to store; `region` is empty for the whole country."""

    country: str
    region: str
    tax_class: str
    name: str
    rate_ppm: int
    included: bool
    applies_to_shipping: bool


@dataclass(frozen=True, slots=True)
class NewShippingPrice:
    """What a method costs in one currency."""

    code: str
    currency: str
    amount_minor: int
    free_from_amount_minor: int | None


@dataclass(frozen=True, slots=True)
class NewShippingMethod:
    """A method that goes everywhere; methods are listed in the order in which they are stored."""

    code: str
    name: str
    description: str


# Parts per million. In Europe and its neighbours prices contain the tax.
_STANDARD_VAT = {
    "AT": 200_000,
    "BE": 210_000,
    "CH": 81_000,
    "CZ": 210_000,
    "DE": 190_000,
    "DK": 250_000,
    "ES": 210_000,
    "FI": 255_000,
    "FR": 200_000,
    "GB": 200_000,
    "IE": 230_000,
    "IT": 220_000,
    "LU": 170_000,
    "NL": 210_000,
    "PL": 230_000,
    "PT": 230_000,
    "SE": 250_000,
}
_REDUCED_VAT = {"AT": 100_000, "BE": 60_000, "DE": 70_000, "FR": 55_000, "IE": 90_000, "NL": 90_000}
# The rates of the states alone; whether shipping is taxed differs between them.
_SALES_TAX = {
    "CA": (72_500, False),
    "FL": (60_000, False),
    "NY": (40_000, True),
    "TX": (62_500, True),
    "WA": (65_000, True),
}

METHODS = (
    NewShippingMethod("standard", "Standard", "Three to five working days"),
    NewShippingMethod("express", "Express", "The next working day"),
)
PRICES = (
    NewShippingPrice("standard", "EUR", 490, 5_000),
    NewShippingPrice("standard", "USD", 590, 6_000),
    NewShippingPrice("express", "EUR", 1_290, None),
    NewShippingPrice("express", "USD", 1_490, None),
)


def default_tax_rates() -> list[NewTaxRate]:
    """List the sample tax rates."""
    rates = [
        NewTaxRate(country, "", tax_class, f"VAT {_percent(ppm)}", ppm, included=True, applies_to_shipping=True)
        for tax_class, table in (("standard", _STANDARD_VAT), ("reduced", _REDUCED_VAT))
        for country, ppm in table.items()
    ]
    rates += [
        NewTaxRate("US", state, "standard", f"{state} sales tax {_percent(ppm)}", ppm, False, on_shipping)
        for state, (ppm, on_shipping) in _SALES_TAX.items()
    ]
    return rates


def _percent(ppm: int) -> str:
    return f"{ppm / 10_000:g}%"
