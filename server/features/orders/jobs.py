"""What orders do in the background: mails, handing over what came in, and ending what was not paid in time."""

from typing import Any, Final
from uuid import UUID

import procrastinate

from server.db.jobs import RETRY
from server.db.session import Database
from server.features.events.values import InBatches, Subscriptions
from server.features.orders import queries
from server.features.orders.expiry_service import OrderExpiry
from server.features.orders.fulfillment.service import FulfillmentService
from server.features.orders.mails.letters import confirmation_mail, shipped_mail
from server.features.orders.mails.service import ONE_BY_ONE, Confirmations
from server.kernel.actor import Actor, Role
from server.kernel.ids import OrderId, VariantId
from server.mail.gateway import Mailer

# Which task hears of which event. An order is confirmed once.
SUBSCRIPTIONS: Final[Subscriptions] = {
    "order.confirmed": (InBatches("orders.send_confirmation_mails"),),
    "order.shipped": ("orders.send_shipped_mail",),
    "stock.adjusted": ("orders.hand_over_arrived",),
}
_SHOP: Final = Actor(user_id=None, role=Role.ADMIN, session_id=None, cart_id=None)


def register(
    app: procrastinate.App,
    *,
    db: Database,
    mailer: Mailer,
    expiry: OrderExpiry,
    fulfillments: FulfillmentService,
    shop_name: str,
) -> None:
    """Add the tasks of this feature to the worker."""
    confirmations = Confirmations(db, mailer, shop_name=shop_name)

    @app.task(name="orders.send_confirmation_mails", retry=RETRY)
    async def send_confirmation_mails(*, events: list[dict[str, Any]]) -> None:
        await confirmations.send(events)

    @app.task(name=ONE_BY_ONE, retry=RETRY)
    async def send_confirmation_mail(*, aggregate_id: str, **_: Any) -> None:
        async with db.snapshot() as tx:
            order = await queries.get_order(tx, OrderId(UUID(aggregate_id)), viewer=_SHOP)
        await mailer.send(confirmation_mail(order, shop_name=shop_name))

    @app.task(name="orders.send_shipped_mail", retry=RETRY)
    async def send_shipped_mail(*, aggregate_id: str, data: dict[str, Any], **_: Any) -> None:
        async with db.snapshot() as tx:
            order = await queries.get_order(tx, OrderId(UUID(aggregate_id)), viewer=_SHOP)
        await mailer.send(shipped_mail(order, tracking=data["tracking"], shop_name=shop_name))

    @app.task(name="orders.hand_over_arrived", retry=RETRY)
    async def hand_over_arrived(*, aggregate_id: str, **_: Any) -> None:
        await fulfillments.hand_over_arrived(VariantId(UUID(aggregate_id)))

    @app.periodic(cron="* * * * *")
    @app.task(name="orders.expire_overdue", queueing_lock="orders.expire_overdue")
    async def expire_overdue(timestamp: int) -> None:
        await expiry.sweep()
