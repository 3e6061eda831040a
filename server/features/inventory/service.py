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
from server.db.session import Database, ReadTx, WriteTx
from server.db.statement import together
from server.features.catalog.values import FirstCount
from server.features.events import service as events
from server.features.inventory import hold_queries, queries
from server.features.inventory.errors import OutOfStock, StockNotTracked, StockReserved, VariantNotFound
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
    short = await _try_hold(tx, order_id, demand, expires_time=expires_time, now=now)
    if not short:
        return
    overdue = [shortage.variant_id for shortage in short]
    if await hold_queries.EXPIRE_OVERDUE.all(tx, variant_ids=overdue, now=now, actor_id=None):
        short = await _try_hold(tx, order_id, demand, expires_time=expires_time, now=now)
    if short:
        raise _out_of_stock(short)


async def commit(tx: WriteTx, order_id: OrderId, *, now: datetime, actor_id: UserId | None = None) -> None:
    """Keep what an order holds for good: it does not expire any more.

    What it lost by expiry is held again first. Raises OutOfStock when that is sold meanwhile; nothing is changed then.
    """
    commit_held = hold_queries.COMMIT.bind(order_id=order_id, now=now, actor_id=actor_id)
    _, (lost,) = await together(tx, hold_queries.LOCK.bind(order_id=order_id), commit_held)
    if lost:
        await _hold_again(tx, order_id, expires_time=now, now=now)
        await hold_queries.COMMIT.one(tx, order_id=order_id, now=now, actor_id=actor_id)


async def extend(tx: WriteTx, order_id: OrderId, *, expires_time: datetime, now: datetime) -> bool:
    """Move the deadline of what an order holds, never to an earlier time, and hold again what it lost by expiry.

    False: what was lost is sold meanwhile, so it stays lost; what is left is held on.
    """
    _, (lost,) = await together(
        tx,
        hold_queries.LOCK.bind(order_id=order_id),
        hold_queries.EXTEND.bind(order_id=order_id, expires_time=expires_time),
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
    short = await hold_queries.CONSUME.all(
        tx,
        order_id=order_id,
        variant_id=list(quantities),
        quantity=list(quantities.values()),
        now=now,
        actor_id=actor_id,
    )
    if short:
        raise _out_of_stock(short)


async def release(
    tx: WriteTx, order_id: OrderId, *, now: datetime, expired: bool = False, actor_id: UserId | None = None
) -> int:
    """Give back what an order holds; return how many units.

    `expired`: its time was up; a late `commit` can still hold it again. Else it is given up for good.
    """
    command = hold_queries.EXPIRE if expired else hold_queries.RELEASE
    return int(await command.one(tx, order_id=order_id, now=now, actor_id=actor_id))


async def create_stock(tx: WriteTx, counts: Sequence[FirstCount], *, now: datetime) -> None:
    """Start counting variants, with a first row in the ledger of each; pass over those that are counted already."""
    await queries.insert_stock(tx, counts, now=now)


class InventoryService:
    """The staff's side of stock."""

    def __init__(self, db: Database, clock: Clock) -> None:
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
                return await get_stock(tx, variant_id)
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
                present = await get_stock(tx, variant_id)
                raise StockReserved(on_hand=present.on_hand, reserved=present.reserved)
            product_id = await queries.get_product_id(tx, variant_id)
            await events.record(tx, StockAdjusted(variant_id=variant_id, product_ids=(product_id,)))
            return stock


async def get_stock(tx: ReadTx, variant_id: VariantId) -> Stock:
    """Return the counters of a variant. Raises VariantNotFound, StockNotTracked."""
    stock = await queries.find_stock(tx, variant_id)
    if stock is not None:
        return stock
    if await queries.variant_exists(tx, variant_id):
        raise StockNotTracked(variant_id)
    raise VariantNotFound(variant_id)


async def _hold_again(tx: WriteTx, order_id: OrderId, *, expires_time: datetime, now: datetime) -> None:
    units = await hold_queries.LOST_UNITS.all(tx, order_id=order_id)
    await hold(tx, order_id, dict(units), expires_time=expires_time, now=now)
    await hold_queries.FORGET_LOST.run(tx, order_id=order_id)


async def _try_hold(
    tx: WriteTx, order_id: OrderId, demand: Mapping[VariantId, int], *, expires_time: datetime, now: datetime
) -> list[Shortage]:
    return await hold_queries.HOLD.all(
        tx,
        order_id=order_id,
        variant_id=list(demand),
        quantity=list(demand.values()),
        expires_time=expires_time,
        now=now,
        actor_id=None,
    )


def _out_of_stock(short: Sequence[Shortage]) -> OutOfStock:
    return OutOfStock({shortage.variant_id: max(0, shortage.available) for shortage in short})
