"""Runs migrations on the connection that `server.db.migrate` opened and locked."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection
from sqlalchemy.schema import SchemaItem

from server.db.migrate import metadata

# A migration that cannot get its lock soon gives up: the queue of callers behind a waiting ALTER TABLE stops the shop.
LOCK_TIMEOUT = "5s"
# Longer work goes in small batches, in a job or in an autocommit block that sets its own limit.
STATEMENT_TIMEOUT = "5min"


def is_ours(item: SchemaItem, name: str | None, kind: str, reflected: bool, compare_to: SchemaItem | None) -> bool:
    """Leave out what procrastinate owns: its own SQL creates and changes it."""
    return name is None or not name.startswith("procrastinate_")


def render(kind: str, item: object, autogenerate: AutogenContext) -> Literal[False]:
    """Import our own column types in a new migration; its text is Alembic's."""
    module = type(item).__module__
    if kind == "type" and module.startswith("server."):
        autogenerate.imports.add(f"import {module}")
    return False


def run(connection: Connection) -> None:
    """Run each migration in a transaction of its own."""
    for setting, value in (("lock_timeout", LOCK_TIMEOUT), ("statement_timeout", STATEMENT_TIMEOUT)):
        connection.exec_driver_sql(f"SET {setting} = '{value}'")
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata(),
        include_object=is_ours,
        render_item=render,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
