"""OrderService.CreateFulfillment."""

from uuid import uuid4

import grpc
import pytest
from kontor.orders.v1 import orders_pb2, orders_service_pb2

from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")


async def paid_order(shop: Shop, buyer: Person) -> orders_pb2.Order:
    """Let somebody buy three shirts and a mug."""
    return await shop.sell(buyer, "shirt", "shirt", "shirt", "mug")


async def test_ships_in_parts(shop: Shop, admin: Person) -> None:
    guest = shop.guest()
    order = await paid_order(shop, guest)
    shirts = order.lines[0].id

    first = await admin.pack(order.id, **{shirts: 2})
    after_first = await admin.ship(order.id, first.id)
    rest = await admin.pack(order.id)
    after_rest = await admin.ship(order.id, rest.id)

    assert after_first.status == orders_pb2.Order.CONFIRMED
    assert after_first.display_status == orders_pb2.DisplayStatus.PROCESSING
    assert after_first.fulfillment.status == orders_pb2.FulfillmentSummary.PARTIALLY_FULFILLED
    assert [line.quantity for line in rest.lines] == [1, 1]
    assert after_rest.status == orders_pb2.Order.COMPLETED
    assert await shop.stock("shirt") == (7, 0)
    await shop.check_ledger()


async def test_refuses_to_pack_more_than_is_left(shop: Shop, admin: Person) -> None:
    order = await paid_order(shop, shop.guest())
    shirts = order.lines[0].id
    await admin.pack(order.id, **{shirts: 2})

    refused = await refusal(admin.pack(order.id, **{shirts: 2}))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_TO_FULFILL")
    assert refused.metadata == {"line_id": shirts, "remaining": "1"}
    assert await shop.count("fulfillments") == 1


async def test_refuses_when_everything_is_packed(shop: Shop, admin: Person) -> None:
    order = await paid_order(shop, shop.guest())
    await admin.pack(order.id)

    assert (await refusal(admin.pack(order.id))).reason == "NOTHING_TO_FULFILL"


async def test_the_same_key_packs_once(shop: Shop, admin: Person) -> None:
    order = await paid_order(shop, shop.guest())
    request = orders_service_pb2.CreateFulfillmentRequest(
        order_id=order.id,
        lines=[orders_pb2.FulfillmentLine(line_id=order.lines[0].id, quantity=1)],
        request_id=str(uuid4()),
    )

    first = await admin.call(request)
    second = await admin.call(request)

    assert second == first
    assert await shop.count("fulfillments") == 1


async def test_an_unpaid_order_is_not_packed(shop: Shop, admin: Person) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt")

    refused = await refusal(admin.pack(placed.order.id))

    assert refused.reason == "INVALID_TRANSITION"
    assert refused.metadata["from"] == "PENDING"


async def test_a_line_of_another_order_is_refused(shop: Shop, admin: Person) -> None:
    order, other = await paid_order(shop, shop.guest()), await paid_order(shop, shop.guest())

    refused = await refusal(admin.pack(order.id, **{other.lines[0].id: 1}))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["lines.line_id"])


async def test_customers_do_not_ship(shop: Shop) -> None:
    customer = await shop.customer()
    order = await paid_order(shop, customer)

    refused = await refusal(customer.pack(order.id))

    assert refused.code == grpc.StatusCode.PERMISSION_DENIED
