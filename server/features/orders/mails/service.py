"""Confirming orders by mail: many in one job, and no mail twice because another one failed."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog
from procrastinate.exceptions import ConnectorException

from server.db.jobs import NewJob, defer_all
from server.db.session import Database
from server.features.orders import queries
from server.features.orders.mails.letters import confirmation_mail
from server.kernel.ids import OrderId
from server.mail.gateway import Mailer
from server.mail.message import Mail

_log = structlog.get_logger(__name__)

# The task that sends one confirmation; it gets the event as it is.
ONE_BY_ONE: Final = "orders.send_confirmation_mail"
_PAUSE_SECONDS: Final = 2.0

# An event as tasks get it.
_Event = dict[str, Any]


class Confirmations:
    """The mails of orders that were confirmed at about the same time."""

    def __init__(self, db: Database, mailer: Mailer, *, shop_name: str) -> None:
        self._db = db
        self._mailer = mailer
        self._shop_name = shop_name

    async def send(self, events: Sequence[_Event]) -> None:
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
            left = [event for _, event in mails[sent:]]
            _log.warning("orders.mails_put_off", count=len(left), error=repr(error))
            await self._put_off(left)

    async def _write(self, events: Sequence[_Event]) -> list[tuple[Mail, _Event]]:
        # An order is confirmed once.
        event_of = {OrderId(UUID(event["aggregate_id"])): event for event in events}
        async with self._db.snapshot() as tx:
            orders = await queries.get_orders(tx, list(event_of))
        mails = [
            (confirmation_mail(order, shop_name=self._shop_name), event_of.pop(order.record.id)) for order in orders
        ]
        if event_of:
            _log.error("orders.confirmed_orders_missing", order_ids=[str(order_id) for order_id in event_of])
        return mails

    async def _put_off(self, events: Sequence[_Event]) -> None:
        """Queue a job for each event, however long the database is away: nobody else knows what is not sent yet."""
        while True:
            try:
                async with self._db.write() as tx:
                    await defer_all(tx, [NewJob(ONE_BY_ONE, event) for event in events])
            except (psycopg.OperationalError, ConnectorException) as error:
                _log.warning("orders.mails_not_put_off", count=len(events), error=repr(error))
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return
