"""Short ways to write carts and discounts in tests; numbers stand for ids."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from server.features.pricing.priced_values import PricedCart
from server.features.pricing.rules import price
from server.features.pricing.tax_values import TaxRate
from server.features.pricing.values import Discount, DiscountKind, PriceLine, Scope, ShippingChoice

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
VAT = TaxRate("VAT 19%", 190_000, included=True)


def uid(number: int) -> UUID:
    return UUID(int=number)


def line(key: int, unit_price_minor: int, quantity: int = 1, **fields: Any) -> PriceLine:
    """Make a line of the product of the same number."""
    return PriceLine(uid(key), quantity, unit_price_minor, **{"product_id": uid(key), **fields})


def products(*numbers: int) -> Scope:
    return Scope(product_ids=frozenset(map(uid, numbers)))


def categories(*numbers: int) -> Scope:
    return Scope(category_ids=frozenset(map(uid, numbers)))


def shipping(amount_minor: int, **fields: Any) -> ShippingChoice:
    return ShippingChoice(uid(900), "Parcel", amount_minor, **fields)


def percent(number: int, rate_ppm: int, **fields: Any) -> Discount:
    return Discount(uid(number), f"Discount {number}", DiscountKind.PERCENT, rate_ppm=rate_ppm, **fields)


def amount_off(number: int, amount_minor: int, **fields: Any) -> Discount:
    return _in_euros(number, DiscountKind.FIXED_AMOUNT, amount_minor=amount_minor, **fields)


def fixed_price(number: int, amount_minor: int, **fields: Any) -> Discount:
    return _in_euros(number, DiscountKind.FIXED_PRICE, amount_minor=amount_minor, **fields)


def buy_get(number: int, buy: int, get: int, rate_ppm: int = 1_000_000, **fields: Any) -> Discount:
    kind = DiscountKind.BUY_X_GET_Y
    return Discount(
        uid(number), f"Discount {number}", kind, buy_quantity=buy, get_quantity=get, rate_ppm=rate_ppm, **fields
    )


def free_shipping(number: int, **fields: Any) -> Discount:
    return Discount(uid(number), f"Discount {number}", DiscountKind.FREE_SHIPPING, **fields)


def price_euros(lines: Iterable[PriceLine], *discounts: Discount, codes: Iterable[str] = (), **rest: Any) -> PricedCart:
    """Price a cart in euros at noon of a day in June."""
    return price(tuple(lines), **{"currency": "EUR", "now": NOW, **rest}, discounts=discounts, codes=tuple(codes))


def cuts(cart: PricedCart) -> list[int]:
    """Return what was taken off each line."""
    return [line.discount_minor for line in cart.lines]


def rejections(cart: PricedCart) -> dict[str, str]:
    """Return the codes that took nothing off, with why."""
    return {rejected.code: rejected.reason.value for rejected in cart.rejected_codes}


def _in_euros(number: int, kind: DiscountKind, **fields: Any) -> Discount:
    return Discount(uid(number), f"Discount {number}", kind, **{"currency": "EUR", **fields})
