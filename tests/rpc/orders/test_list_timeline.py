"""OrderService.ListTimeline."""

from datetime import timedelta

import grpc
import pytest
from kontor.orders.v1 import orders_pb2
from kontor.orders.v1.orders_pb2 import TimelineEntry

from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")


async def test_the_timeline_of_others_does_not_exist(others_order: orders_pb2.Order, stranger: Person) -> None:
    assert (await refusal(stranger.timeline(others_order.id))).code == grpc.StatusCode.NOT_FOUND


async def test_tells_what_happened_in_its_order(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt")
    shop.clock.advance(timedelta(minutes=1))
    await shop.pay(placed)

    entries = await guest.timeline(placed.order.id)

    assert [(entry.kind, entry.actor) for entry in entries] == [
        (TimelineEntry.PLACED, TimelineEntry.GUEST),
        (TimelineEntry.PAYMENT_CHANGED, TimelineEntry.SHOP),
        (TimelineEntry.STATUS_CHANGED, TimelineEntry.SHOP),
        (TimelineEntry.INVOICE_ISSUED, TimelineEntry.SHOP),
    ]
    times = [entry.create_time.ToDatetime() for entry in entries]
    assert [time - times[0] for time in times] == [timedelta(), *[timedelta(minutes=1)] * 3]


async def test_an_administrator_sees_every_timeline(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt")
    admin = await shop.admin()

    assert await admin.timeline(placed.order.id) == await guest.timeline(placed.order.id)
