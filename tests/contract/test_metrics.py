"""What is counted is what docs/metrics.md says."""

import re
from collections.abc import Iterator
from pathlib import Path

from server.app import App, build
from server.db.session import Database
from server.metrics.exposition import registry_of
from server.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(kontor_\w+)` \| (\w+) \|\s*([^|]*?)\s*\| .+ \|$", re.MULTILINE)


async def test_the_page_lists_what_is_counted(db: Database, settings: Settings) -> None:
    async with await build(settings.model_copy(update={"response_cache_bytes": 1_000_000})) as shop:
        shop.server("127.0.0.1:0")
        metrics = shop.core.metrics
        metrics.show(*shop.dispatcher().figures())
        metrics.jobs.of("things.paint", "done")

        assert sorted(shown(shop)) == sorted(documented())


def shown(shop: App) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for family in registry_of(shop.core.metrics).collect():
        if family.name.startswith("kontor_"):
            [labels] = {tuple(name for name in sample.labels if name != "le") for sample in family.samples}
            total = "_total" if family.type == "counter" else ""
            yield f"{family.name}{total}", family.type, labels


def documented() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for name, kind, labels in ROW.findall(PAGE.read_text(encoding="utf-8")):
        yield name, kind, tuple(re.findall(r"`(\w+)`", labels))
