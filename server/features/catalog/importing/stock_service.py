"""The catalog's door to stock: whoever makes variants tells it how many there are to begin with.

Stock belongs to inventory, which stands above the catalog, so the composition root hands it in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from server.db.session import WriteTx
from server.kernel.ids import VariantId


@dataclass(frozen=True, slots=True)
class FirstCount:
    """How many units of a new variant there are, and how many more may be sold than there are."""

    variant_id: VariantId
    on_hand: int
    backorder_limit: int


class StockKeeper(Protocol):
    """Starts counting variants, and passes over those that are counted already."""

    async def __call__(self, tx: WriteTx, counts: Sequence[FirstCount], *, now: datetime) -> None:
        """Write the counters and their first rows in the ledger."""
        ...
