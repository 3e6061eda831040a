"""Events have versions; accounts have a language and, for staff, permissions; orders have a language.

Entries of a timeline are of the kinds that the program knows.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("events", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("orders", sa.Column("language", sa.Text(), server_default="", nullable=False))
    op.add_column("registrations", sa.Column("language", sa.Text(), server_default="", nullable=False))
    op.add_column("users", sa.Column("language", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "users",
        sa.Column("permissions", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.drop_constraint(op.f("ck_users_role"), "users", type_="check")
    op.create_check_constraint("role", "users", "role IN ('CUSTOMER', 'VENDOR', 'STAFF', 'ADMIN')")
    op.create_check_constraint(
        "kind",
        "order_timeline",
        "kind IN ('PLACED', 'STATUS_CHANGED', 'PAYMENT_CHANGED', 'FULFILLMENT_CREATED', 'SHIPPED', 'INVOICE_ISSUED')",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_order_timeline_kind"), "order_timeline", type_="check")
    op.drop_constraint(op.f("ck_users_role"), "users", type_="check")
    op.create_check_constraint("role", "users", "role IN ('CUSTOMER', 'VENDOR', 'ADMIN')")
    op.drop_column("users", "permissions")
    op.drop_column("users", "language")
    op.drop_column("registrations", "language")
    op.drop_column("orders", "language")
    op.drop_column("events", "version")
