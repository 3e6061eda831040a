"""What each kind of discount takes off, from which lines."""

import pytest

from server.features.pricing.tax_values import TaxAmount, TaxRate
from server.features.pricing.values import AppliedDiscount, Discount, DiscountAmount, DiscountKind
from tests.unit.pricing.carts import (
    VAT,
    amount_off,
    buy_get,
    categories,
    cuts,
    fixed_price,
    free_shipping,
    line,
    percent,
    price_euros,
    products,
    rejections,
    shipping,
    uid,
)


def test_percent_of_the_order_is_rounded_once_and_spread():
    # 10 % of 1015 is 101.5, to the even 102; by itself each line would give 34 or 33.
    cart = price_euros([line(1, 335), line(2, 335), line(3, 345)], percent(50, 100_000))

    assert cuts(cart) == [34, 33, 35]
    assert cart.discounts == (AppliedDiscount(uid(50), "Discount 50", None, 102),)
    assert cart.lines[0].discounts == (DiscountAmount(uid(50), 34),)
    assert (cart.subtotal_minor, cart.discount_minor, cart.total_minor) == (1015, 102, 913)


def test_percent_of_some_goods_is_rounded_at_each_line():
    cart = price_euros([line(1, 335), line(2, 335), line(3, 345)], percent(50, 100_000, applies_to=products(1, 2)))

    assert cuts(cart) == [34, 34, 0]
    assert cart.lines[2].discounts == ()


def test_an_amount_is_spread_by_largest_remainder():
    cart = price_euros([line(1, 1000), line(2, 1000), line(3, 1000)], amount_off(50, 1000))

    assert cuts(cart) == [334, 333, 333]
    assert cart.total_minor == 2000


def test_an_amount_off_some_goods_stays_with_them():
    tree = frozenset({uid(70), uid(71)})
    lines = [line(1, 300, category_ids=tree), line(2, 5000), line(3, 100, category_ids=tree)]

    assert cuts(price_euros(lines, amount_off(50, 200, applies_to=categories(71)))) == [150, 0, 50]
    # Never more than the goods cost.
    assert cuts(price_euros(lines, amount_off(50, 900, applies_to=categories(70)))) == [300, 0, 100]


def test_taxes_are_taken_on_what_is_left():
    added = price_euros([line(1, 1000)], percent(50, 250_000), rates=[TaxRate("State", 100_000)])
    included = price_euros([line(1, 2380)], percent(50, 500_000), rates=[VAT])

    assert added.lines[0].taxes == (TaxAmount("State", 100_000, False, 750, 75),)
    assert (added.discount_minor, added.tax_minor, added.total_minor) == (250, 75, 825)
    assert included.lines[0].taxes == (TaxAmount("VAT 19%", 190_000, True, 1000, 190),)
    assert (included.discount_minor, included.included_tax_minor, included.total_minor) == (1190, 190, 1190)


def test_a_cart_can_become_free_but_never_cheaper():
    cart = price_euros([line(1, 700), line(2, 300)], amount_off(50, 5000), percent(51, 1_000_000), rates=[VAT])

    assert (cart.discount_minor, cart.tax_minor, cart.total_minor) == (1000, 0, 0)
    assert [applied.id for applied in cart.discounts] == [uid(50)]


def test_a_fixed_price_is_for_each_unit_and_never_raises_one():
    cart = price_euros([line(1, 1500, 3), line(2, 800), line(3, 1500)], fixed_price(50, 999, applies_to=products(1, 2)))

    assert cuts(cart) == [1503, 0, 0]


def test_line_discounts_go_before_those_of_the_order():
    lines = [line(1, 1000), line(2, 1000)]
    half_of_one = percent(50, 500_000, applies_to=products(1), priority=9)
    tenth_of_all = percent(51, 100_000, priority=1)

    cart = price_euros(lines, tenth_of_all, half_of_one)

    # The tenth is taken on 500 + 1000, although its priority number is lower.
    assert cuts(cart) == [550, 100]
    assert [applied.id for applied in cart.discounts] == [uid(50), uid(51)]
    assert cart.lines[0].discounts == (DiscountAmount(uid(50), 500), DiscountAmount(uid(51), 50))


def test_priority_orders_what_stands_on_one_step():
    lines = [line(1, 1000)]

    amount_first = price_euros(lines, percent(50, 100_000, priority=2), amount_off(51, 100, priority=1))
    percent_first = price_euros(lines, percent(50, 100_000, priority=1), amount_off(51, 100, priority=2))

    assert (amount_first.discount_minor, percent_first.discount_minor) == (190, 200)


@pytest.mark.parametrize(("quantity", "given"), [(1, 0), (2, 0), (3, 1), (5, 1), (6, 2), (9, 3)])
def test_buy_two_get_one(quantity, given):
    assert cuts(price_euros([line(1, 1000, quantity)], buy_get(50, 2, 1))) == [given * 1000]


