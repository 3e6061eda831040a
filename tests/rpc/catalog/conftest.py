"""Importing a file that the test writes."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from server.db.session import Database
from server.features.catalog.importing.service import import_products
from server.features.catalog.importing.values import ImportReport
from server.features.inventory.service import create_stock
from tests.world.clock import ManualClock
from tests.world.files import parse


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock of the imports."""
    return ManualClock()


@pytest.fixture
def import_rows(db: Database, clock: ManualClock) -> Callable[..., Awaitable[ImportReport]]:
    """Return what imports some rows, an hour after the last ones."""

    async def import_them(*rows: dict[str, str]) -> ImportReport:
        # Whatever is written now can be told by its time.
        clock.advance(timedelta(hours=1))
        return await import_products(db, parse(*rows), keep_stock=create_stock, clock=clock)

    return import_them
