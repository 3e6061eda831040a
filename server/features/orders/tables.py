"""Orders as they were placed, their fulfillments, invoices and history."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import CHAR, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base


class Orders(Base):
    """An agreement to buy. Prices are frozen; no foreign key leads out, so deleting others never changes it."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("status IN ('PENDING', 'CONFIRMED', 'COMPLETED', 'CANCELED', 'EXPIRED')", name="status"),
        CheckConstraint(
            "payment_status IN ('NOT_REQUIRED', 'UNPAID', 'PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID', "
            "'OVERPAID', 'PARTIALLY_REFUNDED', 'REFUNDED', 'VOIDED')",
            name="payment_status",
        ),
        CheckConstraint(
            "fulfillment_status IN ('NOT_REQUIRED', 'UNFULFILLED', 'PARTIALLY_FULFILLED', 'FULFILLED', 'DELIVERED')",
            name="fulfillment_status",
        ),
        CheckConstraint("total_minor >= 0", name="total_minor"),
        # One cart makes at most one order, however many requests race.
        UniqueConstraint("cart_id"),
        Index("ix_orders_user_newest", "user_id", "id"),
        Index("ix_orders_pending", "expires_time", postgresql_where=text("status = 'PENDING'")),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    cart_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[UUID | None] = mapped_column(Uuid)
    email: Mapped[str] = mapped_column(Text)
    # The language of its mails and its invoice, such as `de`; empty: the shop's.
    language: Mapped[str] = mapped_column(Text, server_default="")
    status: Mapped[str] = mapped_column(Text)
    payment_status: Mapped[str] = mapped_column(Text)
    fulfillment_status: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(CHAR(3))
    subtotal_minor: Mapped[int] = mapped_column(BigInteger)
    discount_minor: Mapped[int] = mapped_column(BigInteger)
    shipping_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    # The part of tax_minor that the prices already contained.
    included_tax_minor: Mapped[int] = mapped_column(BigInteger)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    # [{"name": ..., "rate_ppm": ..., "included": ..., "taxable_minor": ..., "tax_minor": ...}] over the whole order.
    taxes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    # NULL when nothing is sent and no address was given.
    shipping_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    # The shipping address where no other one was given.
    billing_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    # {"id": ..., "code": ..., "name": ..., "description": ...}; NULL when nothing is sent.
    shipping_method: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    placed_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # When an unpaid order gives its stock back.
    expires_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    confirmed_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    completed_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    updated_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class OrderLines(Base):
    """What was bought, as it was shown when it was bought."""

    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("shipped_quantity BETWEEN 0 AND quantity", name="shipped_quantity"),
        UniqueConstraint("order_id", "position"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    product_id: Mapped[UUID] = mapped_column(Uuid)
    variant_id: Mapped[UUID] = mapped_column(Uuid)
    sku: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    # [{"name": "Size", "value": "M"}]
    options: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    requires_shipping: Mapped[bool] = mapped_column()
    quantity: Mapped[int] = mapped_column(BigInteger)
    shipped_quantity: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    unit_price_minor: Mapped[int] = mapped_column(BigInteger)
    subtotal_minor: Mapped[int] = mapped_column(BigInteger)
    discount_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    total_minor: Mapped[int] = mapped_column(BigInteger)


class OrderTimeline(Base):
    """One thing that happened to an order."""

    __tablename__ = "order_timeline"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('PLACED', 'STATUS_CHANGED', 'PAYMENT_CHANGED', 'FULFILLMENT_CREATED', 'SHIPPED',"
            " 'INVOICE_ISSUED')",
            name="kind",
        ),
        CheckConstraint("actor_kind IN ('CUSTOMER', 'GUEST', 'STAFF', 'SHOP')", name="actor_kind"),
        UniqueConstraint("order_id", "sequence"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    sequence: Mapped[int] = mapped_column(Integer)
    # A name of TimelineEntry.Kind in the contract.
    kind: Mapped[str] = mapped_column(Text)
    from_state: Mapped[str] = mapped_column(Text, server_default="")
    to_state: Mapped[str] = mapped_column(Text, server_default="")
    # NULL when the shop itself or a guest acted.
    actor_id: Mapped[UUID | None] = mapped_column(Uuid)
    actor_kind: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Fulfillments(Base):
    """Goods of an order that go off together, in a parcel."""

    __tablename__ = "fulfillments"
    __table_args__ = (
        CheckConstraint("status IN ('PENDING', 'SHIPPED', 'DELIVERED', 'CANCELED')", name="status"),
        Index(None, "order_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    status: Mapped[str] = mapped_column(Text)
    carrier: Mapped[str] = mapped_column(Text, server_default="")
    tracking_number: Mapped[str] = mapped_column(Text, server_default="")
    tracking_url: Mapped[str] = mapped_column(Text, server_default="")
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    shipped_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class FulfillmentLines(Base):
    """How much of an order line is in a fulfillment."""

    __tablename__ = "fulfillment_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"),)

    fulfillment_id: Mapped[UUID] = mapped_column(ForeignKey("fulfillments.id", ondelete="CASCADE"), primary_key=True)
    order_line_id: Mapped[UUID] = mapped_column(ForeignKey("order_lines.id", ondelete="CASCADE"), primary_key=True)
    quantity: Mapped[int] = mapped_column(BigInteger)


class InvoiceCounters(Base):
    """The last invoice number of a year. Its row lock is what keeps the numbers free of gaps."""

    __tablename__ = "invoice_counters"

    year: Mapped[int] = mapped_column(Integer, primary_key=True)
    last_number: Mapped[int] = mapped_column(Integer)


class Invoices(Base):
    """The invoice of a paid order: a frozen document, rendered when it is asked for."""

    __tablename__ = "invoices"
    __table_args__ = (UniqueConstraint("year", "sequence"), UniqueConstraint("order_id"))

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    year: Mapped[int] = mapped_column(Integer)
    sequence: Mapped[int] = mapped_column(Integer)
    number: Mapped[str] = mapped_column(Text, unique=True)
    issued_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # Everything that is printed, the seller included: a later change of the shop's address changes no old invoice.
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
