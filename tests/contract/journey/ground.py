"""The shop under the walks, as somebody who runs one opens it: prepared, stocked from a file, worked by its jobs.

All that the walks need of the program's inside, and of the other tests' helpers, stands here.
"""

import csv
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import grpc
import procrastinate
import psycopg
from pydantic import SecretStr

from server.app import App, build
from server.db.jobs import make_job_app
from server.goods import import_products, prepare_shop
from server.settings import Settings
from tests.contract.journey.veil import START
from tests.fakes import StripeStandIn
from tests.shop import Mailbox, ManualClock

ADMIN_EMAIL: Final = "admin@shop.example"
PASSWORD: Final = "violet harbour 93 teapot"
_GOODS: Final = Path(__file__).with_name("goods.csv")
# Where the worker does what a minute brings.
_EVERY_MINUTE: Final = "* * * * *"

Row = dict[str, str]


@dataclass
class Ground:
    """A shop and all that surrounds it."""

    app: App
    settings: Settings
    clock: ManualClock
    stripe: StripeStandIn
    mailbox: Mailbox
    jobs: procrastinate.App
    # The tasks that are due every minute.
    minutely: Sequence[Any]
    # What was there before the walk: when it began by the database's clock, and how many intents Stripe knew.
    opened: str = ""
    earlier_intents: int = 0

    async def work(self) -> None:
        """Hand on every event and run every job that is due."""
        dispatcher = self.app.features.dispatcher()
        await dispatcher.start()
        fresh = True
        while fresh:
            while await dispatcher.dispatch():
                pass
            await self.jobs.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
            fresh = bool(await dispatcher.dispatch())

    async def do_minutely(self) -> None:
        """Do once what is due every minute."""
        for task in self.minutely:
            await task.defer_async(timestamp=0)
            await self.work()

    async def stock_up(self, rows: Sequence[Row]) -> None:
        """Bring a product file into the shop."""
        with NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
            file.flush()
            report = await import_products(self.settings, Path(file.name), lambda done, total: None)
        assert not report.errors, report.errors

    async def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Look at the tables, or change what no call changes yet."""
        url = self.settings.database_url.get_secret_value()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            cursor = await connection.execute(statement.encode())
            return await cursor.fetchall() if cursor.description else []

    async def outbox(self) -> dict[str, Any]:
        """Return what left the shop besides answers and mails: events, jobs, and what Stripe was asked."""
        events = await self.sql(
            f"SELECT type, aggregate_id::text, data FROM events WHERE created_time > '{self.opened}' ORDER BY position"
        )
        # Those of every minute are the walk's own.
        jobs = await self.sql(
            "SELECT task_name, args, status::text FROM procrastinate_jobs WHERE NOT args ? 'timestamp' ORDER BY id"
        )
        intents = list(self.stripe.intents.values())[self.earlier_intents :]
        shown = ("id", "amount", "currency", "status", "metadata")
        return {
            "events": [{"type": kind, "of": of, "data": sorted(data)} for kind, of, data in events],
            "jobs": [{"task": task, "args": sorted(args), "status": status} for task, args, status in jobs],
            "asked of Stripe": list(self.stripe.calls),
            "intents at Stripe": [{name: intent[name] for name in shown} for intent in intents],
        }


def goods() -> list[Row]:
    """Read what the shop sells, row by row."""
    with _GOODS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@asynccontextmanager
async def open_ground(
    app: App, settings: Settings, clock: ManualClock, stripe: StripeStandIn, mailbox: Mailbox
) -> AsyncIterator[Ground]:
    """Prepare and stock an empty shop; its clock stands at START."""
    clock.time = START
    await prepare_shop(settings, ADMIN_EMAIL, PASSWORD)
    jobs = make_job_app(settings.database_url.get_secret_value())
    app.features.register_jobs(jobs)
    periodic = jobs.periodic_registry.periodic_tasks
    minutely = sorted((one.task for one in periodic.values() if one.cron == _EVERY_MINUTE), key=lambda task: task.name)
    # The worker would defer them by the wall clock, and a walk would be another one every minute.
    periodic.clear()
    ground = Ground(app, settings, clock, stripe, mailbox, jobs, minutely)
    # What goes abroad has one way less, so that an address can rule a way out.
    await ground.sql("UPDATE shipping_methods SET countries = '{DE,AT}' WHERE code = 'express'")
    await ground.stock_up(goods())
    async with jobs.open_async():
        await ground.work()
        [(ground.opened,)] = await ground.sql("SELECT clock_timestamp()::text")
        ground.earlier_intents = len(stripe.intents)
        yield ground


@asynccontextmanager
async def without_providers(ground: Ground) -> AsyncIterator[grpc.aio.Channel]:
    """Serve the same shop with neither Stripe nor bank transfer, and with the seller's address on its invoices."""
    changes = {
        "stripe_api_key": SecretStr(""),
        "bank_transfer_days": 0,
        "shop_name": "Kontor & Töchter",
        "shop_address": ("Am Kai 4", "20457 Hamburg"),
        "shop_vat_id": "DE123456789",
    }
    settings = ground.settings.model_copy(update=changes)
    async with await build(settings, clock=ground.clock, mailer=ground.mailbox) as app:
        server = app.server("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield channel
        await server.stop(0)
