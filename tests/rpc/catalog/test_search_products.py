"""CatalogService.SearchProducts."""

from typing import Any

import grpc
import pytest
from kontor.catalog.v1 import catalog_service_pb2 as api

from server.db.statement import count_statements
from tests.world.goods import make_category
from tests.world.paging import edited_page_tokens, pages
from tests.world.refusals import refusal
from tests.world.shop import Shop

Request = api.SearchProductsRequest


async def search(shop: Shop, query: str, **fields: Any) -> list[str]:
    response = await shop.call(Request(query=query, **fields))
    assert not response.corrected
    return [product.title for product in response.products]


async def test_finds_words_and_beginnings_of_the_last_one(shop: Shop) -> None:
    await shop.shelve("Linen Shirt", tags=["summer"], vendor="Loom", description="Woven in Flanders.")
    await shop.shelve("Wool Coat", tags=["winter"], description="Warm.")

    for query in ("linen", "LINEN shirt", "shirt, linen!", "shi", "linen shi", "summer", "loom", "flanders linen"):
        assert await search(shop, query) == ["Linen Shirt"]


async def test_looks_for_beginnings_only_where_whole_words_find_less_than_a_page(shop: Shop) -> None:
    for number in range(19):
        await shop.shelve(f"Pan {number}")
    await shop.shelve("Panel")

    assert len(await search(shop, "pan", page_size=100)) == 20
    await shop.shelve("Frying Pan")
    found = await search(shop, "pan", page_size=100)

    assert len(found) == 20
    assert "Panel" not in found
    assert await search(shop, "pane") == ["Panel"]


async def test_takes_a_single_letter_for_a_word(shop: Shop) -> None:
    await shop.shelve("Linen Shirt")
    await shop.shelve("Size S Hanger")

    assert await search(shop, "s") == ["Size S Hanger"]


async def test_needs_every_word(shop: Shop) -> None:
    await shop.shelve("Linen Shirt")
    await shop.shelve("Linen Trousers")

    assert await search(shop, "linen trousers") == ["Linen Trousers"]


async def test_puts_the_best_match_first(shop: Shop) -> None:
    await shop.shelve("Wool Coat", description="To wear with a lamp in the evening.")
    await shop.shelve("Desk Lamp with a long arm")
    await shop.shelve("Bulb", tags=["lamp"])
    await shop.shelve("Lamp")
    await shop.shelve("Lamp Shade")

    found = await search(shop, "lamp")

    assert found[:3] == ["Lamp", "Lamp Shade", "Desk Lamp with a long arm"]
    assert found[3:] == ["Bulb", "Wool Coat"]


async def test_forgives_typing_errors(shop: Shop) -> None:
    await shop.shelve("Linen Shirt")
    await shop.shelve("Wool Coat")

    for query in ("shrit", "linnen", "linen shrit"):
        response = await shop.call(Request(query=query))
        assert [product.title for product in response.products] == ["Linen Shirt"]
        assert response.corrected


async def test_finds_nothing_in_nonsense(shop: Shop) -> None:
    await shop.shelve("Linen Shirt")

    for query in ("xqzw", "!!!", "' | :* &", "\\"):
        response = await shop.call(Request(query=query))
        assert (list(response.products), response.corrected, response.next_page_token) == ([], False, "")


async def test_pages_show_everything_once(shop: Shop) -> None:
    for number in range(7):
        await shop.shelve(f"Linen Shirt {'wide ' * number}")
    for query, corrected in (("linen", False), ("linnen", True)):
        whole = await shop.call(Request(query=query))
        found = await pages(shop, Request(query=query, page_size=3))

        assert {page.corrected for page in found} == {corrected}
        shown = [product for page in found for product in page.products]
        assert shown == list(whole.products)
        assert len({product.id for product in shown}) == 7


async def test_filters_by_category_and_stock(shop: Shop) -> None:
    clothing = await make_category(shop.db, "Clothing")
    shirts = await make_category(shop.db, "Shirts", clothing)
    await shop.shelve("Linen Shirt", category=shirts, stock=0)
    await shop.shelve("Linen Coat", category=clothing)
    await shop.shelve("Linen Towel")

    assert set(await search(shop, "linen", category_id="clothing")) == {"Linen Shirt", "Linen Coat"}
    assert await search(shop, "linen", category_id=shirts.name) == ["Linen Shirt"]
    assert await search(shop, "linen", category_id="clothing", in_stock=True) == ["Linen Coat"]


async def test_leaves_out_what_is_not_shown(shop: Shop) -> None:
    await shop.shelve("Linen Shirt", status="DRAFT")

    assert await search(shop, "linen") == []


async def test_shows_prices_of_the_asked_currency(shop: Shop) -> None:
    await shop.shelve(prices={"EUR": 1000, "USD": 1200})

    [product] = (await shop.call(Request(query="linen", currency_code="USD"))).products

    assert (product.min_price.currency_code, product.min_price.amount_minor) == ("USD", 1200)


async def test_refuses_an_unknown_category(shop: Shop) -> None:
    await shop.shelve()

    for query in ("linen", "nothing at all"):
        refused = await refusal(shop.call(Request(query=query, category_id="unknown")))
        assert refused.code is grpc.StatusCode.NOT_FOUND


async def test_refuses_a_page_of_another_search(shop: Shop) -> None:
    for number in range(3):
        await shop.shelve(f"Linen Shirt {number}")
    page = await shop.call(Request(query="linen", page_size=1))

    refused = await refusal(shop.call(Request(query="shirt", page_size=1, page_token=page.next_page_token)))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])


@pytest.mark.parametrize("query", ["linen", "linnen"])
async def test_an_edited_page_token_is_refused_or_gives_another_page(shop: Shop, query: str) -> None:
    for number in range(3):
        await shop.shelve(f"Linen Shirt {number}")
    page = await shop.call(Request(query=query, page_size=1))
    outcomes = set()

    for token in edited_page_tokens(page.next_page_token):
        try:
            await shop.call(Request(query=query, page_size=1, page_token=token))
        except grpc.aio.AioRpcError as error:
            outcomes.add((error.code(), str(error.details()).partition(":")[0]))

    assert outcomes == {(grpc.StatusCode.INVALID_ARGUMENT, "page_token")}


async def test_runs_one_statement_when_something_is_found(shop: Shop) -> None:
    await shop.shelve()

    with count_statements() as log:
        await shop.call(Request(query="linen"))

    assert len(log) == 1
