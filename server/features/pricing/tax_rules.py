"""Taxes on one amount: which rates apply and how much each of them is.

Rates are whole parts per million, so that every quotient is exact in integers and is rounded half-even once.
"""

from collections.abc import Iterable

from server.features.pricing.tax_values import WHOLE_PPM, Levy, TaxAmount, TaxPlan, TaxRate
from server.kernel.money import allot, divide_half_even


def plan_taxes(rates: Iterable[TaxRate]) -> TaxPlan:
    """Sort the rates of one class of goods into those that prices contain and those that are added."""
    rates = tuple(rates)
    included = tuple([rate for rate in rates if rate.included])
    added = tuple([rate for rate in rates if not rate.included])
    return TaxPlan(included, added, sum([rate.rate_ppm for rate in included]))


def levy(amount_minor: int, plan: TaxPlan) -> Levy:
    """Reckon every tax on an amount after discounts.

    All rates, contained or added, are taken on the same net amount; none is a tax on a tax. The contained ones are
    rounded together and then shared out by rate, so that net and taxes are exactly the price that was shown.
    """
    included, added, included_ppm = plan
    taxes: list[TaxAmount] = []
    net, contained = amount_minor, 0
    if included:
        contained = divide_half_even(amount_minor * included_ppm, WHOLE_PPM + included_ppm)
        net -= contained
        if len(included) == 1:
            rate = included[0]
            taxes.append(TaxAmount(rate.name, rate.rate_ppm, True, net, contained))
        else:
            shares = allot(contained, [rate.rate_ppm for rate in included])
            for rate, share in zip(included, shares, strict=True):
                taxes.append(TaxAmount(rate.name, rate.rate_ppm, True, net, share))
    sum_minor = contained
    for rate in added:
        tax = divide_half_even(net * rate.rate_ppm, WHOLE_PPM)
        sum_minor += tax
        taxes.append(TaxAmount(rate.name, rate.rate_ppm, False, net, tax))
    return Levy(tuple(taxes), sum_minor, contained)


def sum_taxes(amounts: Iterable[TaxAmount]) -> tuple[TaxAmount, ...]:
    """Add up the amounts of each rate, in the order of their names, whatever the order of the amounts."""
    sums: dict[tuple[str, int, bool], list[int]] = {}
    for name, rate_ppm, included, taxable, tax in amounts:
        total = sums.setdefault((name, rate_ppm, included), [0, 0])
        total[0] += taxable
        total[1] += tax
    return tuple([TaxAmount(*key, *sums[key]) for key in sorted(sums)])
