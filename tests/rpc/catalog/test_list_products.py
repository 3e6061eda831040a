"""CatalogService.ListProducts."""

from datetime import timedelta
from typing import Any

import grpc
import pytest
from kontor.catalog.v1 import catalog_service_pb2 as api

from server.db.statement import count_statements
from tests.world.goods import LONG_AGO, VariantPlan, make_category
from tests.world.paging import edited_page_tokens, pages
from tests.world.refusals import refusal
from tests.world.shop import Shop

Request = api.ListProductsRequest
ALL_ORDERS = [Request.NEWEST, Request.PRICE_ASC, Request.PRICE_DESC, Request.TITLE]


async def titles(shop: Shop, **fields: Any) -> list[str]:
    response = await shop.call(Request(**fields))
    return [product.title for product in response.products]


async def make_row(shop: Shop) -> None:
    """Make four products: their titles in order of age, so that each order of the list gives another row."""
    for day, (title, price) in enumerate([("Cap", 3000), ("Apron", 1000), ("Dress", 4000), ("Belt", 1000)]):
        prices = {"EUR": price, "USD": price + 500}
        await shop.shelve(title, prices=prices, created_time=LONG_AGO + timedelta(days=day))


async def test_shows_the_newest_first(shop: Shop) -> None:
    await make_row(shop)

    assert await titles(shop) == ["Belt", "Dress", "Apron", "Cap"]


async def test_sorts_by_price_and_title(shop: Shop) -> None:
    await make_row(shop)

    cheapest = await titles(shop, order_by=Request.PRICE_ASC)
    assert (set(cheapest[:2]), cheapest[2:]) == ({"Apron", "Belt"}, ["Cap", "Dress"])
    assert await titles(shop, order_by=Request.PRICE_DESC) == [*reversed(cheapest)]
    assert await titles(shop, order_by=Request.TITLE) == ["Apron", "Belt", "Cap", "Dress"]


async def test_shows_prices_stock_and_picture(shop: Shop) -> None:
    plans = [
        VariantPlan(prices={"EUR": 2000, "USD": 2500}, compare_at={"EUR": 2400}, option_values=["S"], stock=0),
        VariantPlan(prices={"EUR": 3000}, option_values=["M"], stock=1),
    ]
    made = await shop.shelve("Dress", variants=plans, pictures=["https://p.example/1.jpg", "https://p.example/2.jpg"])

    [in_euro] = (await shop.call(Request())).products
    [in_dollar] = (await shop.call(Request(currency_code="USD"))).products
    [in_yen] = (await shop.call(Request(currency_code="JPY"))).products

    assert (in_euro.id, in_euro.slug, in_euro.vendor) == (made.name, made.slug, "Weaver & Daughters")
    assert (in_euro.min_price.amount_minor, in_euro.max_price.amount_minor) == (2000, 3000)
    assert (in_euro.compare_at_price.amount_minor, in_euro.min_price.currency_code) == (2400, "EUR")
    assert in_euro.in_stock
    assert in_euro.thumbnail.url == "https://p.example/1.jpg"
    assert (in_dollar.min_price.amount_minor, in_dollar.HasField("compare_at_price")) == (2500, False)
    assert not in_yen.HasField("min_price")


async def test_leaves_out_what_is_not_shown(shop: Shop) -> None:
    await shop.shelve("Draft", status="DRAFT")
    await shop.shelve("Archived", status="ARCHIVED")

    for order in ALL_ORDERS:
        assert await titles(shop, order_by=order) == []


