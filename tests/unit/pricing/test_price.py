"""Prices without discounts: sums, taxes, shipping, limits."""

import pytest

from server.features.pricing.rules import price
from server.features.pricing.tax_values import TaxAmount, TaxRate
from server.features.pricing.values import ShippingChoice
from server.kernel.errors import InvalidArgument
from server.kernel.money import MAX_AMOUNT_MINOR
from tests.unit.pricing.carts import NOW, VAT, free_shipping, line, price_euros, shipping, uid


def test_an_empty_cart_costs_nothing():
    cart = price_euros([], shipping=shipping(499), rates=[VAT])

    assert (cart.subtotal_minor, cart.shipping_minor, cart.tax_minor, cart.total_minor) == (0, 0, 0, 0)
    assert (cart.lines, cart.shipping, cart.taxes) == ((), None, ())


def test_prices_that_contain_vat():
    cart = price_euros([line(1, 1999), line(2, 500, quantity=3)], shipping=shipping(499), rates=[VAT])

    first, second = cart.lines
    # 1999 × 19 / 119 = 319.17, 1500 × 19 / 119 = 239.50 (239.4958), 499 × 19 / 119 = 79.67.
    assert (first.subtotal_minor, first.tax_minor, first.included_tax_minor, first.total_minor) == (
        1999,
        319,
        319,
        1999,
    )
    assert first.taxes == (TaxAmount("VAT 19%", 190_000, True, 1680, 319),)
    assert (second.subtotal_minor, second.tax_minor, second.total_minor) == (1500, 239, 1500)
    assert cart.shipping is not None
    assert (cart.shipping.amount_minor, cart.shipping.tax_minor, cart.shipping.total_minor) == (499, 80, 499)
    assert (cart.currency, cart.subtotal_minor, cart.discount_minor, cart.shipping_minor) == ("EUR", 3499, 0, 499)
    assert (cart.tax_minor, cart.included_tax_minor, cart.total_minor) == (638, 638, 3998)
    assert cart.taxes == (TaxAmount("VAT 19%", 190_000, True, 3360, 638),)


def test_prices_to_which_two_sales_taxes_are_added():
    rates = [TaxRate("State", 62_500, applies_to_shipping=False), TaxRate("City", 45_000, applies_to_shipping=False)]

    cart = price([line(1, 1000), line(2, 1999, 2)], currency="USD", now=NOW, shipping=shipping(599), rates=rates)

    first, second = cart.lines
    # 62.5 is rounded to the even 62; 3998 × 6.25 % = 249.875, 3998 × 4.5 % = 179.91.
    assert first.taxes == (TaxAmount("State", 62_500, False, 1000, 62), TaxAmount("City", 45_000, False, 1000, 45))
    assert (first.tax_minor, first.included_tax_minor, first.total_minor) == (107, 0, 1107)
    assert (second.tax_minor, second.total_minor) == (430, 4428)
    assert cart.taxes == (TaxAmount("City", 45_000, False, 4998, 225), TaxAmount("State", 62_500, False, 4998, 312))
    assert cart.shipping is not None
    assert (cart.shipping.taxes, cart.shipping.total_minor) == ((), 599)
    assert (cart.subtotal_minor, cart.tax_minor, cart.included_tax_minor, cart.total_minor) == (4998, 537, 0, 6134)


def test_a_currency_without_decimals():
    cart = price(
        [line(1, 1100), line(2, 330)], currency="JPY", now=NOW, rates=[TaxRate("消費税", 100_000, included=True)]
    )

    assert [priced.tax_minor for priced in cart.lines] == [100, 30]
    assert (cart.tax_minor, cart.total_minor) == (130, 1430)


def test_a_currency_with_three_decimals():
    cart = price([line(1, 1250), line(2, 1270)], currency="KWD", now=NOW, rates=[TaxRate("VAT", 50_000)])

    # 62.5 goes to the even 62, 63.5 to the even 64.
    assert [priced.tax_minor for priced in cart.lines] == [62, 64]
    assert cart.total_minor == 2646


def test_several_contained_taxes_are_rounded_together():
    rates = [TaxRate("GST", 50_000, included=True), TaxRate("PST", 20_000, included=True)]

    [priced] = price_euros([line(1, 1000)], rates=rates).lines

    # 1000 × 7 / 107 = 65.42; of 65 the shares are 46.43 and 18.57. Each by itself would be rounded to 47 and 19.
    assert priced.taxes == (TaxAmount("GST", 50_000, True, 935, 46), TaxAmount("PST", 20_000, True, 935, 19))
    assert (priced.included_tax_minor, priced.total_minor) == (65, 1000)


