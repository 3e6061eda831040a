"""What happens to an order in one transaction is stored at its end, all of it, and only what happened."""

from datetime import timedelta
from typing import Any

import pytest

from server.db.statement import count_statements
from server.features.orders import queries
from server.features.orders.invoicing.service import Seller
from server.features.orders.progress_service import changing, issue_invoice_if_paid
from server.features.orders.rules import OrderStatus, PaymentStatus
from server.features.orders.settlement_service import OrderSettlement
from server.features.orders.write_queries import Step
from server.features.payments.rules import PaymentTotals
from server.kernel.ids import OrderId, Prefix, parse_id
from tests.buying import Bazaar

_SELLER = Seller("Kontor", (), "", "en")


async def place(bazaar: Bazaar) -> OrderId:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("shirt"))
    return OrderId(parse_id(Prefix.ORDER, placed.order.id, field="order_id"))


async def stored(bazaar: Bazaar) -> list[Any]:
    return await bazaar.run("SELECT status, payment_status, updated_time FROM orders")


async def kinds(bazaar: Bazaar) -> list[str]:
    return [kind for (kind,) in await bazaar.run("SELECT kind FROM order_timeline ORDER BY sequence")]


async def test_stores_what_happened_in_the_block(bazaar: Bazaar) -> None:
    order_id = await place(bazaar)
    bazaar.clock.advance(timedelta(minutes=1))

    async with bazaar.app.core.db.write() as tx:
        order = await queries.lock_order(tx, order_id)
        async with changing(tx, order, now=bazaar.clock.now()) as change:
            change.update(status=OrderStatus.CANCELED)
            change.note(Step("STATUS_CHANGED", order.record.status, OrderStatus.CANCELED))

    assert await stored(bazaar) == [("CANCELED", "UNPAID", bazaar.clock.now())]
    assert await kinds(bazaar) == ["PLACED", "STATUS_CHANGED"]


async def test_stores_nothing_of_a_block_that_fails(bazaar: Bazaar) -> None:
    order_id = await place(bazaar)
    before = await stored(bazaar)

    async with bazaar.app.core.db.write() as tx:
        order = await queries.lock_order(tx, order_id)

        async def fail() -> None:
            async with changing(tx, order, now=bazaar.clock.now()) as change:
                change.update(status=OrderStatus.CANCELED)
                change.note(Step("STATUS_CHANGED"))
                raise KeyError

        with pytest.raises(KeyError):
            await fail()

    assert await stored(bazaar) == before
    assert await kinds(bazaar) == ["PLACED"]


async def test_a_block_in_which_nothing_happens_runs_no_statement(bazaar: Bazaar) -> None:
    order_id = await place(bazaar)

    async with bazaar.app.core.db.write() as tx:
        order = await queries.lock_order(tx, order_id)
        with count_statements() as statements:
            async with changing(tx, order, now=bazaar.clock.now()):
                pass

    assert not statements


async def test_an_invoice_is_issued_once_however_often_it_is_asked_for(bazaar: Bazaar) -> None:
    order_id = await place(bazaar)

    async with bazaar.app.core.db.write() as tx:
        order = await queries.lock_order(tx, order_id)
        async with changing(tx, order, now=bazaar.clock.now()) as change:
            change.update(payment_status=PaymentStatus.PAID)
            issue_invoice_if_paid(change, seller=_SELLER)
            issue_invoice_if_paid(change, seller=_SELLER)

    number = f"{bazaar.clock.now().year}-000001"
    assert change.order.record.invoice_number == number
    assert await bazaar.run("SELECT number FROM invoices") == [(number,)]
    assert await bazaar.run("SELECT note FROM order_timeline WHERE kind = 'INVOICE_ISSUED'") == [(number,)]


async def test_news_that_change_nothing_about_a_canceled_order_leave_it_as_it_is(bazaar: Bazaar) -> None:
    order_id = await place(bazaar)
    await bazaar.run("UPDATE orders SET status = 'CANCELED'")
    settlement = OrderSettlement(bazaar.clock, _SELLER)
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
        bazaar.clock.advance(timedelta(minutes=1))
        async with bazaar.app.core.db.write() as tx:
            assert await settlement.payment_changed(tx, order_id, totals, actor=None) is not None

    await hear()
    after_first = await stored(bazaar)
    await hear()

    assert await stored(bazaar) == after_first
    assert await kinds(bazaar) == ["PLACED", "PAYMENT_CHANGED"]
