"""CreateFulfillment and ShipFulfillment."""

from collections.abc import Awaitable
from uuid import uuid4

import grpc
import pytest
from kontor.orders.v1 import orders_pb2, orders_service_pb2

from server.kernel.actor import Permission, Role
from tests.buying import Bazaar, Buyer, Goods, Metadata, request_of
from tests.shop import Mailbox, refusal


@pytest.fixture
async def admin(bazaar: Bazaar) -> Metadata:
    """Sign an administrator in."""
    return await bazaar.sign_in(Role.ADMIN)


async def paid_order(bazaar: Bazaar, buyer: Buyer, shirts: int = 3) -> orders_pb2.Order:
    await buyer.add("shirt", shirts)
    await buyer.add("mug", 1)
    placed = await buyer.place(request_of(await buyer.check_out()))
    await bazaar.pay(placed)
    return await buyer.order(placed.order.id)


def pack(bazaar: Bazaar, admin: Metadata, order_id: str, **lines: int) -> Awaitable[orders_pb2.Fulfillment]:
    request = orders_service_pb2.CreateFulfillmentRequest(
        order_id=order_id,
        lines=[orders_pb2.FulfillmentLine(line_id=line_id, quantity=count) for line_id, count in lines.items()],
    )
    return bazaar.client.orders.CreateFulfillment(request, metadata=admin)


def ship(bazaar: Bazaar, admin: Metadata, order_id: str, parcel_id: str) -> Awaitable[orders_pb2.Order]:
    request = orders_service_pb2.ShipFulfillmentRequest(
        order_id=order_id, fulfillment_id=parcel_id, carrier="DHL", tracking_number="JJD0001"
    )
    return bazaar.client.orders.ShipFulfillment(request, metadata=admin)


async def test_shipping_everything_consumes_the_stock_and_completes_the_order(
    bazaar: Bazaar, admin: Metadata, mailbox: Mailbox
) -> None:
    guest = bazaar.guest()
    order = await paid_order(bazaar, guest)

    parcel = await pack(bazaar, admin, order.id)
    shipped = await ship(bazaar, admin, order.id, parcel.id)
    await bazaar.work()

    assert [line.quantity for line in parcel.lines] == [3, 1]
    assert shipped.status == orders_pb2.Order.COMPLETED
    assert shipped.fulfillment.status == orders_pb2.FulfillmentSummary.FULFILLED
    assert [line.shipped_quantity for line in shipped.lines] == [3, 1]
    assert (shipped.fulfillments[0].carrier, shipped.fulfillments[0].tracking_number) == ("DHL", "JJD0001")
    assert shipped.fulfillments[0].status == orders_pb2.Fulfillment.SHIPPED
    assert await guest.order(order.id) == shipped
    assert await bazaar.stock("shirt") == (7, 0)
    assert await bazaar.stock("mug") == (9, 0)
    await bazaar.check_ledger()
    kinds = [(entry.kind, entry.to_state, entry.actor) for entry in await guest.timeline(order.id)][-3:]
    assert kinds == [
        (orders_pb2.TimelineEntry.FULFILLMENT_CREATED, "PENDING", orders_pb2.TimelineEntry.STAFF),
        (orders_pb2.TimelineEntry.SHIPPED, "SHIPPED", orders_pb2.TimelineEntry.STAFF),
        (orders_pb2.TimelineEntry.STATUS_CHANGED, "COMPLETED", orders_pb2.TimelineEntry.SHOP),
    ]
    assert mailbox.mails[-1].subject == f"Your order {order.number} is on its way"
    assert "DHL JJD0001" in mailbox.mails[-1].text


async def test_staff_ships_with_its_permission_alone(bazaar: Bazaar) -> None:
    """Whoever packs sees the parcel and the order in the answers, and no other order."""
    clerk = await bazaar.sign_in(Role.STAFF, [Permission.ORDERS_FULFILL])
    guest = bazaar.guest()
    order = await paid_order(bazaar, guest)

    parcel = await pack(bazaar, clerk, order.id)
    shipped = await ship(bazaar, clerk, order.id, parcel.id)

    assert shipped.status == orders_pb2.Order.COMPLETED
    assert orders_pb2.TimelineEntry.STAFF in {entry.actor for entry in await guest.timeline(order.id)}
    unseen = bazaar.client.orders.GetOrder(orders_service_pb2.GetOrderRequest(order_id=order.id), metadata=clerk)
    assert (await refusal(unseen)).code == grpc.StatusCode.NOT_FOUND


