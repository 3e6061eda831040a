"""CatalogService.ListCategories."""

import grpc
from kontor.catalog.v1 import catalog_service_pb2 as api

from server.db.session import Database
from tests.factories import make_category
from tests.shop import Clients, refusal

Request = api.ListCategoriesRequest


async def test_lists_the_tree_from_the_top(client: Clients, db: Database) -> None:
    home = await make_category(db, "Home", position=2)
    clothing = await make_category(db, "Clothing", position=1)
    shirts = await make_category(db, "Shirts", clothing)
    await make_category(db, "Linen Shirts", shirts)

    nodes = (await client.catalog.ListCategories(Request())).categories

    assert [(node.slug, node.name, node.depth, node.parent_id) for node in nodes] == [
        ("clothing", "Clothing", 0, ""),
        ("home", "Home", 0, ""),
        ("shirts", "Shirts", 1, clothing.name),
        ("linen-shirts", "Linen Shirts", 2, shirts.name),
    ]
    assert [node.id for node in nodes][:2] == [clothing.name, home.name]


async def test_lists_what_is_below_a_category(client: Clients, db: Database) -> None:
    clothing = await make_category(db, "Clothing")
    shirts = await make_category(db, "Shirts", clothing)
    await make_category(db, "Linen Shirts", shirts)
    await make_category(db, "Clothing_")

    for name in ("clothing", clothing.name):
        nodes = (await client.catalog.ListCategories(Request(parent_id=name))).categories
        assert [(node.slug, node.depth) for node in nodes] == [("shirts", 1), ("linen-shirts", 2)]


async def test_tells_a_leaf_from_an_unknown_category(client: Clients, db: Database) -> None:
    await make_category(db, "Clothing")

    assert list((await client.catalog.ListCategories(Request(parent_id="clothing"))).categories) == []
    refused = await refusal(client.catalog.ListCategories(Request(parent_id="unknown")))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
