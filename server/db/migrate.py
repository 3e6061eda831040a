"""Migrations as functions: bring a database to the newest schema, ask where it stands, write a new migration.

There is no alembic.ini: the database's address comes from the caller and the rest is fixed. All functions block, so
coroutines call them in a thread.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine
from sqlalchemy.pool import NullPool

import server
from server.db.base import Base

MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "migrations"
# The key of the advisory lock under which one deployer at a time migrates: "kontor" as a number.
LOCK_KEY: Final = int.from_bytes(b"kontor", "big")
_LOCK_POLL_SECONDS: Final = 0.2
_PROGRAM: Final = Path(server.__file__).parent


class MigrationLockTimeout(Exception):
    """Another deployer held the migration lock for too long."""


def upgrade(database_url: str, revision: str = "head", *, patience_seconds: float = 600) -> None:
    """Bring the database to the revision; nothing happens when it stands there already.

    Deployers that start together wait for each other. Raises MigrationLockTimeout after `patience_seconds`.
    """
    _run(database_url, patience_seconds, lambda config: command.upgrade(config, revision))


def downgrade(database_url: str, revision: str, *, patience_seconds: float = 600) -> None:
    """Take the database back to the revision; `base` is the empty database."""
    _run(database_url, patience_seconds, lambda config: command.downgrade(config, revision))


def write_migration(database_url: str, message: str) -> None:
    """Write a migration from the newest one to the table classes, for a person to check."""

    def write(config: Config) -> None:
        # Numbered, so that two branches that both add one meet in a merge conflict and not in two heads.
        number = 1 + sum(1 for _ in ScriptDirectory.from_config(config).walk_revisions())
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")

    _run(database_url, 0, write)


def current_revision(database_url: str) -> str | None:
    """Return the revision the database stands at; None: no migration ever ran."""
    with _connect(database_url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str | None:
    """Return the newest revision of this program; None: there are no migrations."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def metadata() -> MetaData:
    """Return the description of all tables of all features."""
    for path in sorted(_PROGRAM.rglob("*tables.py")):
        import_module(".".join(path.relative_to(_PROGRAM.parent).with_suffix("").parts))
    return Base.metadata


def _run(database_url: str, patience_seconds: float, action: Callable[[Config], object]) -> None:
    config = _config()
    with _connect(database_url) as connection:
        _lock(connection, patience_seconds)
        config.attributes["connection"] = connection
        action(config)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _connect(database_url: str) -> Iterator[Connection]:
    # psycopg reads the address, so that it may have every form that libpq knows, as for the pool.
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def _lock(connection: Connection, patience_seconds: float) -> None:
    """Take the lock that ends with the connection.

    It is tried again and again instead of awaited, because CREATE INDEX CONCURRENTLY waits for every running
    statement, and a statement that waits for the lock would never end: a deadlock.
    """
    deadline = time.monotonic() + patience_seconds
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({LOCK_KEY})").scalar_one():
        connection.rollback()
        if time.monotonic() >= deadline:
            raise MigrationLockTimeout(f"another process is migrating this database since {patience_seconds:.0f} s")
        time.sleep(_LOCK_POLL_SECONDS)
    connection.commit()
