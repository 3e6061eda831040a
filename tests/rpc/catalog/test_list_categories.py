"""CatalogService.ListCategories."""

import grpc
from kontor.catalog.v1 import catalog_service_pb2 as api

from tests.world.goods import make_category
from tests.world.refusals import refusal
from tests.world.shop import Shop

Request = api.ListCategoriesRequest


async def test_lists_the_tree_from_the_top(shop: Shop) -> None:
    home = await make_category(shop.db, "Home", position=2)
    clothing = await make_category(shop.db, "Clothing", position=1)
    shirts = await make_category(shop.db, "Shirts", clothing)
    await make_category(shop.db, "Linen Shirts", shirts)

    nodes = (await shop.call(Request())).categories

    assert [(node.slug, node.name, node.depth, node.parent_id) for node in nodes] == [
        ("clothing", "Clothing", 0, ""),
        ("home", "Home", 0, ""),
        ("shirts", "Shirts", 1, clothing.name),
        ("linen-shirts", "Linen Shirts", 2, shirts.name),
    ]
    assert [node.id for node in nodes][:2] == [clothing.name, home.name]


async def test_lists_what_is_below_a_category(shop: Shop) -> None:
    clothing = await make_category(shop.db, "Clothing")
    shirts = await make_category(shop.db, "Shirts", clothing)
    await make_category(shop.db, "Linen Shirts", shirts)
    await make_category(shop.db, "Clothing_")

    for name in ("clothing", clothing.name):
        nodes = (await shop.call(Request(parent_id=name))).categories
        assert [(node.slug, node.depth) for node in nodes] == [("shirts", 1), ("linen-shirts", 2)]


async def test_tells_a_leaf_from_an_unknown_category(shop: Shop) -> None:
    await make_category(shop.db, "Clothing")

    assert list((await shop.call(Request(parent_id="clothing"))).categories) == []
    refused = await refusal(shop.call(Request(parent_id="unknown")))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
