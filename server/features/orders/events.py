"""What orders tell."""

from dataclasses import dataclass

from server.features.catalog.events import AvailabilityChanged
from server.features.orders.values import OrderStatus, PaymentSummary
from server.kernel.event import Event
from server.kernel.ids import OrderId
from server.kernel.money import Money


@dataclass(frozen=True, kw_only=True)
class OrderPlaced(AvailabilityChanged):
    """An order was placed, and its stock is held."""

    name = "order.placed"
    aggregate = "order_id"

    order_id: OrderId
    order_number: str
    total: Money


@dataclass(frozen=True, kw_only=True)
class OrderStatusChanged(AvailabilityChanged):
    """The agreement took a step."""

    aggregate = "order_id"

    order_id: OrderId
    order_number: str
    status: OrderStatus
    payment_status: PaymentSummary
    total: Money


@dataclass(frozen=True, kw_only=True)
class OrderConfirmed(OrderStatusChanged):
    """The agreement stands."""

    name = "order.confirmed"


@dataclass(frozen=True, kw_only=True)
class OrderCompleted(OrderStatusChanged):
    """Nothing is left to ship or to pay."""

    name = "order.completed"


@dataclass(frozen=True, kw_only=True)
class OrderExpired(OrderStatusChanged):
    """It was not paid in time, and its stock is given back."""

    name = "order.expired"
    restocks = True


@dataclass(frozen=True, kw_only=True)
class OrderShipped(Event):
    """A parcel of the order is on its way."""

    name = "order.shipped"
    aggregate = "order_id"

    order_id: OrderId
    order_number: str
    # Carrier and tracking number, as people read them.
    tracking: str
