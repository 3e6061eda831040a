"""The first tables: accounts, catalog, stock, carts, orders, payments, events."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from server.features.events.tables import Xid8

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Create the tables."""
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "categories",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["categories.id"], name="fk_categories_parent_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_categories"),
        sa.UniqueConstraint("path", name="uq_categories_path"),
        sa.UniqueConstraint("slug", name="uq_categories_slug"),
    )
    op.create_index("ix_categories_parent_id", "categories", ["parent_id"], unique=False)
    op.create_index(
        "ix_categories_path", "categories", ["path"], unique=False, postgresql_ops={"path": "text_pattern_ops"}
    )
    op.create_table(
        "event_cursors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("transaction_id", Xid8(), server_default=sa.text("'0'"), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_event_cursors"),
    )
    op.create_table(
        "events",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transaction_id", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_events"),
        sa.UniqueConstraint("aggregate_id", "sequence", name="uq_events_aggregate_id_sequence"),
        sa.UniqueConstraint("id", name="uq_events_id"),
    )
    op.create_index("ix_events_order", "events", ["transaction_id", "position"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=True),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(key) BETWEEN 1 AND 128", name=op.f("ck_idempotency_keys_key")),
        sa.PrimaryKeyConstraint("scope", "method", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_expires_time", "idempotency_keys", ["expires_time"], unique=False)
    op.create_table(
        "invoice_counters",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name="pk_invoice_counters"),
    )
    op.create_table(
        "locations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_locations"),
        sa.UniqueConstraint("name", name="uq_locations_name"),
    )
    op.create_table(
        "login_throttles",
        sa.Column("subject_hash", sa.LargeBinary(), nullable=False),
        sa.Column("failure_count", sa.Integer(), nullable=False),
        sa.Column("blocked_until_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject_hash", name="pk_login_throttles"),
    )
    op.create_index("ix_login_throttles_updated_time", "login_throttles", ["updated_time"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("fulfillment_status", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("included_tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("taxes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("shipping_address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("billing_address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("shipping_method", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("placed_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "fulfillment_status IN ('NOT_REQUIRED', 'UNFULFILLED', 'PARTIALLY_FULFILLED', 'FULFILLED', 'DELIVERED')",
            name=op.f("ck_orders_fulfillment_status"),
        ),
        sa.CheckConstraint(
            "payment_status IN ('NOT_REQUIRED', 'UNPAID', 'PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID', 'OVERPAID', 'PARTIALLY_REFUNDED', 'REFUNDED', 'VOIDED')",
            name=op.f("ck_orders_payment_status"),
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'CONFIRMED', 'COMPLETED', 'CANCELED', 'EXPIRED')", name=op.f("ck_orders_status")
        ),
        sa.CheckConstraint("total_minor >= 0", name=op.f("ck_orders_total_minor")),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("cart_id", name="uq_orders_cart_id"),
        sa.UniqueConstraint("number", name="uq_orders_number"),
    )
    op.create_index(
        "ix_orders_pending", "orders", ["expires_time"], unique=False, postgresql_where=sa.text("status = 'PENDING'")
    )
    op.create_index("ix_orders_user_newest", "orders", ["user_id", "id"], unique=False)
    op.create_table(
        "provider_events",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payment_reference", sa.Text(), server_default="", nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("received_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("provider", "event_id", name="pk_provider_events"),
    )
    op.create_index(
        "ix_provider_events_kept",
        "provider_events",
        ["payment_reference"],
        unique=False,
        postgresql_where=sa.text("applied_time IS NULL"),
    )
    op.create_table(
        "shipping_methods",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("countries", postgresql.ARRAY(sa.CHAR(length=2)), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("tax_class", sa.Text(), server_default="standard", nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shipping_methods"),
        sa.UniqueConstraint("code", name="uq_shipping_methods_code"),
    )
    op.create_table(
        "tax_rates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.CHAR(length=2), nullable=False),
        sa.Column("region", sa.Text(), server_default="", nullable=False),
        sa.Column("tax_class", sa.Text(), server_default="standard", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rate_ppm", sa.Integer(), nullable=False),
        sa.Column("included", sa.Boolean(), nullable=False),
        sa.Column("applies_to_shipping", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("rate_ppm >= 0 AND rate_ppm <= 10000000", name=op.f("ck_tax_rates_rate_ppm")),
        sa.PrimaryKeyConstraint("id", name="pk_tax_rates"),
        sa.UniqueConstraint(
            "country", "region", "tax_class", "name", name="uq_tax_rates_country_region_tax_class_name"
        ),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), server_default="CUSTOMER", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("email_verified_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('CUSTOMER', 'VENDOR', 'ADMIN')", name=op.f("ck_users_role")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_lower")),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )
    op.create_index(
        "ix_users_unverified",
        "users",
        ["updated_time"],
        unique=False,
        postgresql_where=sa.text("email_verified_time IS NULL"),
    )
    op.create_table(
        "carts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), server_default="OPEN", nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("shipping_address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("billing_address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("shipping_method_id", sa.Uuid(), nullable=True),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('OPEN', 'ORDERED', 'MERGED', 'FORGOTTEN')", name=op.f("ck_carts_status")),
        sa.ForeignKeyConstraint(
            ["shipping_method_id"], ["shipping_methods.id"], name="fk_carts_shipping_method_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_carts_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_carts"),
    )
    op.create_index(
        "ix_carts_closed",
        "carts",
        ["updated_time"],
        unique=False,
        postgresql_where=sa.text("status IN ('ORDERED', 'MERGED')"),
    )
    op.create_index(
        "ix_carts_expires_time", "carts", ["expires_time"], unique=False, postgresql_where=sa.text("status = 'OPEN'")
    )
    op.create_index(
        "uq_carts_open_user", "carts", ["user_id"], unique=True, postgresql_where=sa.text("status = 'OPEN'")
    )
    op.create_table(
        "registrations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_registrations_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_registrations"),
    )
    op.create_index("ix_registrations_created_time", "registrations", ["created_time"], unique=False)
    op.create_index("ix_registrations_user_id", "registrations", ["user_id"], unique=False)
    op.create_table(
        "email_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('VERIFY_EMAIL')", name=op.f("ck_email_tokens_purpose")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registrations.id"], name="fk_email_tokens_registration_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name="pk_email_tokens"),
    )
    op.create_index("ix_email_tokens_expires_time", "email_tokens", ["expires_time"], unique=False)
    op.create_index("ix_email_tokens_registration_id", "email_tokens", ["registration_id"], unique=False)
    op.create_table(
        "fulfillments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), server_default="", nullable=False),
        sa.Column("tracking_number", sa.Text(), server_default="", nullable=False),
        sa.Column("tracking_url", sa.Text(), server_default="", nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shipped_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('PENDING', 'SHIPPED', 'DELIVERED', 'CANCELED')", name=op.f("ck_fulfillments_status")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_fulfillments_order_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_fulfillments"),
    )
    op.create_index("ix_fulfillments_order_id", "fulfillments", ["order_id"], unique=False)
    op.create_table(
        "invoices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("issued_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_invoices_order_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_invoices"),
        sa.UniqueConstraint("number", name="uq_invoices_number"),
        sa.UniqueConstraint("order_id", name="uq_invoices_order_id"),
        sa.UniqueConstraint("year", "sequence", name="uq_invoices_year_sequence"),
    )
    op.create_table(
        "order_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("requires_shipping", sa.Boolean(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("shipped_quantity", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity")),
        sa.CheckConstraint("shipped_quantity BETWEEN 0 AND quantity", name=op.f("ck_order_lines_shipped_quantity")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_lines_order_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_order_lines"),
        sa.UniqueConstraint("order_id", "position", name="uq_order_lines_order_id_position"),
    )
    op.create_table(
        "order_timeline",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), server_default="", nullable=False),
        sa.Column("to_state", sa.Text(), server_default="", nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "actor_kind IN ('CUSTOMER', 'GUEST', 'STAFF', 'SHOP')", name=op.f("ck_order_timeline_actor_kind")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_timeline_order_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_order_timeline"),
        sa.UniqueConstraint("order_id", "sequence", name="uq_order_timeline_order_id_sequence"),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("client_secret", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("failure_code", sa.Text(), server_default="", nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("provider IN ('STRIPE', 'MANUAL')", name=op.f("ck_payments_provider")),
        sa.CheckConstraint(
            "status IN ('CREATED', 'REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'CAPTURED', 'FAILED', 'CANCELED', 'VOIDED', 'EXPIRED')",
            name=op.f("ck_payments_status"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payments_amount_minor")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_payments_order_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_payments"),
    )
    op.create_index(
        "ix_payments_in_flight",
        "payments",
        ["checked_time"],
        unique=False,
        postgresql_where=sa.text("status IN ('CREATED', 'REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'FAILED')"),
    )
    op.create_index("ix_payments_order_id", "payments", ["order_id"], unique=False)
    op.create_index("uq_payments_provider_reference", "payments", ["provider", "provider_reference"], unique=True)
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description_html", sa.Text(), server_default="", nullable=False),
        sa.Column("vendor", sa.Text(), server_default="", nullable=False),
        sa.Column("product_type", sa.Text(), server_default="", nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=True),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("seo_title", sa.Text(), server_default="", nullable=False),
        sa.Column("seo_description", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("description_text", sa.Text(), server_default="", nullable=False),
        sa.Column("tags_text", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', vendor || ' ' || product_type || ' ' || tags_text), 'B') || setweight(to_tsvector('simple', left(description_text, 4000)), 'D')",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("status IN ('DRAFT', 'ACTIVE', 'ARCHIVED')", name=op.f("ck_products_status")),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name="fk_products_category_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_products"),
        sa.UniqueConstraint("slug", name="uq_products_slug"),
    )
    op.create_index(
        "ix_products_category_newest",
        "products",
        ["category_id", "created_time", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )
    op.create_index(
        "ix_products_newest",
        "products",
        ["created_time", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )
    op.create_index("ix_products_search", "products", ["search"], unique=False, postgresql_using="gin")
    op.create_index("ix_products_tags", "products", ["tags"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_products_title", "products", ["title", "id"], unique=False, postgresql_where=sa.text("status = 'ACTIVE'")
    )
    op.create_index(
        "ix_products_title_trigrams",
        "products",
        ["title"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"title": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_products_title_words",
        "products",
        [sa.literal_column("to_tsvector('simple', title)")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        "ix_products_vendor_newest",
        "products",
        ["vendor", "created_time", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_agent", sa.Text(), server_default="", nullable=False),
        sa.Column("remote_address", sa.Text(), server_default="", nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_time", "sessions", ["expires_time"], unique=False)
    op.create_index(
        "ix_sessions_revoked_time",
        "sessions",
        ["revoked_time"],
        unique=False,
        postgresql_where=sa.text("revoked_time IS NOT NULL"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], unique=False)
    op.create_table(
        "shipping_prices",
        sa.Column("shipping_method_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("free_from_amount_minor", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_shipping_prices_amount_minor")),
        sa.ForeignKeyConstraint(
            ["shipping_method_id"],
            ["shipping_methods.id"],
            name="fk_shipping_prices_shipping_method_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("shipping_method_id", "currency", name="pk_shipping_prices"),
    )
    op.create_table(
        "fulfillment_lines",
        sa.Column("fulfillment_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_fulfillment_lines_quantity")),
        sa.ForeignKeyConstraint(
            ["fulfillment_id"], ["fulfillments.id"], name="fk_fulfillment_lines_fulfillment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_lines.id"], name="fk_fulfillment_lines_order_line_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("fulfillment_id", "order_line_id", name="pk_fulfillment_lines"),
    )
    op.create_table(
        "payment_transactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('AUTHORIZATION', 'CAPTURE', 'VOID', 'REFUND')", name=op.f("ck_payment_transactions_kind")
        ),
        sa.CheckConstraint("status IN ('PENDING', 'SUCCEEDED', 'FAILED')", name=op.f("ck_payment_transactions_status")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_transactions_amount_minor")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name="fk_payment_transactions_payment_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment_transactions"),
    )
    op.create_index(
        "ix_payment_transactions_pending",
        "payment_transactions",
        ["payment_id"],
        unique=False,
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_index(
        "uq_payment_transactions_reference",
        "payment_transactions",
        ["payment_id", "kind", "provider_reference"],
        unique=True,
    )
    op.create_table(
        "product_media",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("alt_text", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_product_media_product_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_product_media"),
        sa.UniqueConstraint("product_id", "position", name="uq_product_media_product_id_position"),
    )
    op.create_table(
        "product_prices",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("min_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("max_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("compare_at_amount_minor", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_product_prices_product_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", "currency", name="pk_product_prices"),
    )
    op.create_index(
        "ix_product_prices_lowest", "product_prices", ["currency", "min_amount_minor", "product_id"], unique=False
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_refresh_tokens_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name="pk_refresh_tokens"),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"], unique=False)
    op.create_table(
        "variants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("option_values", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("barcode", sa.Text(), server_default="", nullable=False),
        sa.Column("weight_grams", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("requires_shipping", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("tax_class", sa.Text(), server_default="standard", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("weight_grams >= 0", name=op.f("ck_variants_weight_grams")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_variants_product_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_variants"),
        sa.UniqueConstraint("product_id", "option_values", name="uq_variants_product_id_option_values"),
        sa.UniqueConstraint("sku", name="uq_variants_sku"),
    )
    op.create_index("ix_variants_product", "variants", ["product_id", "position", "id"], unique=False)
    op.create_table(
        "cart_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 9999", name=op.f("ck_cart_items_quantity")),
        sa.ForeignKeyConstraint(["cart_id"], ["carts.id"], name="fk_cart_items_cart_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name="fk_cart_items_variant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_cart_items"),
        sa.UniqueConstraint("cart_id", "variant_id", name="uq_cart_items_cart_id_variant_id"),
    )
    op.create_table(
        "stock_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("safety", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("backorder_limit", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("backorder_limit >= 0", name=op.f("ck_stock_items_backorder_limit")),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stock_items_on_hand")),
        sa.CheckConstraint("reserved <= on_hand + backorder_limit", name=op.f("ck_stock_items_reserved_covered")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_stock_items_reserved")),
        sa.CheckConstraint("safety >= 0", name=op.f("ck_stock_items_safety")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name="fk_stock_items_location_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name="fk_stock_items_variant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_stock_items"),
        sa.UniqueConstraint("variant_id", name="uq_stock_items_variant_id"),
    )
    op.create_table(
        "variant_prices",
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("compare_at_amount_minor", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_variant_prices_amount_minor")),
        sa.CheckConstraint(
            "compare_at_amount_minor > amount_minor", name=op.f("ck_variant_prices_compare_at_amount_minor")
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name="fk_variant_prices_variant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("variant_id", "currency", name="pk_variant_prices"),
    )
    op.create_table(
        "reservations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("stock_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expires_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('HELD', 'COMMITTED', 'CONSUMED', 'RELEASED', 'EXPIRED')", name=op.f("ck_reservations_status")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservations_quantity")),
        sa.ForeignKeyConstraint(["stock_id"], ["stock_items.id"], name="fk_reservations_stock_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_reservations"),
        sa.UniqueConstraint("order_id", "stock_id", "sequence", name="uq_reservations_order_id_stock_id_sequence"),
    )
    op.create_index(
        "ix_reservations_committed",
        "reservations",
        ["stock_id"],
        unique=False,
        postgresql_where=sa.text("status = 'COMMITTED'"),
    )
    op.create_index(
        "ix_reservations_held",
        "reservations",
        ["stock_id", "expires_time"],
        unique=False,
        postgresql_where=sa.text("status = 'HELD'"),
    )
    op.create_table(
        "stock_movements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("stock_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("on_hand_delta", sa.BigInteger(), nullable=False),
        sa.Column("reserved_delta", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('INITIAL', 'ADJUST', 'HOLD', 'COMMIT', 'CONSUME', 'RELEASE', 'EXPIRE', 'RESTOCK')",
            name=op.f("ck_stock_movements_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["stock_id"], ["stock_items.id"], name="fk_stock_movements_stock_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_stock_movements"),
    )
    op.create_index("ix_stock_movements_stock", "stock_movements", ["stock_id", "id"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    op.drop_index("ix_stock_movements_stock", table_name="stock_movements")
    op.drop_table("stock_movements")
    op.drop_index(
        "ix_reservations_committed", table_name="reservations", postgresql_where=sa.text("status = 'COMMITTED'")
    )
    op.drop_index("ix_reservations_held", table_name="reservations", postgresql_where=sa.text("status = 'HELD'"))
    op.drop_table("reservations")
    op.drop_table("variant_prices")
    op.drop_table("stock_items")
    op.drop_table("cart_items")
    op.drop_index("ix_variants_product", table_name="variants")
    op.drop_table("variants")
    op.drop_index("ix_refresh_tokens_session_id", table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index("ix_product_prices_lowest", table_name="product_prices")
    op.drop_table("product_prices")
    op.drop_table("product_media")
    op.drop_index("uq_payment_transactions_reference", table_name="payment_transactions")
    op.drop_index(
        "ix_payment_transactions_pending",
        table_name="payment_transactions",
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.drop_table("payment_transactions")
    op.drop_table("fulfillment_lines")
    op.drop_table("shipping_prices")
    op.drop_index("ix_sessions_user_id", table_name="sessions")
    op.drop_index(
        "ix_sessions_revoked_time", table_name="sessions", postgresql_where=sa.text("revoked_time IS NOT NULL")
    )
    op.drop_index("ix_sessions_expires_time", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(
        "ix_products_title_trigrams",
        table_name="products",
        postgresql_using="gin",
        postgresql_ops={"title": "gin_trgm_ops"},
    )
    op.drop_index("ix_products_title", table_name="products", postgresql_where=sa.text("status = 'ACTIVE'"))
    op.drop_index("ix_products_tags", table_name="products", postgresql_using="gin")
    op.drop_index("ix_products_search", table_name="products", postgresql_using="gin")
    op.drop_index("ix_products_newest", table_name="products", postgresql_where=sa.text("status = 'ACTIVE'"))
    op.drop_index("ix_products_category_newest", table_name="products", postgresql_where=sa.text("status = 'ACTIVE'"))
    op.drop_table("products")
    op.drop_index("uq_payments_provider_reference", table_name="payments")
    op.drop_index("ix_payments_order_id", table_name="payments")
    op.drop_index(
        "ix_payments_in_flight",
        table_name="payments",
        postgresql_where=sa.text("status IN ('CREATED', 'REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'FAILED')"),
    )
    op.drop_table("payments")
    op.drop_table("order_timeline")
    op.drop_table("order_lines")
    op.drop_table("invoices")
    op.drop_index("ix_fulfillments_order_id", table_name="fulfillments")
    op.drop_table("fulfillments")
    op.drop_index("ix_email_tokens_registration_id", table_name="email_tokens")
    op.drop_index("ix_email_tokens_expires_time", table_name="email_tokens")
    op.drop_table("email_tokens")
    op.drop_index("ix_registrations_user_id", table_name="registrations")
    op.drop_index("ix_registrations_created_time", table_name="registrations")
    op.drop_table("registrations")
    op.drop_index("uq_carts_open_user", table_name="carts", postgresql_where=sa.text("status = 'OPEN'"))
    op.drop_index("ix_carts_expires_time", table_name="carts", postgresql_where=sa.text("status = 'OPEN'"))
    op.drop_index("ix_carts_closed", table_name="carts", postgresql_where=sa.text("status IN ('ORDERED', 'MERGED')"))
    op.drop_table("carts")
    op.drop_index("ix_users_unverified", table_name="users", postgresql_where=sa.text("email_verified_time IS NULL"))
    op.drop_table("users")
    op.drop_table("tax_rates")
    op.drop_table("shipping_methods")
    op.drop_index(
        "ix_provider_events_kept", table_name="provider_events", postgresql_where=sa.text("applied_time IS NULL")
    )
    op.drop_table("provider_events")
    op.drop_index("ix_orders_user_newest", table_name="orders")
    op.drop_index("ix_orders_pending", table_name="orders", postgresql_where=sa.text("status = 'PENDING'"))
    op.drop_table("orders")
    op.drop_index("ix_login_throttles_updated_time", table_name="login_throttles")
    op.drop_table("login_throttles")
    op.drop_table("locations")
    op.drop_table("invoice_counters")
    op.drop_index("ix_idempotency_keys_expires_time", table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index("ix_events_order", table_name="events")
    op.drop_table("events")
    op.drop_table("event_cursors")
    op.drop_index("ix_categories_path", table_name="categories", postgresql_ops={"path": "text_pattern_ops"})
    op.drop_index("ix_categories_parent_id", table_name="categories")
    op.drop_table("categories")
    op.execute("DROP EXTENSION IF EXISTS pg_trgm")
