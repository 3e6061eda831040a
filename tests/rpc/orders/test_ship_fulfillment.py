"""OrderService.ShipFulfillment."""

import grpc
import pytest
from kontor.orders.v1 import orders_pb2

from server.db.statement import count_statements
from server.kernel.actor import Permission
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")


async def paid_order(shop: Shop, buyer: Person) -> orders_pb2.Order:
    """Let somebody buy three shirts and a mug."""
    return await shop.sell(buyer, "shirt", "shirt", "shirt", "mug")


async def test_shipping_everything_consumes_the_stock_and_completes_the_order(shop: Shop, admin: Person) -> None:
    guest = shop.guest()
    order = await paid_order(shop, guest)

    parcel = await admin.pack(order.id)
    shipped = await admin.ship(order.id, parcel.id)
    await shop.work()

    assert [line.quantity for line in parcel.lines] == [3, 1]
    assert shipped.status == orders_pb2.Order.COMPLETED
    assert shipped.fulfillment.status == orders_pb2.FulfillmentSummary.FULFILLED
    assert [line.shipped_quantity for line in shipped.lines] == [3, 1]
    assert (shipped.fulfillments[0].carrier, shipped.fulfillments[0].tracking_number) == ("DHL", "JJD0001")
    assert shipped.fulfillments[0].status == orders_pb2.Fulfillment.SHIPPED
    assert await guest.order(order.id) == shipped
    assert await shop.stock("shirt") == (7, 0)
    assert await shop.stock("mug") == (9, 0)
    await shop.check_ledger()
    kinds = [(entry.kind, entry.to_state, entry.actor) for entry in await guest.timeline(order.id)][-3:]
    assert kinds == [
        (orders_pb2.TimelineEntry.FULFILLMENT_CREATED, "PENDING", orders_pb2.TimelineEntry.STAFF),
        (orders_pb2.TimelineEntry.SHIPPED, "SHIPPED", orders_pb2.TimelineEntry.STAFF),
        (orders_pb2.TimelineEntry.STATUS_CHANGED, "COMPLETED", orders_pb2.TimelineEntry.SHOP),
    ]
    assert shop.mailbox.mails[-1].subject == f"Your order {order.number} is on its way"
    assert "DHL JJD0001" in shop.mailbox.mails[-1].text


async def test_staff_ships_with_its_permission_alone(shop: Shop) -> None:
    """Whoever packs sees the parcel and the order in the answers, and no other order."""
    clerk, guest = await shop.staff(Permission.ORDERS_FULFILL), shop.guest()
    order = await paid_order(shop, guest)

    parcel = await clerk.pack(order.id)
    shipped = await clerk.ship(order.id, parcel.id)

    assert shipped.status == orders_pb2.Order.COMPLETED
    assert orders_pb2.TimelineEntry.STAFF in {entry.actor for entry in await guest.timeline(order.id)}
    assert (await refusal(clerk.order(order.id))).code == grpc.StatusCode.NOT_FOUND


async def test_a_parcel_is_shipped_once(shop: Shop, admin: Person) -> None:
    order = await paid_order(shop, shop.guest())
    parcel = await admin.pack(order.id, **{order.lines[0].id: 1})
    await admin.ship(order.id, parcel.id)

    refused = await refusal(admin.ship(order.id, parcel.id))

    assert (refused.reason, refused.metadata["allowed"]) == ("INVALID_TRANSITION", "DELIVERED")
    assert await shop.stock("shirt") == (9, 2)


async def test_goods_on_backorder_are_not_shipped_before_they_come_in(shop: Shop, admin: Person) -> None:
    await shop.shelve("Lamp", stock=0, backorder_limit=10)
    guest = shop.guest()
    placed = await guest.buy("lamp")
    await shop.pay(placed)
    parcel = await admin.pack(placed.order.id)

    refused = await refusal(admin.ship(placed.order.id, parcel.id))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
    assert refused.metadata == {shop.variants["lamp"]: "0"}
    order = await guest.order(placed.order.id)
    assert (order.status, order.fulfillments[0].status) == (
        orders_pb2.Order.CONFIRMED,
        orders_pb2.Fulfillment.PENDING,
    )
    assert await shop.stock("lamp") == (0, 1)


async def test_locks_the_order_once(shop: Shop, admin: Person) -> None:
    order = await paid_order(shop, shop.guest())
    parcel = await admin.pack(order.id)

    with count_statements() as statements:
        await admin.ship(order.id, parcel.id)

    assert sum("FOR UPDATE OF orders" in statement for statement in statements) == 1, "\n".join(statements)
