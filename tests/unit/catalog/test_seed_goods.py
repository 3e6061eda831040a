import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.features.catalog.seeding.rules import made_time, make_product, make_slug

seeds = st.integers(1, 2**31)
indexes = st.integers(0, 10_000_000)


@given(seeds, indexes)
def test_makes_the_same_product_each_time(seed, index):
    product = make_product(seed, index)

    assert make_product(seed, index) == product
    assert make_slug(seed, index) == product.slug
    assert product.created_time == made_time(index)
    assert product.id.version == 7


@given(seeds, indexes)
def test_makes_products_that_the_shop_takes(seed, index):
    product = make_product(seed, index)

    combinations = {tuple(variant.option_values) for variant in product.variants}
    assert len(combinations) == len(product.variants) > 0
    assert all(len(values) == len(product.options) for values in combinations)
    for position, (_, values) in enumerate(product.options):
        assert {combination[position] for combination in combinations} == set(values)
    for variant in product.variants:
        assert [price.currency for price in variant.prices] == ["EUR", "USD"]
        assert all(price.amount_minor > 0 for price in variant.prices)
        assert all((price.compare_at_amount_minor or 2**63) > price.amount_minor for price in variant.prices)
        assert variant.on_hand >= 0
        assert variant.weight_grams > 0


def test_products_differ():
    products = [make_product(1, index) for index in range(2_000)]
    products += [make_product(2, index) for index in range(2_000)]

    variants = [variant for product in products for variant in product.variants]
    assert len({product.slug for product in products}) == len(products)
    assert len({product.id for product in products} | {variant.id for variant in variants}) == len(products + variants)
    assert len({variant.sku for variant in variants}) == len(variants)
    sold_out = sum(variant.on_hand == 0 for variant in variants) / len(variants)
    assert sold_out == pytest.approx(0.06, abs=0.02)
