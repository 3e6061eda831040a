"""Importing products from a file into a real database."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from psycopg.errors import UniqueViolation

from server.db.session import WriteTx
from server.features.catalog.importing.service import import_products
from server.features.catalog.importing.values import ImportReport
from server.features.catalog.values import FirstCount
from server.features.inventory.service import create_stock
from tests.world.files import make_row, parse, size_row
from tests.world.looking import run

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
    assert await run(
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
    assert await run(
        db,
        """SELECT position, sku, option_values, barcode, weight_grams, requires_shipping, tax_class, active
             FROM variants ORDER BY position""",
    ) == [
        (1, "T-S", ["S"], "2000000000015", 120, True, "exempt", True),
        (2, "T-L", ["L"], "", 0, False, "standard", True),
    ]
    assert await run(
        db,
        """SELECT sku, currency, amount_minor, compare_at_amount_minor
             FROM variant_prices JOIN variants ON variants.id = variant_id ORDER BY sku DESC, currency""",
    ) == [("T-S", "EUR", 300, 350), ("T-S", "USD", 330, None), ("T-L", "EUR", 800, None)]
    assert await run(
        db,
        """SELECT currency, min_amount_minor, max_amount_minor, compare_at_amount_minor
             FROM product_prices ORDER BY currency""",
    ) == [("EUR", 300, 800, 350), ("USD", 330, 330, None)]
    assert await run(db, "SELECT position, url, alt_text FROM product_media") == [
        (1, "https://images.kontor.example/t.jpg", "A tin")
    ]


async def test_counts_stock_with_a_row_in_the_ledger(db, import_rows):
    await import_rows(
        size_row("S", **TRACKED, **{"Variant Inventory Qty": "7"}),
        size_row("M", **TRACKED, **{"Variant Inventory Qty": "0", "Variant Inventory Policy": "continue"}),
        size_row("L"),
    )

    assert await run(
        db,
        """SELECT option_values[1], on_hand, reserved, backorder_limit, kind, on_hand_delta, reserved_delta
             FROM stock_items s JOIN variants v ON v.id = variant_id JOIN stock_movements ON stock_id = s.id
            ORDER BY v.position""",
    ) == [("S", 7, 0, 0, "INITIAL", 7, 0), ("M", 0, 0, 1_000_000, "INITIAL", 0, 0)]


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
    assert await run(db, "SELECT slug FROM products ORDER BY slug") == [("pot",), ("tea",)]


async def test_refuses_options_that_another_variant_has(db, import_rows):
    await import_rows(size_row("S", **{"Variant SKU": "A"}), size_row("M", **{"Variant SKU": "B"}))

    report = await import_rows(size_row("M", **{"Variant SKU": "A"}))

    assert [error.reason for error in report.errors] == ["M is already the variant with SKU B"]
    assert await run(db, "SELECT sku, option_values FROM variants ORDER BY sku") == [("A", ["S"]), ("B", ["M"])]


async def test_reports_bad_rows_and_imports_the_others(db, import_rows):
    report = await import_rows(
        size_row("S"), size_row("M", **{"Variant Price": "bad"}), make_row(Handle="mug", Title="")
    )

    assert (report.created, report.variants) == (1, 1)
    assert [error.line_number for error in report.errors] == [3, 4]
    assert await run(db, "SELECT option_values FROM variants") == [(["S"],)]


async def test_makes_each_category_once_and_keeps_equal_names_apart(db, import_rows):
    def row(handle: str, category: str) -> dict[str, str]:
        return make_row(Handle=handle, **{"Product Category": category})

    await import_rows(
        row("a", "Home > Accessories"), row("b", "Clothing > Accessories"), row("c", "home > accessories")
    )
    await import_rows(row("d", "Clothing > Accessories > Belts"), row("e", "Accessories"))

    assert await run(
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
    assert await run(
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
    assert await run(db, "SELECT count(*) FROM products") == [(1,)]


async def test_gives_up_when_it_fails_again_and_again_and_writes_nothing(db, clock):
    async def keep_stock(tx: WriteTx, counts: Sequence[FirstCount], *, now: datetime) -> None:
        raise UniqueViolation

    with pytest.raises(UniqueViolation):
        await import_products(db, parse(make_row()), keep_stock=keep_stock, clock=clock)

    assert await run(db, "SELECT count(*) FROM products") == [(0,)]
