"""What is made once in the life of a data folder: the products, and the choice of what is bought."""

import asyncio
from collections.abc import Callable

import psycopg

from server.run.provision import seed_products
from tests.bench.shop import Shop

# Enough for every workload to sell from; far from the end of the counters.
_STOCK = 1_000_000_000
GOODS = 20_000

# One variant each of different products, so that a cart's lines never meet.
_CHOOSE_GOODS = """
CREATE TABLE bench.goods AS
SELECT row_number() OVER (ORDER BY md5(product_id::text)) AS number, product_id, variant_id
  FROM (
    SELECT DISTINCT ON (variants.product_id) variants.product_id, variants.id AS variant_id
      FROM variants
      JOIN products ON products.id = variants.product_id AND products.status = 'ACTIVE'
      JOIN variant_prices ON variant_prices.variant_id = variants.id AND variant_prices.currency = 'EUR'
      JOIN stock_items ON stock_items.variant_id = variants.id
     WHERE variants.active AND variants.requires_shipping
     ORDER BY variants.product_id, variants.position
  ) AS chosen
"""


def prepare(shop: Shop, products: int, on_progress: Callable[[int, int], None]) -> None:
    """Make the products that are missing and choose what is bought; done already, it costs nothing."""
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS bench")
        connection.execute("CREATE TABLE IF NOT EXISTS bench.batches (batch int)")
        if connection.execute("SELECT to_regclass('bench.goods')").fetchone() != (None,):
            return
        asyncio.run(seed_products(shop.settings, products, on_progress))
        with connection.transaction():
            connection.execute(_CHOOSE_GOODS)
            connection.execute("DELETE FROM bench.goods WHERE number > %s", (GOODS,))
            connection.execute("CREATE UNIQUE INDEX ON bench.goods (number)")
            connection.execute(
                "UPDATE stock_items SET on_hand = %s FROM bench.goods WHERE stock_items.variant_id = goods.variant_id",
                (_STOCK,),
            )
        connection.execute("VACUUM ANALYZE")
