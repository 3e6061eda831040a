"""Made-up products in a real database."""

from server.features.catalog.seeding.service import seed_products
from server.features.inventory.service import create_stock
from tests.world.looking import dump, run

TABLES = ("categories", "products", "product_media", "variants", "variant_prices", "product_prices")
# Inventory gives its own ids.
STOCK = "SELECT variant_id, on_hand, backorder_limit FROM stock_items ORDER BY variant_id"


async def test_makes_products_that_can_be_sold(db):
    made = await seed_products(db, 300, keep_stock=create_stock)

    assert made == 300
    assert await run(db, "SELECT count(*), count(category_id) FROM products WHERE status = 'ACTIVE'") == [(300, 300)]
    assert await run(db, "SELECT count(DISTINCT category_id) > 20 FROM products") == [(True,)]
    assert await run(db, "SELECT max(length(path) - length(replace(path, '/', ''))) FROM categories") == [(3,)]
    ((variants,),) = await run(db, "SELECT count(*) FROM variants")
    assert 600 < variants < 1500
    assert await run(db, "SELECT currency, count(*) FROM variant_prices GROUP BY 1 ORDER BY 1") == [
        *(("EUR", variants), ("USD", variants))
    ]
    assert await run(db, "SELECT currency, count(*) FROM product_prices GROUP BY 1 ORDER BY 1") == [
        *(("EUR", 300), ("USD", 300))
    ]
    assert await run(db, "SELECT count(*) FROM stock_items") == [(variants,)]
    assert (
        await run(
            db,
            """SELECT s.id FROM stock_items s LEFT JOIN stock_movements m ON m.stock_id = s.id
                GROUP BY s.id, on_hand HAVING coalesce(sum(on_hand_delta), -1) <> on_hand""",
        )
        == []
    )
    assert await run(db, "SELECT count(*) > 0 FROM products WHERE search @@ 'merino'::tsquery") == [(True,)]


async def test_makes_the_same_products_each_time(db):
    await seed_products(db, 30, keep_stock=create_stock)
    first = await dump(db, *TABLES), await run(db, STOCK)
    await run(db, "TRUNCATE products, categories, stock_items CASCADE")

    await seed_products(db, 30, keep_stock=create_stock)

    assert (await dump(db, *TABLES), await run(db, STOCK)) == first


async def test_adds_what_is_missing(db):
    await seed_products(db, 20, keep_stock=create_stock)
    first = {row[0] for row in await run(db, "SELECT id FROM products")}
    progress = []

    made = await seed_products(db, 1_050, keep_stock=create_stock, on_progress=lambda *step: progress.append(step))

    assert made == 1_030
    assert progress == [(1_000, 1_050), (1_050, 1_050)]
    assert first < {row[0] for row in await run(db, "SELECT id FROM products")}
    assert await seed_products(db, 1_050, keep_stock=create_stock) == 0


async def test_another_seed_makes_other_products(db):
    await seed_products(db, 10, keep_stock=create_stock)

    made = await seed_products(db, 10, keep_stock=create_stock, seed=2)

    assert made == 10
    assert await run(db, "SELECT count(*), count(DISTINCT slug) FROM products") == [(20, 20)]
