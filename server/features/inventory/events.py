"""What stock tells."""

from dataclasses import dataclass

from server.features.catalog.events import AvailabilityChanged
from server.kernel.ids import VariantId


@dataclass(frozen=True, kw_only=True)
class StockAdjusted(AvailabilityChanged):
    """Somebody put a counter right, or goods came in."""

    name = "stock.adjusted"
    aggregate = "variant_id"
    restocks = True

    variant_id: VariantId
