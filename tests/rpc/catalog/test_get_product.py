"""CatalogService.GetProduct."""

import grpc
from kontor.catalog.v1 import catalog_pb2
from kontor.catalog.v1 import catalog_service_pb2 as api

from server.db.statement import count_statements
from server.kernel.ids import PRODUCT
from tests.world.goods import LONG_AGO, Product, VariantPlan, make_category
from tests.world.refusals import refusal
from tests.world.shop import Shop


def ask(name: str) -> api.GetProductRequest:
    return api.GetProductRequest(product_id=name)


async def make_shirt(shop: Shop) -> Product:
    shirts = await make_category(shop.db, "Shirts", await make_category(shop.db, "Clothing"))
    return await shop.shelve(
        "Linen Shirt",
        slug="linen-shirt",
        category=shirts,
        options={"Size": ["S", "M"], "Colour": ["Blue"]},
        tags=["linen", "summer"],
        pictures=["https://pictures.example/1.jpg", "https://pictures.example/2.jpg"],
        variants=[
            VariantPlan(
                prices={"EUR": 4990, "USD": 5490},
                compare_at={"EUR": 5990},
                option_values=["S", "Blue"],
                sku="LS-S",
                stock=3,
            ),
            VariantPlan(prices={"EUR": 4990}, option_values=["M", "Blue"], sku="LS-M", stock=0, backorder_limit=5),
        ],
    )


async def test_shows_everything(shop: Shop) -> None:
    shirt = await make_shirt(shop)

    product = await shop.call(ask(shirt.name))

    assert (product.id, product.slug, product.title) == (shirt.name, "linen-shirt", "Linen Shirt")
    assert product.description_html == "<p>Cool in summer.</p>"
    assert (product.vendor, list(product.tags)) == ("Weaver & Daughters", ["linen", "summer"])
    assert product.status == catalog_pb2.Product.ACTIVE
    assert [(node.slug, node.name) for node in product.category_path] == [
        ("clothing", "Clothing"),
        ("shirts", "Shirts"),
    ]
    assert [(option.name, list(option.values)) for option in product.options] == [
        ("Size", ["S", "M"]),
        ("Colour", ["Blue"]),
    ]
    assert [picture.url for picture in product.media] == [
        "https://pictures.example/1.jpg",
        "https://pictures.example/2.jpg",
    ]
    assert product.create_time.ToDatetime(LONG_AGO.tzinfo) == LONG_AGO
    assert product.etag == "1"


async def test_shows_variants_with_prices_and_stock(shop: Shop) -> None:
    shirt = await make_shirt(shop)

    small, medium = (await shop.call(ask(shirt.name))).variants

    assert (small.id, small.sku, small.weight_grams) == (shirt.variants[0].name, "LS-S", 200)
    assert [(option.name, option.value) for option in small.options] == [("Size", "S"), ("Colour", "Blue")]
    prices = [
        (price.amount.currency_code, price.amount.amount_minor, price.compare_at_amount.amount_minor)
        for price in small.prices
    ]
    assert prices == [("EUR", 4990, 5990), ("USD", 5490, 0)]
    assert not small.prices[1].HasField("compare_at_amount")
    assert small.availability == catalog_pb2.Availability(in_stock=True, available_count=3)
    assert medium.availability == catalog_pb2.Availability(in_stock=True, backorder=True)


async def test_tells_what_is_sold_out_and_what_never_is(shop: Shop) -> None:
    plans = [VariantPlan(stock=0, option_values=["S"]), VariantPlan(stock=None, option_values=["M"])]
    made = await shop.shelve(variants=plans, options={"Size": ["S", "M"]})

    sold_out, uncounted = (await shop.call(ask(made.name))).variants

    assert sold_out.availability == catalog_pb2.Availability(in_stock=False, available_count=0)
    assert uncounted.availability == catalog_pb2.Availability(in_stock=True)


async def test_takes_a_slug(shop: Shop) -> None:
    shirt = await make_shirt(shop)

    product = await shop.call(ask("linen-shirt"))

    assert product.id == shirt.name


async def test_takes_a_slug_that_begins_like_an_id(shop: Shop) -> None:
    made = await shop.shelve(slug="prod_of_the_year")

    assert (await shop.call(ask("prod_of_the_year"))).id == made.name


async def test_leaves_out_variants_that_are_not_sold(shop: Shop) -> None:
    plans = [VariantPlan(option_values=["S"]), VariantPlan(option_values=["M"], active=False)]
    made = await shop.shelve(variants=plans, options={"Size": ["S", "M"]})

    product = await shop.call(ask(made.name))

    assert [variant.id for variant in product.variants] == [made.variants[0].name]


async def test_shows_a_product_without_anything_beside_it(shop: Shop) -> None:
    made = await shop.shelve(variants=[])

    product = await shop.call(ask(made.name))

    assert (list(product.category_path), list(product.variants), list(product.media)) == ([], [], [])


async def test_refuses_what_is_not_shown(shop: Shop) -> None:
    draft = await shop.shelve(status="DRAFT", slug="draft")
    archived = await shop.shelve(status="ARCHIVED")

    for name in (draft.name, "draft", archived.name, "nothing", PRODUCT.write(PRODUCT.new())):
        refused = await refusal(shop.call(ask(name)))
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_runs_one_statement(shop: Shop) -> None:
    shirt = await make_shirt(shop)

    with count_statements() as log:
        await shop.call(ask(shirt.name))

    assert len(log) == 1
