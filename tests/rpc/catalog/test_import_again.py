"""Importing products that the shop has already: what differs is changed, the rest is left alone."""

from datetime import timedelta

import pytest

from server.features.catalog.importing.service import import_products
from server.features.catalog.importing.shopify import parse_products
from server.features.inventory.service import create_stock
from tests.world.files import SAMPLE, make_row, size_row
from tests.world.looking import dump, run

TABLES = (
    *("categories", "products", "product_media", "variants", "variant_prices", "product_prices"),
    *("stock_items", "stock_movements"),
)
TRACKED = {"Variant Inventory Tracker": "shopify"}


async def test_changes_nothing_the_second_time(db, clock):
    file = parse_products(SAMPLE.read_bytes(), default_currency="EUR")
    first = await import_products(db, file, keep_stock=create_stock, clock=clock)
    before = await dump(db, *TABLES)

    clock.advance(timedelta(hours=1))
    second = await import_products(db, file, keep_stock=create_stock, clock=clock)

    assert (first.created, first.updated, first.unchanged) == (len(file.products), 0, 0)
    assert (second.created, second.updated, second.unchanged) == (0, 0, len(file.products))
    assert second.variants == first.variants == sum(len(product.variants) for product in file.products)
    assert await dump(db, *TABLES) == before


@pytest.mark.parametrize(
    ("cells", "query", "value"),
    [
        ({"Title": "Green Tea"}, "SELECT title FROM products", "Green Tea"),
        ({"Tags": "new"}, "SELECT tags FROM products", ["new"]),
        ({"Variant Price": "4.00"}, "SELECT min_amount_minor FROM product_prices", 400),
        ({"Variant Compare At Price": "9.00"}, "SELECT compare_at_amount_minor FROM product_prices", 900),
        ({"Variant Grams": "90"}, "SELECT weight_grams FROM variants", 90),
        ({"Variant SKU": "T-2"}, "SELECT sku FROM variants", "T-2"),
        ({"Image Src": "https://images.kontor.example/2.jpg"}, "SELECT url FROM product_media", ".../2.jpg"),
        (
            {"Product Category": "Pantry"},
            "SELECT path FROM categories JOIN products ON category_id = categories.id",
            "pantry/",
        ),
    ],
)
async def test_changes_what_differs(db, clock, import_rows, cells, query, value):
    await import_rows(make_row(**{"Image Src": "https://images.kontor.example/1.jpg"}))
    created = clock.now()

    report = await import_rows(make_row(**{"Image Src": "https://images.kontor.example/1.jpg", **cells}))

    assert (report.created, report.updated, report.unchanged) == (0, 1, 0)
    ((seen,),) = await run(db, query)
    assert str(seen).replace("https://images.kontor.example", "...") == str(value)
    assert await run(db, "SELECT version, created_time, updated_time FROM products") == [(2, created, clock.now())]


async def test_keeps_live_stock(db, import_rows):
    row = make_row(**TRACKED, **{"Variant Inventory Qty": "7"})
    await import_rows(row)
    await run(db, "UPDATE stock_items SET on_hand = 3")

    report = await import_rows(row | {"Variant Inventory Qty": "50", "Variant Inventory Policy": "continue"})

    assert report.unchanged == 1
    assert await run(db, "SELECT on_hand, backorder_limit FROM stock_items") == [(3, 0)]
    assert await run(db, "SELECT kind, on_hand_delta FROM stock_movements") == [("INITIAL", 7)]


async def test_starts_counting_what_was_not_counted(db, import_rows):
    await import_rows(make_row())

    await import_rows(make_row(**TRACKED, **{"Variant Inventory Qty": "7"}))

    assert await run(db, "SELECT on_hand FROM stock_items") == [(7,)]


async def test_finds_variants_without_a_sku_by_their_options(db, import_rows):
    await import_rows(size_row("S"), size_row("M"))
    before = await run(db, "SELECT id FROM variants ORDER BY position")

    report = await import_rows(size_row("S", **{"Variant Price": "5.00"}), size_row("M"))

    assert (report.updated, report.variants) == (1, 2)
    assert await run(db, "SELECT id FROM variants ORDER BY position") == before


async def test_finds_variants_by_their_sku_when_the_options_changed(db, import_rows):
    await import_rows(size_row("S", **{"Variant SKU": "A"}))
    before = await run(db, "SELECT id FROM variants")

    report = await import_rows(size_row("Small", **{"Variant SKU": "A"}), size_row("S", **{"Variant SKU": "B"}))

    assert (report.updated, report.errors) == (1, ())
    assert await run(db, "SELECT id FROM variants WHERE sku = 'A' AND option_values = '{Small}'") == before
    assert await run(db, "SELECT sku FROM variants WHERE option_values = '{S}'") == [("B",)]


async def test_keeps_variants_that_are_not_in_the_file(db, import_rows):
    await import_rows(size_row("S"), size_row("M", **{"Variant Price": "9.00"}))

    report = await import_rows(size_row("S"))

    assert (report.unchanged, report.variants) == (1, 1)
    assert await run(db, "SELECT option_values, active FROM variants ORDER BY 1") == [(["M"], True), (["S"], True)]
    assert await run(db, "SELECT options FROM products") == [([{"name": "Size", "values": ["S", "M"]}],)]
    assert await run(db, "SELECT max_amount_minor FROM product_prices") == [(900,)]


async def test_takes_variants_off_sale_that_the_new_options_cannot_choose(db, import_rows):
    await import_rows(make_row(**{"Variant Price": "1.00", "Price / USD": "1.00"}))

    report = await import_rows(size_row("S"), size_row("M"))

    assert report.updated == 1
    assert await run(db, "SELECT option_values, active FROM variants ORDER BY 1") == [
        *(([], False), (["M"], True), (["S"], True))
    ]
    assert await run(db, "SELECT currency, min_amount_minor FROM product_prices") == [("EUR", 300)]

    back = await import_rows(make_row(**{"Variant Price": "1.00"}))

    assert back.updated == 1
    assert await run(db, "SELECT option_values FROM variants WHERE active") == [([],)]


async def test_keeps_prices_pictures_and_the_category_that_the_file_does_not_name(db, import_rows):
    picture = {"Image Src": "https://images.kontor.example/1.jpg"}
    await import_rows(make_row(**picture, **{"Price / USD": "3.30", "Product Category": "Pantry"}))

    report = await import_rows(make_row())

    assert report.unchanged == 1
    assert await run(db, "SELECT count(*) FROM variant_prices") == [(2,)]
    assert await run(db, "SELECT count(*) FROM product_media") == [(1,)]
    assert await run(db, "SELECT count(category_id) FROM products") == [(1,)]


async def test_replaces_pictures_by_those_of_the_file(db, import_rows):
    image = "https://images.kontor.example/{}.jpg"
    await import_rows(make_row(), *[{"Handle": "tea", "Image Src": image.format(name)} for name in "abc"])
    assert await run(db, "SELECT count(*) FROM product_media") == [(3,)]

    report = await import_rows(make_row(**{"Image Src": image.format("b")}))

    assert report.updated == 1
    assert await run(db, "SELECT position, url FROM product_media") == [(1, image.format("b"))]
