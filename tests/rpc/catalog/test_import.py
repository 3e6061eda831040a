"""Importing products from a file into a real database."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg.errors import UniqueViolation

from server.db.session import Database, WriteTx
from server.features.catalog.importing.service import import_products
from server.features.catalog.importing.shopify import parse_products
from server.features.catalog.importing.values import ImportReport
from server.features.catalog.values import FirstCount
from server.features.inventory.service import create_stock
from tests.factories import execute
from tests.shop import ManualClock
from tests.unit.catalog.files import SAMPLE, make_row, parse

Import = Callable[..., Awaitable[ImportReport]]


@pytest.fixture
def import_rows(db: Database, clock: ManualClock) -> Import:
    async def run(*rows: dict[str, str]) -> ImportReport:
        # Whatever is written now can be told by its time.
        clock.advance(timedelta(hours=1))
        return await import_products(db, parse(*rows), keep_stock=create_stock, clock=clock)

    return run


async def fetch(db: Database, query: str, *values: Any) -> list[tuple[Any, ...]]:
    async with db.read() as tx:
        return await (await execute(tx, query, values)).fetchall()


async def dump(db: Database) -> list[list[tuple[Any, ...]]]:
    tables = ("categories", "products", "product_media", "variants", "variant_prices", "product_prices")
    stock = ("stock_items", "stock_movements")
    return [await fetch(db, f"SELECT * FROM {table} AS row ORDER BY row::text") for table in (*tables, *stock)]


def size_row(size: str, **cells: str) -> dict[str, str]:
    return make_row(**{"Option1 Name": "Size", "Option1 Value": size, **cells})


TRACKED = {"Variant Inventory Tracker": "shopify"}


async def test_writes_the_product_with_all_that_belongs_to_it(db, clock, import_rows):
    report = await import_rows(
        size_row(
            "S",
            **TRACKED,
            **{
                "Body (HTML)": "<p>Smoked &amp; strong</p><script>x()</script>",
                "Vendor": "Speicher",
                "Type": "Tea",
                "Tags": "loose, black",
                "Product Category": "Pantry > Tea",
                "Variant SKU": "T-S",
                "Variant Grams": "120",
                "Variant Inventory Qty": "7",
                "Variant Compare At Price": "3.50",
                "Price / USD": "3.30",
                "Variant Taxable": "false",
                "Variant Barcode": "2000000000015",
                "Image Src": "https://images.kontor.example/t.jpg",
                "Image Alt Text": "A tin",
            },
        ),
        size_row("L", **{"Variant SKU": "T-L", "Variant Price": "8.00", "Variant Requires Shipping": "false"}),
    )

    assert report == ImportReport(created=1, updated=0, unchanged=0, variants=2, errors=())
    assert await fetch(
        db,
        """SELECT p.slug, title, description_html, description_text, vendor, product_type, tags, tags_text, status,
                  options, version, p.created_time, p.updated_time, c.path
             FROM products p JOIN categories c ON c.id = p.category_id""",
    ) == [
        (
            *("tea", "Tea", "<p>Smoked &amp; strong</p>", "Smoked & strong", "Speicher", "Tea", ["loose", "black"]),
            *("loose black", "ACTIVE", [{"name": "Size", "values": ["S", "L"]}], 1, clock.now(), clock.now()),
            "pantry/tea/",
        )
    ]
    assert await fetch(
        db,
        """SELECT position, sku, option_values, barcode, weight_grams, requires_shipping, tax_class, active
             FROM variants ORDER BY position""",
    ) == [
        (1, "T-S", ["S"], "2000000000015", 120, True, "exempt", True),
        (2, "T-L", ["L"], "", 0, False, "standard", True),
    ]
    assert await fetch(
        db,
        """SELECT sku, currency, amount_minor, compare_at_amount_minor
             FROM variant_prices JOIN variants ON variants.id = variant_id ORDER BY sku DESC, currency""",
    ) == [("T-S", "EUR", 300, 350), ("T-S", "USD", 330, None), ("T-L", "EUR", 800, None)]
    assert await fetch(
        db,
        """SELECT currency, min_amount_minor, max_amount_minor, compare_at_amount_minor
             FROM product_prices ORDER BY currency""",
    ) == [("EUR", 300, 800, 350), ("USD", 330, 330, None)]
    assert await fetch(db, "SELECT position, url, alt_text FROM product_media") == [
        (1, "https://images.kontor.example/t.jpg", "A tin")
    ]


async def test_counts_stock_with_a_row_in_the_ledger(db, import_rows):
    await import_rows(
        size_row("S", **TRACKED, **{"Variant Inventory Qty": "7"}),
        size_row("M", **TRACKED, **{"Variant Inventory Qty": "0", "Variant Inventory Policy": "continue"}),
        size_row("L"),
    )

    assert await fetch(
        db,
        """SELECT option_values[1], on_hand, reserved, backorder_limit, kind, on_hand_delta, reserved_delta
             FROM stock_items s JOIN variants v ON v.id = variant_id JOIN stock_movements ON stock_id = s.id
            ORDER BY v.position""",
    ) == [("S", 7, 0, 0, "INITIAL", 7, 0), ("M", 0, 0, 1_000_000, "INITIAL", 0, 0)]


async def test_changes_nothing_the_second_time(db, clock):
    file = parse_products(SAMPLE.read_bytes(), default_currency="EUR")
    first = await import_products(db, file, keep_stock=create_stock, clock=clock)
    before = await dump(db)

    clock.advance(timedelta(hours=1))
    second = await import_products(db, file, keep_stock=create_stock, clock=clock)

    assert (first.created, first.updated, first.unchanged) == (len(file.products), 0, 0)
    assert (second.created, second.updated, second.unchanged) == (0, 0, len(file.products))
    assert second.variants == first.variants == sum(len(product.variants) for product in file.products)
    assert await dump(db) == before


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
    ((seen,),) = await fetch(db, query)
    assert str(seen).replace("https://images.kontor.example", "...") == str(value)
    assert await fetch(db, "SELECT version, created_time, updated_time FROM products") == [(2, created, clock.now())]


async def test_keeps_live_stock(db, import_rows):
    row = make_row(**TRACKED, **{"Variant Inventory Qty": "7"})
    await import_rows(row)
    async with db.write() as tx:
        await execute(tx, "UPDATE stock_items SET on_hand = 3")

    report = await import_rows(row | {"Variant Inventory Qty": "50", "Variant Inventory Policy": "continue"})

    assert report.unchanged == 1
    assert await fetch(db, "SELECT on_hand, backorder_limit FROM stock_items") == [(3, 0)]
    assert await fetch(db, "SELECT kind, on_hand_delta FROM stock_movements") == [("INITIAL", 7)]


async def test_starts_counting_what_was_not_counted(db, import_rows):
    await import_rows(make_row())

    await import_rows(make_row(**TRACKED, **{"Variant Inventory Qty": "7"}))

    assert await fetch(db, "SELECT on_hand FROM stock_items") == [(7,)]


async def test_finds_variants_without_a_sku_by_their_options(db, import_rows):
    await import_rows(size_row("S"), size_row("M"))
    before = await fetch(db, "SELECT id FROM variants ORDER BY position")

    report = await import_rows(size_row("S", **{"Variant Price": "5.00"}), size_row("M"))

    assert (report.updated, report.variants) == (1, 2)
    assert await fetch(db, "SELECT id FROM variants ORDER BY position") == before


async def test_finds_variants_by_their_sku_when_the_options_changed(db, import_rows):
    await import_rows(size_row("S", **{"Variant SKU": "A"}))
    before = await fetch(db, "SELECT id FROM variants")

    report = await import_rows(size_row("Small", **{"Variant SKU": "A"}), size_row("S", **{"Variant SKU": "B"}))

    assert (report.updated, report.errors) == (1, ())
    assert await fetch(db, "SELECT id FROM variants WHERE sku = 'A' AND option_values = '{Small}'") == before
    assert await fetch(db, "SELECT sku FROM variants WHERE option_values = '{S}'") == [("B",)]


async def test_keeps_variants_that_are_not_in_the_file(db, import_rows):
    await import_rows(size_row("S"), size_row("M", **{"Variant Price": "9.00"}))

    report = await import_rows(size_row("S"))

    assert (report.unchanged, report.variants) == (1, 1)
    assert await fetch(db, "SELECT option_values, active FROM variants ORDER BY 1") == [(["M"], True), (["S"], True)]
    assert await fetch(db, "SELECT options FROM products") == [([{"name": "Size", "values": ["S", "M"]}],)]
    assert await fetch(db, "SELECT max_amount_minor FROM product_prices") == [(900,)]


async def test_takes_variants_off_sale_that_the_new_options_cannot_choose(db, import_rows):
    await import_rows(make_row(**{"Variant Price": "1.00", "Price / USD": "1.00"}))

    report = await import_rows(size_row("S"), size_row("M"))

    assert report.updated == 1
    assert await fetch(db, "SELECT option_values, active FROM variants ORDER BY 1") == [
        *(([], False), (["M"], True), (["S"], True))
    ]
    assert await fetch(db, "SELECT currency, min_amount_minor FROM product_prices") == [("EUR", 300)]

    back = await import_rows(make_row(**{"Variant Price": "1.00"}))

    assert back.updated == 1
    assert await fetch(db, "SELECT option_values FROM variants WHERE active") == [([],)]


async def test_keeps_prices_pictures_and_the_category_that_the_file_does_not_name(db, import_rows):
    picture = {"Image Src": "https://images.kontor.example/1.jpg"}
    await import_rows(make_row(**picture, **{"Price / USD": "3.30", "Product Category": "Pantry"}))

    report = await import_rows(make_row())

    assert report.unchanged == 1
    assert await fetch(db, "SELECT count(*) FROM variant_prices") == [(2,)]
    assert await fetch(db, "SELECT count(*) FROM product_media") == [(1,)]
    assert await fetch(db, "SELECT count(category_id) FROM products") == [(1,)]


async def test_replaces_pictures_by_those_of_the_file(db, import_rows):
    image = "https://images.kontor.example/{}.jpg"
    await import_rows(make_row(), *[{"Handle": "tea", "Image Src": image.format(name)} for name in "abc"])
    assert await fetch(db, "SELECT count(*) FROM product_media") == [(3,)]

    report = await import_rows(make_row(**{"Image Src": image.format("b")}))

    assert report.updated == 1
    assert await fetch(db, "SELECT position, url FROM product_media") == [(1, image.format("b"))]


async def test_refuses_the_sku_of_another_product(db, import_rows):
    await import_rows(make_row(**{"Variant SKU": "A"}))

    report = await import_rows(
        make_row(Handle="mug", Title="Mug", **{"Variant SKU": "A"}),
        make_row(Handle="pot", Title="Pot", **{"Variant SKU": "B"}),
    )

    assert (report.created, report.variants) == (1, 1)
    assert [(error.line_number, error.handle, error.reason) for error in report.errors] == [
        (2, "mug", "the SKU A belongs to the product tea")
    ]
    assert await fetch(db, "SELECT slug FROM products ORDER BY slug") == [("pot",), ("tea",)]


async def test_refuses_options_that_another_variant_has(db, import_rows):
    await import_rows(size_row("S", **{"Variant SKU": "A"}), size_row("M", **{"Variant SKU": "B"}))

    report = await import_rows(size_row("M", **{"Variant SKU": "A"}))

    assert [error.reason for error in report.errors] == ["M is already the variant with SKU B"]
    assert await fetch(db, "SELECT sku, option_values FROM variants ORDER BY sku") == [("A", ["S"]), ("B", ["M"])]


async def test_reports_bad_rows_and_imports_the_others(db, import_rows):
    report = await import_rows(
        size_row("S"), size_row("M", **{"Variant Price": "bad"}), make_row(Handle="mug", Title="")
    )

    assert (report.created, report.variants) == (1, 1)
    assert [error.line_number for error in report.errors] == [3, 4]
    assert await fetch(db, "SELECT option_values FROM variants") == [(["S"],)]


async def test_makes_each_category_once_and_keeps_equal_names_apart(db, import_rows):
    def row(handle: str, category: str) -> dict[str, str]:
        return make_row(Handle=handle, **{"Product Category": category})

    await import_rows(
        row("a", "Home > Accessories"), row("b", "Clothing > Accessories"), row("c", "home > accessories")
    )
    await import_rows(row("d", "Clothing > Accessories > Belts"), row("e", "Accessories"))

    assert await fetch(
        db,
        "SELECT c.slug, c.path, p.slug FROM categories c LEFT JOIN categories p ON p.id = c.parent_id ORDER BY c.path",
    ) == [
        ("accessories-2", "accessories-2/", None),
        ("clothing", "clothing/", None),
        ("clothing-accessories", "clothing/clothing-accessories/", "clothing"),
        ("belts", "clothing/clothing-accessories/belts/", "clothing-accessories"),
        ("home", "home/", None),
        ("accessories", "home/accessories/", "home"),
    ]
    assert await fetch(
        db,
        "SELECT products.slug, categories.slug FROM products JOIN categories ON category_id = categories.id ORDER BY 1",
    ) == [
        ("a", "accessories"),
        ("b", "clothing-accessories"),
        ("c", "accessories"),
        ("d", "belts"),
        ("e", "accessories-2"),
    ]


async def test_goes_through_a_large_file_in_batches(db, clock):
    rows = [make_row(Handle=f"tea-{number}", **{"Variant SKU": f"T-{number}"}) for number in range(450)]
    progress = []

    report = await import_products(
        db, parse(*rows), keep_stock=create_stock, clock=clock, on_progress=lambda *step: progress.append(step)
    )

    assert report.created == 450
    assert progress == [(200, 450), (400, 450), (450, 450)]


async def test_tries_again_when_somebody_else_was_first(db, clock):
    failures = [UniqueViolation(), UniqueViolation()]

    async def keep_stock(tx: WriteTx, counts: Sequence[FirstCount], *, now: datetime) -> None:
        if failures:
            raise failures.pop()

    report = await import_products(db, parse(make_row()), keep_stock=keep_stock, clock=clock)

    assert report.created == 1
    assert await fetch(db, "SELECT count(*) FROM products") == [(1,)]


async def test_gives_up_when_it_fails_again_and_again_and_writes_nothing(db, clock):
    async def keep_stock(tx: WriteTx, counts: Sequence[FirstCount], *, now: datetime) -> None:
        raise UniqueViolation

    with pytest.raises(UniqueViolation):
        await import_products(db, parse(make_row()), keep_stock=keep_stock, clock=clock)

    assert await fetch(db, "SELECT count(*) FROM products") == [(0,)]
