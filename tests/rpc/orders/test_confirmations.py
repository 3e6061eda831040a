"""Confirmation mails of many orders in one job."""

import asyncio
from collections import Counter

import pytest
from structlog.testing import capture_logs

from server.features.orders.events import OrderConfirmed
from server.features.orders.mails import service as confirmations
from server.features.orders.mails.service import Confirmations
from server.features.orders.rules import OrderStatus, PaymentStatus
from server.kernel.ids import ORDER, OrderId
from server.kernel.money import Money
from server.mail.gateway import Mailer
from server.mail.message import Mail
from tests.buying import Bazaar
from tests.shop import Mailbox

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


async def place(bazaar: Bazaar, count: int = 3) -> list[OrderConfirmed]:
    """Place orders and return the events of their confirmations; the shop knows nothing of these events."""
    events: list[OrderConfirmed] = []
    for _ in range(count):
        guest = bazaar.guest()
        placed = await guest.place(await guest.fill("shirt"))
        events.append(confirmed(ORDER.read(placed.order.id, "order_id")))
    return events


def confirmations_of(bazaar: Bazaar, mailer: Mailer) -> Confirmations:
    return Confirmations(bazaar.app.core.db, mailer, shop_name="Kontor", shop_language="en")


def confirmed(order_id: OrderId) -> OrderConfirmed:
    return OrderConfirmed(
        order_id=order_id,
        order_number="",
        status=OrderStatus.CONFIRMED,
        payment_status=PaymentStatus.PAID,
        total=Money("EUR", 2000),
        product_ids=(),
    )


async def subjects(bazaar: Bazaar) -> Counter[str]:
    """Return the subjects of one mail for every order."""
    return Counter(f"Your order {number} is confirmed" for (number,) in await bazaar.run("SELECT number FROM orders"))


def sent(*mailboxes: Mailbox) -> Counter[str]:
    return Counter(mail.subject for mailbox in mailboxes for mail in mailbox.mails)


async def test_a_worker_that_ends_leaves_the_rest_to_others(bazaar: Bazaar, mailbox: Mailbox) -> None:
    events = await place(bazaar)
    stuck = StuckMailbox()
    sending = asyncio.create_task(confirmations_of(bazaar, stuck).send(events))
    await stuck.stuck.wait()

    sending.cancel()
    await sending
    await bazaar.work()

    assert len(stuck.mails) == 1
    assert sent(stuck, mailbox) == await subjects(bazaar)


async def test_waits_for_the_database_to_put_off_mails_that_were_not_taken(
    bazaar: Bazaar, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmations, "_PAUSE_SECONDS", 0.01)
    events = await place(bazaar)
    mailbox.refuse_after = mailbox.failures = 1
    await bazaar.run(_BREAK_CONNECTIONS)
    try:
        await confirmations_of(bazaar, mailbox).send(events)
        assert await bazaar.run("SELECT last_value > 2 FROM broken") == [(True,)]
    finally:
        await bazaar.run(_MEND_CONNECTIONS)
    assert len(mailbox.mails) == 1

    await bazaar.work()

    assert sent(mailbox) == await subjects(bazaar)


async def test_a_mail_that_nobody_can_write_does_not_keep_the_others(bazaar: Bazaar, mailbox: Mailbox) -> None:
    events = await place(bazaar)

    class PickyMailbox(Mailbox):
        async def send(self, mail: Mail) -> None:
            raise ValueError("not a mail")

    await confirmations_of(bazaar, PickyMailbox()).send(events)
    await bazaar.work()

    assert sent(mailbox) == await subjects(bazaar)


async def test_says_so_when_an_order_is_not_there(bazaar: Bazaar, mailbox: Mailbox) -> None:
    events = await place(bazaar, 1)
    unknown = ORDER.new()
    with capture_logs() as logs:
        await confirmations_of(bazaar, mailbox).send([*events, confirmed(unknown)])

    assert sent(mailbox) == await subjects(bazaar)
    assert logs == [{"event": "orders.confirmed_orders_missing", "log_level": "error", "order_ids": [str(unknown)]}]
