"""Stock as protobuf."""

from kontor.inventory.v1 import inventory_pb2

from server.features.inventory.values import Stock
from server.kernel.ids import Prefix, format_id
from server.rpc.messages import to_timestamp


def stock_message(stock: Stock) -> inventory_pb2.Stock:
    """Show the counters of a variant."""
    return inventory_pb2.Stock(
        id=format_id(Prefix.STOCK, stock.id),
        variant_id=format_id(Prefix.VARIANT, stock.variant_id),
        on_hand_count=stock.on_hand,
        reserved_count=stock.reserved,
        safety_count=stock.safety,
        available_count=stock.available,
        backorder_limit_count=stock.backorder_limit,
        update_time=to_timestamp(stock.updated_time),
    )
