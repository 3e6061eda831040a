"""Following orders: the reading use cases."""

from dataclasses import dataclass

from server.db.session import Database
from server.features.orders import queries
from server.features.orders.errors import InvoiceNotIssued
from server.features.orders.invoicing.service import render_invoice
from server.features.orders.values import Order, TimelineRecord
from server.kernel.actor import Viewer
from server.kernel.ids import OrderId, UserId
from server.kernel.pages import decode_page_id, encode_page_token, filter_hash


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A page of orders."""

    orders: tuple[Order, ...]
    # Empty on the last page.
    next_page_token: str


class OrderService:
    """What buyers and staff look at."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get_order(self, order_id: OrderId, *, viewer: Viewer) -> Order:
        """Return an order that the viewer may see. Raises OrderNotFound."""
        async with self._db.snapshot() as tx:
            return await queries.get_order(tx, order_id, viewer=viewer)

    async def list_orders(self, user_id: UserId, *, count: int, page_token: str) -> OrderPage:
        """Return a user's orders, the newest first. Raises InvalidArgument for a foreign page token."""
        digest = filter_hash("orders", user_id)
        after_id = decode_page_id(page_token, digest) if page_token else None
        async with self._db.snapshot() as tx:
            # One more than asked for tells whether there is a next page.
            orders = await queries.list_orders(tx, user_id, count=count + 1, after_id=after_id)
        if len(orders) <= count:
            return OrderPage(tuple(orders), "")
        shown = orders[:count]
        return OrderPage(tuple(shown), encode_page_token([str(shown[-1].record.id)], digest))

    async def list_timeline(self, order_id: OrderId, *, viewer: Viewer) -> list[TimelineRecord]:
        """Return what happened to an order. Raises OrderNotFound."""
        async with self._db.snapshot() as tx:
            await queries.get_visible_record(tx, order_id, viewer=viewer)
            return await queries.list_timeline(tx, order_id)

    async def get_invoice(self, order_id: OrderId, *, viewer: Viewer) -> tuple[str, bytes]:
        """Return the invoice's number and its PDF. Raises OrderNotFound, InvoiceNotIssued."""
        async with self._db.snapshot() as tx:
            await queries.get_visible_record(tx, order_id, viewer=viewer)
            invoice = await queries.find_invoice(tx, order_id)
        if invoice is None:
            raise InvoiceNotIssued
        return invoice.number, await render_invoice(invoice)
