"""Confirmation mails of many orders in one job."""

import asyncio
from collections import Counter

import pytest
from structlog.testing import capture_logs

from server.features.orders.events import OrderConfirmed
from server.features.orders.mails import service as confirmations
from server.features.orders.mails.service import Confirmations
from server.features.orders.values import OrderStatus, PaymentSummary
from server.kernel.ids import ORDER, OrderId
from server.kernel.money import Money
from server.mail.gateway import Mailer
from server.mail.message import Mail
from tests.world.mailbox import Mailbox
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")

# Ends the connection of whoever queues a mail of its own, for the first two who try.
_BREAK_CONNECTIONS = """
CREATE SEQUENCE broken;
CREATE FUNCTION break_connection() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('broken') <= 2 THEN
        PERFORM pg_terminate_backend(pg_backend_pid());
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER break_connection BEFORE INSERT ON procrastinate_jobs FOR EACH ROW
WHEN (NEW.task_name = 'orders.send_confirmation_mail') EXECUTE FUNCTION break_connection();
"""
_MEND_CONNECTIONS = "DROP FUNCTION break_connection CASCADE; DROP SEQUENCE broken"


class StuckMailbox(Mailbox):
    """Takes one mail, and says nothing to the next one."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck = asyncio.Event()

    async def send(self, mail: Mail) -> None:
        if self.mails:
            self.stuck.set()
            await asyncio.Event().wait()
        await super().send(mail)


def confirmations_of(shop: Shop, mailer: Mailer) -> Confirmations:
    return Confirmations(db=shop.db, mailer=mailer, shop_name="Kontor", shop_language="en")


async def place(shop: Shop, count: int = 3) -> list[OrderConfirmed]:
    """Place orders and return the events of their confirmations; the shop knows nothing of these events."""
    placed = [await shop.guest().buy("shirt") for _ in range(count)]
    return [confirmed(ORDER.read(one.order.id, "order_id")) for one in placed]


def confirmed(order_id: OrderId) -> OrderConfirmed:
    return OrderConfirmed(
        order_id=order_id,
        order_number="",
        status=OrderStatus.CONFIRMED,
        payment_status=PaymentSummary.PAID,
        total=Money("EUR", 2000),
        product_ids=(),
    )


async def subjects(shop: Shop) -> Counter[str]:
    """Return the subjects of one mail for every order."""
    return Counter(f"Your order {number} is confirmed" for (number,) in await shop.run("SELECT number FROM orders"))


def sent(*mailboxes: Mailbox) -> Counter[str]:
    return Counter(mail.subject for mailbox in mailboxes for mail in mailbox.mails)


async def test_a_worker_that_ends_leaves_the_rest_to_others(shop: Shop) -> None:
    events = await place(shop)
    stuck = StuckMailbox()
    sending = asyncio.create_task(confirmations_of(shop, stuck).send(events))
    await stuck.stuck.wait()

    sending.cancel()
    await sending
    await shop.work()

    assert len(stuck.mails) == 1
    assert sent(stuck, shop.mailbox) == await subjects(shop)


async def test_waits_for_the_database_to_put_off_mails_that_were_not_taken(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmations, "_PAUSE_SECONDS", 0.01)
    events = await place(shop)
    shop.mailbox.refuse_after = shop.mailbox.failures = 1
    await shop.run(_BREAK_CONNECTIONS)
    try:
        await confirmations_of(shop, shop.mailbox).send(events)
        assert await shop.run("SELECT last_value > 2 FROM broken") == [(True,)]
    finally:
        await shop.run(_MEND_CONNECTIONS)
    assert len(shop.mailbox.mails) == 1

    await shop.work()

    assert sent(shop.mailbox) == await subjects(shop)


async def test_a_mail_that_nobody_can_write_does_not_keep_the_others(shop: Shop) -> None:
    events = await place(shop)

    class PickyMailbox(Mailbox):
        async def send(self, mail: Mail) -> None:
            raise ValueError("not a mail")

    await confirmations_of(shop, PickyMailbox()).send(events)
    await shop.work()

    assert sent(shop.mailbox) == await subjects(shop)


async def test_says_so_when_an_order_is_not_there(shop: Shop) -> None:
    events = await place(shop, 1)
    unknown = ORDER.new()
    with capture_logs() as logs:
        await confirmations_of(shop, shop.mailbox).send([*events, confirmed(unknown)])

    assert sent(shop.mailbox) == await subjects(shop)
    assert logs == [{"event": "orders.confirmed_orders_missing", "log_level": "error", "order_ids": [str(unknown)]}]
