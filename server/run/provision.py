"""What the command line puts into a shop: its first administrator, and products from files and from the seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from server.db.session import Database
from server.features.catalog.importing.service import import_products as import_parsed
from server.features.catalog.importing.shopify.rules import parse_products
from server.features.catalog.importing.values import ImportReport
from server.features.catalog.seeding.service import seed_products as seed
from server.features.inventory.service import create_stock
from server.features.pricing.service import ensure_defaults
from server.kernel.clock import SystemClock
from server.settings import Settings

Progress = Callable[[int, int], None]
SAMPLE_PRODUCTS = Path(__file__).parents[1] / "features" / "catalog" / "seeding" / "sample_products.csv"


async def prepare_shop(settings: Settings, email: str, password: str) -> bool:
    """Give a new shop what no call makes yet: an administrator, sample tax rates and ways of shipping.

    What is there stays as it is. Returns whether the administrator was made: an account with the address is kept.
    """
    from server.app import build

    async with await build(settings) as app:
        async with app.core.db.write() as tx:
            await ensure_defaults(tx)
        return await app.users.accounts.ensure_admin(email, password)


async def import_products(settings: Settings, path: Path, on_progress: Progress) -> ImportReport:
    """Bring the products of a Shopify CSV file into the shop. Raises OSError when it cannot be read."""
    file = parse_products(path.read_bytes(), default_currency=settings.default_currency)
    db = await Database.open(settings.database_url.get_secret_value(), 1, 2)
    try:
        return await import_parsed(db, file, keep_stock=create_stock, clock=SystemClock(), on_progress=on_progress)
    finally:
        await db.close()


async def seed_products(settings: Settings, count: int, on_progress: Progress) -> int:
    """Make the first `count` made-up products that are not there yet; return how many were missing."""
    db = await Database.open(settings.database_url.get_secret_value(), 1, 2)
    try:
        return await seed(db, count, keep_stock=create_stock, on_progress=on_progress)
    finally:
        await db.close()
