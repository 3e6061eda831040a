"""InventoryService.GetStock."""

import grpc
from kontor.inventory.v1 import inventory_service_pb2 as api

from server.kernel.ids import VARIANT
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_shows_the_counters(shop: Shop, admin: Person) -> None:
    made = await shop.shelve(stock=7, backorder_limit=2)

    stock = await admin.call(api.GetStockRequest(variant_id=made.variant.name))

    assert stock.variant_id == made.variant.name
    assert stock.id.startswith("stock_")
    assert (stock.on_hand_count, stock.reserved_count, stock.safety_count) == (7, 0, 0)
    assert (stock.available_count, stock.backorder_limit_count) == (7, 2)


async def test_tells_uncounted_from_unknown(shop: Shop, admin: Person) -> None:
    made = await shop.shelve(stock=None)
    unknown = VARIANT.write(VARIANT.new())

    uncounted = await refusal(admin.call(api.GetStockRequest(variant_id=made.variant.name)))
    missing = await refusal(admin.call(api.GetStockRequest(variant_id=unknown)))
    wrong = await refusal(admin.call(api.GetStockRequest(variant_id="x")))

    assert (uncounted.code, uncounted.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STOCK_NOT_TRACKED")
    assert uncounted.metadata == {"variant_id": made.variant.name}
    assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert (wrong.code, list(wrong.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["variant_id"])


async def test_is_for_administrators(shop: Shop, customer: Person) -> None:
    made = await shop.shelve()
    request = api.GetStockRequest(variant_id=made.variant.name)

    assert (await refusal(shop.call(request))).code is grpc.StatusCode.UNAUTHENTICATED
    refused = await refusal(customer.call(request))
    assert refused.code is grpc.StatusCode.PERMISSION_DENIED
