"""Categories, products, their variants, prices and pictures."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, CHAR, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base


class Categories(Base):
    """A node of the category tree."""

    __tablename__ = "categories"
    __table_args__ = (
        Index("ix_categories_path", "path", postgresql_ops={"path": "text_pattern_ops"}),
        Index(None, "parent_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("categories.id", ondelete="RESTRICT"))
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    # The slugs from the root down, each followed by a slash: descendants are one prefix search.
    path: Mapped[str] = mapped_column(Text, unique=True)
    position: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Products(Base):
    """What the shop shows: one page, one or more variants that can be bought."""

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("status IN ('DRAFT', 'ACTIVE', 'ARCHIVED')", name="status"),
        Index("ix_products_newest", "created_time", "id", postgresql_where=text("status = 'ACTIVE'")),
        Index("ix_products_title", "title", "id", postgresql_where=text("status = 'ACTIVE'")),
        Index(
            "ix_products_category_newest",
            "category_id",
            "created_time",
            "id",
            postgresql_where=text("status = 'ACTIVE'"),
        ),
        Index("ix_products_vendor_newest", "vendor", "created_time", "id", postgresql_where=text("status = 'ACTIVE'")),
        Index("ix_products_search", "search", postgresql_using="gin"),
        # Searches look here first: a word in the title says more than one in the text.
        Index("ix_products_title_words", text("to_tsvector('simple', title)"), postgresql_using="gin"),
        Index("ix_products_tags", "tags", postgresql_using="gin"),
        Index(
            "ix_products_title_trigrams",
            "title",
            postgresql_using="gin",
            postgresql_ops={"title": "gin_trgm_ops"},
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    # The handle of an imported product; unique over all states, so that a link never changes its meaning.
    slug: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    description_html: Mapped[str] = mapped_column(Text, server_default="")
    vendor: Mapped[str] = mapped_column(Text, server_default="")
    product_type: Mapped[str] = mapped_column(Text, server_default="")
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    status: Mapped[str] = mapped_column(Text)
    category_id: Mapped[UUID | None] = mapped_column(ForeignKey("categories.id", ondelete="SET NULL"))
    # [{"name": "Size", "values": ["S", "M"]}, ...] in the order of Variant.option_values.
    options: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    seo_title: Mapped[str] = mapped_column(Text, server_default="")
    seo_description: Mapped[str] = mapped_column(Text, server_default="")
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # Words of the description without markup, written with it: the search document has no HTML in it.
    description_text: Mapped[str] = mapped_column(Text, server_default="")
    # Tags as one text: array_to_string is not immutable, so the writer joins them.
    tags_text: Mapped[str] = mapped_column(Text, server_default="")
    search: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(to_tsvector('simple', title), 'A') || "
            "setweight(to_tsvector('simple', vendor || ' ' || product_type || ' ' || tags_text), 'B') || "
            "setweight(to_tsvector('simple', left(description_text, 4000)), 'D')",
            persisted=True,
        ),
    )


class ProductMedia(Base):
    """A picture of a product, in the order of `position`."""

    __tablename__ = "product_media"
    __table_args__ = (UniqueConstraint("product_id", "position"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    url: Mapped[str] = mapped_column(Text)
    alt_text: Mapped[str] = mapped_column(Text, server_default="")


class Variants(Base):
    """What can be bought: one combination of a product's options."""

    __tablename__ = "variants"
    __table_args__ = (
        CheckConstraint("weight_grams >= 0", name="weight_grams"),
        UniqueConstraint("product_id", "option_values"),
        Index("ix_variants_product", "product_id", "position", "id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    # Shops need not give one; where given it is unique in the shop.
    sku: Mapped[str | None] = mapped_column(Text, unique=True)
    # Empty for a product without options.
    option_values: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    barcode: Mapped[str] = mapped_column(Text, server_default="")
    weight_grams: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    requires_shipping: Mapped[bool] = mapped_column(server_default=text("true"))
    # 'standard', 'reduced', 'exempt', ...: names a class of tax_rates.
    tax_class: Mapped[str] = mapped_column(Text, server_default="standard")
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class VariantPrices(Base):
    """The price of a variant in one currency."""

    __tablename__ = "variant_prices"
    __table_args__ = (
        CheckConstraint("amount_minor >= 0", name="amount_minor"),
        CheckConstraint("compare_at_amount_minor > amount_minor", name="compare_at_amount_minor"),
    )

    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"), primary_key=True)
    currency: Mapped[str] = mapped_column(CHAR(3), primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    # The former price that is struck through; NULL when there is none.
    compare_at_amount_minor: Mapped[int | None] = mapped_column(BigInteger)


class ProductPrices(Base):
    """The span of a product's variant prices in one currency, kept by the transaction that changes a price.

    Lists filter and sort by it; computing it from the variants would read the whole catalog.
    """

    __tablename__ = "product_prices"
    __table_args__ = (Index("ix_product_prices_lowest", "currency", "min_amount_minor", "product_id"),)

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    currency: Mapped[str] = mapped_column(CHAR(3), primary_key=True)
    min_amount_minor: Mapped[int] = mapped_column(BigInteger)
    max_amount_minor: Mapped[int] = mapped_column(BigInteger)
    # Of the cheapest variant; NULL when it has none.
    compare_at_amount_minor: Mapped[int | None] = mapped_column(BigInteger)
