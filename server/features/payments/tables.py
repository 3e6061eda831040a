"""Payments, the ledger of money that moved, and what providers told us."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import CHAR
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base

# Money may still come or a promise still stand. A failed one is in flight too while its intent lives at the provider:
# the buyer may try another card with it. Queries write the same words, so that PostgreSQL sees that the index answers
# them.
_IN_FLIGHT = "status IN ('CREATED', 'REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'FAILED')"
_PENDING = "status = 'PENDING'"


class Payments(Base):
    """One attempt to pay an order with one provider."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_minor"),
        CheckConstraint("provider IN ('STRIPE', 'MANUAL')", name="provider"),
        CheckConstraint(
            "status IN ('CREATED', 'REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'CAPTURED', 'FAILED', 'CANCELED', "
            "'VOIDED', 'EXPIRED')",
            name="status",
        ),
        Index("uq_payments_provider_reference", "provider", "provider_reference", unique=True),
        Index(None, "order_id"),
        Index(
            "ix_payments_in_flight",
            "checked_time",
            postgresql_where=text(_IN_FLIGHT),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    provider: Mapped[str] = mapped_column(Text)
    # The provider's id of it; NULL until the provider answered.
    provider_reference: Mapped[str | None] = mapped_column(Text)
    # What the buyer's browser needs to pay; never logged.
    client_secret: Mapped[str] = mapped_column(Text, server_default="")
    status: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    failure_code: Mapped[str] = mapped_column(Text, server_default="")
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # When reconciliation looked at it last, so that every payment in flight gets its turn.
    checked_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class PaymentTransactions(Base):
    """Money that moved, or tried to. Only the status of a row ever changes, and the reference once from NULL."""

    __tablename__ = "payment_transactions"
    __table_args__ = (
        CheckConstraint("kind IN ('AUTHORIZATION', 'CAPTURE', 'VOID', 'REFUND')", name="kind"),
        CheckConstraint("status IN ('PENDING', 'SUCCEEDED', 'FAILED')", name="status"),
        CheckConstraint("amount_minor > 0", name="amount_minor"),
        # What a webhook, the buyer's return and reconciliation tell of the same thing is one row.
        Index("uq_payment_transactions_reference", "payment_id", "kind", "provider_reference", unique=True),
        Index("ix_payment_transactions_pending", "payment_id", postgresql_where=text(_PENDING)),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id", ondelete="RESTRICT"))
    kind: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    # NULL between asking the provider for a refund and its answer.
    provider_reference: Mapped[str | None] = mapped_column(Text)
    # Why a refund was made, or how the money was recorded; empty where the provider told of it.
    note: Mapped[str] = mapped_column(Text, server_default="")
    actor_id: Mapped[UUID | None] = mapped_column(Uuid)
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ProviderEvents(Base):
    """A webhook event as it came, once, kept also when it names a payment that we do not know."""

    __tablename__ = "provider_events"
    __table_args__ = (
        Index("ix_provider_events_kept", "payment_reference", postgresql_where=text("applied_time IS NULL")),
    )

    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    type: Mapped[str] = mapped_column(Text)
    # The provider's id of the payment that it speaks of; empty when it speaks of none.
    payment_reference: Mapped[str] = mapped_column(Text, server_default="")
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    received_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    applied_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