def test_contained_and_added_taxes_are_taken_on_the_same_net_amount():
    rates = [TaxRate("Levy", 50_000), TaxRate("VAT", 100_000, included=True)]

    [priced] = price_euros([line(1, 1100)], rates=rates).lines

    assert priced.taxes == (TaxAmount("VAT", 100_000, True, 1000, 100), TaxAmount("Levy", 50_000, False, 1000, 50))
    assert (priced.tax_minor, priced.included_tax_minor, priced.total_minor) == (150, 100, 1150)


def test_each_tax_class_has_its_own_rates():
    rates = [VAT, TaxRate("VAT 7%", 70_000, "reduced", included=True), TaxRate("Zero", 0, "zero", included=True)]
    classes = ["standard", "reduced", "zero", "exempt"]

    cart = price_euros([line(key, 10_000, tax_class=name) for key, name in enumerate(classes)], rates=rates)

    assert [priced.tax_minor for priced in cart.lines] == [1597, 654, 0, 0]
    assert cart.lines[2].taxes == (TaxAmount("Zero", 0, True, 10_000, 0),)
    assert cart.lines[3].taxes == ()
    assert [(tax.name, tax.taxable_minor, tax.tax_minor) for tax in cart.taxes] == [
        ("VAT 19%", 8403, 1597),
        ("VAT 7%", 9346, 654),
        ("Zero", 10_000, 0),
    ]


def test_shipping_has_a_tax_class_of_its_own():
    rates = [VAT, TaxRate("VAT 7%", 70_000, "reduced", included=True)]

    cart = price_euros([line(1, 1190)], shipping=shipping(107, tax_class="reduced"), rates=rates)

    assert cart.shipping is not None
    assert cart.shipping.taxes == (TaxAmount("VAT 7%", 70_000, True, 100, 7),)
    assert cart.tax_minor == 197


def test_one_rate_of_two_classes_is_summed_up_as_one():
    rates = [VAT, TaxRate("VAT 19%", 190_000, "shipping", included=True)]

    cart = price_euros([line(1, 1190)], shipping=shipping(119, tax_class="shipping"), rates=rates)

    assert cart.taxes == (TaxAmount("VAT 19%", 190_000, True, 1100, 209),)


def test_what_needs_no_shipping_pays_none():
    download = line(1, 1000, requires_shipping=False)

    assert price_euros([download], shipping=shipping(499)).shipping is None
    assert price_euros([download], shipping=shipping(499)).total_minor == 1000
    assert price_euros([download, line(2, 1)], shipping=shipping(499)).total_minor == 1500


@pytest.mark.parametrize(("goods", "charge"), [(4999, 499), (5000, 0), (5001, 0)])
def test_shipping_is_free_from_a_value_of_goods(goods, charge):
    cart = price_euros([line(1, goods)], shipping=shipping(499, free_from_amount_minor=5000))

    assert (cart.shipping_minor, cart.discount_minor, cart.total_minor) == (charge, 0, goods + charge)


def test_the_largest_amount_fits():
    cart = price_euros([line(1, MAX_AMOUNT_MINOR)], rates=[VAT])

    assert cart.total_minor == MAX_AMOUNT_MINOR
    # Exact at this size too, where a float is off by more than a hundred.
    assert cart.tax_minor == 1472639232775132272


@pytest.mark.parametrize(
    ("lines", "rest"),
    [
        ([line(1, 2**62, quantity=2)], {}),
        ([line(1, MAX_AMOUNT_MINOR), line(2, 1)], {}),
        ([line(1, MAX_AMOUNT_MINOR)], {"rates": [TaxRate("Added", 190_000)]}),
        ([line(1, MAX_AMOUNT_MINOR)], {"shipping": shipping(1)}),
        ([line(1, 0)], {"shipping": shipping(MAX_AMOUNT_MINOR + 1)}),
        # The total fits; goods and shipping before the discount do not.
        ([line(1, MAX_AMOUNT_MINOR)], {"shipping": shipping(1), "discounts": [free_shipping(50)]}),
    ],
)
def test_refuses_amounts_beyond_64_bits(lines, rest):
    with pytest.raises(InvalidArgument) as refusal:
        price(lines, currency="EUR", now=NOW, **rest)

    assert [violation.field for violation in refusal.value.fields] == ["items"]


@pytest.mark.parametrize(("quantity", "unit_price"), [(0, 100), (-1, 100), (1, -1)])
def test_refuses_lines_that_no_cart_can_hold(quantity, unit_price):
    with pytest.raises(ValueError, match="cannot be priced"):
        price_euros([line(1, unit_price, quantity)])


def test_refuses_values_that_make_no_sense():
    with pytest.raises(ValueError, match="tax rate must not be negative"):
        TaxRate("Odd", -1)
    with pytest.raises(ValueError, match="less than nothing"):
        ShippingChoice(uid(1), "Odd", -1)
