"""The outbox: what happened, written by the transaction in which it happened."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Index, Integer, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from server.db.base import Base


class Xid8(UserDefinedType[int]):
    """PostgreSQL's xid8, which only ever grows."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name the type in DDL."""
        return "xid8"


class Events(Base):
    """Something that others may care about."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("aggregate_id", "sequence"),
        Index("ix_events_order", "transaction_id", "position"),
    )

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    # Positions are given before commit, so a reader that went by them alone would pass over a slow transaction.
    # Readers go by (transaction_id, position) and stop before the oldest transaction that still runs.
    transaction_id: Mapped[int] = mapped_column(Xid8, server_default=text("pg_current_xact_id()"))
    id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    # The name of its class.
    type: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    aggregate_id: Mapped[UUID] = mapped_column(Uuid)
    # Counts the events of one aggregate without gaps.
    sequence: Mapped[int] = mapped_column(Integer)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class EventCursors(Base):
    """How far a reader has come."""

    __tablename__ = "event_cursors"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    transaction_id: Mapped[int] = mapped_column(Xid8, server_default=text("'0'"))
    position: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
