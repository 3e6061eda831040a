"""CatalogService.SearchProducts."""

from typing import Any

import grpc
import pytest
from kontor.catalog.v1 import catalog_pb2
from kontor.catalog.v1 import catalog_service_pb2 as api

from server.db.session import Database
from server.db.statement import count_statements
from tests.factories import VariantPlan, make_category, make_product
from tests.page_tokens import edited_page_tokens
from tests.shop import Clients, refusal

Request = api.SearchProductsRequest


async def search(client: Clients, query: str, **fields: Any) -> list[str]:
    response = await client.catalog.SearchProducts(Request(query=query, **fields))
    assert not response.corrected
    return [product.title for product in response.products]


async def test_finds_words_and_beginnings_of_the_last_one(client: Clients, db: Database) -> None:
    await make_product(db, "Linen Shirt", tags=["summer"], vendor="Loom", description="Woven in Flanders.")
    await make_product(db, "Wool Coat", tags=["winter"], description="Warm.")

    for query in ("linen", "LINEN shirt", "shirt, linen!", "shi", "linen shi", "summer", "loom", "flanders linen"):
        assert await search(client, query) == ["Linen Shirt"]


async def test_looks_for_beginnings_only_where_whole_words_find_less_than_a_page(client: Clients, db: Database) -> None:
    for number in range(19):
        await make_product(db, f"Pan {number}")
    await make_product(db, "Panel")

    assert len(await search(client, "pan", page_size=100)) == 20
    await make_product(db, "Frying Pan")
    found = await search(client, "pan", page_size=100)

    assert len(found) == 20
    assert "Panel" not in found
    assert await search(client, "pane") == ["Panel"]


async def test_takes_a_single_letter_for_a_word(client: Clients, db: Database) -> None:
    await make_product(db, "Linen Shirt", variants=[VariantPlan()])
    await make_product(db, "Size S Hanger")

    assert await search(client, "s") == ["Size S Hanger"]


async def test_needs_every_word(client: Clients, db: Database) -> None:
    await make_product(db, "Linen Shirt")
    await make_product(db, "Linen Trousers")

    assert await search(client, "linen trousers") == ["Linen Trousers"]


async def test_puts_the_best_match_first(client: Clients, db: Database) -> None:
    await make_product(db, "Wool Coat", description="To wear with a lamp in the evening.")
    await make_product(db, "Desk Lamp with a long arm")
    await make_product(db, "Bulb", tags=["lamp"])
    await make_product(db, "Lamp")
    await make_product(db, "Lamp Shade")

    found = await search(client, "lamp")

    assert found[:3] == ["Lamp", "Lamp Shade", "Desk Lamp with a long arm"]
    assert found[3:] == ["Bulb", "Wool Coat"]


async def test_forgives_typing_errors(client: Clients, db: Database) -> None:
    await make_product(db, "Linen Shirt")
    await make_product(db, "Wool Coat")

    for query in ("shrit", "linnen", "linen shrit"):
        response = await client.catalog.SearchProducts(Request(query=query))
        assert [product.title for product in response.products] == ["Linen Shirt"]
        assert response.corrected


async def test_finds_nothing_in_nonsense(client: Clients, db: Database) -> None:
    await make_product(db, "Linen Shirt")

    for query in ("xqzw", "!!!", "' | :* &", "\\"):
        response = await client.catalog.SearchProducts(Request(query=query))
        assert (list(response.products), response.corrected, response.next_page_token) == ([], False, "")


async def test_pages_show_everything_once(client: Clients, db: Database) -> None:
    for number in range(7):
        await make_product(db, f"Linen Shirt {'wide ' * number}")
    for query, corrected in (("linen", False), ("linnen", True)):
        whole = await client.catalog.SearchProducts(Request(query=query))
        shown: list[catalog_pb2.ProductSummary] = []
        token = ""

        while True:
            page = await client.catalog.SearchProducts(Request(query=query, page_size=3, page_token=token))
            assert page.corrected is corrected
            shown += page.products
            token = page.next_page_token
            if not token:
                break

        assert shown == list(whole.products)
        assert len({product.id for product in shown}) == 7


async def test_filters_by_category_and_stock(client: Clients, db: Database) -> None:
    clothing = await make_category(db, "Clothing")
    shirts = await make_category(db, "Shirts", clothing)
    await make_product(db, "Linen Shirt", category=shirts, variants=[VariantPlan(stock=0)])
    await make_product(db, "Linen Coat", category=clothing)
    await make_product(db, "Linen Towel")

    assert set(await search(client, "linen", category_id="clothing")) == {"Linen Shirt", "Linen Coat"}
    assert await search(client, "linen", category_id=shirts.name) == ["Linen Shirt"]
    assert await search(client, "linen", category_id="clothing", in_stock=True) == ["Linen Coat"]


async def test_leaves_out_what_is_not_shown(client: Clients, db: Database) -> None:
    await make_product(db, "Linen Shirt", status="DRAFT")

    assert await search(client, "linen") == []


async def test_shows_prices_of_the_asked_currency(client: Clients, db: Database) -> None:
    await make_product(db, variants=[VariantPlan(prices={"EUR": 1000, "USD": 1200})])

    [product] = (await client.catalog.SearchProducts(Request(query="linen", currency_code="USD"))).products

    assert (product.min_price.currency_code, product.min_price.amount_minor) == ("USD", 1200)


async def test_refuses_an_unknown_category(client: Clients, db: Database) -> None:
    await make_product(db)

    for query in ("linen", "nothing at all"):
        refused = await refusal(client.catalog.SearchProducts(Request(query=query, category_id="unknown")))
        assert refused.code is grpc.StatusCode.NOT_FOUND


async def test_refuses_a_page_of_another_search(client: Clients, db: Database) -> None:
    for number in range(3):
        await make_product(db, f"Linen Shirt {number}")
    page = await client.catalog.SearchProducts(Request(query="linen", page_size=1))

    refused = await refusal(
        client.catalog.SearchProducts(Request(query="shirt", page_size=1, page_token=page.next_page_token))
    )

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])


@pytest.mark.parametrize("query", ["linen", "linnen"])
async def test_an_edited_page_token_is_refused_or_gives_another_page(client: Clients, db: Database, query: str) -> None:
    for number in range(3):
        await make_product(db, f"Linen Shirt {number}")
    page = await client.catalog.SearchProducts(Request(query=query, page_size=1))
    outcomes = set()

    for token in edited_page_tokens(page.next_page_token):
        try:
            await client.catalog.SearchProducts(Request(query=query, page_size=1, page_token=token))
        except grpc.aio.AioRpcError as error:
            outcomes.add((error.code(), str(error.details()).partition(":")[0]))

    assert outcomes == {(grpc.StatusCode.INVALID_ARGUMENT, "page_token")}


async def test_runs_one_statement_when_something_is_found(client: Clients, db: Database) -> None:
    await make_product(db)

    with count_statements() as log:
        await client.catalog.SearchProducts(Request(query="linen"))

    assert len(log) == 1
