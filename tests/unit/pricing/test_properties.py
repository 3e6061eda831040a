"""What holds for every cart."""

from datetime import timedelta
from fractions import Fraction
from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.features.pricing.bundle_rules import count_given
from server.features.pricing.priced_values import PricedCart, PricedLine, PricedShipping
from server.features.pricing.rules import price
from server.features.pricing.tax_values import TaxAmount, TaxRate
from server.features.pricing.values import Discount, DiscountKind, PriceLine, Scope, ShippingChoice
from tests.unit.pricing.carts import NOW, line, uid

CLASSES = ["standard", "reduced"]
# Small amounts round often, large ones must stay exact.
amounts = st.one_of(st.integers(0, 300), st.integers(0, 10**13))
ids = st.integers(1, 4).map(uid)
id_sets = st.frozensets(ids, max_size=2)
scopes = st.one_of(st.just(Scope()), st.builds(Scope, id_sets, id_sets))
rate_lists = st.lists(
    st.builds(
        TaxRate,
        st.sampled_from(["A", "B", "C"]),
        st.one_of(st.just(190_000), st.integers(0, 1_500_000)),
        st.sampled_from(CLASSES),
        st.booleans(),
        st.booleans(),
    ),
    max_size=5,
)
shippings = st.none() | st.builds(
    ShippingChoice, st.just(uid(900)), st.just("Parcel"), amounts, st.sampled_from(CLASSES), st.none() | amounts
)


@st.composite
def line_lists(draw: st.DrawFn) -> list[PriceLine]:
    keys = draw(st.lists(st.integers(0, 2**128 - 1).map(uid), max_size=6, unique=True))
    return [
        PriceLine(
            key=key,
            quantity=draw(st.integers(1, 9)),
            unit_price_minor=draw(amounts),
            product_id=draw(ids),
            tax_class=draw(st.sampled_from(CLASSES)),
            requires_shipping=draw(st.booleans()),
            category_ids=draw(id_sets),
        )
        for key in keys
    ]


@st.composite
def discount_lists(draw: st.DrawFn) -> list[Discount]:
    numbers = draw(st.lists(st.integers(1, 99), max_size=4, unique=True))
    return [
        Discount(
            id=uid(number),
            name=f"Discount {number}",
            kind=draw(st.sampled_from(DiscountKind)),
            code=draw(st.none() | st.sampled_from(["A", "b"])),
            rate_ppm=draw(st.integers(0, 1_000_000)),
            amount_minor=draw(amounts),
            buy_quantity=draw(st.integers(1, 3)),
            get_quantity=draw(st.integers(1, 3)),
            applies_to=draw(scopes),
            gives=draw(st.none() | scopes),
            currency=draw(st.sampled_from(["EUR", "EUR", "USD"])),
            minimum_spend_minor=draw(st.sampled_from([0, 0, 100, 10**6])),
            minimum_after_discounts=draw(st.booleans()),
            end_time=draw(st.none() | st.just(NOW) | st.just(NOW + timedelta(1))),
            use_limit=draw(st.none() | st.just(3)),
            used=draw(st.integers(0, 4)),
            exclusive=draw(st.booleans()),
            priority=draw(st.integers(0, 2)),
        )
        for number in numbers
    ]


@st.composite
def purchases(draw: st.DrawFn) -> dict[str, Any]:
    """Draw everything that a price depends on."""
    return {
        "lines": draw(line_lists()),
        "currency": "EUR",
        "now": NOW,
        "shipping": draw(shippings),
        "rates": draw(rate_lists),
        "discounts": draw(discount_lists()),
        "codes": draw(st.lists(st.sampled_from(["A", "a", "B", "C"]), max_size=3)),
    }


def parts_of(cart: PricedCart) -> list[PricedLine | PricedShipping]:
    """Return whatever has a total of its own."""
    return [*cart.lines, cart.shipping] if cart.shipping else [*cart.lines]


@given(purchases())
def test_parts_add_up_to_the_whole(purchase):
    cart = price(**purchase)

    parts = parts_of(cart)
    assert sum(part.total_minor for part in parts) == cart.total_minor
    assert sum(part.tax_minor for part in parts) == cart.tax_minor == sum(tax.tax_minor for tax in cart.taxes)
    assert sum(part.included_tax_minor for part in parts) == cart.included_tax_minor
    assert sum(part.discount_minor for part in parts) == cart.discount_minor
    assert sum(line.subtotal_minor for line in cart.lines) == cart.subtotal_minor
    assert sum(applied.amount_minor for applied in cart.discounts) == cart.discount_minor
    assert cart.total_minor == (
        cart.subtotal_minor - cart.discount_minor + cart.shipping_minor + cart.tax_minor - cart.included_tax_minor
    )
    for part in parts:
        assert sum(cut.amount_minor for cut in part.discounts) == part.discount_minor
        assert sum(tax.tax_minor for tax in part.taxes) == part.tax_minor


