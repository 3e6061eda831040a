"""What a new shop starts with; no RPC shows it by itself."""

from server.db.session import Database
from server.features.pricing.service import ensure_defaults
from tests.world.looking import run
from tests.world.pricing import make_shipping_method, make_tax_rate


async def prepare(db: Database) -> None:
    async with db.write() as tx:
        await ensure_defaults(tx)


async def test_gives_rates_and_methods_once(db: Database) -> None:
    await prepare(db)
    await prepare(db)

    german = await run(db, "SELECT name, rate_ppm, included, tax_class FROM tax_rates WHERE country = 'DE' ORDER BY 2")
    assert german == [("VAT 7%", 70_000, True, "reduced"), ("VAT 19%", 190_000, True, "standard")]
    assert await run(db, "SELECT name, included, applies_to_shipping FROM tax_rates WHERE region = 'CA'") == [
        ("CA sales tax 7.25%", False, False)
    ]
    prices = await run(
        db,
        "SELECT code, currency, amount_minor, free_from_amount_minor FROM shipping_methods "
        "JOIN shipping_prices ON shipping_method_id = id ORDER BY position, currency",
    )
    assert prices == [
        ("standard", "EUR", 490, 5000),
        ("standard", "USD", 590, 6000),
        ("express", "EUR", 1290, None),
        ("express", "USD", 1490, None),
    ]


async def test_leaves_a_shop_as_its_owner_made_it(db: Database) -> None:
    await make_tax_rate(db)
    await make_shipping_method(db)

    await prepare(db)

    assert await run(db, "SELECT count(*) FROM tax_rates") == [(1,)]
    assert await run(db, "SELECT code FROM shipping_methods") == [("standard",)]
