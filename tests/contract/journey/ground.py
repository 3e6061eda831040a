"""The shop under the walks, as somebody who runs one opens it: prepared, stocked from a file, worked by its jobs.

All that the walks need of the program's inside stands here.
"""

import csv
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import grpc
from pydantic import SecretStr

from server.app import build
from server.run.provision import import_products, prepare_shop
from server.settings import Settings
from tests.contract.journey.veil import START
from tests.world.people import PASSWORD
from tests.world.shop import Shop, serving

ADMIN_EMAIL: Final = "admin@shop.example"
_GOODS: Final = Path(__file__).with_name("goods.csv")
_EVERY_MINUTE: Final = "* * * * *"

Row = dict[str, str]


@dataclass
class Ground:
    """A shop and what was there before the walk."""

    shop: Shop
    settings: Settings
    # When the walk began by the database's clock, and how many intents Stripe knew.
    opened: str = ""
    earlier_intents: int = 0

    async def do_minutely(self) -> None:
        """Do once what is due every minute."""
        periodics = [one for feature in self.shop.app.features for one in feature.jobs().periodics]
        for name in sorted(one.name for one in periodics if one.cron == _EVERY_MINUTE):
            await self.shop.work(name)

    async def stock_up(self, rows: Sequence[Row]) -> None:
        """Bring a product file into the shop."""
        with NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
            file.flush()
            report = await import_products(self.settings, Path(file.name), lambda done, total: None)
        assert not report.errors, report.errors

    async def outbox(self) -> dict[str, Any]:
        """Return what left the shop besides answers and mails: events, jobs, and what Stripe was asked."""
        events = await self.shop.run(
            "SELECT type, aggregate_id::text, data FROM events WHERE created_time > %s::timestamptz ORDER BY position",
            self.opened,
        )
        # Those of every minute are the walk's own.
        jobs = await self.shop.run(
            "SELECT task_name, args, status::text FROM procrastinate_jobs WHERE NOT args ? 'timestamp' ORDER BY id"
        )
        intents = list(self.shop.stripe.intents.values())[self.earlier_intents :]
        shown = ("id", "amount", "currency", "status", "metadata")
        return {
            "events": [{"type": kind, "of": of, "data": sorted(data)} for kind, of, data in events],
            "jobs": [{"task": task, "args": sorted(args), "status": status} for task, args, status in jobs],
            "asked of Stripe": list(self.shop.stripe.calls),
            "intents at Stripe": [{name: intent[name] for name in shown} for intent in intents],
        }


def goods() -> list[Row]:
    """Read what the shop sells, row by row."""
    with _GOODS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@asynccontextmanager
async def open_ground(shop: Shop, settings: Settings) -> AsyncIterator[Ground]:
    """Prepare and stock an empty shop; its clock stands at START."""
    shop.clock.time = START
    await prepare_shop(settings, ADMIN_EMAIL, PASSWORD)
    ground = Ground(shop, settings)
    # What goes abroad has one way less, so that an address can rule a way out.
    await shop.run("UPDATE shipping_methods SET countries = '{DE,AT}' WHERE code = 'express'")
    await ground.stock_up(goods())
    await shop.work()
    [(ground.opened,)] = await shop.run("SELECT clock_timestamp()::text")
    ground.earlier_intents = len(shop.stripe.intents)
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
    settings, shop = ground.settings.model_copy(update=changes), ground.shop
    async with await build(settings, clock=shop.clock, mailer=shop.mailbox) as app, serving(app) as channel:
        yield channel
