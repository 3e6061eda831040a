"""InventoryService."""

from kontor.inventory.v1 import inventory_pb2, inventory_service_pb2

from server.db.session import Database
from server.features.inventory import queries
from server.features.inventory.mapping import to_stock
from server.features.inventory.service import InventoryService
from server.kernel.ids import VARIANT
from server.rpc.call import Call


class InventoryServicer:
    """Looking after stock."""

    def __init__(self, *, db: Database, service: InventoryService) -> None:
        self._db = db
        self._service = service

    async def GetStock(self, request: inventory_service_pb2.GetStockRequest, call: Call) -> inventory_pb2.Stock:
        """Return the counters of a variant."""
        variant_id = VARIANT.read(request.variant_id, "variant_id")
        async with self._db.read() as tx:
            return to_stock(await queries.get_stock(tx, variant_id))

    async def AdjustStock(self, request: inventory_service_pb2.AdjustStockRequest, call: Call) -> inventory_pb2.Stock:
        """Change how many units are there."""
        stock = await self._service.adjust_stock(
            VARIANT.read(request.variant_id, "variant_id"),
            delta=request.delta_count if request.HasField("delta_count") else None,
            on_hand=request.on_hand_count if request.HasField("on_hand_count") else None,
            reason=request.reason,
            actor_id=call.actor.user_id,
            claim=call.claim,
        )
        return to_stock(stock)
