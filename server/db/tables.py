"""The tables of the database floor itself."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, LargeBinary, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base


class IdempotencyKeys(Base):
    """A call that was done once: whose it was, what it asked, what it made and what it answered."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("length(key) BETWEEN 1 AND 128", name="key"),
        Index(None, "expires_time"),
    )

    # The user, the guest's cart, or 'anonymous': one caller's key never answers another.
    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    method: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    resource_id: Mapped[UUID] = mapped_column(Uuid)
    # NULL between the commit of the work and the storing of the answer, and for answers that must not be stored.
    response: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
