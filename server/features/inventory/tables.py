"""Stock counters, the reservations that move them, and the ledger of every change."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base


class Locations(Base):
    """A place that keeps goods."""

    __tablename__ = "locations"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class StockItems(Base):
    """The counters of one variant at one location. A variant without a row is not tracked and never runs out."""

    __tablename__ = "stock_items"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("reserved <= on_hand + backorder_limit", name="reserved_covered"),
        CheckConstraint("safety >= 0", name="safety"),
        CheckConstraint("backorder_limit >= 0", name="backorder_limit"),
        # Each variant is kept at one location, until an order can be split over several.
        UniqueConstraint("variant_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"))
    location_id: Mapped[UUID] = mapped_column(ForeignKey("locations.id", ondelete="RESTRICT"))
    on_hand: Mapped[int] = mapped_column(BigInteger)
    reserved: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    # Kept back from sale: available = on_hand - reserved - safety.
    safety: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    # How many units may be sold beyond what is available.
    backorder_limit: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    updated_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


def available_units(stock: Any) -> ColumnElement[int]:
    """How many units of a stock item are left to sell, by its columns; below zero when backorders are open."""
    units: ColumnElement[int] = stock.on_hand - stock.reserved - stock.safety
    return units


def obtainable_units(stock: Any) -> ColumnElement[int]:
    """How many units can be had, backorders included; NULL where there is no counter."""
    units: ColumnElement[int] = available_units(stock) + stock.backorder_limit
    return units


def suffices(units: ColumnElement[int], quantity: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether units that can be had are as many as wanted. What is not counted, NULL, never runs out."""
    return func.coalesce(units >= quantity, true())


class Reservations(Base):
    """Units of one stock item that an order holds. It keeps its stock item, and so the variant, from being deleted."""

    __tablename__ = "reservations"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("status IN ('HELD', 'COMMITTED', 'CONSUMED', 'RELEASED', 'EXPIRED')", name="status"),
        UniqueConstraint("order_id", "stock_id", "sequence"),
        Index(
            "ix_reservations_held",
            "stock_id",
            "expires_time",
            postgresql_where=text("status = 'HELD'"),
        ),
        Index("ix_reservations_committed", "stock_id", postgresql_where=text("status = 'COMMITTED'")),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    order_id: Mapped[UUID] = mapped_column(Uuid)
    stock_id: Mapped[UUID] = mapped_column(ForeignKey("stock_items.id", ondelete="RESTRICT"))
    # Counts the parts of one order's hold: shipping a part splits a row, a late payment holds anew.
    sequence: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    quantity: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Text)
    expires_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class StockMovements(Base):
    """One change of the counters. The rows of a stock item always sum to its counters; none is ever changed."""

    __tablename__ = "stock_movements"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('INITIAL', 'ADJUST', 'HOLD', 'COMMIT', 'CONSUME', 'RELEASE', 'EXPIRE', 'RESTOCK')", name="kind"
        ),
        Index("ix_stock_movements_stock", "stock_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    stock_id: Mapped[UUID] = mapped_column(ForeignKey("stock_items.id", ondelete="RESTRICT"))
    kind: Mapped[str] = mapped_column(Text)
    on_hand_delta: Mapped[int] = mapped_column(BigInteger)
    reserved_delta: Mapped[int] = mapped_column(BigInteger)
    order_id: Mapped[UUID | None] = mapped_column(Uuid)
    # NULL when the shop itself acted.
    actor_id: Mapped[UUID | None] = mapped_column(Uuid)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
