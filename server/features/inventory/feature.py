"""What stock brings."""

from collections.abc import Sequence

from kontor.inventory.v1 import inventory_service_pb2

from server.features.core import Core, Feature, service_of
from server.features.inventory.service import InventoryService
from server.features.inventory.servicer import InventoryServicer
from server.rpc.chain import Service


class InventoryFeature(Feature):
    """Stock counters."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.stock = InventoryService(db=core.db, clock=core.clock)

    def services(self) -> Sequence[Service]:
        return [service_of(inventory_service_pb2, InventoryServicer(db=self._core.db, service=self.stock))]
