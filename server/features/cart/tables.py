"""Carts and what lies in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import CHAR, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base


class Carts(Base):
    """What somebody means to buy. A user has one open cart; a guest's is found by its signed token."""

    __tablename__ = "carts"
    __table_args__ = (
        CheckConstraint("status IN ('OPEN', 'ORDERED', 'MERGED', 'FORGOTTEN')", name="status"),
        Index("uq_carts_open_user", "user_id", unique=True, postgresql_where=text("status = 'OPEN'")),
        Index("ix_carts_expires_time", "expires_time", postgresql_where=text("status = 'OPEN'")),
        Index("ix_carts_closed", "updated_time", postgresql_where=text("status IN ('ORDERED', 'MERGED')")),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    # FORGOTTEN: a guest's ordered cart of long ago, which holds nothing any more. Its row keeps its id from being used
    # for a second order: the guest still has the token.
    status: Mapped[str] = mapped_column(Text, server_default="OPEN")
    currency: Mapped[str] = mapped_column(CHAR(3))
    email: Mapped[str] = mapped_column(Text, server_default="")
    # The JSON form of kontor.type.v1.PostalAddress in snake_case; NULL: not given yet.
    shipping_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    # NULL: the same as the shipping address.
    billing_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    shipping_method_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipping_methods.id", ondelete="SET NULL"))
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class CartItems(Base):
    """A number of one variant."""

    __tablename__ = "cart_items"
    __table_args__ = (
        CheckConstraint("quantity BETWEEN 1 AND 9999", name="quantity"),
        UniqueConstraint("cart_id", "variant_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    cart_id: Mapped[UUID] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"))
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"))
    quantity: Mapped[int] = mapped_column(Integer)
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