@pytest.mark.parametrize("order", ALL_ORDERS)
async def test_pages_show_everything_once(shop: Shop, order: Request.OrderBy.ValueType) -> None:
    clothing = await make_category(shop.db, "Clothing")
    for number in range(7):
        age = timedelta(days=number // 3)
        price = 1000 + number // 3
        await shop.shelve(f"Shirt {number // 3}", price=price, created_time=LONG_AGO + age, category=clothing)
    for category in ("", "clothing"):
        whole = await shop.call(Request(order_by=order, category_id=category))
        found = await pages(shop, Request(order_by=order, category_id=category, page_size=3))

        shown = [product for page in found for product in page.products]
        assert shown == list(whole.products)
        assert len({product.id for product in shown}) == 7


async def test_filters_by_category_and_what_is_below(shop: Shop) -> None:
    clothing = await make_category(shop.db, "Clothing")
    shirts = await make_category(shop.db, "Shirts", clothing)
    home = await make_category(shop.db, "Clothing_")
    await shop.shelve("Bag", category=clothing)
    await shop.shelve("Shirt", category=shirts)
    await shop.shelve("Vase", category=home)
    await shop.shelve("Loose")

    for order in ALL_ORDERS:
        assert set(await titles(shop, order_by=order, category_id="clothing")) == {"Bag", "Shirt"}
        assert await titles(shop, order_by=order, category_id=shirts.name) == ["Shirt"]


async def test_tells_an_empty_category_from_an_unknown_one(shop: Shop) -> None:
    empty = await make_category(shop.db, "Empty")

    for order in ALL_ORDERS:
        assert await titles(shop, order_by=order, category_id="empty") == []
        assert await titles(shop, order_by=order, category_id=empty.name) == []
        refused = await refusal(shop.call(Request(order_by=order, category_id="unknown")))
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_filters_by_price(shop: Shop) -> None:
    await make_row(shop)
    spread = [
        VariantPlan(prices={"EUR": 500}, option_values=["S"]),
        VariantPlan(prices={"EUR": 9000}, option_values=["L"]),
    ]
    await shop.shelve("Spread", variants=spread)

    assert set(await titles(shop, min_price_minor=3000)) == {"Cap", "Dress", "Spread"}
    assert set(await titles(shop, max_price_minor=1000)) == {"Apron", "Belt", "Spread"}
    assert await titles(shop, min_price_minor=3000, max_price_minor=3000, order_by=Request.TITLE) == ["Cap", "Spread"]
    assert await titles(shop, min_price_minor=4500, currency_code="USD") == ["Dress"]
    assert await titles(shop, min_price_minor=0, currency_code="JPY") == []


async def test_filters_by_stock(shop: Shop) -> None:
    await shop.shelve("Sold out", stock=0)
    await shop.shelve("Hidden", variants=[VariantPlan(stock=0), VariantPlan(active=False, option_values=["S"])])
    await shop.shelve("Backorder", stock=0, backorder_limit=1)
    await shop.shelve("Uncounted", stock=None)

    assert set(await titles(shop, in_stock=True)) == {"Backorder", "Uncounted"}


async def test_filters_by_tags_and_vendor(shop: Shop) -> None:
    await shop.shelve("Both", tags=["linen", "summer"], vendor="Loom")
    await shop.shelve("One", tags=["linen"], vendor="Loom")
    await shop.shelve("Other", tags=["summer"], vendor="Mill")

    assert set(await titles(shop, tags=["linen"])) == {"Both", "One"}
    assert await titles(shop, tags=["summer", "linen"]) == ["Both"]
    assert await titles(shop, vendor="Mill") == ["Other"]
    assert await titles(shop, vendor="Mill", tags=["linen"]) == []


async def test_takes_every_filter_at_once(shop: Shop) -> None:
    clothing = await make_category(shop.db, "Clothing")
    for title in ("Apron", "Belt", "Cap"):
        await shop.shelve(title, category=clothing, tags=["linen"], vendor="Loom")
    fields: dict[str, Any] = {
        "category_id": "clothing",
        "tags": ["linen"],
        "vendor": "Loom",
        "in_stock": True,
        "min_price_minor": 2000,
        "max_price_minor": 2000,
        "page_size": 2,
    }

    for order in ALL_ORDERS:
        first = await shop.call(Request(order_by=order, **fields))
        second = await shop.call(Request(order_by=order, page_token=first.next_page_token, **fields))
        assert {product.title for product in [*first.products, *second.products]} == {"Apron", "Belt", "Cap"}
        assert second.next_page_token == ""


async def test_refuses_a_foreign_page_token(shop: Shop) -> None:
    await make_row(shop)
    page = await shop.call(Request(page_size=1))

    for request in (
        Request(page_size=1, page_token=page.next_page_token, order_by=Request.TITLE),
        Request(page_size=1, page_token=page.next_page_token, in_stock=True),
        Request(page_size=1, page_token="nonsense"),
    ):
        refused = await refusal(shop.call(request))
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
        assert list(refused.fields) == ["page_token"]


@pytest.mark.parametrize("order", ALL_ORDERS)
async def test_an_edited_page_token_is_refused_or_gives_another_page(
    shop: Shop, order: api.ListProductsRequest.OrderBy.ValueType
) -> None:
    await make_row(shop)
    page = await shop.call(Request(page_size=1, order_by=order))
    outcomes = set()

    for token in edited_page_tokens(page.next_page_token):
        try:
            await shop.call(Request(page_size=1, order_by=order, page_token=token))
        except grpc.aio.AioRpcError as error:
            outcomes.add((error.code(), str(error.details()).partition(":")[0]))

    assert outcomes == {(grpc.StatusCode.INVALID_ARGUMENT, "page_token")}


@pytest.mark.parametrize(
    ("field", "value"),
    [("page_size", -1), ("currency_code", "eur"), ("min_price_minor", -1), ("order_by", 9), ("tags", [""])],
)
async def test_names_the_wrong_field(shop: Shop, field: str, value: Any) -> None:
    refused = await refusal(shop.call(Request(**{field: value})))

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [name.partition("[")[0] for name in refused.fields] == [field]


async def test_runs_one_statement(shop: Shop) -> None:
    await make_row(shop)
    await make_category(shop.db, "Clothing")

    for fields in ({}, {"category_id": "clothing"}, {"in_stock": True, "order_by": Request.PRICE_ASC}):
        with count_statements() as log:
            await shop.call(Request(**fields))
        assert len(log) == 1