async def test_ships_in_parts(bazaar: Bazaar, admin: Metadata) -> None:
    guest = bazaar.guest()
    order = await paid_order(bazaar, guest)
    shirts = order.lines[0].id

    first = await pack(bazaar, admin, order.id, **{shirts: 2})
    after_first = await ship(bazaar, admin, order.id, first.id)
    rest = await pack(bazaar, admin, order.id)
    after_rest = await ship(bazaar, admin, order.id, rest.id)

    assert after_first.status == orders_pb2.Order.CONFIRMED
    assert after_first.display_status == orders_pb2.DisplayStatus.PROCESSING
    assert after_first.fulfillment.status == orders_pb2.FulfillmentSummary.PARTIALLY_FULFILLED
    assert [line.quantity for line in rest.lines] == [1, 1]
    assert after_rest.status == orders_pb2.Order.COMPLETED
    assert await bazaar.stock("shirt") == (7, 0)
    await bazaar.check_ledger()


async def test_refuses_to_pack_more_than_is_left(bazaar: Bazaar, admin: Metadata) -> None:
    order = await paid_order(bazaar, bazaar.guest())
    shirts = order.lines[0].id
    await pack(bazaar, admin, order.id, **{shirts: 2})

    refused = await refusal(pack(bazaar, admin, order.id, **{shirts: 2}))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_TO_FULFILL")
    assert refused.metadata == {"line_id": shirts, "remaining": "1"}
    assert await bazaar.run("SELECT count(*) FROM fulfillments") == [(1,)]


async def test_refuses_when_everything_is_packed(bazaar: Bazaar, admin: Metadata) -> None:
    order = await paid_order(bazaar, bazaar.guest())
    await pack(bazaar, admin, order.id)

    assert (await refusal(pack(bazaar, admin, order.id))).reason == "NOTHING_TO_FULFILL"


async def test_the_same_key_packs_once(bazaar: Bazaar, admin: Metadata) -> None:
    order = await paid_order(bazaar, bazaar.guest())
    request = orders_service_pb2.CreateFulfillmentRequest(
        order_id=order.id,
        lines=[orders_pb2.FulfillmentLine(line_id=order.lines[0].id, quantity=1)],
        request_id=str(uuid4()),
    )

    first = await bazaar.client.orders.CreateFulfillment(request, metadata=admin)
    second = await bazaar.client.orders.CreateFulfillment(request, metadata=admin)

    assert second == first
    assert await bazaar.run("SELECT count(*) FROM fulfillments") == [(1,)]


async def test_an_unpaid_order_is_not_packed(bazaar: Bazaar, admin: Metadata) -> None:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("shirt"))

    refused = await refusal(pack(bazaar, admin, placed.order.id))

    assert refused.reason == "INVALID_TRANSITION"
    assert refused.metadata["from"] == "PENDING"


async def test_a_parcel_is_shipped_once(bazaar: Bazaar, admin: Metadata) -> None:
    order = await paid_order(bazaar, bazaar.guest())
    parcel = await pack(bazaar, admin, order.id, **{order.lines[0].id: 1})
    await ship(bazaar, admin, order.id, parcel.id)

    refused = await refusal(ship(bazaar, admin, order.id, parcel.id))

    assert (refused.reason, refused.metadata["allowed"]) == ("INVALID_TRANSITION", "DELIVERED")
    assert await bazaar.stock("shirt") == (9, 2)


async def test_a_line_of_another_order_is_refused(bazaar: Bazaar, admin: Metadata) -> None:
    order, other = await paid_order(bazaar, bazaar.guest()), await paid_order(bazaar, bazaar.guest())

    refused = await refusal(pack(bazaar, admin, order.id, **{other.lines[0].id: 1}))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["lines.line_id"])


async def test_customers_do_not_ship(bazaar: Bazaar) -> None:
    customer = await bazaar.user()
    order = await paid_order(bazaar, customer)

    refused = await refusal(pack(bazaar, customer.metadata, order.id))

    assert refused.code == grpc.StatusCode.PERMISSION_DENIED


async def test_goods_on_backorder_are_not_shipped_before_they_come_in(bazaar: Bazaar, admin: Metadata) -> None:
    await bazaar.stock_up(Goods("lamp", quantity=0, backorder=True))
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("lamp"))
    await bazaar.pay(placed)
    parcel = await pack(bazaar, admin, placed.order.id)

    refused = await refusal(ship(bazaar, admin, placed.order.id, parcel.id))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
    assert refused.metadata == {bazaar.variants["lamp"]: "0"}
    order = await guest.order(placed.order.id)
    assert (order.status, order.fulfillments[0].status) == (
        orders_pb2.Order.CONFIRMED,
        orders_pb2.Fulfillment.PENDING,
    )
    assert await bazaar.stock("lamp") == (0, 1)
