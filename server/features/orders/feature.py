"""What orders bring."""

from collections.abc import Sequence
from datetime import timedelta

from kontor.orders.v1 import orders_service_pb2

from server.db.handlers import Jobs, Periodic, Subscription
from server.features.cart.service import CartService
from server.features.core import Core, Feature, service_of
from server.features.inventory.events import StockAdjusted
from server.features.orders.expiry_service import OrderExpiry
from server.features.orders.fulfillment.service import FulfillmentService
from server.features.orders.invoicing.gateway import TypstPrinter
from server.features.orders.invoicing.values import Seller
from server.features.orders.placing.service import PlaceOrderService
from server.features.orders.service import OrderService
from server.features.orders.servicer import OrderServicer
from server.features.orders.settlement_service import OrderSettlement
from server.features.payments.service import PaymentService
from server.rpc.chain import Service
from server.settings import Settings


class OrdersFeature(Feature):
    """Orders, from the cart to the parcel; `mails` has its own list."""

    def __init__(self, core: Core, *, carts: CartService, payments: PaymentService) -> None:
        settings = core.settings
        self.fulfillments = FulfillmentService(db=core.db, clock=core.clock)
        self.expiry = OrderExpiry(db=core.db, clock=core.clock, payments=payments)
        orders = OrderService(db=core.db, printer=TypstPrinter())
        place = PlaceOrderService(
            db=core.db,
            clock=core.clock,
            carts=carts,
            payments=payments,
            seller=_seller(settings),
            hold_for=timedelta(minutes=settings.hold_minutes),
            transfer_for=timedelta(days=settings.bank_transfer_days),
        )
        self._servicer = OrderServicer(db=core.db, place=place, orders=orders, fulfillments=self.fulfillments)

    def services(self) -> Sequence[Service]:
        return [service_of(orders_service_pb2, self._servicer)]

    def jobs(self) -> Jobs:
        arrived = Subscription(StockAdjusted, "orders.hand_over_arrived", self.fulfillments.hand_over_arrived)
        return Jobs(
            subscriptions=[arrived], periodics=[Periodic("orders.expire_overdue", "* * * * *", self.expiry.sweep)]
        )


def settlement_of(core: Core) -> OrderSettlement:
    """Make what payments tell of money: orders stand above payments, so it is handed in."""
    return OrderSettlement(clock=core.clock, seller=_seller(core.settings))


def _seller(settings: Settings) -> Seller:
    return Seller(settings.shop_name, settings.shop_address, settings.shop_vat_id, settings.default_language)
