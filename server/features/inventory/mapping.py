"""Stock as protobuf."""

from kontor.inventory.v1 import inventory_pb2

from server.features.inventory.values import Stock
from server.kernel.ids import STOCK, VARIANT
from server.rpc.messages import Fields, to_time


def to_stock(stock: Stock) -> inventory_pb2.Stock:
    """Show the counters of a variant."""
    fields: Fields = {
        "id": STOCK.write(stock.id),
        "variant_id": VARIANT.write(stock.variant_id),
        "on_hand_count": stock.on_hand,
        "reserved_count": stock.reserved,
        "safety_count": stock.safety,
        "available_count": stock.available,
        "backorder_limit_count": stock.backorder_limit,
        "update_time": to_time(stock.updated_time),
    }
    return inventory_pb2.Stock(**fields)
