"""What can go wrong with stock."""

from collections.abc import Mapping
from itertools import islice

from server.kernel.errors import FailedPrecondition, NotFound
from server.kernel.ids import VARIANT, VariantId

# Errors travel in trailers, of which gRPC's clients take 8 KiB by default: https://grpc.io/docs/guides/metadata/
_IN_WORDS = 3
_IN_METADATA = 40


class OutOfStock(FailedPrecondition):
    """Not enough is left; `available` names each short variant with what can be had."""

    reason = "OUT_OF_STOCK"

    def __init__(self, available: Mapping[VariantId, int]) -> None:
        self.available = available
        some = islice(available.items(), _IN_METADATA)
        left = {VARIANT.write(variant_id): str(count) for variant_id, count in some}
        listed = ", ".join(f"{count} of {variant}" for variant, count in islice(left.items(), _IN_WORDS))
        if len(available) > _IN_WORDS:
            listed += f" and fewer than wanted of {len(available) - _IN_WORDS} more"
        if len(available) > _IN_METADATA:
            left["more_count"] = str(len(available) - _IN_METADATA)
        super().__init__(f"Not enough is left: {listed} can be had", metadata=left)


class StockReserved(FailedPrecondition):
    """The change would leave fewer units than orders hold."""

    reason = "STOCK_RESERVED"

    def __init__(self, *, on_hand: int, reserved: int) -> None:
        super().__init__(
            f"Orders hold {reserved} of the {on_hand} units on hand; fewer than that cannot be left",
            metadata={"on_hand": str(on_hand), "reserved": str(reserved)},
        )


class StockNotTracked(FailedPrecondition):
    """The variant has no stock counter."""

    reason = "STOCK_NOT_TRACKED"

    def __init__(self, variant_id: VariantId) -> None:
        variant = VARIANT.write(variant_id)
        super().__init__(f"The stock of {variant} is not counted", metadata={"variant_id": variant})


class VariantNotFound(NotFound):
    """There is no such variant."""

    def __init__(self, variant_id: VariantId) -> None:
        super().__init__(f"There is no variant {VARIANT.write(variant_id)}")
