"""What the mails about orders bring."""

from server.db.handlers import BatchSubscription, Handler, Jobs, Subscription
from server.features.core import Core, Feature
from server.features.orders.events import OrderConfirmed, OrderShipped
from server.features.orders.mails.service import Confirmations
from server.features.orders.tasks import SendConfirmationMail


class OrderMailsFeature(Feature):
    """Mails about orders: they react to what orders tell, and nothing waits for them."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def jobs(self) -> Jobs:
        settings = self._core.settings
        mails = Confirmations(
            db=self._core.db,
            mailer=self._core.mailer,
            shop_name=settings.shop_name,
            shop_language=settings.default_language,
        )
        return Jobs(
            handlers=[Handler(SendConfirmationMail, mails.send_one)],
            subscriptions=[
                BatchSubscription(OrderConfirmed, "orders.send_confirmation_mails", mails.send),
                Subscription(OrderShipped, "orders.send_shipped_mail", mails.send_shipped),
            ],
        )
