"""Stock: holding it for orders, shipping it, giving it back, and putting it right.

Contract between a hold and its order:

- A hold has a deadline. Until then nobody else can have its units. After it, `hold` of another order that finds too
  little takes the units back: the reservation becomes EXPIRED, the counters and the ledger follow, and the order is not
  touched. So an order that is PENDING and past its deadline may have lost some of its units, or all.
- That such an order becomes EXPIRED is decided in orders, which then calls `release(expired=True)` for what is left.
- `extend` and `commit` hold again what was lost, when it can still be had. When `commit` raises OutOfStock nothing has
  changed: the money came too late, and orders gives it back and calls `release`.
- The caller holds the lock of the order's row in every function that takes an order id.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from server.db.idempotency import Claim
from server.db.session import Database, WriteTx
from server.db.statement import together
from server.features.catalog.values import FirstCount
from server.features.events import service as events
from server.features.inventory import hold_queries, queries, release_queries
from server.features.inventory.errors import OutOfStock, StockReserved
from server.features.inventory.events import StockAdjusted
from server.features.inventory.values import Shortage, Stock
from server.kernel.clock import Clock
from server.kernel.ids import OrderId, UserId, VariantId


async def hold(
    tx: WriteTx, order_id: OrderId, demand: Mapping[VariantId, int], *, expires_time: datetime, now: datetime
) -> None:
    """Reserve units for an order, all or none, in one statement.

    Quantities are whole units (> 0). Variants whose stock is not counted pass. When something is short, holds of others
    on those rows that are past their deadline are taken back, and it is tried once more.
    Raises OutOfStock naming every short variant with what can be had of it; nothing is reserved then.
    """
    short = await hold_queries.hold_units(tx, order_id, demand, expires_time=expires_time, now=now)
    if not short:
        return
    if await hold_queries.expire_overdue(tx, [shortage.variant_id for shortage in short], now=now):
        short = await hold_queries.hold_units(tx, order_id, demand, expires_time=expires_time, now=now)
    if short:
        raise _out_of_stock(short)


async def commit(tx: WriteTx, order_id: OrderId, *, now: datetime, actor_id: UserId | None = None) -> None:
    """Keep what an order holds for good: it does not expire any more.

    What it lost by expiry is held again first. Raises OutOfStock when that is sold meanwhile; nothing is changed then.
    """
    _, lost = await together(
        tx,
        hold_queries.locking_stock(order_id),
        hold_queries.committing_held(order_id, actor_id=actor_id, now=now),
    )
    if lost:
        await _hold_again(tx, order_id, expires_time=now, now=now)
        await hold_queries.commit_held(tx, order_id, actor_id=actor_id, now=now)


async def extend(tx: WriteTx, order_id: OrderId, *, expires_time: datetime, now: datetime) -> bool:
    """Move the deadline of what an order holds, never to an earlier time, and hold again what it lost by expiry.

    False: what was lost is sold meanwhile, so it stays lost; what is left is held on.
    """
    _, lost = await together(
        tx,
        hold_queries.locking_stock(order_id),
        hold_queries.extending_held(order_id, expires_time=expires_time),
    )
    if not lost:
        return True
    try:
        await _hold_again(tx, order_id, expires_time=expires_time, now=now)
    except OutOfStock:
        return False
    return True


async def consume(
    tx: WriteTx,
    order_id: OrderId,
    quantities: Mapping[VariantId, int],
    *,
    now: datetime,
    actor_id: UserId | None = None,
) -> None:
    """Ship units that an order has committed: they leave the shop, and its reservations shrink by them.

    Variants of which the order reserved nothing pass: their stock was not counted when it was placed.
    Raises OutOfStock when goods on backorder have not come in yet; nothing is consumed then.
    """
    short = await release_queries.consume_units(tx, order_id, quantities, actor_id=actor_id, now=now)
    if short:
        raise _out_of_stock(short)


async def release(
    tx: WriteTx, order_id: OrderId, *, now: datetime, expired: bool = False, actor_id: UserId | None = None
) -> int:
    """Give back what an order holds; return how many units.

    `expired`: its time was up; a late `commit` can still hold it again. Else it is given up for good.
    """
    return await release_queries.release_units(tx, order_id, expired=expired, actor_id=actor_id, now=now)


async def create_stock(tx: WriteTx, counts: Sequence[FirstCount], *, now: datetime) -> None:
    """Start counting variants, with a first row in the ledger of each; pass over those that are counted already."""
    await queries.insert_stock(tx, counts, now=now)


class InventoryService:
    """The staff's side of stock."""

    def __init__(self, *, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def adjust_stock(
        self,
        variant_id: VariantId,
        *,
        delta: int | None,
        on_hand: int | None,
        reason: str,
        actor_id: UserId | None,
        claim: Claim,
    ) -> Stock:
        """Change how many units are there: by `delta`, or to `on_hand`.

        Raises VariantNotFound, StockNotTracked, StockReserved.
        """
        async with self._db.write() as tx:
            if await claim.take(tx, variant_id) is not None:
                return await queries.get_stock(tx, variant_id)
            stock = await queries.adjust_on_hand(
                tx,
                variant_id,
                delta=delta,
                on_hand=on_hand,
                reason=reason,
                actor_id=actor_id,
                now=self._clock.now(),
            )
            if stock is None:
                present = await queries.get_stock(tx, variant_id)
                raise StockReserved(on_hand=present.on_hand, reserved=present.reserved)
            product_id = await queries.get_product_id(tx, variant_id)
            await events.record(tx, StockAdjusted(variant_id=variant_id, product_ids=(product_id,)))
            return stock


async def _hold_again(tx: WriteTx, order_id: OrderId, *, expires_time: datetime, now: datetime) -> None:
    lost = await hold_queries.list_lost(tx, order_id)
    await hold(tx, order_id, {one.variant_id: one.quantity for one in lost}, expires_time=expires_time, now=now)
    await hold_queries.forget_lost(tx, order_id)


def _out_of_stock(short: Sequence[Shortage]) -> OutOfStock:
    return OutOfStock({shortage.variant_id: max(0, shortage.available) for shortage in short})
