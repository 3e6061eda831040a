"""When a discount applies, beside which others, and why a code does not."""

from datetime import timedelta

import pytest

from tests.unit.pricing.carts import (
    NOW,
    amount_off,
    buy_get,
    cuts,
    free_shipping,
    line,
    percent,
    price_euros,
    products,
    rejections,
    shipping,
    uid,
)

GOODS = [line(1, 1000), line(2, 3000)]
SECOND = timedelta(seconds=1)


def tenth(number=50, **fields):
    return percent(number, 100_000, **fields)


def test_a_code_has_to_be_entered():
    discount = tenth(code="SUMMER")

    assert price_euros(GOODS, discount).discount_minor == 0
    assert price_euros(GOODS, discount, codes=["SUMMER"]).discount_minor == 400
    # As people type.
    assert price_euros(GOODS, discount, codes=[" summer "]).discount_minor == 400


def test_a_code_that_is_entered_twice_applies_once():
    cart = price_euros(GOODS, tenth(code="SUMMER"), codes=["SUMMER", "summer", "WINTER", "winter"])

    assert cart.discount_minor == 400
    assert rejections(cart) == {"WINTER": "UNKNOWN"}


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        ({"start_time": NOW + SECOND}, "NOT_STARTED"),
        ({"end_time": NOW}, "EXPIRED"),
        ({"use_limit": 5, "used": 5}, "USED_UP"),
        ({"use_limit": 0}, "USED_UP"),
        ({"customer_use_limit": 1, "customer_used": 1}, "USED_UP_BY_CUSTOMER"),
        ({"customer_groups": frozenset({uid(80)})}, "CUSTOMER_NOT_ELIGIBLE"),
        ({"currency": "USD"}, "CURRENCY_MISMATCH"),
        ({"applies_to": products(3)}, "NO_MATCHING_ITEMS"),
        ({"minimum_spend_minor": 4001, "currency": "EUR"}, "MINIMUM_SPEND_NOT_REACHED"),
    ],
)
def test_tells_why_a_code_does_not_apply(conditions, reason):
    cart = price_euros(GOODS, tenth(code="SUMMER", **conditions), codes=["SUMMER"])

    assert rejections(cart) == {"SUMMER": reason}
    assert (cart.discounts, cart.discount_minor, cart.total_minor) == ((), 0, 4000)


@pytest.mark.parametrize(
    "conditions",
    [
        {"start_time": NOW},
        {"end_time": NOW + SECOND},
        {"use_limit": 5, "used": 4},
        {"customer_use_limit": 1, "customer_used": 0},
        {"customer_groups": frozenset({uid(80), uid(81)})},
        {"currency": "EUR"},
        {"applies_to": products(1, 2)},
        {"minimum_spend_minor": 4000, "currency": "EUR"},
    ],
)
def test_applies_right_up_to_each_limit(conditions):
    cart = price_euros(
        GOODS, tenth(code="SUMMER", **conditions), codes=["SUMMER"], customer_groups=frozenset({uid(81), uid(82)})
    )

    assert (cart.discount_minor, cart.rejected_codes) == (400, ())


def test_an_automatic_discount_that_does_not_apply_is_not_mentioned():
    cart = price_euros(GOODS, tenth(end_time=NOW))

    assert (cart.discount_minor, cart.rejected_codes) == (0, ())


def test_an_empty_cart_rejects_every_code():
    assert rejections(price_euros([], tenth(code="SUMMER"), codes=["SUMMER"])) == {"SUMMER": "NO_MATCHING_ITEMS"}


def test_a_code_that_takes_nothing_off_says_so():
    cart = price_euros(GOODS, buy_get(50, 2, 1, code="THREE"), codes=["THREE"])

    assert rejections(cart) == {"THREE": "NOTHING_TO_DISCOUNT"}


def test_the_minimum_counts_only_goods_in_scope():
    discount = tenth(code="A", applies_to=products(1), minimum_spend_minor=1001, currency="EUR")

    assert rejections(price_euros(GOODS, discount, codes=["A"])) == {"A": "MINIMUM_SPEND_NOT_REACHED"}


