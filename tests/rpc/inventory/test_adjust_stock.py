"""InventoryService.AdjustStock."""

import asyncio
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from kontor.inventory.v1 import inventory_pb2
from kontor.inventory.v1 import inventory_service_pb2 as api

from server.features.inventory import service as inventory
from server.kernel.ids import VARIANT, OrderId, new_id
from tests.world.goods import Variant
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop


@dataclass
class Shelf:
    """A variant of which five are there, and the one who looks after it."""

    shop: Shop
    admin: Person
    variant: Variant

    async def adjust(self, **change: Any) -> inventory_pb2.Stock:
        request = api.AdjustStockRequest(**{"variant_id": self.variant.name, "reason": "counted", **change})
        stock: inventory_pb2.Stock = await self.admin.call(request)
        return stock

    async def hold(self, quantity: int) -> None:
        now = self.shop.clock.now()
        async with self.shop.db.write() as tx:
            await inventory.hold(tx, OrderId(new_id()), {self.variant.id: quantity}, expires_time=now, now=now)

    async def ledger(self) -> list[tuple[Any, ...]]:
        return await self.shop.run(
            "SELECT kind, on_hand_delta, reserved_delta, reason, actor_id FROM stock_movements ORDER BY id",
        )


@pytest.fixture
async def shelf(shop: Shop, admin: Person) -> Shelf:
    return Shelf(shop, admin, (await shop.shelve(stock=5)).variant)


INITIAL = ("INITIAL", 5, 0, "", None)


async def test_adds_a_difference(shelf: Shelf) -> None:
    stock = await shelf.adjust(delta_count=-2, reason="broken")

    assert (stock.on_hand_count, stock.available_count) == (3, 3)
    assert stock.update_time.ToDatetime(shelf.shop.clock.now().tzinfo) == shelf.shop.clock.now()
    assert await shelf.ledger() == [INITIAL, ("ADJUST", -2, 0, "broken", shelf.admin.id)]


async def test_sets_a_count(shelf: Shelf) -> None:
    stock = await shelf.adjust(on_hand_count=9)

    assert stock.on_hand_count == 9
    assert await shelf.ledger() == [INITIAL, ("ADJUST", 4, 0, "counted", shelf.admin.id)]


async def test_leaves_what_orders_hold(shelf: Shelf) -> None:
    await shelf.hold(3)

    for change in ({"delta_count": -3}, {"on_hand_count": 2}):
        refused = await refusal(shelf.adjust(**change))
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STOCK_RESERVED")
        assert refused.metadata == {"on_hand": "5", "reserved": "3"}
    assert len(await shelf.ledger()) == 2
    assert (await shelf.adjust(delta_count=-2)).available_count == 0


async def test_does_not_go_below_nothing(shelf: Shelf) -> None:
    refused = await refusal(shelf.adjust(delta_count=-6))

    assert refused.reason == "STOCK_RESERVED"
    assert await shelf.ledger() == [INITIAL]


async def test_changes_once_for_a_key(shelf: Shelf) -> None:
    first = await shelf.adjust(delta_count=1, request_id="delivery 7")
    second = await shelf.adjust(delta_count=1, request_id="delivery 7")
    other = await refusal(shelf.adjust(delta_count=2, request_id="delivery 7"))

    assert first == second
    assert first.on_hand_count == 6
    assert other.reason == "IDEMPOTENCY_KEY_REUSED"
    assert len(await shelf.ledger()) == 2


async def test_counts_twins_once(shelf: Shelf) -> None:
    stocks = await asyncio.gather(*[shelf.adjust(delta_count=1, request_id="delivery 8") for _ in range(4)])

    assert [stock.on_hand_count for stock in stocks] == [6] * 4
    assert len(await shelf.ledger()) == 2


async def test_tells_uncounted_from_unknown(shelf: Shelf) -> None:
    uncounted = (await shelf.shop.shelve(stock=None)).variant

    refused = await refusal(shelf.adjust(delta_count=1, variant_id=uncounted.name))
    missing = await refusal(shelf.adjust(delta_count=1, variant_id=VARIANT.write(VARIANT.new())))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STOCK_NOT_TRACKED")
    assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"delta_count": 0}, "delta_count"),
        ({"on_hand_count": -1}, "on_hand_count"),
        ({}, "change"),
        ({"delta_count": 1, "reason": ""}, "reason"),
        ({"delta_count": 1, "variant_id": "prod_x"}, "variant_id"),
    ],
)
async def test_names_the_wrong_field(shelf: Shelf, change: dict[str, Any], field: str) -> None:
    refused = await refusal(shelf.adjust(**change))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
    assert await shelf.ledger() == [INITIAL]


async def test_is_for_administrators(shelf: Shelf) -> None:
    shelf.admin = await shelf.shop.customer()

    refused = await refusal(shelf.adjust(delta_count=1))

    assert refused.code is grpc.StatusCode.PERMISSION_DENIED
    assert await shelf.ledger() == [INITIAL]
