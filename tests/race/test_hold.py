"""Holding stock at the same time."""

import asyncio
import random
from collections.abc import Mapping
from datetime import timedelta

from server.db.session import Database
from server.features.inventory import service as inventory
from server.features.inventory.errors import OutOfStock
from server.kernel.ids import OrderId, VariantId, new_id
from tests.world.goods import LONG_AGO, VariantPlan, shelve
from tests.world.looking import stock

NOW = LONG_AGO + timedelta(days=1)
SOON = NOW + timedelta(minutes=30)


async def try_hold(db: Database, demand: Mapping[VariantId, int]) -> OrderId | None:
    order_id = OrderId(new_id())
    try:
        async with db.write() as tx:
            await inventory.hold(tx, order_id, demand, expires_time=SOON, now=NOW)
    except OutOfStock:
        return None
    return order_id


async def make_variants(db: Database, count: int, units: int) -> list[VariantId]:
    plans = [VariantPlan(stock=units, option_values=[str(number)]) for number in range(count)]
    return [variant.id for variant in (await shelve(db, variants=plans)).variants]


async def test_fifty_buyers_get_five_units_once(db: Database) -> None:
    [variant_id] = await make_variants(db, 1, 5)

    orders = await asyncio.gather(*[try_hold(db, {variant_id: 1}) for _ in range(50)])

    assert len([order for order in orders if order is not None]) == 5
    assert await stock(db) == {variant_id: (5, 5)}


async def test_buyers_of_several_units_never_share_one(db: Database) -> None:
    [variant_id] = await make_variants(db, 1, 10)

    orders = await asyncio.gather(*[try_hold(db, {variant_id: 3}) for _ in range(30)])

    assert len([order for order in orders if order is not None]) == 3
    assert await stock(db) == {variant_id: (10, 9)}


async def test_opposite_orders_do_not_wait_for_each_other(db: Database) -> None:
    variants = await make_variants(db, 6, 1000)
    choice = random.Random(1)
    demands = [dict.fromkeys(choice.sample(variants, 4), 1) for _ in range(60)]

    # A deadlock would raise: nobody retries here.
    orders = await asyncio.gather(*[try_hold(db, demand) for demand in demands])

    assert all(orders)
    assert sum(reserved for _, reserved in (await stock(db)).values()) == 240


async def test_every_step_at_once_keeps_the_books(db: Database) -> None:
    variants = await make_variants(db, 4, 20)
    choice = random.Random(2)

    async def live(number: int) -> None:
        demand = {variant_id: choice.randint(1, 3) for variant_id in choice.sample(variants, 2)}
        # Half of them are overdue from the start, so that others take their units back.
        deadline = NOW - timedelta(minutes=1) if number % 2 else SOON
        order_id = OrderId(new_id())
        try:
            async with db.write() as tx:
                await inventory.hold(tx, order_id, demand, expires_time=deadline, now=NOW)
            async with db.write() as tx:
                if number % 3 == 0:
                    await inventory.release(tx, order_id, now=NOW, expired=bool(number % 2))
                    return
                await inventory.commit(tx, order_id, now=NOW)
                await inventory.consume(tx, order_id, demand, now=NOW)
        except OutOfStock:
            return

    await asyncio.gather(*[live(number) for number in range(80)])

    for on_hand, reserved in (await stock(db)).values():
        assert 0 <= reserved <= on_hand
