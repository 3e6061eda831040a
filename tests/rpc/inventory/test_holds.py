"""The life of a hold, as orders use it; no RPC shows it by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from server.db.session import Database
from server.db.statement import count_statements
from server.features.catalog.values import FirstCount
from server.features.inventory import service as inventory
from server.features.inventory.errors import OutOfStock
from server.kernel.ids import OrderId, VariantId, new_id
from tests.world.goods import LONG_AGO, shelve
from tests.world.looking import execute, run, stock

NOW = LONG_AGO + timedelta(days=1)
SOON = NOW + timedelta(minutes=30)
LATER = SOON + timedelta(minutes=1)


@dataclass
class Warehouse:
    """Ten mugs, two cups and a file that is not counted."""

    db: Database
    mug: VariantId
    cup: VariantId
    file: VariantId

    async def hold(
        self, demand: Mapping[VariantId, int], order_id: OrderId | None = None, *, now: datetime = NOW
    ) -> OrderId:
        order_id = order_id or OrderId(new_id())
        async with self.db.write() as tx:
            await inventory.hold(tx, order_id, demand, expires_time=now + timedelta(minutes=30), now=now)
        return order_id

    async def commit(self, order_id: OrderId, *, now: datetime = NOW) -> None:
        async with self.db.write() as tx:
            await inventory.commit(tx, order_id, now=now)

    async def release(self, order_id: OrderId, *, expired: bool = False) -> int:
        async with self.db.write() as tx:
            return await inventory.release(tx, order_id, now=NOW, expired=expired)

    async def consume(self, order_id: OrderId, quantities: Mapping[VariantId, int]) -> None:
        async with self.db.write() as tx:
            await inventory.consume(tx, order_id, quantities, now=NOW)

    async def counters(self, variant_id: VariantId) -> tuple[int, int]:
        """Return on hand and reserved, having compared them with the ledger."""
        return (await stock(self.db))[variant_id]

    async def reservations(self, order_id: OrderId) -> list[tuple[Any, ...]]:
        return await run(
            self.db,
            "SELECT quantity, status FROM reservations WHERE order_id = %s ORDER BY sequence, quantity DESC",
            order_id,
        )

    async def movements(self, order_id: OrderId) -> list[tuple[Any, ...]]:
        return await run(
            self.db,
            "SELECT kind, on_hand_delta, reserved_delta FROM stock_movements WHERE order_id = %s ORDER BY id",
            order_id,
        )


@pytest.fixture
async def warehouse(db: Database) -> Warehouse:
    products = [await shelve(db, stock=stock) for stock in (10, 2, None)]
    return Warehouse(db, *[product.variant.id for product in products])


async def test_holds_everything(warehouse: Warehouse) -> None:
    order_id = await warehouse.hold({warehouse.mug: 4, warehouse.cup: 2, warehouse.file: 99})

    assert await warehouse.counters(warehouse.mug) == (10, 4)
    assert await warehouse.counters(warehouse.cup) == (2, 2)
    assert await warehouse.reservations(order_id) == [(4, "HELD"), (2, "HELD")]
    assert sorted(await warehouse.movements(order_id)) == [("HOLD", 0, 2), ("HOLD", 0, 4)]


async def test_holds_in_one_statement(warehouse: Warehouse) -> None:
    with count_statements() as log:
        await warehouse.hold({warehouse.mug: 4, warehouse.cup: 2, warehouse.file: 99})

    assert len(log) == 1


async def test_holds_nothing_when_one_is_short_and_names_all_that_are(warehouse: Warehouse) -> None:
    await warehouse.hold({warehouse.mug: 9})

    with pytest.raises(OutOfStock) as caught:
        await warehouse.hold({warehouse.mug: 2, warehouse.cup: 3, warehouse.file: 1})

    assert caught.value.available == {warehouse.mug: 1, warehouse.cup: 2}
    assert await warehouse.counters(warehouse.mug) == (10, 9)
    assert await warehouse.counters(warehouse.cup) == (2, 0)


async def test_keeps_safety_stock_and_sells_on_backorder(warehouse: Warehouse) -> None:
    async with warehouse.db.write() as tx:
        await execute(tx, "UPDATE stock_items SET safety = 3 WHERE variant_id = %s", warehouse.mug)
        await execute(tx, "UPDATE stock_items SET backorder_limit = 5 WHERE variant_id = %s", warehouse.cup)

    with pytest.raises(OutOfStock) as caught:
        await warehouse.hold({warehouse.mug: 8, warehouse.cup: 8})
    await warehouse.hold({warehouse.mug: 7, warehouse.cup: 7})

    assert caught.value.available == {warehouse.mug: 7, warehouse.cup: 7}
    assert await warehouse.counters(warehouse.cup) == (2, 7)


async def test_takes_back_what_is_overdue(warehouse: Warehouse) -> None:
    overdue = await warehouse.hold({warehouse.cup: 2, warehouse.mug: 1})
    committed = await warehouse.hold({warehouse.mug: 3})
    await warehouse.commit(committed)

    second = await warehouse.hold({warehouse.cup: 1}, now=LATER)

    assert sorted(await warehouse.reservations(overdue)) == [(1, "HELD"), (2, "EXPIRED")]
    assert ("EXPIRE", 0, -2) in await warehouse.movements(overdue)
    assert await warehouse.reservations(second) == [(1, "HELD")]
    assert await warehouse.counters(warehouse.cup) == (2, 1)
    # Nobody wanted more mugs than there were, so nothing of them was taken back.
    assert await warehouse.counters(warehouse.mug) == (10, 4)


async def test_leaves_a_hold_that_is_not_overdue(warehouse: Warehouse) -> None:
    await warehouse.hold({warehouse.cup: 2})

    with pytest.raises(OutOfStock) as caught:
        await warehouse.hold({warehouse.cup: 1}, now=SOON - timedelta(seconds=1))

    assert caught.value.available == {warehouse.cup: 0}


async def test_commits_and_then_does_not_expire(warehouse: Warehouse) -> None:
    order_id = await warehouse.hold({warehouse.cup: 2})

    await warehouse.commit(order_id)

    assert await warehouse.reservations(order_id) == [(2, "COMMITTED")]
    assert await warehouse.movements(order_id) == [("HOLD", 0, 2), ("COMMIT", 0, 0)]
    with pytest.raises(OutOfStock):
        await warehouse.hold({warehouse.cup: 1}, now=LATER)


async def test_commits_late_when_it_can_be_had_again(warehouse: Warehouse) -> None:
    order_id = await warehouse.hold({warehouse.cup: 2, warehouse.mug: 1})
    await warehouse.release(order_id, expired=True)
    assert await warehouse.counters(warehouse.cup) == (2, 0)

    await warehouse.commit(order_id, now=LATER)

    assert await warehouse.counters(warehouse.cup) == (2, 2)
    assert await warehouse.counters(warehouse.mug) == (10, 1)
    assert sorted(await warehouse.reservations(order_id)) == [
        (1, "COMMITTED"),
        (1, "RELEASED"),
        (2, "COMMITTED"),
        (2, "RELEASED"),
    ]
    # Once more changes nothing.
    await warehouse.commit(order_id, now=LATER)
    assert await warehouse.counters(warehouse.cup) == (2, 2)


async def test_commits_late_what_was_lost_in_part(warehouse: Warehouse) -> None:
    order_id = await warehouse.hold({warehouse.cup: 1, warehouse.mug: 1})
    other = await warehouse.hold({warehouse.cup: 2}, now=LATER)
    await warehouse.release(other)

    await warehouse.commit(order_id, now=LATER)

    assert await warehouse.counters(warehouse.cup) == (2, 1)
    assert await warehouse.counters(warehouse.mug) == (10, 1)


async def test_refuses_a_late_commit_when_it_is_sold(warehouse: Warehouse) -> None:
    order_id = await warehouse.hold({warehouse.cup: 1, warehouse.mug: 1})
    await warehouse.hold({warehouse.cup: 2}, now=LATER)

    with pytest.raises(OutOfStock) as caught:
        await warehouse.commit(order_id, now=LATER)

    assert caught.value.available == {warehouse.cup: 0}
    assert sorted(await warehouse.reservations(order_id)) == [(1, "EXPIRED"), (1, "HELD")]
    assert await warehouse.release(order_id) == 1
    assert await warehouse.counters(warehouse.mug) == (10, 0)


async def test_refusing_a_late_commit_leaves_the_transaction_usable(warehouse: Warehouse) -> None:
    order_id = await warehouse.hold({warehouse.cup: 1})
    await warehouse.hold({warehouse.cup: 2}, now=LATER)

    async with warehouse.db.write() as tx:
        with pytest.raises(OutOfStock):
            await inventory.commit(tx, order_id, now=LATER)
        await inventory.release(tx, order_id, now=LATER)

    assert await warehouse.reservations(order_id) == [(1, "EXPIRED")]


async def test_releases(warehouse: Warehouse) -> None:
    held = await warehouse.hold({warehouse.mug: 2})
    committed = await warehouse.hold({warehouse.mug: 3})
    await warehouse.commit(committed)

    assert await warehouse.release(held) == 2
    assert await warehouse.release(committed) == 3
    assert await warehouse.release(committed) == 0

    assert await warehouse.counters(warehouse.mug) == (10, 0)
    assert await warehouse.reservations(committed) == [(3, "RELEASED")]
    assert (await warehouse.movements(held))[-1] == ("RELEASE", 0, -2)


async def test_extends_but_never_shortens(warehouse: Warehouse) -> None:
    order_id = await warehouse.hold({warehouse.cup: 2})

    async with warehouse.db.write() as tx:
        assert await inventory.extend(tx, order_id, expires_time=SOON + timedelta(hours=1), now=NOW)
        assert await inventory.extend(tx, order_id, expires_time=NOW, now=NOW)

    with pytest.raises(OutOfStock):
        await warehouse.hold({warehouse.cup: 1}, now=LATER)


async def test_holds_again_what_was_lost(warehouse: Warehouse) -> None:
    order_id = await warehouse.hold({warehouse.cup: 2, warehouse.mug: 1})
    other = await warehouse.hold({warehouse.cup: 1}, now=LATER)
    await warehouse.release(other)

    async with warehouse.db.write() as tx:
        assert await inventory.extend(tx, order_id, expires_time=LATER + timedelta(hours=1), now=LATER)

    assert sorted(await warehouse.reservations(order_id)) == [(1, "HELD"), (2, "HELD"), (2, "RELEASED")]
    with pytest.raises(OutOfStock):
        await warehouse.hold({warehouse.cup: 1}, now=LATER)


async def test_holds_on_to_the_rest_when_something_is_sold(warehouse: Warehouse) -> None:
    order_id = await warehouse.hold({warehouse.cup: 2, warehouse.mug: 10})
    await warehouse.hold({warehouse.cup: 1}, now=LATER)

    async with warehouse.db.write() as tx:
        assert not await inventory.extend(tx, order_id, expires_time=LATER + timedelta(hours=1), now=LATER)

    assert sorted(await warehouse.reservations(order_id)) == [(2, "EXPIRED"), (10, "HELD")]
    with pytest.raises(OutOfStock):
        await warehouse.hold({warehouse.mug: 1}, now=LATER)


async def test_ships_in_parts(warehouse: Warehouse) -> None:
    order_id = await warehouse.hold({warehouse.mug: 5, warehouse.cup: 1, warehouse.file: 1})
    await warehouse.commit(order_id)

    await warehouse.consume(order_id, {warehouse.mug: 2, warehouse.file: 1})
    assert await warehouse.counters(warehouse.mug) == (8, 3)
    await warehouse.consume(order_id, {warehouse.mug: 1, warehouse.cup: 1})
    assert await warehouse.counters(warehouse.mug) == (7, 2)
    assert await warehouse.counters(warehouse.cup) == (1, 0)
    await warehouse.consume(order_id, {warehouse.mug: 2})

    assert await warehouse.counters(warehouse.mug) == (5, 0)
    assert sorted(await warehouse.reservations(order_id)) == [
        (1, "CONSUMED"),
        (1, "CONSUMED"),
        (2, "CONSUMED"),
        (2, "CONSUMED"),
    ]
    assert await warehouse.release(order_id) == 0


async def test_gives_back_what_was_not_shipped(warehouse: Warehouse) -> None:
    order_id = await warehouse.hold({warehouse.mug: 5})
    await warehouse.commit(order_id)
    await warehouse.consume(order_id, {warehouse.mug: 2})

    assert await warehouse.release(order_id) == 3

    assert await warehouse.counters(warehouse.mug) == (8, 0)


async def test_does_not_ship_what_is_not_there_yet(warehouse: Warehouse) -> None:
    await run(warehouse.db, "UPDATE stock_items SET backorder_limit = 5 WHERE variant_id = %s", warehouse.cup)
    order_id = await warehouse.hold({warehouse.cup: 4, warehouse.mug: 1})
    await warehouse.commit(order_id)

    with pytest.raises(OutOfStock) as caught:
        await warehouse.consume(order_id, {warehouse.cup: 3, warehouse.mug: 1})

    assert caught.value.available == {warehouse.cup: 2}
    assert await warehouse.counters(warehouse.mug) == (10, 1)
    await warehouse.consume(order_id, {warehouse.cup: 2, warehouse.mug: 1})
    assert await warehouse.counters(warehouse.cup) == (0, 2)


async def test_starts_counting_once(warehouse: Warehouse) -> None:
    counts = [FirstCount(warehouse.file, 4, 1), FirstCount(warehouse.mug, 99, 0)]
    async with warehouse.db.write() as tx:
        await inventory.create_stock(tx, counts, now=NOW)

    assert await warehouse.counters(warehouse.file) == (4, 0)
    assert await warehouse.counters(warehouse.mug) == (10, 0)
    assert await run(warehouse.db, "SELECT count(*) FROM locations") == [(1,)]
