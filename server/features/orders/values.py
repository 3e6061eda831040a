"""Orders as the rest of the feature handles them: frozen copies of rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from server.features.orders.rules import FulfillmentStatus, LineProgress, OrderStatus, ParcelStatus, PaymentStatus
from server.kernel.ids import CartId, FulfillmentId, OrderId, OrderLineId, ProductId, UserId, VariantId


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One order; the fields stand in the order of the columns that are read."""

    id: OrderId
    number: str
    cart_id: CartId
    user_id: UserId | None
    email: str
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    currency: str
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    included_tax_minor: int
    total_minor: int
    taxes: list[dict[str, Any]]
    shipping_address: dict[str, Any] | None
    billing_address: dict[str, Any] | None
    shipping_method: dict[str, Any] | None
    placed_time: datetime
    expires_time: datetime
    confirmed_time: datetime | None
    completed_time: datetime | None
    # Of its mails and its invoice; empty: the shop's.
    language: str
    invoice_number: str


class OrderChanges(TypedDict, total=False):
    """What changes of an order's own row once it is placed: the states and their times."""

    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    expires_time: datetime
    confirmed_time: datetime
    completed_time: datetime


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
class ParcelRecord:
    """One parcel with what is in it."""

    order_id: OrderId
    id: FulfillmentId
    status: ParcelStatus
    carrier: str
    tracking_number: str
    tracking_url: str
    created_time: datetime
    shipped_time: datetime | None
    line_ids: list[OrderLineId]
    line_quantities: list[int]


@dataclass(frozen=True, slots=True)
class Order:
    """An order with its lines and parcels."""

    record: OrderRecord
    lines: tuple[LineRecord, ...]
    parcels: tuple[ParcelRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class TimelineRecord:
    """One thing that happened to an order."""

    sequence: int
    kind: str
    from_state: str
    to_state: str
    actor_kind: str
    note: str
    created_time: datetime


@dataclass(frozen=True, slots=True)
class InvoiceRecord:
    """A frozen invoice."""

    number: str
    issued_time: datetime
    document: dict[str, Any]
