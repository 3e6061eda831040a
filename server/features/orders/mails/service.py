"""Confirming orders by mail: many in one job, and no mail twice because another one failed."""

import asyncio
from collections.abc import Sequence
from typing import Final

import psycopg
import structlog
from procrastinate.exceptions import ConnectorException

from server.db.jobs import defer_all, job_of
from server.db.session import Database
from server.features.orders import queries
from server.features.orders.events import OrderConfirmed, OrderShipped
from server.features.orders.mails.letters import confirmation_mail, shipped_mail
from server.features.orders.tasks import SendConfirmationMail
from server.kernel.actor import Viewer
from server.kernel.ids import OrderId
from server.mail.gateway import Mailer
from server.mail.message import Mail

_log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 2.0
_SHOP: Final = Viewer(user_id=None, cart_id=None, sees_all=True)


class Confirmations:
    """The mails of orders that were confirmed at about the same time."""

    def __init__(self, db: Database, mailer: Mailer, *, shop_name: str) -> None:
        self._db = db
        self._mailer = mailer
        self._shop_name = shop_name

    async def send(self, events: Sequence[OrderConfirmed]) -> None:
        """Send the mail of each event's order; once one of them is not taken, the rest get jobs of their own.

        Raises only while nothing is sent, so that the caller may try again; else only when it is cancelled twice.
        """
        mails = await self._write(events)
        sent = 0
        try:
            for mail, _ in mails:
                await self._mailer.send(mail)
                sent += 1
        except (Exception, asyncio.CancelledError) as error:
            # Whatever it is, the mails before it are sent. To raise it would repeat them with the job; so this job is
            # over, even when the worker ends, and what is wrong with a mail comes up in the job of its own.
            left = [order_id for _, order_id in mails[sent:]]
            _log.warning("orders.mails_put_off", count=len(left), error=repr(error))
            await self._put_off(left)

    async def send_one(self, task: SendConfirmationMail) -> None:
        """Send one confirmation."""
        async with self._db.snapshot() as tx:
            order = await queries.get_order(tx, task.order_id, viewer=_SHOP)
        await self._mailer.send(confirmation_mail(order, shop_name=self._shop_name))

    async def send_shipped(self, event: OrderShipped) -> None:
        """Tell the customer that a parcel is on its way."""
        async with self._db.snapshot() as tx:
            order = await queries.get_order(tx, event.order_id, viewer=_SHOP)
        await self._mailer.send(shipped_mail(order, tracking=event.tracking, shop_name=self._shop_name))

    async def _write(self, events: Sequence[OrderConfirmed]) -> list[tuple[Mail, OrderId]]:
        # An order is confirmed once.
        order_ids = {event.order_id for event in events}
        async with self._db.snapshot() as tx:
            orders = await queries.get_orders(tx, list(order_ids))
        mails = [(confirmation_mail(order, shop_name=self._shop_name), order.record.id) for order in orders]
        missing = order_ids - {order.record.id for order in orders}
        if missing:
            _log.error("orders.confirmed_orders_missing", order_ids=[str(order_id) for order_id in missing])
        return mails

    async def _put_off(self, order_ids: Sequence[OrderId]) -> None:
        """Queue a task for each order, however long the database is away: nobody else knows what is not sent yet."""
        while True:
            try:
                async with self._db.write() as tx:
                    await defer_all(tx, [job_of(SendConfirmationMail(order_id=order_id)) for order_id in order_ids])
            except (psycopg.OperationalError, ConnectorException) as error:
                _log.warning("orders.mails_not_put_off", count=len(order_ids), error=repr(error))
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return
