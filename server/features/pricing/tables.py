"""What pricing a cart needs besides the goods: tax rates and ways of shipping."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Integer, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, CHAR
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base


class TaxRates(Base):
    """A rate for one class of goods sent to one country, or to one region of it."""

    __tablename__ = "tax_rates"
    __table_args__ = (
        CheckConstraint("rate_ppm >= 0 AND rate_ppm <= 10000000", name="rate_ppm"),
        UniqueConstraint("country", "region", "tax_class", "name"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    country: Mapped[str] = mapped_column(CHAR(2))
    # Empty: the whole country. Else it applies there in addition to the country's rates.
    region: Mapped[str] = mapped_column(Text, server_default="")
    tax_class: Mapped[str] = mapped_column(Text, server_default="standard")
    name: Mapped[str] = mapped_column(Text)
    # Parts per million: 19 % is 190000.
    rate_ppm: Mapped[int] = mapped_column(Integer)
    # Prices already contain it (Europe) or it is added to them (USA).
    included: Mapped[bool] = mapped_column()
    applies_to_shipping: Mapped[bool] = mapped_column(server_default=text("true"))


class ShippingMethods(Base):
    """A way to send a parcel."""

    __tablename__ = "shipping_methods"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    # ISO 3166-1 alpha-2 codes; empty: everywhere.
    countries: Mapped[list[str]] = mapped_column(ARRAY(CHAR(2)), server_default=text("'{}'"))
    tax_class: Mapped[str] = mapped_column(Text, server_default="standard")
    position: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class ShippingPrices(Base):
    """What a shipping method costs in one currency; without a row it is not offered in that currency."""

    __tablename__ = "shipping_prices"
    __table_args__ = (CheckConstraint("amount_minor >= 0", name="amount_minor"),)

    shipping_method_id: Mapped[UUID] = mapped_column(
        ForeignKey("shipping_methods.id", ondelete="CASCADE"), primary_key=True
    )
    currency: Mapped[str] = mapped_column(CHAR(3), primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    # From this value of goods on it is free; NULL: never.
    free_from_amount_minor: Mapped[int | None] = mapped_column(BigInteger)
