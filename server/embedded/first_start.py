"""What a shop needs before its first worker starts: the schema, what pricing asks for, an administrator, goods.

Runs as a program of its own (`python -m server.embedded.first_start`), so that `kontor up` stays small and can end it.
Each line on its standard output tells a step: `step NAME`, `detail TEXT`, and at the end `admin made` or `admin kept`.
Everything in here may run again after it was cut short.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from server.app import App, build
from server.db.migrate import head_revision, upgrade
from server.goods import SAMPLE_PRODUCTS, import_products
from server.pricing.service import ensure_defaults
from server.settings import Settings, load_settings

Tell = Callable[[str, str], None]


async def prepare(settings: Settings, email: str, password: str, *, goods_marker: Path, tell: Tell) -> None:
    """Bring the database to what this version needs; the sample goods come once, even if they are deleted later."""
    tell("step", "Migrations")
    await asyncio.to_thread(upgrade, settings.database_url.get_secret_value())
    tell("detail", f"schema {await asyncio.to_thread(head_revision)}")
    async with await build(settings) as app:
        await _set_up(app, email, password, tell)
    if not goods_marker.exists():
        tell("step", "Sample catalog")
        report = await import_products(
            settings, SAMPLE_PRODUCTS, lambda done, total: tell("detail", f"{done} of {total} products")
        )
        tell("detail", f"{report.created + report.updated + report.unchanged} products, {report.variants} variants")
        goods_marker.touch()


async def _set_up(app: App, email: str, password: str, tell: Tell) -> None:
    tell("step", "Administrator")
    async with app.core.db.write() as tx:
        await ensure_defaults(tx)
    made = await app.features.accounts.ensure_admin(email, password)
    tell("detail", email)
    tell("admin", "made" if made else "kept")


def _tell(kind: str, text: str) -> None:
    print(kind, text, flush=True)


def main() -> int:
    """Prepare the shop of the environment; return the exit code."""
    environment = os.environ
    try:
        asyncio.run(
            prepare(
                load_settings(),
                environment["KONTOR_ADMIN_EMAIL"],
                environment["KONTOR_ADMIN_PASSWORD"],
                goods_marker=Path(environment["KONTOR_HOME"]) / "goods-imported",
                tell=_tell,
            )
        )
    # The edge of this program: whatever it is, the parent shows its last line and names the log.
    except Exception as error:
        import traceback

        traceback.print_exc()
        print(f"{type(error).__name__}: {error}".splitlines()[0], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