def test_the_minimum_counts_before_or_after_other_discounts():
    first = amount_off(50, 1, priority=1)
    before = tenth(51, code="A", priority=2, minimum_spend_minor=4000, currency="EUR")
    after = tenth(52, code="B", priority=2, minimum_spend_minor=4000, currency="EUR", minimum_after_discounts=True)

    cart = price_euros(GOODS, first, before, after, codes=["A", "B"])

    assert [(applied.id, applied.amount_minor) for applied in cart.discounts] == [(uid(50), 1), (uid(51), 400)]
    assert rejections(cart) == {"B": "MINIMUM_SPEND_NOT_REACHED"}
    assert price_euros(GOODS, after, codes=["B"]).discount_minor == 400


def test_free_shipping_may_have_a_minimum():
    code = free_shipping(50, code="POST", minimum_spend_minor=4000, currency="EUR")

    enough = price_euros(GOODS, code, codes=["POST"], shipping=shipping(499))
    short = price_euros(GOODS[:1], code, codes=["POST"], shipping=shipping(499))

    assert enough.total_minor == 4000
    assert (short.total_minor, rejections(short)) == (1499, {"POST": "MINIMUM_SPEND_NOT_REACHED"})


def test_of_equal_priority_the_exclusive_one_wins_when_it_saves_more():
    others = (tenth(50, code="TEN"), amount_off(51, 100))
    exclusive = percent(52, 200_000, code="FIFTH", exclusive=True)

    cart = price_euros(GOODS, *others, exclusive, codes=["TEN", "FIFTH"])

    assert [applied.id for applied in cart.discounts] == [uid(52)]
    assert cart.discount_minor == 800
    assert rejections(cart) == {"TEN": "NOT_COMBINABLE"}


def test_of_equal_priority_the_combination_wins_when_it_saves_more():
    others = (tenth(50), amount_off(51, 500))
    exclusive = percent(52, 200_000, code="FIFTH", exclusive=True)

    cart = price_euros(GOODS, *others, exclusive, codes=["FIFTH"])

    # 10 % of 4000 and then 500, not the fifth of 800.
    assert cart.discount_minor == 900
    assert rejections(cart) == {"FIFTH": "NOT_COMBINABLE"}


def test_a_lower_priority_number_wins_though_it_saves_less():
    combinable = percent(50, 500_000, priority=2)
    exclusive = tenth(51, exclusive=True, priority=1)

    assert cuts(price_euros(GOODS, combinable, exclusive)) == [100, 300]


def test_of_two_exclusive_ones_only_the_better_applies():
    cart = price_euros(
        GOODS,
        tenth(50, code="TEN", exclusive=True),
        percent(51, 200_000, code="FIFTH", exclusive=True),
        codes=["TEN", "FIFTH"],
    )

    assert cart.discount_minor == 800
    assert rejections(cart) == {"TEN": "NOT_COMBINABLE"}


def test_an_exclusive_one_that_takes_nothing_off_excludes_nothing():
    exclusive = free_shipping(50, code="POST", exclusive=True, priority=-1)

    cart = price_euros(GOODS, exclusive, tenth(51), codes=["POST"])

    assert cart.discount_minor == 400
    assert rejections(cart) == {"POST": "NO_SHIPPING"}


def test_the_shipping_that_is_spared_counts_when_savings_are_compared():
    cart = price_euros(
        GOODS, tenth(50), free_shipping(51, code="POST", exclusive=True), codes=["POST"], shipping=shipping(401)
    )

    assert [(applied.id, applied.amount_minor) for applied in cart.discounts] == [(uid(51), 401)]
    assert cart.total_minor == 4000


def test_a_code_of_several_discounts_counts_when_one_applies():
    cart = price_euros(
        GOODS, tenth(50, code="SET"), free_shipping(51, code="SET", end_time=NOW), codes=["SET"], shipping=shipping(499)
    )

    assert (cart.discount_minor, cart.rejected_codes) == (400, ())
