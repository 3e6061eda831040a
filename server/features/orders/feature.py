"""What orders bring."""

from collections.abc import Sequence
from datetime import timedelta

from kontor.orders.v1 import orders_service_pb2

from server.db.handlers import BatchSubscription, Handler, Jobs, Periodic, Subscription
from server.features.cart.service import CartService
from server.features.core import Core, Feature, service_of
from server.features.inventory.events import StockAdjusted
from server.features.orders.events import OrderConfirmed, OrderShipped
from server.features.orders.expiry_service import OrderExpiry
from server.features.orders.fulfillment.service import FulfillmentService
from server.features.orders.invoicing.gateway import TypstPrinter
from server.features.orders.invoicing.values import Seller
from server.features.orders.mails.service import Confirmations
from server.features.orders.placing.service import PlaceOrderService
from server.features.orders.service import OrderService
from server.features.orders.servicer import OrderServicer
from server.features.orders.settlement_service import OrderSettlement
from server.features.orders.tasks import SendConfirmationMail
from server.features.payments.service import PaymentService
from server.rpc.chain import Service
from server.settings import Settings


class OrdersFeature(Feature):
    """Orders, from the cart to the parcel."""

    def __init__(self, core: Core, *, carts: CartService, payments: PaymentService) -> None:
        self._core = core
        settings = core.settings
        self.fulfillments = FulfillmentService(db=core.db, clock=core.clock)
        self.expiry = OrderExpiry(db=core.db, clock=core.clock, payments=payments)
        self._orders = OrderService(db=core.db, printer=TypstPrinter())
        self._place = PlaceOrderService(
            db=core.db,
            clock=core.clock,
            carts=carts,
            payments=payments,
            seller=_seller(settings),
            hold_for=timedelta(minutes=settings.hold_minutes),
            transfer_for=timedelta(days=settings.bank_transfer_days),
        )

    def services(self) -> Sequence[Service]:
        servicer = OrderServicer(
            db=self._core.db, place=self._place, orders=self._orders, fulfillments=self.fulfillments
        )
        return [service_of(orders_service_pb2, servicer)]

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
                Subscription(StockAdjusted, "orders.hand_over_arrived", self.fulfillments.hand_over_arrived),
            ],
            periodics=[Periodic("orders.expire_overdue", "* * * * *", self.expiry.sweep)],
        )


def settlement_of(core: Core) -> OrderSettlement:
    """Make what payments tell of money: orders stand above payments, so it is handed in."""
    return OrderSettlement(clock=core.clock, seller=_seller(core.settings))


def _seller(settings: Settings) -> Seller:
    return Seller(settings.shop_name, settings.shop_address, settings.shop_vat_id, settings.default_language)
