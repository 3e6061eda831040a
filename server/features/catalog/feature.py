"""What the catalog brings."""

from collections.abc import Sequence

from kontor.catalog.v1 import catalog_service_pb2

from server.features.catalog.freshness_rules import outdated_tags
from server.features.catalog.service import BrowseService
from server.features.catalog.servicer import CatalogServicer
from server.features.core import Core, Feature, service_of
from server.features.events.follow_service import Follower
from server.kernel.event import Event
from server.rpc.cache import ResponseCache
from server.rpc.chain import Service


class CatalogFeature(Feature):
    """Products to browse, and kept answers that follow what happens to them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._follower = None if core.cache is None else _follower(core, core.cache)

    def services(self) -> Sequence[Service]:
        core = self._core
        browse = BrowseService(db=core.db)
        servicer = CatalogServicer(db=core.db, browse=browse, currency=core.settings.default_currency)
        return [service_of(catalog_service_pb2, servicer)]

    async def start(self) -> None:
        if self._follower is not None:
            await self._follower.start()

    async def close(self) -> None:
        if self._follower is not None:
            await self._follower.stop()


def _follower(core: Core, cache: ResponseCache) -> Follower:
    def drop_outdated(events: Sequence[Event]) -> None:
        cache.drop(set().union(*map(outdated_tags, events)))

    return Follower(core.db, on_events=drop_outdated, on_found=cache.trust, on_lost=cache.distrust)
