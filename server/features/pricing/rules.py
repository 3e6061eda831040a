"""The price of a cart: one pure function, for the cart that is shown and for the order that is placed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from server.features.pricing.discount_rules import Reduction, choose_discounts, lay_out
from server.features.pricing.priced_values import PricedCart, PricedLine, PricedShipping
from server.features.pricing.tax_rules import levy, plan_taxes, sum_taxes
from server.features.pricing.tax_values import TaxAmount, TaxPlan, TaxRate
from server.features.pricing.values import (
    AppliedDiscount,
    Circumstances,
    Discount,
    DiscountAmount,
    PriceLine,
    RejectedCode,
    ShippingChoice,
)
from server.kernel.errors import invalid_field
from server.kernel.money import MAX_AMOUNT_MINOR


def price(
    lines: Sequence[PriceLine],
    *,
    currency: str,
    now: datetime,
    shipping: ShippingChoice | None = None,
    rates: Sequence[TaxRate] = (),
    discounts: Sequence[Discount] = (),
    codes: Sequence[str] = (),
    customer_groups: frozenset[UUID] = frozenset(),
) -> PricedCart:
    """Price a cart whose prices are all in one currency.

    `rates` are those of the destination, in the order in which a line shall list them. `discounts` are the automatic
    ones and those of the entered `codes`, with their uses so far. Keys of lines and ids of discounts are unique.
    Integers do not overflow here; raises InvalidArgument when an amount does not fit into the 64 bits in which it is
    stored and sent, and ValueError for a line that no cart can hold (no quantity, a negative price).
    """
    subtotals = [_subtotal(line) for line in lines]
    subtotal = sum(subtotals)
    charge = None
    if shipping is not None and any(line.requires_shipping for line in lines):
        charge = shipping_charge(shipping, subtotal)
    reduction: Reduction | None = None
    rejected: tuple[RejectedCode, ...] = ()
    if discounts or codes:
        reduction, rejected = choose_discounts(
            lay_out(lines, subtotals, shipping_minor=charge),
            discounts,
            Circumstances(currency, now, customer_groups, codes),
        )
    priced_lines = _price_lines(lines, subtotals, reduction, rates)
    priced_shipping = None
    if shipping is not None and charge is not None:
        priced_shipping = _price_shipping(shipping, charge, reduction, rates)
    return _sum_up(currency, priced_lines, priced_shipping, reduction.applied if reduction else (), rejected)


def shipping_charge(shipping: ShippingChoice, goods_minor: int) -> int:
    """Return what a way of shipping costs for goods of this value before discounts.

    Before discounts, because otherwise a code that takes a little off could cost the buyer the free shipping.
    """
    if shipping.free_from_amount_minor is not None and goods_minor >= shipping.free_from_amount_minor:
        return 0
    return shipping.amount_minor


def _subtotal(line: PriceLine) -> int:
    if line.quantity < 1 or line.unit_price_minor < 0:
        raise ValueError(f"line {line.key} cannot be priced: {line.quantity} × {line.unit_price_minor}")
    return line.quantity * line.unit_price_minor


def _price_lines(
    lines: Sequence[PriceLine], subtotals: Sequence[int], reduction: Reduction | None, rates: Sequence[TaxRate]
) -> tuple[PricedLine, ...]:
    plans: dict[str, TaxPlan] = {}
    priced = []
    for index, line in enumerate(lines):
        tax_class = line.tax_class
        plan = plans.get(tax_class)
        if plan is None:
            plan = plans[tax_class] = plan_taxes([rate for rate in rates if rate.tax_class == tax_class])
        subtotal = left = subtotals[index]
        discounts: tuple[DiscountAmount, ...] = ()
        if reduction is not None:
            left = reduction.left[index]
            discounts = tuple(reduction.line_discounts[index])
        taxes, tax, included = levy(left, plan)
        total = left + tax - included
        priced.append(PricedLine(line.key, subtotal, subtotal - left, tax, included, total, discounts, taxes))
    return tuple(priced)


def _price_shipping(
    shipping: ShippingChoice, charge: int, reduction: Reduction | None, rates: Sequence[TaxRate]
) -> PricedShipping:
    applicable = [rate for rate in rates if rate.applies_to_shipping and rate.tax_class == shipping.tax_class]
    left = charge
    discounts: tuple[DiscountAmount, ...] = ()
    if reduction is not None:
        left = reduction.shipping_left
        discounts = tuple(reduction.shipping_discounts)
    taxes, tax, included = levy(left, plan_taxes(applicable))
    total = left + tax - included
    return PricedShipping(shipping.id, shipping.name, charge, charge - left, tax, included, total, discounts, taxes)


def _sum_up(
    currency: str,
    lines: tuple[PricedLine, ...],
    shipping: PricedShipping | None,
    applied: Sequence[AppliedDiscount],
    rejected: tuple[RejectedCode, ...],
) -> PricedCart:
    subtotal = discount = tax = included = total = charge = 0
    taxes: list[TaxAmount] = []
    for line in lines:
        subtotal += line.subtotal_minor
        discount += line.discount_minor
        tax += line.tax_minor
        included += line.included_tax_minor
        total += line.total_minor
        taxes += line.taxes
    if shipping is not None:
        charge = shipping.amount_minor
        discount += shipping.discount_minor
        tax += shipping.tax_minor
        included += shipping.included_tax_minor
        total += shipping.total_minor
        taxes += shipping.taxes
    # No other amount can be larger: a discount is part of subtotal and shipping, a tax is part of the total.
    if subtotal + charge > MAX_AMOUNT_MINOR or total > MAX_AMOUNT_MINOR:
        raise invalid_field("items", "cost more together than an amount of money can hold")
    return PricedCart(
        currency=currency,
        lines=lines,
        shipping=shipping,
        subtotal_minor=subtotal,
        discount_minor=discount,
        shipping_minor=charge,
        tax_minor=tax,
        included_tax_minor=included,
        total_minor=total,
        taxes=sum_taxes(taxes),
        discounts=tuple(applied),
        rejected_codes=rejected,
    )
