"""What a shop needs before its first worker starts: the schema, what pricing asks for, an administrator, goods.

Runs as a program of its own (`python -m server.embedded.first_start`), so that `kontor up` stays small and can end it.
Each line on its standard output tells a step: `step NAME`, `detail TEXT`, and `admin made` or `admin kept`.
Everything in here may run again after it was cut short.
"""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.settings import Settings

Tell = Callable[[str, str], None]


def migrate(settings: Settings, tell: Tell) -> None:
    """Bring the database to the newest schema."""
    tell("step", "Migrations")
    from server.db.migrate import head_revision, upgrade

    upgrade(settings.database_url.get_secret_value())
    tell("detail", f"schema {head_revision()}")


async def set_up(settings: Settings, email: str, password: str, tell: Tell) -> None:
    """Make what pricing asks for, and an administrator unless the address has an account."""
    tell("step", "Administrator")
    from server.run.provision import prepare_shop

    made = await prepare_shop(settings, email, password)
    tell("detail", email)
    tell("admin", "made" if made else "kept")


async def fill(settings: Settings, marker: Path, tell: Tell) -> None:
    """Bring the sample goods into the shop, once: they do not come back when they are deleted."""
    if await asyncio.to_thread(marker.exists):
        return
    tell("step", "Sample catalog")
    from server.run.provision import SAMPLE_PRODUCTS, import_products

    report = await import_products(
        settings, SAMPLE_PRODUCTS, lambda done, total: tell("detail", f"{done} of {total} products")
    )
    tell("detail", f"{report.created + report.updated + report.unchanged} products, {report.variants} variants")
    await asyncio.to_thread(marker.touch)


def _tell(kind: str, text: str) -> None:
    print(kind, text, flush=True)


def main() -> int:
    """Prepare the shop of the environment; return the exit code."""
    from server.settings import load_settings

    environment = os.environ
    try:
        settings = load_settings()
        migrate(settings, _tell)
        email, password = environment["KONTOR_ADMIN_EMAIL"], environment["KONTOR_ADMIN_PASSWORD"]
        asyncio.run(set_up(settings, email, password, _tell))
        asyncio.run(fill(settings, Path(environment["KONTOR_HOME"]) / "goods-imported", _tell))
    # The edge of this program: whatever it is, the parent shows its last line and names the log.
    except Exception as error:
        traceback.print_exc()
        print(f"{type(error).__name__}: {error}".splitlines()[0], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
