"""What happens to an order in one transaction is stored at its end, all of it, and only what happened."""

from datetime import timedelta
from typing import Any

import pytest

from server.db.statement import count_statements
from server.features.orders import queries
from server.features.orders.invoicing.values import Seller
from server.features.orders.progress.service import changing, issue_invoice_if_paid
from server.features.orders.settlement_service import OrderSettlement
from server.features.orders.values import OrderStatus, PaymentSummary, TimelineKind, TimelineStep
from server.features.payments.values import PaymentTotals
from server.kernel.ids import ORDER, OrderId
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")

_SELLER = Seller("Kontor", (), "", "en")


async def place(shop: Shop) -> OrderId:
    guest = shop.guest()
    placed = await guest.buy("shirt")
    return ORDER.read(placed.order.id, "order_id")


async def stored(shop: Shop) -> list[Any]:
    return await shop.run("SELECT status, payment_status, updated_time FROM orders")


async def kinds(shop: Shop) -> list[str]:
    return [kind for (kind,) in await shop.run("SELECT kind FROM order_timeline ORDER BY sequence")]


async def test_stores_what_happened_in_the_block(shop: Shop) -> None:
    order_id = await place(shop)
    shop.clock.advance(timedelta(minutes=1))

    async with shop.db.write() as tx:
        order = await queries.lock_order(tx, order_id)
        async with changing(tx, order, now=shop.clock.now()) as change:
            change.update(status=OrderStatus.CANCELED)
            change.note(TimelineStep(TimelineKind.STATUS_CHANGED, order.record.status, OrderStatus.CANCELED))

    assert await stored(shop) == [("CANCELED", "UNPAID", shop.clock.now())]
    assert await kinds(shop) == ["PLACED", "STATUS_CHANGED"]


async def test_stores_nothing_of_a_block_that_fails(shop: Shop) -> None:
    order_id = await place(shop)
    before = await stored(shop)

    async with shop.db.write() as tx:
        order = await queries.lock_order(tx, order_id)

        async def fail() -> None:
            async with changing(tx, order, now=shop.clock.now()) as change:
                change.update(status=OrderStatus.CANCELED)
                change.note(TimelineStep(TimelineKind.STATUS_CHANGED))
                raise KeyError

        with pytest.raises(KeyError):
            await fail()

    assert await stored(shop) == before
    assert await kinds(shop) == ["PLACED"]


async def test_a_block_in_which_nothing_happens_runs_no_statement(shop: Shop) -> None:
    order_id = await place(shop)

    async with shop.db.write() as tx:
        order = await queries.lock_order(tx, order_id)
        with count_statements() as statements:
            async with changing(tx, order, now=shop.clock.now()):
                pass

    assert not statements


async def test_an_invoice_is_issued_once_however_often_it_is_asked_for(shop: Shop) -> None:
    order_id = await place(shop)

    async with shop.db.write() as tx:
        order = await queries.lock_order(tx, order_id)
        async with changing(tx, order, now=shop.clock.now()) as change:
            change.update(payment_status=PaymentSummary.PAID)
            issue_invoice_if_paid(change, seller=_SELLER)
            issue_invoice_if_paid(change, seller=_SELLER)

    number = f"{shop.clock.now().year}-000001"
    assert change.order.record.invoice_number == number
    assert await shop.run("SELECT number FROM invoices") == [(number,)]
    assert await shop.run("SELECT note FROM order_timeline WHERE kind = 'INVOICE_ISSUED'") == [(number,)]


async def test_news_that_change_nothing_about_a_canceled_order_leave_it_as_it_is(shop: Shop) -> None:
    order_id = await place(shop)
    await shop.run("UPDATE orders SET status = 'CANCELED'")
    settlement = OrderSettlement(clock=shop.clock, seller=_SELLER)
    totals = PaymentTotals(
        captured_minor=2490,
        authorized_minor=0,
        refunded_minor=0,
        refund_pending_minor=0,
        processing_minor=0,
        action_minor=0,
        voided_minor=0,
    )

    async def hear() -> None:
        shop.clock.advance(timedelta(minutes=1))
        async with shop.db.write() as tx:
            assert await settlement.payment_changed(tx, order_id, totals, actor=None) is not None

    await hear()
    after_first = await stored(shop)
    await hear()

    assert await stored(shop) == after_first
    assert await kinds(shop) == ["PLACED", "PAYMENT_CHANGED"]
