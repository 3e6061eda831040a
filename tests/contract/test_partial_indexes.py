"""Statements meet their partial indexes in a plan for all values, which is what a prepared statement runs by after a
while. What is bound cannot be compared with the condition of an index.
"""

import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from server.db.batches import BatchDelete
from server.db.session import Database, WriteTx
from server.db.statement import _Statement, count_statements, together
from server.features.cart.queries import ForOwner
from server.features.orders import queries as order_queries
from server.features.orders.fulfillment import queries as fulfillment_queries
from server.features.payments.reconciliation import queries as reconciliation_queries
from server.features.payments.values import Provider
from server.features.payments.webhooks import queries as webhook_queries
from server.kernel.ids import VARIANT
from tests.contract.house import load
from tests.world.looking import execute

NOW = datetime(2031, 5, 4, tzinfo=UTC)


async def claim_stale(tx: WriteTx) -> None:
    await reconciliation_queries.claim_stale(tx, now=NOW, before=NOW - timedelta(minutes=1), count=50)


async def list_kept(tx: WriteTx) -> None:
    await together(tx, webhook_queries.listing_kept(Provider.STRIPE, "pi_1"))


async def list_overdue(tx: WriteTx) -> None:
    await order_queries.list_overdue(tx, now=NOW, count=200)


async def list_waiting_for(tx: WriteTx) -> None:
    await fulfillment_queries.list_waiting_for(tx, VARIANT.new(), count=1000)


@pytest.mark.parametrize(
    ("run", "index"),
    [
        (claim_stale, "ix_payments_in_flight"),
        (claim_stale, "ix_payment_transactions_pending"),
        (list_kept, "ix_provider_events_kept"),
        (list_overdue, "ix_orders_pending"),
        (list_waiting_for, "ix_reservations_committed"),
    ],
)
async def test_meets_its_partial_index(db: Database, run: Callable[[WriteTx], Awaitable[None]], index: str) -> None:
    async with db.write() as tx:
        with count_statements() as statements:
            await run(tx)
        # The tables are so small that reading all of them would be cheaper.
        await execute(tx, "SET LOCAL enable_seqscan = off")
        plan = await (await execute(tx, f"EXPLAIN (GENERIC_PLAN) {statements[-1]}")).fetchall()

    assert index in "\n".join(line for (line,) in plan)


def test_no_statement_binds_a_constant() -> None:
    """`word` and `number` write it into the statement. SQLAlchemy binds the bounds of window frames all the same."""
    load()
    found = [
        one for name, module in list(sys.modules.items()) if name.startswith("server.") for one in statements(module)
    ]

    assert len(found) > 100
    wrong = [one.sql for one in found if len(one.compiled._constants) > one.sql.count("::INTEGER PRECEDING")]
    assert wrong == []


def statements(module: ModuleType) -> Iterator[_Statement[Any]]:
    """Yield the statements of a module, those for users and guests and those of batches too."""
    for value in vars(module).values():
        inner = [value._user, value._guest] if isinstance(value, ForOwner) else [value]
        yield from (one for one in inner if isinstance(one, _Statement))
        for batch in value if isinstance(value, tuple) else (value,):
            if isinstance(batch, BatchDelete):
                yield batch._command
