"""The job queue: the tables and functions of procrastinate, in its own SQL."""

from collections.abc import Sequence

from alembic import op
from procrastinate.schema import SchemaManager

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_DROP = """
DO $$
DECLARE item record;
BEGIN
    FOR item IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'procrastinate\\_%' LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', item.relname);
    END LOOP;
    FOR item IN SELECT oid::regprocedure AS signature FROM pg_proc WHERE proname LIKE 'procrastinate\\_%' LOOP
        EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', item.signature);
    END LOOP;
    FOR item IN
        SELECT typname FROM pg_type WHERE typname LIKE 'procrastinate\\_%' AND typtype IN ('e', 'c') AND typrelid = 0
        UNION SELECT relname FROM pg_class WHERE relkind = 'c' AND relname LIKE 'procrastinate\\_%'
    LOOP
        EXECUTE format('DROP TYPE IF EXISTS %I CASCADE', item.typname);
    END LOOP;
END $$
"""


def upgrade() -> None:
    """Create the queue."""
    # Run by psycopg without parameters: the text has percent signs that are no placeholders.
    _execute(SchemaManager.get_schema())


def downgrade() -> None:
    """Drop the queue with every job in it."""
    _execute(_DROP)


def _execute(sql: str) -> None:
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    connection.cursor().execute(sql)
