"""A shop whose prices contain German VAT, and a shirt."""

import pytest

from tests.world.goods import Product, VariantPlan
from tests.world.pricing import make_tax_rate
from tests.world.shop import Shop


@pytest.fixture(autouse=True)
async def vat(shop: Shop) -> None:
    """Tax what is sold in Germany."""
    await make_tax_rate(shop.db)


@pytest.fixture
async def shirt(shop: Shop) -> Product:
    """Return a shirt in two sizes, of which ten and three are left."""
    small = VariantPlan(
        prices={"EUR": 1190, "USD": 1300}, compare_at={"EUR": 1490}, option_values=["S"], sku="LS-S", stock=10
    )
    medium = VariantPlan(prices={"EUR": 2380}, option_values=["M"], stock=3)
    return await shop.shelve(
        "Linen Shirt",
        options={"Size": ["S", "M"]},
        pictures=["https://pictures.example/shirt.jpg"],
        variants=[small, medium],
    )
