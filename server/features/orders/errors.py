"""Why an order is not placed, or does not take the next step."""

from collections.abc import Collection
from datetime import timedelta

from server.kernel.errors import Aborted, FailedPrecondition, NotFound
from server.kernel.ids import OrderLineId, Prefix, format_id
from server.kernel.money import format_amount


class OrderNotFound(NotFound):
    """The order does not exist, or is not the caller's."""

    def __init__(self) -> None:
        super().__init__("There is no such order for this caller")


class FulfillmentNotFound(NotFound):
    """The order has no such parcel."""

    def __init__(self) -> None:
        super().__init__("The order has no such fulfillment")


class PriceChanged(Aborted):
    """The cart costs something else than the buyer saw."""

    reason = "PRICE_CHANGED"

    def __init__(self, expected_minor: int, expected_currency: str, actual_minor: int, currency: str) -> None:
        super().__init__(
            f"The total is {format_amount(actual_minor, currency)} {currency} now; show the cart again",
            metadata={
                "expected_amount_minor": str(expected_minor),
                "expected_currency_code": expected_currency,
                "amount_minor": str(actual_minor),
                "currency_code": currency,
            },
        )


class InvalidTransition(FailedPrecondition):
    """The state does not permit this step."""

    reason = "INVALID_TRANSITION"

    def __init__(self, what: str, current: str, wanted: str, allowed: Collection[str]) -> None:
        names = ",".join(sorted(allowed))
        super().__init__(
            f"{what} is {current} and cannot become {wanted}; it can become: {names or 'nothing'}",
            metadata={"from": current, "to": wanted, "allowed": names},
        )


class NothingToFulfill(FailedPrecondition):
    """More of a line is to be packed than is left of it."""

    reason = "NOTHING_TO_FULFILL"

    def __init__(self, line_id: OrderLineId | None, remaining: int) -> None:
        if line_id is None:
            super().__init__("Everything of this order is packed already", metadata={"remaining": "0"})
            return
        name = format_id(Prefix.ORDER_LINE, line_id)
        super().__init__(
            f"{remaining} of {name} are left to pack", metadata={"line_id": name, "remaining": str(remaining)}
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
