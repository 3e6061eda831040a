"""Setting up what pricing needs."""

from server.db.session import WriteTx
from server.features.pricing import queries
from server.features.pricing.default_values import METHODS, PRICES, default_tax_rates


async def ensure_defaults(tx: WriteTx) -> None:
    """Give a shop that has no tax rates at all, or no shipping methods at all, the sample ones."""
    await queries.insert_first_tax_rates(tx, default_tax_rates())
    await queries.insert_first_shipping_methods(tx, METHODS, PRICES)
