"""Accounts, their sessions, and the one-time codes that mails carry."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base


class Users(Base):
    """A person with a password. The address is stored in lower case."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role IN ('CUSTOMER', 'VENDOR', 'STAFF', 'ADMIN')", name="role"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        # Clearing away looks for registrations that nobody ever verified.
        Index("ix_users_unverified", "updated_time", postgresql_where=text("email_verified_time IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    email: Mapped[str] = mapped_column(Text, unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    display_name: Mapped[str] = mapped_column(Text, server_default="")
    role: Mapped[str] = mapped_column(Text, server_default="CUSTOMER")
    # What a STAFF account may do, such as `orders.read`; an administrator may do all.
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    # The language of its mails, such as `de`; empty: the shop's.
    language: Mapped[str] = mapped_column(Text, server_default="")
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    email_verified_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Sessions(Base):
    """One login on one device: the family of its refresh tokens."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index(None, "user_id"),
        Index(None, "expires_time"),
        # Start-up and reconnect load what was revoked lately.
        Index("ix_sessions_revoked_time", "revoked_time", postgresql_where=text("revoked_time IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    user_agent: Mapped[str] = mapped_column(Text, server_default="")
    remote_address: Mapped[str] = mapped_column(Text, server_default="")
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_used_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RefreshTokens(Base):
    """A refresh token, hashed. A used one stays until its session ends, so that its second use is noticed."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index(None, "session_id"),)

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Registrations(Base):
    """What somebody said who registered an address; it holds only once somebody proves that the address is theirs.

    Anybody can register any address. So a code stands for one registration, and only who has the code of the mail and
    knows that registration's password makes it the account's.
    """

    __tablename__ = "registrations"
    __table_args__ = (Index(None, "user_id"), Index(None, "created_time"))

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    password_hash: Mapped[str] = mapped_column(Text)
    display_name: Mapped[str] = mapped_column(Text)
    # Of the mails to come, as in `users`.
    language: Mapped[str] = mapped_column(Text, server_default="")
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class EmailTokens(Base):
    """A one-time code sent by mail, hashed."""

    __tablename__ = "email_tokens"
    __table_args__ = (
        CheckConstraint("purpose IN ('VERIFY_EMAIL')", name="purpose"),
        Index(None, "registration_id"),
        Index(None, "expires_time"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    registration_id: Mapped[UUID] = mapped_column(ForeignKey("registrations.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(Text)
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class LoginThrottles(Base):
    """What was tried of late for an account, an address or a code, hashed so that no list of addresses builds up."""

    __tablename__ = "login_throttles"
    __table_args__ = (Index(None, "updated_time"),)

    subject_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failure_count: Mapped[int] = mapped_column(Integer)
    blocked_until_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
