"""CatalogService.ListProducts."""

from datetime import timedelta
from typing import Any

import grpc
import pytest
from kontor.catalog.v1 import catalog_pb2
from kontor.catalog.v1 import catalog_service_pb2 as api

from server.db.session import Database
from server.db.statement import count_statements
from tests.factories import LONG_AGO, VariantPlan, make_category, make_product
from tests.page_tokens import edited_page_tokens
from tests.shop import Clients, refusal

Request = api.ListProductsRequest
ALL_ORDERS = [Request.NEWEST, Request.PRICE_ASC, Request.PRICE_DESC, Request.TITLE]


async def titles(client: Clients, **fields: Any) -> list[str]:
    response = await client.catalog.ListProducts(Request(**fields))
    return [product.title for product in response.products]


async def make_row(db: Database) -> None:
    """Make four products: their titles in order of age, so that each order of the list gives another row."""
    for day, (title, price) in enumerate([("Cap", 3000), ("Apron", 1000), ("Dress", 4000), ("Belt", 1000)]):
        plans = [VariantPlan(prices={"EUR": price, "USD": price + 500})]
        await make_product(db, title, variants=plans, created_time=LONG_AGO + timedelta(days=day))


async def test_shows_the_newest_first(client: Clients, db: Database) -> None:
    await make_row(db)

    assert await titles(client) == ["Belt", "Dress", "Apron", "Cap"]


async def test_sorts_by_price_and_title(client: Clients, db: Database) -> None:
    await make_row(db)

    cheapest = await titles(client, order_by=Request.PRICE_ASC)
    assert (set(cheapest[:2]), cheapest[2:]) == ({"Apron", "Belt"}, ["Cap", "Dress"])
    assert await titles(client, order_by=Request.PRICE_DESC) == [*reversed(cheapest)]
    assert await titles(client, order_by=Request.TITLE) == ["Apron", "Belt", "Cap", "Dress"]


async def test_shows_prices_stock_and_picture(client: Clients, db: Database) -> None:
    plans = [
        VariantPlan(prices={"EUR": 2000, "USD": 2500}, compare_at={"EUR": 2400}, option_values=["S"], stock=0),
        VariantPlan(prices={"EUR": 3000}, option_values=["M"], stock=1),
    ]
    made = await make_product(
        db, "Dress", variants=plans, pictures=["https://p.example/1.jpg", "https://p.example/2.jpg"]
    )

    [in_euro] = (await client.catalog.ListProducts(Request())).products
    [in_dollar] = (await client.catalog.ListProducts(Request(currency_code="USD"))).products
    [in_yen] = (await client.catalog.ListProducts(Request(currency_code="JPY"))).products

    assert (in_euro.id, in_euro.slug, in_euro.vendor) == (made.name, made.slug, "Weaver & Daughters")
    assert (in_euro.min_price.amount_minor, in_euro.max_price.amount_minor) == (2000, 3000)
    assert (in_euro.compare_at_price.amount_minor, in_euro.min_price.currency_code) == (2400, "EUR")
    assert in_euro.in_stock
    assert in_euro.thumbnail.url == "https://p.example/1.jpg"
    assert (in_dollar.min_price.amount_minor, in_dollar.HasField("compare_at_price")) == (2500, False)
    assert not in_yen.HasField("min_price")


async def test_leaves_out_what_is_not_shown(client: Clients, db: Database) -> None:
    await make_product(db, "Draft", status="DRAFT")
    await make_product(db, "Archived", status="ARCHIVED")

    for order in ALL_ORDERS:
        assert await titles(client, order_by=order) == []


