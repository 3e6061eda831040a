"""What comes out of a price: plain values, amounts in minor units of the cart's currency."""

from typing import NamedTuple
from uuid import UUID

from server.features.pricing.tax_values import TaxAmount
from server.features.pricing.values import AppliedDiscount, DiscountAmount, RejectedCode


class PricedLine(NamedTuple):
    """A line's price: total = subtotal − discount + tax − included tax."""

    key: UUID
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    included_tax_minor: int
    total_minor: int
    discounts: tuple[DiscountAmount, ...]
    taxes: tuple[TaxAmount, ...]


class PricedShipping(NamedTuple):
    """The price of sending: total = amount − discount + tax − included tax."""

    id: UUID
    name: str
    amount_minor: int
    discount_minor: int
    tax_minor: int
    included_tax_minor: int
    total_minor: int
    discounts: tuple[DiscountAmount, ...]
    taxes: tuple[TaxAmount, ...]


class PricedCart(NamedTuple):
    """What a cart costs: total = subtotal − discount + shipping + tax − included tax.

    The discount covers goods and shipping; shipping is before discounts; tax is all tax, and `included_tax_minor` the
    part of it that the prices contain already. Lines are in the order in which they came. `taxes` sums up each rate
    over lines and shipping.
    """

    currency: str
    lines: tuple[PricedLine, ...]
    # None: not chosen yet, or nothing needs to be sent.
    shipping: PricedShipping | None
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    included_tax_minor: int
    total_minor: int
    taxes: tuple[TaxAmount, ...] = ()
    discounts: tuple[AppliedDiscount, ...] = ()
    rejected_codes: tuple[RejectedCode, ...] = ()
