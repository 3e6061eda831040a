"""Why an order is not placed, or does not take the next step."""

from collections.abc import Collection
from datetime import timedelta
from typing import ClassVar

from server.kernel.errors import Aborted, FailedPrecondition, NotFound
from server.kernel.ids import ORDER_LINE, OrderLineId
from server.kernel.money import Money, format_amount


class OrderNotFound(NotFound):
    """The order does not exist, or is not the caller's."""

    def __init__(self) -> None:
        super().__init__("There is no such order for this caller")


class FulfillmentNotFound(NotFound):
    """The order has no such fulfillment."""

    def __init__(self) -> None:
        super().__init__("The order has no such fulfillment")


class PriceChanged(Aborted):
    """The cart costs something else than the buyer saw."""

    reason = "PRICE_CHANGED"

    def __init__(self, expected: Money, actual: Money) -> None:
        super().__init__(
            f"The total is {format_amount(actual.amount_minor, actual.currency)} {actual.currency} now; "
            "show the cart again",
            metadata={
                "expected_amount_minor": str(expected.amount_minor),
                "expected_currency_code": expected.currency,
                "amount_minor": str(actual.amount_minor),
                "currency_code": actual.currency,
            },
        )


class _TransitionInvalid(FailedPrecondition):
    """The state does not permit this step."""

    reason = "INVALID_TRANSITION"
    thing: ClassVar[str]

    def __init__(self, current: str, target: str, allowed: Collection[str]) -> None:
        names = ",".join(sorted(allowed))
        super().__init__(
            f"{self.thing} is {current} and cannot become {target}; it can become: {names or 'nothing'}",
            metadata={"from": current, "to": target, "allowed": names},
        )


class OrderTransitionInvalid(_TransitionInvalid):
    """The order is not where this step begins."""

    thing = "the order"


class FulfillmentTransitionInvalid(_TransitionInvalid):
    """The fulfillment is not where this step begins."""

    thing = "the fulfillment"


class NothingToFulfill(FailedPrecondition):
    """More of a line is to be packed than is left of it; without a line, everything is packed already."""

    reason = "NOTHING_TO_FULFILL"

    def __init__(self, line_id: OrderLineId | None = None, *, remaining: int = 0) -> None:
        if line_id is None:
            super().__init__("Everything of this order is packed already", metadata={"remaining": "0"})
            return
        line = ORDER_LINE.write(line_id)
        super().__init__(
            f"{remaining} of {line} are left to pack", metadata={"line_id": line, "remaining": str(remaining)}
        )


class InvoiceNotIssued(FailedPrecondition):
    """An invoice is issued when the order is paid."""

    reason = "INVOICE_NOT_ISSUED"

    def __init__(self) -> None:
        super().__init__("The order has no invoice yet: it is issued when the order is paid")


class OrderNumberTaken(Aborted):
    """The random number of a new order is in use already; the same call draws another one."""

    def __init__(self) -> None:
        super().__init__("A collision; repeat the call", retry_after=timedelta(milliseconds=10))
