"""Stock as the rest of the feature and others handle it: frozen copies of rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

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


class FirstCount(Protocol):
    """The first counters of a variant; a variant that gets none is not tracked and never runs out."""

    @property
    def variant_id(self) -> VariantId:
        """Whose counters they are."""
        ...

    @property
    def on_hand(self) -> int:
        """How many units there are."""
        ...

    @property
    def backorder_limit(self) -> int:
        """How many units may be sold beyond what there is."""
        ...


@dataclass(frozen=True, slots=True)
class Shortage:
    """A variant of which less can be had than is wanted."""

    variant_id: VariantId
    available: int
