"""Stock as the rest of the feature and others handle it: frozen copies of rows, and the states of what is held."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from server.kernel.ids import StockId, VariantId


class ReservationStatus(StrEnum):
    """What became of units that an order holds."""

    # Until its deadline; after it another order may take them.
    HELD = "HELD"
    # For good: the order is paid.
    COMMITTED = "COMMITTED"
    # They left the shop.
    CONSUMED = "CONSUMED"
    # Given back.
    RELEASED = "RELEASED"
    # Taken back at the deadline; a late payment can still hold them again.
    EXPIRED = "EXPIRED"


class MovementKind(StrEnum):
    """Why counters changed."""

    # The first count of a variant.
    INITIAL = "INITIAL"
    # Somebody put it right.
    ADJUST = "ADJUST"
    HOLD = "HOLD"
    COMMIT = "COMMIT"
    CONSUME = "CONSUME"
    RELEASE = "RELEASE"
    EXPIRE = "EXPIRE"
    # Goods came back.
    RESTOCK = "RESTOCK"


@dataclass(frozen=True, slots=True)
class Stock:
    """The counters of one variant."""

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


class LostUnits(NamedTuple):
    """Units of one variant that an order held and lost by expiry."""

    variant_id: VariantId
    quantity: int
