"""Stock as the rest of the feature and others handle it: frozen copies of rows."""

from dataclasses import dataclass
from datetime import datetime

from server.kernel.ids import StockId, VariantId


@dataclass(frozen=True, slots=True)
class Stock:
    """The counters of one variant; the fields stand in the order of the columns that are read."""

    id: StockId
    variant_id: VariantId
    on_hand: int
    reserved: int
    safety: int
    backorder_limit: int
    updated_time: datetime

    @property
    def available(self) -> int:
        """How many can be sold from what is there; below zero when backorders are open."""
        return self.on_hand - self.reserved - self.safety


@dataclass(frozen=True, slots=True)
class Shortage:
    """A variant of which less can be had than is wanted."""

    variant_id: VariantId
    available: int