@given(purchases())
def test_nothing_is_negative_and_no_discount_exceeds_what_it_is_taken_off(purchase):
    cart = price(**purchase)

    for part in parts_of(cart):
        before = part.amount_minor if isinstance(part, PricedShipping) else part.subtotal_minor
        assert 0 <= part.discount_minor <= before
        assert 0 <= part.included_tax_minor <= part.tax_minor
        assert part.total_minor >= 0
        assert all(cut.amount_minor > 0 for cut in part.discounts)
        assert all(tax.tax_minor >= 0 and tax.taxable_minor >= 0 for tax in part.taxes)


@given(purchases(), st.randoms(use_true_random=False))
def test_the_order_of_lines_discounts_and_codes_changes_nothing(purchase, random):
    shuffled = dict(purchase)
    for name in ("lines", "discounts", "codes"):
        shuffled[name] = random.sample(purchase[name], len(purchase[name]))

    first, second = price(**purchase), price(**shuffled)

    assert [line.key for line in second.lines] == [line.key for line in shuffled["lines"]]
    assert sorted(first.lines, key=lambda line: line.key) == sorted(second.lines, key=lambda line: line.key)
    assert {code.code.casefold(): code.reason for code in first.rejected_codes} == {
        code.code.casefold(): code.reason for code in second.rejected_codes
    }
    assert first._replace(lines=(), rejected_codes=()) == second._replace(lines=(), rejected_codes=())


@given(purchases())
def test_the_same_purchase_costs_the_same(purchase):
    assert price(**purchase) == price(**purchase)


@given(purchases())
def test_discounts_never_make_a_cart_dearer(purchase):
    without = price(**{**purchase, "discounts": [], "codes": []})

    assert price(**purchase).total_minor <= without.total_minor


@given(purchases())
def test_every_entered_code_applied_or_is_rejected_once(purchase):
    cart = price(**purchase)

    applied = {discount.code.casefold() for discount in cart.discounts if discount.code is not None}
    rejected = [rejected.code.casefold() for rejected in cart.rejected_codes]
    assert sorted({*applied, *rejected}) == sorted([*applied, *rejected])
    assert {*applied, *rejected} == {code.casefold() for code in purchase["codes"]}


@given(purchases())
def test_an_exclusive_discount_stands_alone(purchase):
    exclusive = {discount.id for discount in purchase["discounts"] if discount.exclusive}

    cart = price(**purchase)

    assert len(cart.discounts) <= 1 or not any(applied.id in exclusive for applied in cart.discounts)


@given(purchases())
def test_taxes_are_the_exact_quotients_rounded_once(purchase):
    cart = price(**purchase)

    for item, priced in zip(purchase["lines"], cart.lines, strict=True):
        left = priced.subtotal_minor - priced.discount_minor
        rates = [rate for rate in purchase["rates"] if rate.tax_class == item.tax_class]
        included = sum((Fraction(rate.rate_ppm, 10**6) for rate in rates if rate.included), Fraction())
        contained = round(left * included / (1 + included))
        assert priced.included_tax_minor == contained
        assert [tax for tax in priced.taxes if not tax.included] == [
            TaxAmount(
                rate.name,
                rate.rate_ppm,
                False,
                left - contained,
                round((left - contained) * Fraction(rate.rate_ppm, 10**6)),
            )
            for rate in rates
            if not rate.included
        ]
        for tax in priced.taxes:
            if tax.included:
                share = contained * Fraction(tax.rate_ppm, 10**6) / included if included else Fraction()
                assert abs(tax.tax_minor - share) < 1


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5), st.integers(1, 3)), min_size=1, max_size=4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.frozensets(ids, min_size=1),
    st.none() | st.frozensets(ids, min_size=1),
)
def test_given_units_are_as_many_as_possible_and_the_cheapest(rows, buy, get, bought, gives):
    lines = [
        line(key, unit_price, quantity, product_id=uid(product))
        for key, (quantity, unit_price, product) in enumerate(rows)
    ]
    discount = Discount(
        uid(50),
        "Offer",
        DiscountKind.BUY_X_GET_Y,
        buy_quantity=buy,
        get_quantity=get,
        applies_to=Scope(product_ids=bought),
        gives=None if gives is None else Scope(product_ids=gives),
    )

    counts = count_given(discount, lines)

    value = sum(count * item.unit_price_minor for count, item in zip(counts, lines, strict=True))
    assert (sum(counts), value) == _best_by_trying(lines, buy, get, bought, bought if gives is None else gives)


def _best_by_trying(lines, buy, get, bought, gives):
    """Return the number and the value of given units, found by trying every set of units."""
    units = [item for item in lines for _ in range(item.quantity)]
    candidates = [index for index, unit in enumerate(units) if unit.product_id in gives]
    for size in range(len(candidates), 0, -1):
        values = [
            sum(units[index].unit_price_minor for index in chosen)
            for chosen in combinations(candidates, size)
            if sum(unit.product_id in bought for index, unit in enumerate(units) if index not in chosen)
            >= -(-size // get) * buy
        ]
        if values:
            return size, min(values)
    return 0, 0
