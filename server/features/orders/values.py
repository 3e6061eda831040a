"""Orders as the rest of the feature handles them: frozen copies of rows, and the states that they take."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict

from server.features.cart.values import Address
from server.features.payments.values import Payment
from server.features.pricing.tax_values import TaxAmount
from server.kernel.actor import Actor
from server.kernel.ids import CartId, FulfillmentId, OrderId, OrderLineId, ProductId, UserId, VariantId


class OrderStatus(StrEnum):
    """Whether the agreement stands."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


class PaymentSummary(StrEnum):
    """The money of an order in one word."""

    NOT_REQUIRED = "NOT_REQUIRED"
    UNPAID = "UNPAID"
    PENDING = "PENDING"
    AUTHORIZED = "AUTHORIZED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    OVERPAID = "OVERPAID"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    VOIDED = "VOIDED"


class FulfillmentSummary(StrEnum):
    """The fulfillments of an order in one word."""

    NOT_REQUIRED = "NOT_REQUIRED"
    UNFULFILLED = "UNFULFILLED"
    PARTIALLY_FULFILLED = "PARTIALLY_FULFILLED"
    FULFILLED = "FULFILLED"
    DELIVERED = "DELIVERED"


class DisplayStatus(StrEnum):
    """One word for simple clients, from all three states of an order together."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    PROCESSING = "PROCESSING"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REFUNDED = "REFUNDED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"


class FulfillmentStatus(StrEnum):
    """How far one fulfillment has come."""

    PENDING = "PENDING"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELED = "CANCELED"


class TimelineKind(StrEnum):
    """What happened to an order."""

    PLACED = "PLACED"
    STATUS_CHANGED = "STATUS_CHANGED"
    PAYMENT_CHANGED = "PAYMENT_CHANGED"
    FULFILLMENT_CREATED = "FULFILLMENT_CREATED"
    SHIPPED = "SHIPPED"
    INVOICE_ISSUED = "INVOICE_ISSUED"


class ActorKind(StrEnum):
    """Who did something to an order."""

    CUSTOMER = "CUSTOMER"
    GUEST = "GUEST"
    STAFF = "STAFF"
    SHOP = "SHOP"


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order's own row, and the number of its invoice."""

    id: OrderId
    number: str
    cart_id: CartId
    user_id: UserId | None
    email: str
    status: OrderStatus
    payment_status: PaymentSummary
    fulfillment_status: FulfillmentSummary
    currency: str
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    included_tax_minor: int
    total_minor: int
    # As they are stored; see `tax_amounts`.
    taxes: list[dict[str, Any]]
    shipping_address: Address | None
    billing_address: Address | None
    shipping_method: dict[str, Any] | None
    placed_time: datetime
    expires_time: datetime
    confirmed_time: datetime | None
    completed_time: datetime | None
    # Of its mails and its invoice; empty: the shop's.
    language: str
    # Empty until the order is paid.
    invoice_number: str

    @property
    def tax_amounts(self) -> tuple[TaxAmount, ...]:
        """The taxes over the whole order."""
        return tuple([TaxAmount(**tax) for tax in self.taxes])


class OrderChanges(TypedDict, total=False):
    """What changes of an order's own row once it is placed: the states and their times."""

    status: OrderStatus
    payment_status: PaymentSummary
    fulfillment_status: FulfillmentSummary
    expires_time: datetime
    confirmed_time: datetime
    completed_time: datetime


@dataclass(frozen=True, slots=True)
class LineProgress:
    """How much of a line was ordered and how much of it is shipped."""

    quantity: int
    shipped_quantity: int
    requires_shipping: bool


@dataclass(frozen=True, slots=True)
class LineRecord:
    """One line of an order."""

    order_id: OrderId
    id: OrderLineId
    position: int
    product_id: ProductId
    variant_id: VariantId
    sku: str
    title: str
    options: list[dict[str, str]]
    requires_shipping: bool
    quantity: int
    shipped_quantity: int
    unit_price_minor: int
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    total_minor: int

    @property
    def progress(self) -> LineProgress:
        """How much of it is shipped."""
        return LineProgress(self.quantity, self.shipped_quantity, self.requires_shipping)


@dataclass(frozen=True, slots=True)
class FulfillmentRecord:
    """One fulfillment with what is in it."""

    order_id: OrderId
    id: FulfillmentId
    status: FulfillmentStatus
    carrier: str
    tracking_number: str
    tracking_url: str
    created_time: datetime
    shipped_time: datetime | None
    line_ids: list[OrderLineId]
    line_quantities: list[int]

    @property
    def quantities(self) -> dict[OrderLineId, int]:
        """How much of each line is in it."""
        return dict(zip(self.line_ids, self.line_quantities, strict=True))


@dataclass(frozen=True, slots=True)
class Order:
    """An order with its lines and fulfillments."""

    record: OrderRecord
    lines: tuple[LineRecord, ...]
    fulfillments: tuple[FulfillmentRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """A placed order and the payment that waits for the buyer; None when there is nothing to pay."""

    order: Order
    payment: Payment | None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A page of orders."""

    orders: tuple[Order, ...]
    # Empty on the last page.
    next_page_token: str


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """An entry of the timeline that is about to be written."""

    kind: TimelineKind
    from_state: str = ""
    to_state: str = ""
    note: str = ""
    # None: the shop by itself.
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class TimelineRecord:
    """One thing that happened to an order."""

    sequence: int
    kind: TimelineKind
    from_state: str
    to_state: str
    actor_kind: ActorKind
    note: str
    created_time: datetime