@pytest.mark.parametrize(("quantity", "given"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_buy_one_get_two_gives_what_is_there(quantity, given):
    assert cuts(price_euros([line(1, 1000, quantity)], buy_get(50, 1, 2))) == [given * 1000]


def test_the_cheapest_units_are_given_across_lines():
    cart = price_euros([line(1, 3000, 2), line(2, 1000), line(3, 2000, 3)], buy_get(50, 2, 1))

    # Six units: the two cheapest are the one of line 2 and one of line 3.
    assert cuts(cart) == [0, 1000, 2000]


def test_buy_one_thing_and_get_another_cheaper():
    offer = buy_get(50, 2, 1, rate_ppm=500_000, applies_to=products(1), gives=products(2))

    assert cuts(price_euros([line(1, 1000, 4), line(2, 301, 4)], offer)) == [0, 301]
    assert cuts(price_euros([line(1, 1000, 3), line(2, 300, 4)], offer)) == [0, 150]
    assert cuts(price_euros([line(1, 1000, 1), line(2, 301, 4)], offer)) == [0, 0]


def test_what_is_given_does_not_count_as_bought():
    # Line 2 is in both scopes: with line 1 bought one of its units is given, the other has to be bought for the next.
    offer = buy_get(50, 1, 1, applies_to=products(1, 2), gives=products(2))

    assert cuts(price_euros([line(1, 1000), line(2, 400, 2)], offer)) == [0, 400]
    assert cuts(price_euros([line(1, 1000), line(2, 400, 3)], offer)) == [0, 800]


def test_what_can_only_be_given_leaves_the_rest_to_be_given_too():
    offer = buy_get(50, 1, 1, applies_to=products(1, 2), gives=products(2, 3))

    assert cuts(price_euros([line(1, 1000, 2), line(2, 500), line(3, 100)], offer)) == [0, 500, 100]


def test_a_given_unit_is_worth_what_is_left_of_it():
    lines = [line(1, 1000, 2)]

    cart = price_euros(lines, fixed_price(50, 600, priority=1), buy_get(51, 1, 1, priority=2))

    assert [applied.amount_minor for applied in cart.discounts] == [800, 600]
    assert cart.total_minor == 600


def test_huge_quantities_are_counted_without_walking_them():
    cart = price_euros([line(1, 1, 10**15), line(2, 2, 10**15)], buy_get(50, 2, 1))

    # A third of all, all of them of line 1.
    assert cuts(cart) == [666_666_666_666_666, 0]


def test_free_shipping():
    cart = price_euros(
        [line(1, 1000)], free_shipping(50, code="POST"), codes=["POST"], shipping=shipping(499), rates=[VAT]
    )

    assert cart.shipping is not None
    assert cart.shipping.discounts == (DiscountAmount(uid(50), 499),)
    assert (cart.shipping.amount_minor, cart.shipping.discount_minor, cart.shipping.total_minor) == (499, 499, 0)
    assert (cart.shipping_minor, cart.discount_minor, cart.tax_minor, cart.total_minor) == (499, 499, 160, 1000)
    assert cart.discounts == (AppliedDiscount(uid(50), "Discount 50", "POST", 499),)


def test_free_shipping_needs_shipping_that_costs():
    code = free_shipping(50, code="POST")
    goods = [line(1, 1000)]

    assert rejections(price_euros(goods, code, codes=["POST"])) == {"POST": "NO_SHIPPING"}
    free = price_euros(goods, code, codes=["POST"], shipping=shipping(499, free_from_amount_minor=1000))
    assert rejections(free) == {"POST": "NOTHING_TO_DISCOUNT"}


def test_a_discount_does_not_cost_the_free_shipping():
    cart = price_euros([line(1, 5000)], amount_off(50, 1), shipping=shipping(499, free_from_amount_minor=5000))

    assert cart.total_minor == 4999


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": DiscountKind.PERCENT, "rate_ppm": 1_000_001},
        {"kind": DiscountKind.PERCENT, "rate_ppm": -1},
        {"kind": DiscountKind.FIXED_AMOUNT, "amount_minor": -1, "currency": "EUR"},
        {"kind": DiscountKind.FIXED_AMOUNT, "amount_minor": 100},
        {"kind": DiscountKind.PERCENT, "rate_ppm": 1, "minimum_spend_minor": 100},
        {"kind": DiscountKind.BUY_X_GET_Y, "buy_quantity": 0, "get_quantity": 1},
    ],
)
def test_refuses_discounts_that_make_no_sense(fields):
    with pytest.raises(ValueError, match=r"discount|buy"):
        Discount(uid(1), "Odd", **fields)