@pytest.mark.parametrize("order", ALL_ORDERS)
async def test_pages_show_everything_once(client: Clients, db: Database, order: Request.OrderBy.ValueType) -> None:
    clothing = await make_category(db, "Clothing")
    for number in range(7):
        plans = [VariantPlan(prices={"EUR": 1000 + number // 3})]
        created_time = LONG_AGO + timedelta(days=number // 3)
        await make_product(db, f"Shirt {number // 3}", variants=plans, created_time=created_time, category=clothing)
    for category in ("", "clothing"):
        whole = await client.catalog.ListProducts(Request(order_by=order, category_id=category))
        shown: list[catalog_pb2.ProductSummary] = []
        token = ""

        while True:
            request = Request(order_by=order, category_id=category, page_size=3, page_token=token)
            page = await client.catalog.ListProducts(request)
            shown += page.products
            token = page.next_page_token
            if not token:
                break

        assert shown == list(whole.products)
        assert len({product.id for product in shown}) == 7


async def test_filters_by_category_and_what_is_below(client: Clients, db: Database) -> None:
    clothing = await make_category(db, "Clothing")
    shirts = await make_category(db, "Shirts", clothing)
    home = await make_category(db, "Clothing_")
    await make_product(db, "Bag", category=clothing)
    await make_product(db, "Shirt", category=shirts)
    await make_product(db, "Vase", category=home)
    await make_product(db, "Loose")

    for order in ALL_ORDERS:
        assert set(await titles(client, order_by=order, category_id="clothing")) == {"Bag", "Shirt"}
        assert await titles(client, order_by=order, category_id=shirts.name) == ["Shirt"]


async def test_tells_an_empty_category_from_an_unknown_one(client: Clients, db: Database) -> None:
    empty = await make_category(db, "Empty")

    for order in ALL_ORDERS:
        assert await titles(client, order_by=order, category_id="empty") == []
        assert await titles(client, order_by=order, category_id=empty.name) == []
        refused = await refusal(client.catalog.ListProducts(Request(order_by=order, category_id="unknown")))
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_filters_by_price(client: Clients, db: Database) -> None:
    await make_row(db)
    spread = [
        VariantPlan(prices={"EUR": 500}, option_values=["S"]),
        VariantPlan(prices={"EUR": 9000}, option_values=["L"]),
    ]
    await make_product(db, "Spread", variants=spread)

    assert set(await titles(client, min_price_minor=3000)) == {"Cap", "Dress", "Spread"}
    assert set(await titles(client, max_price_minor=1000)) == {"Apron", "Belt", "Spread"}
    assert await titles(client, min_price_minor=3000, max_price_minor=3000, order_by=Request.TITLE) == ["Cap", "Spread"]
    assert await titles(client, min_price_minor=4500, currency_code="USD") == ["Dress"]
    assert await titles(client, min_price_minor=0, currency_code="JPY") == []


async def test_filters_by_stock(client: Clients, db: Database) -> None:
    await make_product(db, "Sold out", variants=[VariantPlan(stock=0)])
    await make_product(db, "Hidden", variants=[VariantPlan(stock=0), VariantPlan(active=False, option_values=["S"])])
    await make_product(db, "Backorder", variants=[VariantPlan(stock=0, backorder_limit=1)])
    await make_product(db, "Uncounted", variants=[VariantPlan(stock=None)])

    assert set(await titles(client, in_stock=True)) == {"Backorder", "Uncounted"}


async def test_filters_by_tags_and_vendor(client: Clients, db: Database) -> None:
    await make_product(db, "Both", tags=["linen", "summer"], vendor="Loom")
    await make_product(db, "One", tags=["linen"], vendor="Loom")
    await make_product(db, "Other", tags=["summer"], vendor="Mill")

    assert set(await titles(client, tags=["linen"])) == {"Both", "One"}
    assert await titles(client, tags=["summer", "linen"]) == ["Both"]
    assert await titles(client, vendor="Mill") == ["Other"]
    assert await titles(client, vendor="Mill", tags=["linen"]) == []


async def test_takes_every_filter_at_once(client: Clients, db: Database) -> None:
    clothing = await make_category(db, "Clothing")
    for title in ("Apron", "Belt", "Cap"):
        await make_product(db, title, category=clothing, tags=["linen"], vendor="Loom")
    fields: dict[str, Any] = {
        "category_id": "clothing",
        "tags": ["linen"],
        "vendor": "Loom",
        "in_stock": True,
        "min_price_minor": 1999,
        "max_price_minor": 1999,
        "page_size": 2,
    }

    for order in ALL_ORDERS:
        first = await client.catalog.ListProducts(Request(order_by=order, **fields))
        second = await client.catalog.ListProducts(Request(order_by=order, page_token=first.next_page_token, **fields))
        assert {product.title for product in [*first.products, *second.products]} == {"Apron", "Belt", "Cap"}
        assert second.next_page_token == ""


async def test_refuses_a_foreign_page_token(client: Clients, db: Database) -> None:
    await make_row(db)
    page = await client.catalog.ListProducts(Request(page_size=1))

    for request in (
        Request(page_size=1, page_token=page.next_page_token, order_by=Request.TITLE),
        Request(page_size=1, page_token=page.next_page_token, in_stock=True),
        Request(page_size=1, page_token="nonsense"),
    ):
        refused = await refusal(client.catalog.ListProducts(request))
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
        assert list(refused.fields) == ["page_token"]


@pytest.mark.parametrize("order", ALL_ORDERS)
async def test_an_edited_page_token_is_refused_or_gives_another_page(
    client: Clients, db: Database, order: api.ListProductsRequest.OrderBy.ValueType
) -> None:
    await make_row(db)
    page = await client.catalog.ListProducts(Request(page_size=1, order_by=order))
    outcomes = set()

    for token in edited_page_tokens(page.next_page_token):
        try:
            await client.catalog.ListProducts(Request(page_size=1, order_by=order, page_token=token))
        except grpc.aio.AioRpcError as error:
            outcomes.add((error.code(), str(error.details()).partition(":")[0]))

    assert outcomes == {(grpc.StatusCode.INVALID_ARGUMENT, "page_token")}


@pytest.mark.parametrize(
    ("field", "value"),
    [("page_size", -1), ("currency_code", "eur"), ("min_price_minor", -1), ("order_by", 9), ("tags", [""])],
)
async def test_names_the_wrong_field(client: Clients, field: str, value: Any) -> None:
    refused = await refusal(client.catalog.ListProducts(Request(**{field: value})))

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [name.partition("[")[0] for name in refused.fields] == [field]


async def test_runs_one_statement(client: Clients, db: Database) -> None:
    await make_row(db)
    await make_category(db, "Clothing")

    for fields in ({}, {"category_id": "clothing"}, {"in_stock": True, "order_by": Request.PRICE_ASC}):
        with count_statements() as log:
            await client.catalog.ListProducts(Request(**fields))
        assert len(log) == 1
